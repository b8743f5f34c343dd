"""A server on a raw socket that answers as it is told, byte by byte, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

FUNCTION = {"id": 7, "name": "greet", "function_code": "exports.main = () => {}"}
JOB = {"id": 3, "status": "fulfilled", "created_at": 1_700_000_000.5}


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ClientConnection:
    """The server's end of a connection, for answers that are no bytes."""

    def __init__(self, connection: socket.socket, stopped: threading.Event) -> None:
        self._connection = connection
        self._stopped = stopped

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def drip(self, data: bytes, interval: float = 0.05) -> None:
        """Sends byte after byte."""
        for value in data:
            self._connection.sendall(bytes((value,)))
            if self._stopped.wait(interval):
                return

    def pause(self, seconds: float | None = None) -> None:
        """Does nothing for a while, or until the server stops."""
        self._stopped.wait(seconds)

    def reset(self) -> None:
        """Breaks the connection with an RST."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


Reply = bytes | Callable[[ClientConnection, Received], bytes | None]


def reply(
    body: object = None, *, status: int = 200, headers: Iterable[tuple[str, str]] = (), raw: bytes | None = None
) -> bytes:
    """A well-formed response: `body` in JSON, or `raw` bytes as they are."""
    content = raw if raw is not None else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + content


def redirect(location: str, status: int = 302, *, cookie: str | None = None) -> bytes:
    headers = [("Location", location)]
    if cookie:
        headers.append(("Set-Cookie", cookie))
    return reply(status=status, headers=headers, raw=b"")


def result(data: object = None, *, code: int = 0, error: object = None) -> bytes:
    """The answer to an invocation."""
    return reply({"code": code, "data": data, "error": error if error is not None else {}})


def hang(connection: ClientConnection, _: Received) -> None:
    connection.pause()


def reset(connection: ClientConnection, _: Received) -> None:
    connection.reset()


def empty(connection: ClientConnection, _: Received) -> None:
    connection.close()


def drip(data: bytes, interval: float = 0.05) -> Reply:
    return lambda connection, _: connection.drip(data, interval)


def cut(data: bytes) -> Reply:
    """Sends this and closes the connection."""
    return lambda connection, _: connection.send(data)


@dataclass
class MisbehavingServer:
    """Gives one of its replies to each request, in order; the last one again and again.

    A reply is bytes, sent as they are, or a function of the connection and the request, which gives such bytes; the connection is
    closed after one that gives None.
    """

    replies: list[Reply]
    tls: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list[Received])
    connections: int = 0
    port: int = 0
    bound: socket.socket | None = None  # what it listens on, if that is settled

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._came = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._listener = self.bound or socket.create_server(("127.0.0.1", 0))
        self._listener.listen(1024)  # more than any test opens at once, however late they are accepted
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # Closing alone does not wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()  # so that no connection is added any more
        for connection in self._open:
            with contextlib.suppress(OSError):
                # Not the method of an encrypted one, which takes TLS away from under the thread that reads it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connection in self._open:
            connection.close()

    def wait_for(self, count: int) -> None:
        """Waits until so many requests have come, which may be after the client that sent them has given up."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.requests) >= count, 30), f"{len(self.requests)} of {count} came"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._start(self._serve, connection, self.connections)

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = connection.makefile("rb")
            while (request := _read(reader, number)) is not None:
                with self._came:
                    answer = self.replies[min(len(self.requests), len(self.replies) - 1)]
                    self.requests.append(request)
                    self._came.notify_all()
                given = answer(ClientConnection(connection, self._stopped), request) if callable(answer) else answer
                if given is None:
                    break
                connection.sendall(given)
            reader.close()
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


def _read(reader: Any, number: int) -> Received | None:
    first = reader.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := reader.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    return Received(first[0], first[1], headers, body, number)
