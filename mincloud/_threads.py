"""Doing several things at once in threads: the counterpart of `_tasks`, with the same names."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

T = TypeVar("T")
R = TypeVar("R")

sleep = time.sleep


class PerLoop(Generic[T]):
    """A value for each process, since locks and connections must not be shared with the parent of a fork.

    Args:
        make: Makes the value.
        discard: Called with the value when it is dropped; None if there is nothing to do.
    """

    def __init__(self, make: Callable[[], T], discard: Callable[[T], None] | None = None) -> None:
        self._make = make
        self._discard = discard
        self._value: tuple[int, T] | None = None

    def get(self) -> T:
        """The value for this process."""
        found = self._value
        process = os.getpid()
        if found is not None and found[0] == process:
            return found[1]
        with _first_use():
            made = self._value
            if made is None or made[0] != process:  # no other thread was quicker
                made = self._value = (process, self._make())
        if found is not None and self._discard is not None:  # a fork: what is the parent's is of no use here
            self._discard(found[1])
        return made[1]

    def drop(self) -> None:
        """Discards the value, if there is one."""
        found, self._value = self._value, None
        if found is not None and self._discard is not None:
            self._discard(found[1])


_locks = [threading.Lock()]
if hasattr(os, "register_at_fork"):
    # A lock that another thread held at the moment of the fork would stay held in the child.
    os.register_at_fork(after_in_child=lambda: _locks.__setitem__(0, threading.Lock()))


def _first_use() -> threading.Lock:
    return _locks[0]


def make_lock() -> PerLoop[threading.Lock]:
    """A lock for the threads of each process."""
    return PerLoop(threading.Lock)


def acquired(lock: threading.Lock, timeout: float) -> bool:
    """Acquires a lock, unless others hold it for longer than some seconds (may be infinite); whether it did."""
    return lock.acquire(timeout=max(0.0, min(timeout, threading.TIMEOUT_MAX)))


def run_ahead(
    call: Callable[[T], R], inputs: Iterable[T], *, concurrency: int, window: int, ordered: bool = True
) -> Generator[R, None]:
    """Results of calls, several of which are under way at once, in threads of their own.

    Inputs are taken as they are needed. Leaving the iteration early starts no more calls and waits for those under way.

    Args:
        call: What to do with an input.
        inputs: The inputs.
        concurrency: How many calls run at once at the most.
        window: How many inputs may be taken and not yet delivered.
        ordered: Whether results come in the order of the inputs, or as they are ready.

    Raises:
        Exception: What a call raised, in its place; or what `inputs` raised, after the results before it.
    """
    if window == 1:  # one after another needs neither tasks nor threads
        for value in inputs:
            yield call(value)
        return
    source = iter(inputs)
    under_way: deque[Future[R]] = deque()
    failure: Exception | None = None
    more = True
    with ThreadPoolExecutor(concurrency, thread_name_prefix="mincloud") as pool:
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
                        under_way.append(pool.submit(call, value))
                if not under_way:
                    break
                candidates = (under_way[0],) if ordered else under_way
                if not any(future.done() for future in candidates):
                    wait(candidates, return_when=FIRST_COMPLETED)
                ready = next(future for future in candidates if future.done())
                under_way.remove(ready)
                yield ready.result()
            if failure is not None:
                raise failure
        finally:
            for future in under_way:
                future.cancel()
