"""Networking, sleeping, locks and concurrent calls with threads. `asyncio_` has the same names for asyncio."""

from __future__ import annotations

import atexit
import math
import os
import socket
import threading
import time
from contextvars import copy_context
from functools import partial
from itertools import zip_longest
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import httpcore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

T = TypeVar("T")
R = TypeVar("R")

sleep = time.sleep

# The connection attempt delay that RFC 8305 recommends.
_NEXT_ADDRESS_AFTER = 0.25
_A_WEEK = 86_400.0 * 7


def network_backend() -> httpcore.NetworkBackend:
    """Returns the backend that opens network streams."""
    return _RacingBackend()


class _RacingBackend(httpcore.SyncBackend):
    """httpcore's backend, with one timeout for all addresses of a host, which are tried in parallel where one does not answer."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a connection, or raises `httpcore.ConnectError` or `httpcore.ConnectTimeout`."""
        if ":" in host or host.replace(".", "").isdigit():  # an address
            return super().connect_tcp(host, port, timeout, local_address, socket_options)
        end = math.inf if timeout is None else time.monotonic() + timeout

        def connect(address: str) -> httpcore.NetworkStream:
            left = None if timeout is None else max(0.001, end - time.monotonic())
            return super(_RacingBackend, self).connect_tcp(address, port, left, local_address, socket_options)

        addresses = _Race(lambda: addresses_of(host, port)).first(end)
        if len(addresses) == 1:
            return connect(addresses[0])
        return _Race(*(partial(connect, address) for address in addresses)).first(end)


def addresses_of(host: str, port: int) -> list[str]:
    """Resolves a host, with its IPv6 and IPv4 addresses in turn; raises `httpcore.ConnectError` if it is unknown."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    families: dict[int, list[str]] = {}
    for family, _, _, _, address in found:
        addresses = families.setdefault(family, [])
        if str(address[0]) not in addresses:
            addresses.append(str(address[0]))
    return [address for some in zip_longest(*families.values()) for address in some if address is not None]


class _Race(Generic[R]):
    """Alternative calls of which the first to succeed counts, as RFC 8305 says for the addresses of a host.

    Each begins when the one before it has failed or has taken a while. They run in threads, since the system's calls for names and
    connections cannot be cancelled.
    """

    def __init__(self, *calls: Callable[[], R]) -> None:
        self._calls = calls
        self._outcomes: SimpleQueue[_Outcome[R]] = SimpleQueue()
        self._lock = threading.Lock()
        self._over = False

    def first(self, end: float) -> R:
        """Returns the first result before a time of `time.monotonic()`, or raises the first error, or `httpcore.ConnectTimeout`."""
        failed: list[_Outcome[R]] = []
        started = 0
        try:
            while len(failed) < len(self._calls):
                if started < len(self._calls):
                    _start_thread(partial(self._run, self._calls[started]))
                    started += 1
                pause = _NEXT_ADDRESS_AFTER if started < len(self._calls) else math.inf
                try:
                    outcome = self._outcomes.get(timeout=min(max(0.0, end - time.monotonic()), pause, _A_WEEK))
                except Empty:
                    if time.monotonic() >= end:
                        raise httpcore.ConnectTimeout("no address answered") from None
                    continue
                if not outcome.failed:
                    return outcome.value()
                failed.append(outcome)
            return failed[0].value()
        finally:
            self._close_others()

    def _run(self, call: Callable[[], R]) -> None:
        outcome = _Outcome.of(call)
        with self._lock:
            if not self._over:
                self._outcomes.put(outcome)
                return
        _close(outcome)

    def _close_others(self) -> None:
        with self._lock:
            self._over = True
        while not self._outcomes.empty():
            _close(self._outcomes.get())


def _start_thread(target: Callable[[], object]) -> None:
    """Calls a function in a thread; here, where none can be started: at the end of a process (from Python 3.12 on), or by a limit."""
    try:
        threading.Thread(target=target, daemon=True).start()
    except RuntimeError:
        target()


def _close(outcome: _Outcome[Any]) -> None:
    """Closes a connection that was opened too late."""
    if not outcome.failed and isinstance(stream := outcome.value(), httpcore.NetworkStream):
        stream.close()


class ContextLocal(Generic[T]):
    """A value for each process, since locks and connections must not be shared with the parent of a fork.

    Args:
        make: Makes the value.
        discard: Called with the value when it is dropped; None to do nothing.
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
        if found is not None and self._discard is not None:  # after a fork: the parent's value is of no use here
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
    """Acquires a lock within some seconds, which may be infinite; returns whether it did."""
    return lock.acquire(timeout=max(0.0, min(timeout, threading.TIMEOUT_MAX)))


def run_within(call: Callable[[], R], seconds: float | None) -> R:
    """Returns the result of a call, or leaves it alone after some seconds, None for no limit, and raises `TimeoutError`."""
    if seconds is None:
        return call()
    outcomes: SimpleQueue[_Outcome[R]] = SimpleQueue()
    in_context = partial(copy_context().run, call)
    _start_thread(lambda: outcomes.put(_Outcome.of(in_context)))
    try:
        outcome = outcomes.get(timeout=seconds)
    except Empty:
        raise TimeoutError("the call took too long") from None
    return outcome.value()


def bounded_map(
    call: Callable[[T], R],
    inputs: Iterable[T],
    *,
    concurrency: int,
    window: int,
    ordered: bool = True,
    leave: Callable[[], object] | None = None,
) -> Generator[R, None]:
    """Yields the results of concurrent calls, made in threads.

    Inputs are taken as they are needed. Leaving the iteration early starts no more calls and waits for those that run.

    Args:
        call: Called with each input.
        inputs: The inputs.
        concurrency: The most calls that run at once.
        window: The most inputs that are taken ahead of the results that were yielded.
        ordered: Whether results come in the order of the inputs, or as they are ready.
        leave: Called when the iteration ends or is left, also by an interrupt, before the calls that run then are waited for.

    Raises:
        Exception: What a call raised, in its place; or what `inputs` raised, after the results before it.
    """
    if window == 1:  # one at a time needs no threads
        for value in inputs:
            yield call(value)
        return
    source = iter(inputs)
    pool = _ThreadPool(call, concurrency)
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
                    pool.submit(taken, value)
                    taken += 1
            if delivered == taken:
                break
            result = ready.pop(delivered, None)
            while result is None:
                index, came = pool.results.get()
                if ordered and index != delivered:
                    ready[index] = came
                else:
                    result = came
            delivered += 1
            yield result.value()
        if failure is not None:
            raise failure
    finally:
        if leave is not None:
            leave()
        pool.shutdown()


class _Outcome(Generic[R]):
    """The value or error of a call in another thread."""

    __slots__ = ("_error", "_value", "failed")

    def __init__(self, value: R | None, error: BaseException | None) -> None:
        self.failed = error is not None
        self._value = value
        self._error = error

    @staticmethod
    def of(call: Callable[[], T]) -> _Outcome[T]:
        """Makes a call."""
        try:
            return _Outcome(call(), None)
        except BaseException as error:  # noqa: BLE001 - raised where the value is taken
            return _Outcome(None, error)

    def value(self) -> R:
        """Returns what the call returned, or raises what it raised."""
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # its traceback holds this frame
        return cast(R, self._value)


class _ThreadPool(Generic[T, R]):
    """Calls a function with submitted values, in up to so many threads.

    Not an executor of `concurrent.futures`, whose lock, condition and semaphore for each call make up a third of a call's cost.
    """

    def __init__(self, call: Callable[[T], R], size: int) -> None:
        self.results: SimpleQueue[tuple[int, _Outcome[R]]] = SimpleQueue()
        self._call = call
        self._size = size
        self._work: SimpleQueue[tuple[int, T] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False
        # The threads are daemons, since an iterator that is never finished must not keep the process from ending. At its end running
        # calls are waited for, as an executor does.
        atexit.register(self.shutdown)

    def submit(self, index: int, value: T) -> None:
        """Has the function called with a value; its outcome is put into `results` with the index."""
        self._work.put((index, value))
        if len(self._threads) < self._size:
            # In the caller's context, as tasks are: spans have their parent there.
            in_context = partial(copy_context().run, self._run)
            thread = threading.Thread(target=in_context, name=f"mincloud_{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if not self._closed:
                # No reference to the outcome is kept while waiting for more work.
                self.results.put((work[0], _Outcome.of(partial(self._call, work[1]))))

    def shutdown(self) -> None:
        """Starts no more calls and waits for those that run."""
        self._closed = True
        for _ in self._threads:
            self._work.put(None)
        try:
            for thread in self._threads:
                thread.join()
        finally:  # an interrupt while waiting ends the waiting, at the end of the process, too
            atexit.unregister(self.shutdown)
