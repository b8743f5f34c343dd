# Derived from mincloud/_async/connections.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""Connections of httpcore with one deadline for all of an attempt, and the pool of the idle ones."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import httpcore

from .._concurrency.threads import network_backend

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Sequence

    Origin = tuple[str, str, int]
    HTTP = httpcore.ConnectionInterface | httpcore.ConnectionPool

# How long an idle connection stays open where the server does not say: Node and uvicorn close it after 5 s.
KEEP_ALIVE = 5.0
# The server begins to count earlier than the client, and its close takes time to arrive.
_MARGIN = 1.0
# Sockets take no timeout of a month or more; a longer one is no limit in practice.
_LONGEST_TIMEOUT = 86_400.0 * 7
_LARGE_READ = 1 << 20
# The size of a TLS record, which a ready socket takes at once, so that each write can be given the time that is left.
_CHUNK = 1 << 14

_KEEP_ALIVE_TIMEOUT = re.compile(rb'\btimeout\s*=\s*"?(\d+)', re.IGNORECASE)


class NothingSent(httpcore.WriteError):
    """The connection was closed before the system took a byte of the request."""


class Deadline:
    """The end of an attempt, so many seconds from now; they may be infinite."""

    __slots__ = ("_end",)

    def __init__(self, timeout: float) -> None:
        self._end = time.monotonic() + timeout if timeout <= _LONGEST_TIMEOUT else float("inf")

    def has_passed(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._end

    def remaining(self, error: type[Exception]) -> float | None:
        """The seconds that remain, None for no limit; raises the error if none do."""
        if self._end == float("inf"):
            return None
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise error("no time is left")
        return remaining


class ConnectionUse:
    """One use of a connection.

    Attributes:
        deadline: When it must have ended.
        opened: Whether the connection was opened for it.
        sent: Whether any byte of the request may have left.
    """

    __slots__ = ("_request_line", "deadline", "opened", "sent")

    def __init__(self, deadline: Deadline, method: str) -> None:
        self.deadline = deadline
        self.opened = False
        self.sent = False
        self._request_line = method.encode("ascii") + b" "

    def begins_request(self, data: memoryview) -> bool:
        """Whether bytes begin the request, rather than a proxy's `CONNECT` or a handshake."""
        return data[: len(self._request_line)].tobytes() == self._request_line


class _DeadlineStream(httpcore.NetworkStream):
    """A network stream that keeps to the deadline of the attempt it is used for.

    Written data waits until something is read, so that a request's head and body leave together.
    """

    def __init__(self, stream: httpcore.NetworkStream, connection: Connection) -> None:
        self._stream = stream
        self._connection = connection
        self._socket = stream.get_extra_info("socket")
        self._unsent: list[bytes] = []
        self._expects_more = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            self._send()
        # After a full read the next one takes all there is, since a thread waits for the interpreter's lock after each.
        size = _LARGE_READ if self._expects_more else max_bytes
        data = self._stream.read(size, self._connection.use.deadline.remaining(httpcore.ReadTimeout))
        self._expects_more = len(data) >= max_bytes
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            self._unsent.append(buffer)

    def _send(self) -> None:
        # As a view, since the bytes hold the token, and every frame on the way shows its local variables in a traceback.
        data: Any = memoryview(b"".join(self._unsent))
        self._unsent = []
        use = self._connection.use
        begins_request = use.begins_request(data)
        for start in range(0, len(data), _CHUNK):
            left = use.deadline.remaining(httpcore.WriteTimeout)
            use.sent = use.sent or begins_request
            try:
                self._stream.write(data[start : start + _CHUNK], left)
            except httpcore.WriteError as error:
                if begins_request and start == 0:
                    use.sent = False
                    raise NothingSent(str(error)) from error
                # A server may answer and close before it has read everything; its answer, or the lack of one, says more than this.
                return
            # An event loop reports no failed write. Nothing is read meanwhile, so that a socket closed by now was closed by this write.
            if begins_request and start == 0 and self._socket is not None and self._socket.fileno() < 0:
                use.sent = False
                raise NothingSent("the connection was closed before the request was sent")

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._connection.use.deadline.remaining(httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left), self._connection)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend(httpcore.NetworkBackend):
    """Opens the streams of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._backend = network_backend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        use = self._connection.use
        left = use.deadline.remaining(httpcore.ConnectTimeout)
        stream = self._backend.connect_tcp(host, port, left, local_address, socket_options)
        use.opened = True
        self._connection.stream = stream
        return _DeadlineStream(stream, self._connection)


class Connection:
    """A connection to one origin, used by one request at a time.

    Args:
        connect: Makes the connection of httpcore on a network backend.
        use: What it is used for first.

    Attributes:
        http: The connection of httpcore; through a proxy, a pool of one.
        use: Its current use, or the last one.
        stream: Its network stream, once there is one.
    """

    __slots__ = ("_idle_since", "_keep_alive", "http", "stream", "use")

    def __init__(self, connect: Callable[[httpcore.NetworkBackend], HTTP], use: ConnectionUse) -> None:
        self.use = use
        self.stream: httpcore.NetworkStream | None = None
        self.http = connect(_DeadlineBackend(self))
        self._idle_since = 0.0
        self._keep_alive: float | None = None

    def mark_idle(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Begins to be idle after a response with these headers; returns whether it can be used again."""
        # A pool of one keeps its connection itself.
        if not isinstance(self.http, httpcore.ConnectionPool) and not self.http.is_idle():
            return False
        if self._has_surplus():
            return False
        self._keep_alive = keep_alive_of(headers)
        self._idle_since = time.monotonic()
        return self._keep_alive != 0

    def _has_surplus(self) -> bool:
        """Whether bytes came behind the response, which httpcore would read as the beginning of the next one."""
        layer: Any = self.http
        if isinstance(layer, httpcore.ConnectionPool):
            layer = next(iter(layer.connections), None)
        while (inner := getattr(layer, "_connection", None)) is not None:
            layer = inner
        h11_state = getattr(layer, "_h11_state", None)  # no public name leads there
        return h11_state is not None and bool(h11_state.trailing_data[0])

    def has_expired(self, now: float) -> bool:
        """Whether it was idle for so long that the server may have closed it."""
        return now - self._idle_since > self._longest_idle()

    def is_doubtful(self, now: float) -> bool:
        """Whether it was idle for so long that a request which must not be sent twice takes a fresh one."""
        return now - self._idle_since > self._longest_idle() / 2

    def _longest_idle(self) -> float:
        keep_alive = KEEP_ALIVE if self._keep_alive is None else self._keep_alive
        return max(keep_alive - _MARGIN, keep_alive / 2)

    def is_reusable(self, now: float) -> bool:
        """Whether it can be used now."""
        if self.has_expired(now):
            return False
        # A readable idle connection was closed, or has bytes that answer no request; a pool of one checks that itself.
        return isinstance(self.http, httpcore.ConnectionPool) or not self.http.has_expired()

    def close(self) -> None:
        """Closes it."""
        self.http.close()
        # httpcore does not close the stream to a SOCKS proxy that has refused the connection.
        if self.stream is not None and isinstance(self.http, httpcore.ConnectionPool):
            self.stream.close()


def keep_alive_of(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    """The seconds for which the server keeps an idle connection, by its header `Keep-Alive`; None without one."""
    for name, value in headers:
        if name.lower() == b"keep-alive" and (found := _KEEP_ALIVE_TIMEOUT.search(value)):
            return min(float(found[1]), _LONGEST_TIMEOUT)
    return None


class ConnectionPool:
    """The idle connections of one event loop or process, by origin; the one that was used last is used first."""

    __slots__ = ("_idle",)

    def __init__(self) -> None:
        self._idle: dict[Origin, list[Connection]] = {}

    def take(self, origin: Origin, *, may_repeat: bool) -> Connection | None:
        """Takes an idle connection, None if a fresh one has to be made, and closes those that have expired.

        A doubtful connection is only taken for a request that may be repeated.
        """
        idle = self._idle.get(origin)
        stale: list[Connection] = []
        found: Connection | None = None
        now = time.monotonic()
        while idle and found is None:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was quicker
                break
            if not connection.is_reusable(now):
                stale.append(connection)
            elif connection.is_doubtful(now) and not may_repeat:
                idle.append(connection)
                break
            else:
                found = connection
        # Those at the front were idle for the longest: after a burst of calls they would otherwise stay open for ever.
        while idle and idle[0].has_expired(now):
            try:
                stale.append(idle.pop(0))
            except IndexError:  # another thread was quicker
                break
        try:
            _close_all(stale)
        except BaseException:  # cancelled or interrupted
            if found is not None:
                self.put(origin, found)
            raise
        return found

    def put(self, origin: Origin, connection: Connection) -> None:
        """Keeps an idle connection."""
        self._idle.setdefault(origin, []).append(connection)

    def close(self) -> None:
        """Closes the idle connections."""
        idle, self._idle = self._idle, {}
        _close_all([connection for connections in idle.values() for connection in connections])


def _close_all(connections: list[Connection]) -> None:
    """Closes connections, all of them even if it is cancelled or interrupted meanwhile."""
    try:
        while connections:
            connections.pop().close()
    finally:
        if connections:
            _close_all(connections)
