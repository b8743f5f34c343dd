# Derived from mincloud/_async/transport.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The default transport: HTTP/1.1 over httpcore's connections, one call to a connection.

Why not an httpx client: its timeouts are for each read, so a server that drips bytes holds a caller for ever; it says only by the kind of
its errors whether a request may have left; and its pool costs more the wider it is. Here every connect, read and write is given what is
left of the attempt's time, and whether the system took a byte of the request is noted.
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
from .._urls import ascii_host, proxy_for, redact_url
from ..errors import ConfigurationError, ConnectionFailed, RequestTimeout
from ..transports import Response, response_too_large
from .connections import Attempt, Connection, ConnectionPool, Deadline, NothingSent

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from ..transports import Request
    from .connections import HTTP, Origin

# As RFC 9110 has it: sent twice, they do what they do once.
_IDEMPOTENT = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PUT"))


def _address(url: str) -> tuple[Origin, httpcore.URL]:
    """A URL's origin, and the URL as httpcore takes it.

    Raises:
        ValueError: It is no absolute URL of HTTP.
    """
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


# A client has few origins, so that what is made of one is kept; the rest of a URL may hold a signature.
_ORIGIN = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


@lru_cache(maxsize=64)
def _origin(text: str) -> tuple[Origin, bytes, bytes, int | None]:
    """Scheme, host and port, as the pool and as httpcore take them.

    Raises:
        ValueError: It has no host, or an impossible one.
    """
    parts = urlsplit(text)
    if not parts.hostname:
        raise ValueError("it has to start with http:// or https:// and a host")
    host = ascii_host(parts.hostname)
    origin = (parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80))
    return origin, parts.scheme.encode("ascii"), host.encode("ascii"), parts.port


def _outgoing(request: Request) -> tuple[Origin, httpcore.Request]:
    """The origin of a request, and the request as httpcore takes it.

    Raises:
        ValueError: Its URL is no absolute URL of HTTP.
    """
    origin, url = _address(request.url)
    headers = [*request.headers]
    if request.content or request.method in ("POST", "PATCH", "PUT"):
        headers.append((b"Content-Length", str(len(request.content)).encode("ascii")))
    return origin, httpcore.Request(request.method, url, headers=headers, content=request.content)


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
        # No error is raised while another is handled: that one's frames hold headers and URLs, and with them tokens and signatures.
        if addressed is None:
            shown = redact_url(request.url)
            raise ConnectionFailed(
                f"{request.method} {shown} is not an address: {problem}",
                may_have_run=False,
                method=request.method,
                url=shown,
            )
        origin, outgoing = addressed
        pool = self._pools.get()
        while True:
            attempt = Attempt(deadline, request.method)
            response = self._try(pool, origin, request, outgoing, attempt, timeout)
            if response is not None:
                return response
            if deadline.is_over():
                raise _timed_out(request, attempt, timeout)

    def _try(
        self,
        pool: ConnectionPool,
        origin: Origin,
        request: Request,
        outgoing: httpcore.Request,
        attempt: Attempt,
        timeout: float,
    ) -> Response | None:
        """Sends a request on one connection; None if it was an idle one that turned out to be of no use before anything was sent."""
        connection, stale = pool.take(origin, may_repeat=request.method in _IDEMPOTENT)
        for expired in stale:
            expired.close()
        was_idle = connection is not None
        if connection is None:
            connection = Connection(self._connector(*origin), attempt)
        connection.attempt = attempt
        response: Response | None = None
        failure: ConnectionFailed | RequestTimeout | None = None
        try:
            with suppress_httpcore_logs():
                incoming = connection.http.handle_request(outgoing)
                try:
                    # Without anything sent it came together with the end of an earlier response, and answers nobody's request.
                    if not was_idle or attempt.opened or attempt.sent:
                        content = _content(incoming, request)
                        response = Response(incoming.status, tuple(incoming.headers), content)
                finally:
                    incoming.close()
        except NothingSent as error:
            if not was_idle or attempt.opened:
                failure = _failed(f"the connection was closed at once: {error}", request, may_have_run=False)
        except httpcore.TimeoutException:
            failure = _timed_out(request, attempt, timeout)
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.ProxyError,
            httpcore.ConnectionNotAvailable,
            OSError,
        ) as error:
            what = (
                "the connection broke before the answer was complete" if attempt.sent else "no connection could be made"
            )
            failure = _failed(f"{what}: {str(error) or type(error).__name__}", request, may_have_run=attempt.sent)
        finally:
            if response is not None and connection.rest(response.headers):
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


def _content(incoming: httpcore.Response, request: Request) -> bytes:
    """The body of a response.

    Raises:
        InvalidResponse: It is larger than allowed.
    """
    parts: list[bytes] = []
    size = 0
    for part in incoming.iter_stream():
        parts.append(part)
        size += len(part)
        if size > request.max_response_bytes:
            raise response_too_large(request, incoming.status)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _timed_out(request: Request, attempt: Attempt, timeout: float) -> RequestTimeout:
    phase = "the answer was not complete" if attempt.sent else "no connection was made"
    return RequestTimeout(
        f"{phase} within {round(timeout, 2):g} s ({request.method} {redact_url(request.url)})",
        may_have_run=attempt.sent,
        method=request.method,
        url=redact_url(request.url),
    )


def _failed(what: str, request: Request, *, may_have_run: bool) -> ConnectionFailed:
    url = redact_url(request.url)
    return ConnectionFailed(
        f"{what} ({request.method} {url})", may_have_run=may_have_run, method=request.method, url=url
    )
