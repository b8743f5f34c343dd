"""The default transport: HTTP/1.1 over httpcore, the engine of httpx, one call to a connection.

Why not an httpx client: its timeouts are for each read, so a server that drips bytes holds a caller for ever; it says only by the kind of
its errors whether a request may have left; and its pool costs more the wider it is. Here every read and write is given what is left
of the call's time, the first byte written is noted, and idle connections wait in a list of which the last comes first.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpcore

from .._concurrency.asyncio_ import ContextLocal, NetworkBackend
from .._logging import suppress_httpcore_logs
from .._urls import ascii_host, proxy_for, redact_url
from ..errors import ConfigurationError, ConnectionFailed, RequestTimeout
from ..transports import Request, Response

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    _Origin = tuple[str, str, int]

# A service closes idle connections at a time of its choosing; one that was idle for longer is not used again.
KEEP_ALIVE = 5.0
_MUCH = 1 << 20
# Sockets take no time limit of a month or more; longer ones are no limit in practice.
_LONGEST_TIMEOUT = 86_400.0 * 7


class _Deadline:
    """What is left of a call's time, and whether any of its request may have left."""

    __slots__ = ("_end", "written")

    def __init__(self) -> None:
        self.written = False
        self._end = float("inf")

    def start(self, timeout: float) -> None:
        self.written = False
        self._end = time.monotonic() + timeout if timeout <= _LONGEST_TIMEOUT else float("inf")

    def left(self, error: type[Exception]) -> float | None:
        """The seconds left, None for no end.

        Raises:
            Exception: None are left; the error that is given.
        """
        if self._end == float("inf"):
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise error("no time is left")
        return left


class _DeadlineStream(httpcore.AsyncNetworkStream):
    """A network stream that keeps to the deadline of the call it is used for.

    What is written waits until something is read, so that a request's head and body leave together.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._waiting: list[bytes] = []
        self._more_waits = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._waiting:
            await self._send_what_waits()
        # Where one read was not enough, the next takes all there is: a thread that reads may have to wait for its turn each time.
        size = _MUCH if self._more_waits else max_bytes
        data = await self._stream.read(size, self._deadline.left(httpcore.ReadTimeout))
        self._more_waits = len(data) >= max_bytes
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            self._waiting.append(buffer)

    async def _send_what_waits(self) -> None:
        left = self._deadline.left(httpcore.WriteTimeout)
        buffers, self._waiting = self._waiting, []
        # Asking a proxy for a way to the host carries nothing of the request.
        if not buffers[0].startswith(b"CONNECT "):
            self._deadline.written = True
        # A server may answer and close before it has read everything; its answer, or the lack of one, says more than this error.
        with suppress(httpcore.WriteError):
            await self._stream.write(b"".join(buffers), left)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        # The handshake carries nothing of the request.
        left = self._deadline.left(httpcore.ConnectTimeout)
        return _DeadlineStream(await self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens streams that keep to a deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._backend = NetworkBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        stream = await self._backend.connect_tcp(host, port, left, local_address, socket_options)
        return _DeadlineStream(stream, self._deadline)


class _Connection:
    """One connection with its deadline."""

    __slots__ = ("connection", "deadline", "idle_since")

    def __init__(
        self, connect: Callable[[_Backend], httpcore.AsyncConnectionInterface | httpcore.AsyncConnectionPool]
    ) -> None:
        self.deadline = _Deadline()
        self.connection = connect(_Backend(self.deadline))
        self.idle_since = time.monotonic()

    def is_open(self) -> bool:
        """Whether it was left open after a call."""
        # Through a proxy it is a pool of one, which looks after its connection itself.
        return isinstance(self.connection, httpcore.AsyncConnectionPool) or self.connection.is_idle()

    def is_reusable(self) -> bool:
        """Whether it can take another call."""
        if isinstance(self.connection, httpcore.AsyncConnectionPool):
            return True
        return self.connection.is_idle() and not self.connection.has_expired()


class _ConnectionPool:
    """The idle connections of one event loop or process, by origin."""

    __slots__ = ("idle",)

    def __init__(self) -> None:
        self.idle: dict[_Origin, list[_Connection]] = {}

    def take(self, origin: _Origin) -> tuple[_Connection | None, list[_Connection]]:
        """The connection that was used last and can be used again, and those that cannot."""
        waiting = self.idle.get(origin)
        stale: list[_Connection] = []
        found: _Connection | None = None
        while waiting and found is None:
            try:
                line = waiting.pop()
            except IndexError:  # another thread was quicker
                break
            if line.is_reusable():
                found = line
            else:
                stale.append(line)
        # Those at the front have waited for the longest: after a burst of calls they would otherwise stay open for ever.
        expired = time.monotonic() - KEEP_ALIVE
        while waiting and waiting[0].idle_since < expired:
            try:
                stale.append(waiting.pop(0))
            except IndexError:  # another thread was quicker
                break
        return found, stale

    def put(self, origin: _Origin, line: _Connection) -> None:
        """Keeps a connection for the next call."""
        line.idle_since = time.monotonic()
        self.idle.setdefault(origin, []).append(line)


async def _close_lines(lines: _ConnectionPool) -> None:
    idle, lines.idle = lines.idle, {}
    for waiting in idle.values():
        for line in waiting:
            await line.connection.aclose()


def _address(url: str) -> tuple[_Origin, httpcore.URL]:
    """A URL's origin, and the URL as httpcore takes it.

    Raises:
        ValueError: It is not the absolute address of something that speaks HTTP.
    """
    place = _ORIGIN.match(url)
    if place is None:
        raise ValueError("it has to start with http:// or https:// and a host")
    origin, scheme, host, port = _origin(place[0])
    target = url[place.end() :].partition("#")[0]
    if not target.startswith("/"):
        target = f"/{target}"
    return origin, httpcore.URL(
        scheme=scheme, host=host, port=port, target=quote(target, safe="!#$%&'()*+,/:;=?@[]~").encode("ascii")
    )


# The host and what is before it. A client has few of them, so what is made of one is kept; the rest may hold a signature.
_ORIGIN = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


@lru_cache(maxsize=64)
def _origin(place: str) -> tuple[_Origin, bytes, bytes, int | None]:
    """What scheme, host and port are for the connections, and for httpcore.

    Raises:
        ValueError: It is no place.
    """
    parts = urlsplit(place)
    if not parts.hostname:
        raise ValueError("it has to start with http:// or https:// and a host")
    host = ascii_host(parts.hostname)
    origin = (parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80))
    return origin, parts.scheme.encode("ascii"), host.encode("ascii"), parts.port


def _place(request: Request) -> str:
    return f"{request.method} {redact_url(request.url)}"


class AsyncHTTPTransport:
    """The default `mincloud.AsyncTransport`."""

    def __init__(self) -> None:
        self._lines = ContextLocal(_ConnectionPool, _close_lines)
        self._ssl_context: ssl.SSLContext | None = None
        self._closed = False

    async def send(self, request: Request, timeout: float) -> Response:
        """See `mincloud.AsyncTransport.send`."""
        try:
            origin, url = _address(request.url)
        except ValueError as error:
            raise ConnectionFailed(
                f"{_place(request)} is not an address: {error}",
                may_have_run=False,
                method=request.method,
                url=redact_url(request.url),
            ) from None
        headers = [*request.headers]
        if request.content or request.method in ("POST", "PATCH", "PUT"):
            headers.append((b"Content-Length", str(len(request.content)).encode("ascii")))
        outgoing = httpcore.Request(request.method, url, headers=headers, content=request.content)
        lines = await self._lines.get()
        # Where nothing was sent no time was spent either, so each has the whole of it.
        while (response := await self._try(lines, origin, request, outgoing, timeout)) is None:
            pass
        return response

    async def _try(
        self, lines: _ConnectionPool, origin: _Origin, request: Request, outgoing: httpcore.Request, timeout: float
    ) -> Response | None:
        """Sends a request on one connection; None if it was not sent, since the connection had an answer to something else."""
        line, stale = lines.take(origin)
        for expired in stale:
            await expired.connection.aclose()
        if line is None:
            line = _Connection(self._connector(*origin))
        line.deadline.start(timeout)
        finished = False
        try:
            with suppress_httpcore_logs():
                incoming = await line.connection.handle_async_request(outgoing)
                try:
                    # What came together with the end of an earlier answer is kept by the engine, and would be taken for this one.
                    if not line.deadline.written:
                        return None
                    content = await incoming.aread()
                finally:
                    await incoming.aclose()
            finished = True
        except httpcore.TimeoutException as error:
            raise self._timeout(request, line, timeout) from error
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.ProxyError,
            httpcore.ConnectionNotAvailable,
            OSError,
        ) as error:
            raise self._broken(request, line, error) from error
        finally:
            if finished and line.is_open():
                lines.put(origin, line)
                if self._closed:  # meanwhile, so that nothing else would close it
                    await _close_lines(lines)
            else:
                await line.connection.aclose()
        return Response(incoming.status, tuple(incoming.headers), content)

    async def aclose(self) -> None:
        """Closes the idle connections of this event loop; those in use close at the end of their call."""
        self._closed = True
        await self._lines.drop()

    @staticmethod
    def _timeout(request: Request, line: _Connection, timeout: float) -> RequestTimeout:
        phase = "the answer was not complete" if line.deadline.written else "no connection was made"
        return RequestTimeout(
            f"{phase} within {round(timeout, 2):g} s ({_place(request)})",
            may_have_run=line.deadline.written,
            method=request.method,
            url=redact_url(request.url),
        )

    @staticmethod
    def _broken(request: Request, line: _Connection, error: Exception) -> ConnectionFailed:
        what = (
            "the connection broke before the answer was complete"
            if line.deadline.written
            else "no connection could be made"
        )
        said = str(error) or type(error).__name__
        return ConnectionFailed(
            f"{what}: {said} ({_place(request)})",
            may_have_run=line.deadline.written,
            method=request.method,
            url=redact_url(request.url),
        )

    def _connector(
        self, scheme: str, host: str, port: int
    ) -> Callable[[_Backend], httpcore.AsyncConnectionInterface | httpcore.AsyncConnectionPool]:
        origin = httpcore.Origin(scheme.encode("ascii"), host.encode("ascii"), port)
        context = self._context() if scheme == "https" else None
        proxy = proxy_for(scheme, host, port)
        if proxy is None:
            return lambda backend: httpcore.AsyncHTTPConnection(
                origin, ssl_context=context, keepalive_expiry=KEEP_ALIVE, network_backend=backend
            )
        return lambda backend: httpcore.AsyncHTTPProxy(
            proxy_url=proxy.url,
            proxy_auth=proxy.auth,
            proxy_ssl_context=self._context() if proxy.url.startswith("https:") else None,
            ssl_context=context,
            max_connections=1,
            keepalive_expiry=KEEP_ALIVE,
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
