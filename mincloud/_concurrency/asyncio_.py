"""Doing several things at once in asyncio: the counterpart of `_threads`, with the same names.

These two modules are the only part of the client that is written twice, since tasks and threads differ in kind. Everything else
in `_sync` is derived from `_async`.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

sleep = asyncio.sleep


class ContextLocal(Generic[T]):
    """A value for each event loop, since locks and connections belong to the loop that made them.

    Args:
        make: Makes the value for a loop.
        discard: Called in the loop when it shuts down, so that nothing outlives it; None if there is nothing to do.
    """

    def __init__(self, make: Callable[[], T], discard: Callable[[T], Awaitable[None]] | None = None) -> None:
        self._make = make
        self._discard = discard
        self._values: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[None, None] | None]] = (
            WeakKeyDictionary()
        )

    async def get(self) -> T:
        """The value for the running loop."""
        loop = asyncio.get_running_loop()
        found = self._values.get(loop)
        if found is not None:
            return found[0]
        value = self._make()
        self._values[loop] = (value, None)
        if self._discard is not None:
            # A loop that shuts down closes its asynchronous generators: the only public way to be told.
            guard = self._guard(loop, value, self._discard)
            self._values[loop] = (value, guard)
            await anext(guard)
        return value

    async def _guard(
        self, loop: asyncio.AbstractEventLoop, value: T, discard: Callable[[T], Awaitable[None]]
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._values.pop(loop, None)
            await discard(value)

    async def drop(self) -> None:
        """Discards the value of the running loop, if there is one."""
        _, guard = self._values.pop(asyncio.get_running_loop(), (None, None))
        if guard is not None:
            await guard.aclose()


def make_lock() -> ContextLocal[asyncio.Lock]:
    """A lock for the tasks of each loop."""
    return ContextLocal(asyncio.Lock)


async def acquire(lock: asyncio.Lock, timeout: float) -> bool:
    """Acquires a lock, unless others hold it for longer than some seconds (may be infinite); whether it did."""
    try:
        async with asyncio.timeout(timeout if math.isfinite(timeout) else None):
            return await lock.acquire()
    except TimeoutError:
        return False


async def bounded_map(
    call: Callable[[T], Awaitable[R]],
    inputs: Iterable[T],
    *,
    concurrency: int,
    window: int,
    ordered: bool = True,
) -> AsyncGenerator[R, None]:
    """Results of calls, several of which are under way at once.

    Inputs are taken as they are needed. Leaving the iteration early cancels the calls under way.

    Args:
        call: What to do with an input.
        inputs: The inputs.
        concurrency: How many calls run at once at the most.
        window: How many inputs may be taken and not yet delivered.
        ordered: Whether results come in the order of the inputs, or as they are ready.

    Raises:
        Exception: What a call raised, in its place; or what `inputs` raised, after the results before it.
    """
    if window == 1:  # one after another needs no tasks
        for value in inputs:
            yield await call(value)
        return
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
            # The others that are ready stay under way, so that leaving now leaves none of their errors unseen.
            ready = next(task for task in candidates if task.done())
            under_way.remove(ready)
            yield ready.result()
        if failure is not None:
            raise failure
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
