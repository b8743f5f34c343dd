"""The HTTP server of an emulator: uvicorn's protocol on two sockets, one for the API and one for the logs.

uvicorn's own `Server` checks only ten times a second whether it should stop, and waits for idle connections; here everything
stops at once, since tests start and stop many emulators.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import ipaddress
import logging
import os
import secrets
import socket
from typing import TYPE_CHECKING, Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from .api.access import is_loopback
from .api.application import API, TRANSPORT, LogOrigin, OriginApp
from .core.errors import AddressError
from .core.json_text import encode_json
from .core.service import Service

if TYPE_CHECKING:
    from .core.clock import Clock
    from .core.settings import Limits, Settings

_BACKLOG = 2048
_LAST_PORT = 65535
_LOG_PORT_DISTANCE = 1000
_MAX_OVERHEAD_BYTES = 64 * 1024
_GRACE_SECONDS = 1.0

_logger = logging.getLogger(__name__)
_logger.addHandler(logging.NullHandler())


def bind(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on an address of this machine; port 0 is any free one.

    Raises:
        AddressError: If the address can't be listened on.
    """
    if not 0 <= port <= _LAST_PORT:
        message = f"{port} is not a port: choose one from 0 to {_LAST_PORT}"
        raise AddressError(message)
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio turns Nagle's algorithm off only for sockets that are created with the protocol TCP; with it each answer would wait
        # 40 ms for the client's acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # elsewhere this option would let two emulators share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} is in use on {host}: stop what listens there, or choose another port"
        else:
            message = f"cannot listen on {host} port {port} ({error.strerror}): choose another address"
        raise AddressError(message) from error
    return listener


def _origin(listener: socket.socket, host: str) -> str:
    """Returns the origin that a listening socket is reached at from this machine."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


class Server:
    """Serves an emulated application, which it also closes, on two sockets that were bound to `host`."""

    def __init__(self, service: Service, api: socket.socket, logs: socket.socket, *, host: str) -> None:
        self.service = service
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []
        self._sockets = (api, logs)
        bound = ipaddress.ip_address(api.getsockname()[0])
        self.loopback = is_loopback(str(bound))
        """Whether only this machine can reach it."""
        name = host
        if bound.is_unspecified:
            name = "127.0.0.1" if bound.version == 4 else "::1"  # noqa: PLR2004 - the version of IP
        elif self.loopback and not is_loopback(host):
            name = str(bound)  # the console refuses any other name of a loopback address
        self.url = _origin(api, name)
        self.log_url = _origin(logs, name)
        self.console_key = secrets.token_urlsafe(24)
        """The key of the console's interface; another one with each start."""
        service.logs.origin = self.log_url
        service.logs.on_every_address = bound.is_unspecified
        self._origins = (
            OriginApp(service, api=True, respond=API(service, console_key=self.console_key).respond),
            OriginApp(service, api=False, respond=LogOrigin(service).respond),
        )

    @property
    def console_url(self) -> str:
        """The address of the console, with its key in the fragment, which browsers do not send."""
        return f"{self.url}/#key={self.console_key}"

    async def start(self) -> None:
        """Starts to serve."""
        loop = asyncio.get_running_loop()
        for listener, origin in zip(self._sockets, self._origins, strict=True):
            config = Config(
                origin,
                http=_Protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=75,
            )
            config.load()
            protocol = functools.partial(_Protocol, config, self._state, self.service)
            self._servers.append(await loop.create_server(protocol, sock=listener, backlog=_BACKLOG))

    async def aclose(self) -> None:
        """Ends all calls, finishes the answers that are being sent, and closes everything."""
        for server in self._servers:
            server.close()
        for listener in self._sockets:
            listener.close()
        await self.service.aclose()
        if self._state.tasks:
            _, late = await asyncio.wait(set(self._state.tasks), timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()
        for connection in list(self._state.connections):
            connection.transport.close()
        # A closed transport closes its socket in the loop's next iteration.
        await asyncio.sleep(0)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def open_server(settings: Settings, clock: Clock, limits: Limits, host: str, port: int) -> Server:
    """Returns a server that is bound to its ports and has its data open, ready to start.

    Raises:
        AddressError: If the port is in use or the address can't be listened on.
        DataFileError: If the data file is in use, of another version, or can't be opened.
    """
    with contextlib.ExitStack() as on_failure:
        api = on_failure.enter_context(bind(host, port))
        logs = on_failure.enter_context(_bind_logs(host, port))
        service = Service(settings, clock, limits)
        on_failure.pop_all()
    return Server(service, api, logs, host=host)


def _bind_logs(host: str, port: int) -> socket.socket:
    """Returns a socket for the logs, if possible on a port that is the same at the next start.

    It is not the next port, which another emulator may use.
    """
    if port:
        with contextlib.suppress(AddressError):
            return bind(host, log_port(port))
    return bind(host, 0)


def log_port(port: int) -> int:
    """Returns the preferred port of the logs."""
    return port + _LOG_PORT_DISTANCE if port + _LOG_PORT_DISTANCE <= _LAST_PORT else port - _LOG_PORT_DISTANCE


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol with a time limit for a request's head, and a size limit for everything but its body."""

    def __init__(self, config: Config, state: ServerState, service: Service) -> None:
        super().__init__(config, state, app_state={}, _loop=asyncio.get_running_loop())
        self._service = service
        self._head_timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._overhead = 0  # bytes since the last complete head, part of a body, or end of a request
        self._progressed = False
        self.logger = _logger
        self.access_log = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._progressed = False
        super().data_received(data)
        self._overhead = 0 if self._progressed else self._overhead + len(data)
        if self._overhead > _MAX_OVERHEAD_BYTES:
            part = "head" if self._in_head else "chunk extensions or trailers"
            self._refuse(431, f"the request's {part} are larger than {_MAX_OVERHEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)[TRANSPORT] = self.transport
        self._in_head = True
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # otherwise it is a trailer, and the request is being answered already
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._end_head()
        self._in_head = False
        self._progressed = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._progressed = self._in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, f"this is not HTTP: {msg}")

    def _await_head(self) -> None:
        self._end_head()
        self._head_timer = self.loop.call_later(self._service.limits.request_seconds, self._give_up)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        self._refuse(408, f"the request did not arrive within {self._service.limits.request_seconds:g} s")

    def _refuse(self, status: int, message: str) -> None:
        if self.transport.is_closing():
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)  # there is none before the first request
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()  # the answer that is under way can't be taken back
            return
        body = encode_json({"error_msg": message})
        reasons = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}
        head = (
            f"HTTP/1.1 {status} {reasons[status]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Date: {self._service.clock.http_date()}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
