"""Network streams for asyncio: the counterpart of `_thread_streams`, with the same names.

httpcore's own go through anyio, which serves trio as well: a cancel scope, a context manager and several turns of the event loop for each
read and write, a third of what a call costs. These stand on asyncio's transports directly.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from typing import TYPE_CHECKING, Any, cast

from ._engine import httpcore

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

# How much may wait to be read before the other side is asked to wait.
_MOST_WAITING = 1 << 20
# As RFC 8305 recommends, and as anyio has it.
_NEXT_ADDRESS_AFTER = 0.25


class _Wire(asyncio.Protocol):
    """What came over a connection and was not read yet."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.size = 0
        self.ended = False
        self.error: Exception | None = None
        self.transport: asyncio.Transport | None = None
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        # Under TLS and in other event loops it may be a buffer that is used again.
        self.received.append(bytes(data))
        self.size += len(data)
        if self.size > _MOST_WAITING and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> None:
        self.ended = True
        _wake(self._reader)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.error = exc
        _wake(self._reader)
        _wake(self._writable)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        _wake(self._writable)

    async def wait_for_data(self, timeout: float | None) -> None:
        """Waits until there is something to read, or the end."""
        if self.received or self.ended:
            return
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await _within(self._reader, timeout)
        finally:
            self._reader = None

    async def wait_for_room(self, timeout: float | None) -> None:
        """Waits until more can be written."""
        if not self._full or self.ended:
            return
        self._writable = asyncio.get_running_loop().create_future()
        try:
            await _within(self._writable, timeout)
        finally:
            self._writable = None

    def take(self) -> bytes:
        """All that was received."""
        data = self.received[0] if len(self.received) == 1 else b"".join(self.received)
        self.received.clear()
        self.size = 0
        if self._paused and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return data


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


async def _within(waiting: asyncio.Future[None], timeout: float | None) -> None:
    """Waits for a future that is nobody else's.

    Raises:
        TimeoutError: It took longer.
    """
    if timeout is None:
        await waiting
        return
    # As `asyncio.timeout`, without cancelling the task, since the future alone has to be given up.
    handle = asyncio.get_running_loop().call_later(timeout, _expire, waiting)
    try:
        await waiting
    finally:
        handle.cancel()


def _expire(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


class _TaskStream(httpcore.AsyncNetworkStream):
    """A connection of asyncio."""

    def __init__(self, wire: _Wire, transport: asyncio.Transport) -> None:
        self._wire = wire
        self._transport = transport

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """All that has come, which may be more than `max_bytes`: that is a matter of memory, and it is in memory already."""
        wire = self._wire
        try:
            await wire.wait_for_data(timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(error) from error
        if wire.received:
            return wire.take()
        if wire.error is not None:
            raise httpcore.ReadError(str(wire.error)) from wire.error
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        if self._wire.error is not None or self._transport.is_closing():
            raise httpcore.WriteError(str(self._wire.error or "the connection is closed"))
        self._transport.write(buffer)
        try:
            await self._wire.wait_for_room(timeout)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(error) from error
        if self._wire.error is not None:
            raise httpcore.WriteError(str(self._wire.error)) from self._wire.error

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(
                    self._transport, self._wire, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            await self.aclose()
            raise httpcore.ConnectTimeout(error) from error
        except (OSError, ssl.CertificateError) as error:
            await self.aclose()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            await self.aclose()
            raise
        if transport is None:  # as asyncio says it where the connection ended meanwhile
            raise httpcore.ConnectError("the connection ended during the TLS handshake")
        self._wire.transport = transport
        return _TaskStream(self._wire, transport)

    async def aclose(self) -> None:
        self._transport.close()
        # A turn for the farewell of TLS and for what the loop has to do; the other side may never answer it.
        await asyncio.sleep(0)
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._is_readable()
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))

    def _is_readable(self) -> bool:
        """Whether an idle connection has something to say, which can only be that it is over."""
        wire = self._wire
        if wire.received or wire.ended or self._transport.is_closing():
            return True
        # The loop may not have had a turn since it came.
        return _has_come(self._transport.get_extra_info("socket"))


def _has_come(connection: socket.socket) -> bool:
    number = connection.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


class _TaskBackend(httpcore.AsyncNetworkBackend):
    """Opens connections of asyncio."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport, wire = await loop.create_connection(
                    _Wire,
                    host,
                    port,
                    local_addr=None if local_address is None else (local_address, 0),
                    happy_eyeballs_delay=None if _is_literal(host) else _NEXT_ADDRESS_AFTER,
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(error) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return _TaskStream(wire, transport)


def _is_literal(host: str) -> bool:
    """Whether a host is an address, so that there is no other to try; asyncio's race of them costs three tasks."""
    return ":" in host or host.replace(".", "").isdigit()


def network() -> httpcore.AsyncNetworkBackend:
    """What opens streams."""
    return _TaskBackend()
