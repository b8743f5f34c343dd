# Derived from mincloud/_async/transport.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The default transport: HTTP/1.1 over httpcore's connections, one request at a time on each.

httpx bounds each read rather than the whole attempt, so a server that drips bytes holds a caller for ever; only the kind of its errors says
whether a request may have left; and its pool costs more the wider it is. Here every connect, read and write gets the time that is left of
the attempt, and whether the system took a byte of the request is recorded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpcore

from .._concurrency.threads import ContextLocal
from .._logging import suppress_httpcore_logs
from .._urls import ascii_host, proxy_for, socks_errors
from ..errors import ConfigurationError, ConnectionFailed
from ..transports import Response, connection_failed, response_too_large, timed_out, transport_error
from .connections import Connection, ConnectionPool, ConnectionUse, Deadline, NothingSent

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from ..errors import TransportError
    from ..transports import Request
    from .connections import HTTP, Origin

# By RFC 9110.
_IDEMPOTENT = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PUT"))


def _address(url: str) -> tuple[Origin, httpcore.URL]:
    """A URL's origin, and the URL for httpcore; raises `ValueError` for what is no absolute URL of HTTP."""
    start = _ORIGIN.match(url)
    if start is None:
        raise ValueError("it has to start with http:// or https:// and a host")
    origin, scheme, host, port = _origin(start[0])
    target = url[start.end() :].partition("#")[0]
    if not target.startswith("/"):
        target = f"/{target}"
    return origin, httpcore.URL(
        scheme=scheme, host=host, port=port, target=quote(target, safe="!#$%&'()*+,/:;=?@[]~").encode("ascii")
    )


# Not those with a query, which may be a signature.
_cached_address = lru_cache(maxsize=64)(_address)

_ORIGIN = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


@lru_cache(maxsize=64)
def _origin(text: str) -> tuple[Origin, bytes, bytes, int | None]:
    """Scheme, host and port, for the pool and for httpcore; raises `ValueError` for an impossible host."""
    parts = urlsplit(text)
    if not parts.hostname:
        raise ValueError("it has to start with http:// or https:// and a host")
    host = ascii_host(parts.hostname)
    origin = (parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80))
    return origin, parts.scheme.encode("ascii"), host.encode("ascii"), parts.port


def _outgoing(request: Request) -> tuple[Origin, httpcore.Request]:
    """The origin of a request, and the request for httpcore; raises `ValueError` if its URL is no absolute URL of HTTP."""
    origin, url = (_address if "?" in request.url else _cached_address)(request.url)
    headers = [*request.headers]
    if request.content or request.method in ("POST", "PATCH", "PUT"):
        headers.append((b"Content-Length", str(len(request.content)).encode("ascii")))
    outgoing = httpcore.Request(request.method, url, content=request.content)
    # Not as an argument: httpcore would check each name and value for what they are by their types already.
    outgoing.headers = headers
    return origin, outgoing


class HTTPTransport:
    """The default `mincloud.Transport`."""

    def __init__(self) -> None:
        self._pools = ContextLocal(ConnectionPool, ConnectionPool.close)
        self._ssl_context: ssl.SSLContext | None = None
        self._closed = False

    def send(self, request: Request, timeout: float) -> Response:
        """See `mincloud.Transport.send`."""
        deadline = Deadline(timeout)
        addressed: tuple[Origin, httpcore.Request] | None = None
        problem = ""
        try:
            addressed = _outgoing(request)
        except ValueError as error:
            problem = str(error)
        # Not within `except`: the context's frames hold headers and URLs, and with them tokens and signatures.
        if addressed is None:
            raise transport_error(ConnectionFailed, f"this is not an address: {problem}", request, may_have_run=False)
        origin, outgoing = addressed
        pool = self._pools.get()
        while True:
            use = ConnectionUse(deadline, request.method)
            response = self._try(pool, origin, request, outgoing, use, timeout)
            if response is not None:
                return response
            if deadline.has_passed():
                raise timed_out(request, timeout, sent=use.sent)

    def _try(
        self,
        pool: ConnectionPool,
        origin: Origin,
        request: Request,
        outgoing: httpcore.Request,
        use: ConnectionUse,
        timeout: float,
    ) -> Response | None:
        """Sends a request on one connection; None if that was an idle one, found closed before anything was sent."""
        connection = pool.take(origin, may_repeat=request.method in _IDEMPOTENT)
        was_idle = connection is not None
        if connection is None:
            connection = Connection(self._connector(*origin), use)
        connection.use = use
        response: Response | None = None
        failure: TransportError | None = None
        try:
            with suppress_httpcore_logs(request):
                incoming = connection.http.handle_request(outgoing)
                try:
                    # A response before anything was sent came with the end of an earlier one, and answers no request.
                    if not was_idle or use.opened or use.sent:
                        content = _content(incoming, request)
                        response = Response(incoming.status, tuple(incoming.headers), content)
                finally:
                    incoming.close()
        except NothingSent as error:
            if not was_idle or use.opened:
                problem = f"the connection was closed at once: {error}"
                failure = transport_error(ConnectionFailed, problem, request, may_have_run=False)
        except httpcore.TimeoutException:
            failure = timed_out(request, timeout, sent=use.sent)
        except _connection_errors() as error:
            failure = connection_failed(request, str(error) or type(error).__name__, sent=use.sent)
        finally:
            if response is not None and connection.mark_idle(response.headers):
                pool.put(origin, connection)
                if self._closed:  # meanwhile, so that nothing else would close it
                    pool.close()
            else:
                connection.close()
        if failure is not None:
            raise failure
        return response

    def close(self) -> None:
        """Closes the idle connections of this event loop; those in use close at the end of their call."""
        self._closed = True
        self._pools.drop()

    def _connector(self, scheme: str, host: str, port: int) -> Callable[[httpcore.NetworkBackend], HTTP]:
        """What makes a connection to an origin, through the proxy that the environment names for it."""
        origin = httpcore.Origin(scheme.encode("ascii"), host.encode("ascii"), port)
        context = self._context() if scheme == "https" else None
        proxy = proxy_for(scheme, host, port)
        if proxy is None:
            return lambda backend: httpcore.HTTPConnection(origin, ssl_context=context, network_backend=backend)
        if proxy.url.startswith("socks"):
            if find_spec("socksio") is None:
                raise ConfigurationError(
                    "the environment names a SOCKS proxy, for which a package is missing: pip install 'httpx[socks]'"
                )
            return lambda backend: httpcore.SOCKSProxy(
                proxy_url=proxy.url,
                proxy_auth=proxy.auth,
                ssl_context=context,
                max_connections=1,
                network_backend=backend,
            )
        return lambda backend: httpcore.HTTPProxy(
            proxy_url=proxy.url,
            proxy_auth=proxy.auth,
            proxy_ssl_context=self._context() if proxy.url.startswith("https:") else None,
            ssl_context=context,
            max_connections=1,
            network_backend=backend,
        )

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            import httpx  # noqa: PLC0415 - takes a while, and an http:// address needs none of it

            try:
                self._ssl_context = httpx.create_ssl_context()
            except OSError as error:  # also what ssl raises
                raise ConfigurationError(
                    f"the certificates to trust cannot be loaded ({error.strerror or error}): correct SSL_CERT_FILE or SSL_CERT_DIR"
                ) from error
        return self._ssl_context


def _connection_errors() -> tuple[type[Exception], ...]:
    """What is raised for a connection that cannot be made, or breaks."""
    return (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.ConnectionNotAvailable,
        OSError,
        *socks_errors(),
    )


def _content(incoming: httpcore.Response, request: Request) -> bytes:
    """Reads the body of a response; one that is too large is an `InvalidResponse`."""
    parts: list[bytes] = []
    size = 0
    for part in incoming.iter_stream():
        parts.append(part)
        size += len(part)
        if size > request.max_response_bytes:
            raise response_too_large(request, incoming.status)
    return parts[0] if len(parts) == 1 else b"".join(parts)
