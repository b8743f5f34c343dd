"""Publishes what happens in an emulator to the console page and the command's log."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

_MAX_WAITING = 1000


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        kind: `function`, `job`, `log`, `request`, or `reset` when everything was deleted.
        data: Its details, a JSON value.
        number: Its number, counted from 1. With a state comes the number of the latest event that the state includes.
    """

    kind: str
    data: Mapping[str, Any]
    number: int


class Broker:
    """Publishes events. A slow subscriber misses the oldest events and delays no other."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []
        self._subscriptions: dict[asyncio.Event, deque[Event]] = {}
        self._closed = False
        self.count = 0
        """How many events there were: the number of the latest."""

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Calls a function with every event as it happens."""
        self._listeners.append(listener)

    def publish(self, kind: str, data: Mapping[str, Any]) -> int:
        """Publishes an event and returns its number."""
        self.count += 1
        event = Event(kind, data, self.count)
        for listener in self._listeners:
            listener(event)
        for arrived, waiting in self._subscriptions.items():
            waiting.append(event)
            arrived.set()
        return event.number

    async def events(self, *, idle_seconds: float) -> AsyncGenerator[Event | None, None]:
        """Yields events as they happen until the broker is closed, and None after each time without an event."""
        arrived = asyncio.Event()
        waiting = self._subscriptions[arrived] = deque(maxlen=_MAX_WAITING)
        try:
            while not self._closed:
                try:
                    async with asyncio.timeout(idle_seconds):
                        await arrived.wait()
                except TimeoutError:
                    yield None
                    continue
                arrived.clear()
                while waiting:
                    yield waiting.popleft()
        finally:
            del self._subscriptions[arrived]

    def close(self) -> None:
        """Ends every subscription."""
        self._closed = True
        for arrived in self._subscriptions:
            arrived.set()
