"""The containers of an emulator: which one serves a call, which ones stay warm, and when they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.clock import Clock
from .container import Container, ContainerLimits
from .node import NodeInfo, find_node
from .watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .execution import Execution, FunctionVersion

_FREE_PLAN_MB = 128
_SPARE_DELAY = 0.05  # seconds, so that the start of a spare does not slow the call that made it necessary


class Runtime:
    """Runs functions, each in a Node process of its own. Belongs to one event loop.

    A process that has served a call is kept for the next call of the same version, in which global
    variables may survive. One more is kept in reserve, started but without a function, so that a
    function's first call does not wait for Node to start.

    Making one needs neither Node nor an event loop.

    Args:
        node: Node's program, see `find_node`.
        keep_warm: Seconds that an idle container is kept.
        max_idle: How many idle containers are kept, each of some 45 MB.
        reserve: Whether to keep a started process in reserve.
        limits: What a call may take beside time and memory.
        log_time: Gives the present time as a log entry starts with; the real time, if not given.
    """

    def __init__(
        self,
        *,
        node: str | None = None,
        keep_warm: float = 60.0,
        max_idle: int = 8,
        reserve: bool = True,
        limits: ContainerLimits | None = None,
        log_time: Callable[[], str] | None = None,
    ) -> None:
        self._wanted_node = node
        self._keep_warm = keep_warm
        self._max_idle = max_idle
        self._reserve = reserve
        self._limits = limits or ContainerLimits()
        self._log_time = log_time or Clock().log_time
        self._node: NodeInfo | None = None
        self._node_lock = asyncio.Lock()
        self._root: Path | None = None
        self._watchdog: Watchdog | None = None
        self._count = 0
        self._idle: dict[Container, asyncio.TimerHandle] = {}  # the one that is idle longest comes first
        self._spares: dict[int, Container] = {}
        self._spare_timers: set[asyncio.TimerHandle] = set()
        self._containers: set[Container] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(
        self,
        function: FunctionVersion,
        event: Mapping[str, Any],
        *,
        time_limit: float,
        invoke: Callable[[str, Any, bool], Awaitable[Any]],
        on_log: Callable[[str], None] | None = None,
    ) -> Execution:
        """Call a function once. Cancelling this ends its process.

        Args:
            function: What to call.
            event: Its first argument, as it is to arrive.
            time_limit: Seconds that it may take; the start of Node does not count, loading its code does.
            invoke: Called as ``invoke(name, params, sync)`` for ``BaaS.invoke``; what it returns is what
                the function receives, and what it raises is raised there.
            on_log: Called with each log entry, without its newline, as it is written. What it raises
                ends the call and is raised here.

        Returns:
            How the call ended, which includes every way in which the function can fail.

        Raises:
            NodeMissing: There is no usable Node.
            RuntimeError: The runtime is closed.
            ValueError: The event is not JSON.
            OSError: A process could not be started.
        """
        text = _encoded(event)
        node = await self._find_node()
        container = self._take(node, function)
        try:
            execution = await container.call(function, text, time_limit=time_limit, invoke=invoke, on_log=on_log)
        finally:
            self._release(container)
        return execution

    async def prestart(self, memory_mb: int = _FREE_PLAN_MB) -> None:
        """Start the process in reserve now, so that already the first call finds one.

        Args:
            memory_mb: The plan to start it for, in MB.

        Raises:
            NodeMissing: There is no usable Node.
            RuntimeError: The runtime is closed.
            OSError: A process could not be started.
        """
        self._start_spare(await self._find_node(), memory_mb)

    @property
    def spares(self) -> tuple[Container, ...]:
        """The containers that were started ahead of any call."""
        return tuple(self._spares.values())

    @property
    def idle(self) -> tuple[Container, ...]:
        """The containers that wait for another call of their function, the one that is idle longest first."""
        return tuple(self._idle)

    async def aclose(self) -> None:
        """End every container and wait until nothing of them is left. Calls that still run fail."""
        self._closed = True
        for timer in (*self._idle.values(), *self._spare_timers):
            timer.cancel()
        self._idle.clear()
        self._spares.clear()
        self._spare_timers.clear()
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
            raise RuntimeError("The runtime is closed: make another one to run functions.")

    def _take(self, node: NodeInfo, function: FunctionVersion) -> Container:
        chosen: Container | None = None
        for container in list(self._idle):
            loaded = container.function
            assert loaded is not None  # noqa: S101 - for the type checkers: an idle container has served a call
            if loaded == function:
                chosen = container  # the latest one, whose memory is in the caches
            elif (loaded.environment, loaded.name) == (function.environment, function.name):
                self._end_idle(container)
        if chosen is not None:
            self._idle.pop(chosen).cancel()
            return chosen
        prewarmed = self._spares.pop(function.memory_mb, None)
        self._schedule_spare(node, function.memory_mb)
        if prewarmed is not None and prewarmed.usable:
            return prewarmed
        return self._start(node, function.memory_mb)

    def _release(self, container: Container) -> None:
        if self._closed or not container.usable or container.keeps_too_much or self._max_idle <= 0:
            container.kill()
            return
        loop = asyncio.get_running_loop()
        self._idle[container] = loop.call_later(self._keep_warm, self._end_idle, container)
        while len(self._idle) > self._max_idle:
            self._end_idle(next(iter(self._idle)))

    def _end_idle(self, container: Container) -> None:
        timer = self._idle.pop(container, None)
        if timer is not None:
            timer.cancel()
        container.kill()

    def _schedule_spare(self, node: NodeInfo, memory_mb: int) -> None:
        if not self._reserve:
            return

        def start() -> None:
            self._spare_timers.discard(timer)
            with contextlib.suppress(OSError):  # whichever call needs a process will say why there is none
                self._start_spare(node, memory_mb)

        timer = asyncio.get_running_loop().call_later(_SPARE_DELAY, start)
        self._spare_timers.add(timer)

    def _start_spare(self, node: NodeInfo, memory_mb: int) -> None:
        if self._closed or memory_mb in self._spares:
            return
        self._spares[memory_mb] = self._start(node, memory_mb)

    def _start(self, node: NodeInfo, memory_mb: int) -> Container:
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
                node, memory_mb=memory_mb, directory=directory, limits=self._limits, log_time=self._log_time
            )
        except OSError:
            directory.rmdir()
            raise
        container.on_idle_end = lambda: self._forget(container)
        self._watchdog.watch(container.pid)
        self._containers.add(container)
        task = asyncio.get_running_loop().create_task(self._clear_away(container, self._watchdog))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return container

    def _forget(self, container: Container) -> None:
        """Let go of an idle container that has ended by itself."""
        timer = self._idle.pop(container, None)
        if timer is not None:
            timer.cancel()
        if self._spares.get(container.memory_mb) is container:
            del self._spares[container.memory_mb]

    async def _clear_away(self, container: Container, watchdog: Watchdog) -> None:
        await container.wait_ended()
        self._containers.discard(container)
        watchdog.forget(container.pid)
        try:
            container.directory.rmdir()
        except OSError:  # the function has left files in it
            await asyncio.to_thread(shutil.rmtree, container.directory, ignore_errors=True)


def _encoded(event: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(dict(event), allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(f"the event is not JSON: {error}") from error
