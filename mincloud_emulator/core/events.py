"""Publishes what happens in an emulator to the console page and the command's log."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

_MAX_WAITING = 1000


class Event(NamedTuple):
    """One thing that happened.

    Attributes:
        kind: `function`, `job`, `log`, `request`, or `reset` when everything was forgotten.
        data: What is known of it, as JSON takes it.
        number: How many events there were by then, itself included, so that whoever reads a state and the events
            after it knows which of them the state has already.
    """

    kind: str
    data: Mapping[str, Any]
    number: int


class Broker:
    """Publishes events to subscribers. A slow one loses the oldest events and delays no other."""

    def __init__(self) -> None:
        self._subscriptions: set[_Subscription] = set()
        self._listeners: list[Callable[[Event], None]] = []
        self._closed = False
        self.count = 0
        """How many events there were: the number of the latest."""

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Has every event handed to a function as it happens."""
        self._listeners.append(listener)

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tells everyone that something happened."""
        if not self._listeners and not self._subscriptions:
            return
        self.count += 1
        event = Event(kind, data, self.count)
        for listener in self._listeners:
            listener(event)
        for subscription in self._subscriptions:
            subscription.put(event)

    async def events(self, *, idle_seconds: float) -> AsyncGenerator[Event | None, None]:
        """Yields events as they happen, until the broker is closed.

        Args:
            idle_seconds: After how long without an event None is yielded, so that a silent connection can be
                tried.
        """
        subscription = _Subscription()
        self._subscriptions.add(subscription)
        try:
            while not self._closed:
                try:
                    async with asyncio.timeout(idle_seconds):
                        await subscription.filled.wait()
                except TimeoutError:
                    yield None
                    continue
                for event in subscription.take():
                    yield event
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """Ends every subscription."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.filled.set()


class _Subscription:
    def __init__(self) -> None:
        self.filled = asyncio.Event()
        self._waiting: deque[Event] = deque(maxlen=_MAX_WAITING)

    def put(self, event: Event) -> None:
        self._waiting.append(event)
        self.filled.set()

    def take(self) -> list[Event]:
        events = list(self._waiting)
        self._waiting.clear()
        self.filled.clear()
        return events
