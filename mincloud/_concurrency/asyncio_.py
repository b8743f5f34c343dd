"""Networking, sleeping, locks and concurrent calls with asyncio. `threads` has the same names for threads.

These two modules are the only part of the client that is written twice. Everything else in `_sync` is derived from `_async`.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from weakref import WeakKeyDictionary, ref

import httpcore

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

sleep = asyncio.sleep

_TEN_YEARS = 86_400.0 * 3652


def network_backend() -> httpcore.AsyncNetworkBackend:
    """Returns the backend that opens network streams; httpcore's own runs on every event loop of asyncio."""
    backend: Any = httpcore.AnyIOBackend()
    return cast(httpcore.AsyncNetworkBackend, backend)


def _running_loop() -> asyncio.AbstractEventLoop:
    """Returns the running event loop of asyncio, or raises `ConfigurationError`."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "AsyncMinCloud needs a running event loop of asyncio (uvloop is one); under trio, use MinCloud in trio.to_thread.run_sync"
        ) from None


class _Owned(Generic[T]):
    """A value that belongs to a loop.

    Attributes:
        value: The value.
        guard: Discards the value when the loop shuts down; None if there is nothing to do.
        owner: The timer by which the loop keeps this object alive.
    """

    def __init__(self, value: T) -> None:
        self.value = value
        self.guard: AsyncGenerator[None, None] | None = None
        self.owner: asyncio.TimerHandle | None = None


class ContextLocal(Generic[T]):
    """A value for each event loop, since locks and connections belong to the loop that made them.

    Args:
        make: Makes the value for a loop.
        discard: Called in the loop when it shuts down, so that nothing outlives it; None if there is nothing to do.
    """

    def __init__(self, make: Callable[[], T], discard: Callable[[T], Awaitable[None]] | None = None) -> None:
        self._make = make
        self._discard = discard
        # Weak on both sides: values refer to their loop, and would keep it alive with its sockets.
        self._values: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[_Owned[T]]] = WeakKeyDictionary()

    async def get(self) -> T:
        """Returns the value for the running loop, or raises `ConfigurationError` if it is none of asyncio."""
        loop = _running_loop()
        found = self._values.get(loop)
        owned = found() if found is not None else None
        if owned is not None:
            return owned.value
        owned = _Owned(self._make())
        self._values[loop] = ref(owned)
        # A timer in the far future is the only public way to tie a value to a loop: it goes when the loop is closed or collected.
        owned.owner = loop.call_later(_TEN_YEARS, id, owned)
        if self._discard is not None:
            # A loop that shuts down closes its asynchronous generators, which is the only public notice of it.
            owned.guard = self._guard(owned, self._discard)
            await anext(owned.guard)
        return owned.value

    async def _guard(self, owned: _Owned[T], discard: Callable[[T], Awaitable[None]]) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._forget(owned)
            await discard(owned.value)

    def _forget(self, owned: _Owned[T]) -> None:
        self._values.pop(_running_loop(), None)
        if owned.owner is not None:
            owned.owner.cancel()

    async def drop(self) -> None:
        """Discards the value of the running loop, if there is one."""
        found = self._values.get(_running_loop())
        owned = found() if found is not None else None
        if owned is None:
            return
        if owned.guard is not None:
            await owned.guard.aclose()
        else:
            self._forget(owned)


def make_lock() -> ContextLocal[asyncio.Lock]:
    """A lock for the tasks of each loop."""
    return ContextLocal(asyncio.Lock)


async def acquire(lock: asyncio.Lock, timeout: float) -> bool:
    """Acquires a lock within some seconds, which may be infinite; returns whether it did."""
    try:
        async with asyncio.timeout(timeout if math.isfinite(timeout) else None):
            return await lock.acquire()
    except TimeoutError:
        return False


async def run_within(call: Callable[[], Awaitable[R]], seconds: float | None) -> R:
    """Returns the result of a call, or cancels it after some seconds, None for no limit, and raises `TimeoutError`."""
    _running_loop()
    async with asyncio.timeout(seconds):
        return await call()


async def bounded_map(
    call: Callable[[T], Awaitable[R]],
    inputs: Iterable[T],
    *,
    concurrency: int,
    window: int,
    ordered: bool = True,
    leave: Callable[[], object] | None = None,
) -> AsyncGenerator[R, None]:
    """Yields the results of concurrent calls, made in tasks.

    Inputs are taken as they are needed. Leaving the iteration early cancels the calls that run.

    Args:
        call: Called with each input.
        inputs: The inputs.
        concurrency: The most calls that run at once.
        window: The most inputs that are taken ahead of the results that were yielded.
        ordered: Whether results come in the order of the inputs, or as they are ready.
        leave: Called when the iteration ends or is left, also by an interrupt, before the calls that run then are cancelled.

    Raises:
        ConfigurationError: No event loop of asyncio is running.
        Exception: What a call raised, in its place; or what `inputs` raised, after the results before it.
    """
    if window == 1:  # one at a time needs no tasks
        for value in inputs:
            yield await call(value)
        return
    _running_loop()
    free = asyncio.Semaphore(concurrency)

    async def limited(value: T) -> R:
        async with free:
            return await call(value)

    source = iter(inputs)
    under_way: deque[asyncio.Task[R]] = deque()
    failure: Exception | None = None
    more = True
    try:
        while True:
            while more and len(under_way) < window:
                try:
                    value = next(source)
                except StopIteration:
                    more = False
                except Exception as error:  # noqa: BLE001 - raised below, when the results before it are delivered
                    more, failure = False, error
                else:
                    under_way.append(asyncio.create_task(limited(value)))
            if not under_way:
                break
            candidates = (under_way[0],) if ordered else under_way
            if not any(task.done() for task in candidates):
                await asyncio.wait(candidates, return_when=asyncio.FIRST_COMPLETED)
            # The others that are done stay in the list, so that `finally` retrieves their exceptions when the caller leaves now.
            ready = next(task for task in candidates if task.done())
            under_way.remove(ready)
            yield ready.result()
        if failure is not None:
            raise failure
    finally:
        if leave is not None:
            leave()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
