"""The pool of containers: chooses the one that serves a call, and decides which are started, kept and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.clock import Clock
from ..core.json_text import encode_json
from .container import Container, ContainerLimits, ContainerOptions, FunctionVersion
from .node import NodeInfo, find_node
from .watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ..core.invocation_result import InvocationResult

_FREE_PLAN_MB = 128
_PREWARM_DELAY = 0.05  # seconds, so that starting ahead does not slow the call that made it necessary


class _StartFailed(Exception):
    """A container that was started for a call did not start."""

    def __init__(self, container: Container) -> None:
        super().__init__()
        self.container = container


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """A call that waits for a container."""

    function: FunctionVersion
    container: asyncio.Future[Container]


class Runtime:
    """Runs functions, each in a Node process of its own. Belongs to one event loop.

    A container that has run a call is kept for the next call of the same version, in which global variables may survive. A call
    without one takes the first that becomes free or ready; at most as many containers are starting at a time as there are
    processors. When no call waits, containers are prewarmed, started without a function: up to the number of calls that recently
    ran at once, and at least one, so that a function's first call does not wait for Node to start.

    Creating a runtime needs neither Node nor an event loop.

    Args:
        node: The program or version of Node, see `find_node`.
        keep_warm: Seconds that an idle container is kept.
        min_idle: How many idle containers, each of some 45 MB, are kept even if fewer calls ran at once recently.
        prewarm: Whether to start containers ahead of calls.
        limits: The limits of a call beside time and memory.
        baas: See `Settings`.
        strict: See `Settings`.
        log_time: Returns the time at the start of a log entry; the real time if None.
    """

    def __init__(
        self,
        *,
        node: str | None = None,
        keep_warm: float = 60.0,
        min_idle: int = 8,
        prewarm: bool = True,
        limits: ContainerLimits | None = None,
        baas: Path | None = None,
        strict: bool = False,
        log_time: Callable[[], str] | None = None,
    ) -> None:
        self._wanted_node = node
        self._keep_warm = keep_warm
        self._min_idle = min_idle
        self._prewarms = prewarm
        self._options = ContainerOptions(
            limits=limits or ContainerLimits(),
            baas=None if baas is None else baas.resolve(),
            strict=strict,
            log_time=log_time or Clock().log_time,
        )
        self._node: NodeInfo | None = None
        self._node_lock = asyncio.Lock()
        self._root: Path | None = None
        self._watchdog: Watchdog | None = None
        self._count = 0
        self._waiters: list[_Waiter] = []
        self._starting: set[Container] = set()
        self._busy: set[Container] = set()
        self._idle: dict[Container, asyncio.TimerHandle] = {}  # the one that has been idle longest is first
        self._containers: set[Container] = set()
        self._demand = _RecentPeak(keep_warm / 2)
        self._prewarm_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(
        self,
        function: FunctionVersion,
        event: Mapping[str, Any],
        *,
        time_limit: float,
        invoke: Callable[[str, Any, bool], Awaitable[Any]],
        on_start: Callable[[], None] | None = None,
        on_log: Callable[[str], None] | None = None,
    ) -> InvocationResult:
        """Calls a function once. Cancelling this ends its process.

        Args:
            function: The function.
            event: Its first argument.
            time_limit: Seconds that it may take; loading its code counts, waiting for a container does not.
            invoke: Called as ``invoke(name, params, sync)`` for ``BaaS.invoke``. The function receives what it returns or raises.
            on_start: Called when the call has a container and starts to run.
            on_log: Called with each log entry, without its newline. What it raises ends the call and is raised here.

        Returns:
            The result of the call, whether the function succeeded or failed.

        Raises:
            NodeMissing: There is no usable Node.
            RuntimeError: The runtime is closed.
            TypeError: The event contains something that JSON does not have.
            ValueError: The event contains NaN, an infinity or itself, or is nested too deeply.
            OSError: A process could not be started.
        """
        text = encode_json(dict(event))
        await self._find_node()
        try:
            container = await self._acquire(function)
        except _StartFailed as failed:
            if on_start is not None:
                on_start()
            return failed.container.failed_start(on_log)
        try:
            if on_start is not None:
                on_start()
            return await container.call(function, text, time_limit=time_limit, invoke=invoke, on_log=on_log)
        finally:
            self._release(container)

    async def prestart(self, memory_mb: int = _FREE_PLAN_MB) -> None:
        """Starts a container for the plan of that memory ahead of any call.

        Raises:
            NodeMissing: There is no usable Node.
            RuntimeError: The runtime is closed.
            OSError: A process could not be started.
        """
        self._start(await self._find_node(), memory_mb)

    @property
    def prewarmed(self) -> tuple[Container, ...]:
        """The containers that have started or are starting and have no function yet."""
        return (*self._starting, *(container for container in self._idle if container.function is None))

    @property
    def idle(self) -> tuple[Container, ...]:
        """The containers that wait for another call of their function, the one that has been idle longest first."""
        return tuple(container for container in self._idle if container.function is not None)

    async def aclose(self) -> None:
        """Ends every container, with which calls that still run fail, and waits until they have ended."""
        self._closed = True
        if self._prewarm_timer is not None:
            self._prewarm_timer.cancel()
        for timer in self._idle.values():
            timer.cancel()
        self._idle.clear()
        for waiter in self._waiters:
            if not waiter.container.done():
                waiter.container.set_exception(_closed_error())
        self._waiters.clear()
        for container in self._containers:
            container.stop()
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._watchdog is not None:
            await self._watchdog.aclose()
            self._watchdog = None
            self._root = None

    async def _find_node(self) -> NodeInfo:
        self._check_open()
        if self._node is None:
            async with self._node_lock:
                if self._node is None:
                    self._node = await asyncio.to_thread(find_node, self._wanted_node)
            self._check_open()
        return self._node

    def _check_open(self) -> None:
        if self._closed:
            raise _closed_error()

    # Which container serves a call --------------------------------------------------------------

    async def _acquire(self, function: FunctionVersion) -> Container:
        container = self._take_idle(function)
        if container is None:
            waiter = _Waiter(function, asyncio.get_running_loop().create_future())
            self._waiters.append(waiter)
            self._note_demand()
            try:
                self._start_for_waiters()
                container = await waiter.container
            except BaseException:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                elif waiter.container.done() and not waiter.container.cancelled() and not waiter.container.exception():
                    self._release(waiter.container.result())  # the call was cancelled just when it had got one
                raise
        else:
            self._busy.add(container)
            self._note_demand()
        return container

    def _take_idle(self, function: FunctionVersion) -> Container | None:
        same: Container | None = None
        blank: Container | None = None
        for container in list(self._idle):
            loaded = container.function
            if not container.usable:
                continue  # it is ending
            if loaded is None:
                if container.memory_mb == function.memory_mb:
                    blank = container
            elif loaded == function:
                same = container  # the latest one, whose memory is in the caches
            elif (loaded.environment, loaded.name) == (function.environment, function.name):
                self._end_idle(container)
        chosen = same or blank
        if chosen is not None:
            self._remove_idle(chosen)
            if chosen is blank:
                self._schedule_prewarm(function.memory_mb)
        return chosen

    def _start_for_waiters(self) -> None:
        """Starts containers for the waiting calls, at most as many at a time as there are processors."""
        if self._node is None or self._closed:
            return
        starting = Counter(container.memory_mb for container in self._starting)
        for waiter in list(self._waiters):
            memory_mb = waiter.function.memory_mb
            if waiter.container.done():
                continue  # it was cancelled
            if starting[memory_mb] > 0:
                starting[memory_mb] -= 1
            elif len(self._starting) < _processors():
                try:
                    self._start(self._node, memory_mb)
                except OSError as error:
                    if self._starting or self._busy:
                        return  # there is no room for more processes, so the call waits for one of those
                    self._waiters.remove(waiter)
                    waiter.container.set_exception(error)
            else:
                return

    def _give_to_waiter(self, container: Container) -> bool:
        """Gives a free container to the call that has waited longest and can use it; returns whether there is one."""
        for waiter in self._waiters:
            function = waiter.function
            if waiter.container.done():
                continue  # it was cancelled
            if container.function == function or (
                container.function is None and container.memory_mb == function.memory_mb
            ):
                self._waiters.remove(waiter)
                self._busy.add(container)
                waiter.container.set_result(container)
                return True
        return False

    def _release(self, container: Container) -> None:
        self._busy.discard(container)
        if self._closed or not container.usable:
            container.kill()
        elif not self._give_to_waiter(container):
            self._keep(container)
        self._start_for_waiters()

    # Which containers are kept ------------------------------------------------------------------------------

    def _note_demand(self) -> None:
        self._demand.add(asyncio.get_running_loop().time(), len(self._busy) + len(self._waiters))

    def _keep(self, container: Container) -> None:
        loop = asyncio.get_running_loop()
        self._idle[container] = loop.call_later(self._keep_warm, self._expire, container)
        most = max(self._min_idle, self._demand.value(loop.time()))
        for oldest in [idle for idle in self._idle if idle.function is not None]:
            if len(self._idle) <= most:
                break
            self._end_idle(oldest)

    def _expire(self, container: Container) -> None:
        last = container.function is None and not any(
            other is not container and other.function is None and other.memory_mb == container.memory_mb
            for other in self._idle
        )
        if last and self._prewarms:
            self._idle[container] = asyncio.get_running_loop().call_later(self._keep_warm, self._expire, container)
        else:
            self._end_idle(container)

    def _end_idle(self, container: Container) -> None:
        self._remove_idle(container)
        container.kill()

    def _remove_idle(self, container: Container) -> None:
        timer = self._idle.pop(container, None)
        if timer is not None:
            timer.cancel()

    def _lacks_containers(self) -> bool:
        """Returns whether there are fewer containers than there were calls at once lately."""
        return len(self._containers) < self._demand.value(asyncio.get_running_loop().time())

    def _schedule_prewarm(self, memory_mb: int) -> None:
        if self._prewarms and self._prewarm_timer is None and not self._closed:
            self._prewarm_timer = asyncio.get_running_loop().call_later(_PREWARM_DELAY, self._prewarm, memory_mb)

    def _prewarm(self, memory_mb: int) -> None:
        self._prewarm_timer = None
        if self._waiters:
            self._schedule_prewarm(memory_mb)  # waiting calls come first
            return
        with contextlib.suppress(OSError):  # the next call that needs a process will raise it
            while (
                self._node is not None
                and len(self._starting) < _processors()
                and (self._lacks_containers() or not any(blank.memory_mb == memory_mb for blank in self.prewarmed))
            ):
                self._start(self._node, memory_mb)

    # Starting and ending --------------------------------------------------------------------------

    def _start(self, node: NodeInfo, memory_mb: int) -> None:
        if sys.platform == "win32":
            raise OSError("Functions run on Linux and macOS only; on Windows use the emulator in WSL, or stubs.")
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="mincloud-")).resolve()
        if self._watchdog is None:
            self._watchdog = Watchdog(self._root)
        self._count += 1
        directory = self._root / str(self._count)
        directory.mkdir(mode=0o700)
        try:
            container = Container(
                node,
                memory_mb=memory_mb,
                directory=directory,
                options=self._options,
                on_ready=self._on_ready,
                on_end=self._on_end,
            )
        except OSError:
            directory.rmdir()
            raise
        self._watchdog.watch(container.pid)
        self._containers.add(container)
        self._starting.add(container)
        task = asyncio.get_running_loop().create_task(self._remove_when_ended(container, self._watchdog))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_ready(self, container: Container) -> None:
        """Gives a container that has started to a waiting call, or keeps it for the next one."""
        self._starting.discard(container)
        if self._closed:
            container.kill()
            return
        if self._give_to_waiter(container):
            self._schedule_prewarm(container.memory_mb)
        else:
            self._keep(container)
            if self._lacks_containers() and self._prewarms:
                self._prewarm(container.memory_mb)
        self._start_for_waiters()

    def _on_end(self, container: Container) -> None:
        """Removes a container that has ended without a call; one that did not start fails a waiting call."""
        self._remove_idle(container)
        if container in self._starting:
            self._starting.discard(container)
            for waiter in self._waiters:
                if waiter.function.memory_mb == container.memory_mb and not waiter.container.done():
                    self._waiters.remove(waiter)
                    waiter.container.set_exception(_StartFailed(container))
                    break
            self._start_for_waiters()

    async def _remove_when_ended(self, container: Container, watchdog: Watchdog) -> None:
        await container.wait_ended()
        self._containers.discard(container)
        watchdog.forget(container.pid)
        try:
            container.directory.rmdir()
        except OSError:  # the function has left files in it
            await asyncio.to_thread(shutil.rmtree, container.directory, ignore_errors=True)


class _RecentPeak:
    """The largest of the values that were added lately; each counts for `seconds` at least and for twice as long at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = float("-inf")
        self._peak = 0
        self._peak_before = 0

    def add(self, now: float, value: int) -> None:
        self._move_on(now)
        self._peak = max(self._peak, value)

    def value(self, now: float) -> int:
        self._move_on(now)
        return max(self._peak, self._peak_before)

    def _move_on(self, now: float) -> None:
        if now - self._since >= self._seconds:
            self._peak_before = self._peak if now - self._since < 2 * self._seconds else 0
            self._peak = 0
            self._since = now


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _closed_error() -> RuntimeError:
    return RuntimeError("The runtime is closed: make another one to run functions.")
