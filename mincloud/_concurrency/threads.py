"""Doing several things at once in threads: the counterpart of `asyncio_`, with the same names."""

from __future__ import annotations

import atexit
import os
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import httpcore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

T = TypeVar("T")
R = TypeVar("R")

sleep = time.sleep
NetworkBackend = httpcore.SyncBackend


class ContextLocal(Generic[T]):
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


def make_lock() -> ContextLocal[threading.Lock]:
    """A lock for the threads of each process."""
    return ContextLocal(threading.Lock)


def acquire(lock: threading.Lock, timeout: float) -> bool:
    """Acquires a lock, unless others hold it for longer than some seconds (may be infinite); whether it did."""
    return lock.acquire(timeout=max(0.0, min(timeout, threading.TIMEOUT_MAX)))


def bounded_map(
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
    crew = _ThreadPool(call, concurrency)
    failure: Exception | None = None
    more = True
    taken = delivered = 0
    ready: dict[int, _Outcome[R]] = {}
    try:
        while True:
            while more and taken - delivered < window:
                try:
                    value = next(source)
                except StopIteration:
                    more = False
                except Exception as error:  # noqa: BLE001 - raised below, when the results before it are delivered
                    more, failure = False, error
                else:
                    crew.submit(taken, value)
                    taken += 1
            if delivered == taken:
                break
            result = ready.pop(delivered, None)
            while result is None:
                index, came = crew.results.get()
                if ordered and index != delivered:
                    ready[index] = came
                else:
                    result = came
            delivered += 1
            yield result.value()
        if failure is not None:
            raise failure
    finally:
        crew.shutdown()


class _Outcome(Generic[R]):
    """What a call came to."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: R | None, error: BaseException | None) -> None:
        self._value = value
        self._error = error

    def value(self) -> R:
        """What it returned.

        Raises:
            BaseException: What it raised.
        """
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # its traceback holds this frame
        return cast(R, self._value)


class _ThreadPool(Generic[T, R]):
    """Threads that call a function with what is submitted; as many as are needed, up to a number.

    `concurrent.futures` would do, but a lock, a condition and a semaphore for each call make up a third of what a call costs.
    """

    def __init__(self, call: Callable[[T], R], size: int) -> None:
        self.results: SimpleQueue[tuple[int, _Outcome[R]]] = SimpleQueue()
        self._call = call
        self._size = size
        self._work: SimpleQueue[tuple[int, T] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._dismissed = False
        # They are daemons, since an iterator that is never finished must not keep the process from ending; and then the calls under
        # way are waited for, as for those of an executor.
        atexit.register(self.shutdown)

    def submit(self, index: int, value: T) -> None:
        """Has the function called with a value; its result comes with the index."""
        self._work.put((index, value))
        if len(self._threads) < self._size:
            thread = threading.Thread(target=self._run, name=f"mincloud_{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if not self._dismissed:
                # Nothing is kept here of what was done, since the next may be a while in coming.
                self.results.put((work[0], self._result(work[1])))

    def _result(self, value: T) -> _Outcome[R]:
        try:
            return _Outcome(self._call(value), None)
        except BaseException as error:  # noqa: BLE001 - raised where the result is taken
            return _Outcome(None, error)

    def shutdown(self) -> None:
        """Starts no more calls and waits for those under way."""
        self._dismissed = True
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()
        atexit.unregister(self.shutdown)
