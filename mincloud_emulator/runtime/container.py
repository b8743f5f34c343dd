"""A container: one Node process that loads one function and answers calls of it, one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import frames
from .call_log import CallLog
from .execution import Execution, FunctionVersion, Status
from .process import ContainerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .node import NodeInfo

_SCRIPT = Path(__file__).resolve().with_name("container.cjs")
_STATM = Path("/proc/self/statm")
_WATCH_SECONDS = 0.05
_START_SECONDS = 60.0  # far more than Node needs on a busy machine: only a Node that hangs gets there
_TMP_EVERY = 5  # how many looks at the memory go by between two at the directory


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    """What a call may take, beyond time and the plan's memory.

    Attributes:
        log_bytes: Its log.
        result_bytes: What it returns, and what it passes to ``BaaS.invoke``, as JSON.
        tmp_bytes: What its container keeps in ``/tmp``.
        memory_overhead_mb: What Node itself takes, in MB: a process may hold this much on top of its plan.
    """

    log_bytes: int = 1024 * 1024
    result_bytes: int = 6 * 1024 * 1024
    tmp_bytes: int = 64 * 1024 * 1024
    memory_overhead_mb: int = 64


class Call:
    """The call that a container is busy with."""

    def __init__(
        self,
        time_limit: float,
        log: CallLog,
        invoke: Callable[[str, Any, bool], Awaitable[Any]],
        done: asyncio.Future[Execution],
    ) -> None:
        self.time_limit = time_limit
        self.log = log
        self.invoke = invoke
        self.done = done
        self.started = 0.0
        self.deadline: asyncio.TimerHandle | None = None
        self.watch: asyncio.TimerHandle | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.result: bytes | None = None
        self.error: dict[str, Any] | None = None
        self.killed: tuple[Status, dict[str, Any]] | None = None
        self.stuck = False
        self.peak = 0
        self.looks = 0
        self.stderr_tail = b""


class Container:
    """A process that is up, or coming up.

    Args:
        node: The Node to start.
        memory_mb: What the plan of its function allows.
        directory: Its own directory, which exists: its working directory and ``/tmp``.
        limits: What its calls may take.
        log_time: Gives the present time as a log entry starts with.

    Raises:
        OSError: Node could not be started.
    """

    def __init__(
        self,
        node: NodeInfo,
        *,
        memory_mb: int,
        directory: Path,
        limits: ContainerLimits,
        log_time: Callable[[], str],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._log_time = log_time
        self.directory = directory
        self.memory_mb = memory_mb
        self.function: FunctionVersion | None = None
        self.on_idle_end: Callable[[], None] | None = None
        self._limits = limits
        self._memory_limit = (memory_mb + limits.memory_overhead_mb) * 1024 * 1024
        self._call: Call | None = None
        self._ready = False
        self._usable = True
        self._resident = 0  # what was last known of its memory, in bytes
        sees_memory = _STATM.exists()
        self._process = ContainerProcess(
            [
                node.path,
                *node.options(heap_mb=memory_mb, readable=[_SCRIPT.parent], writable=directory),
                str(_SCRIPT),
            ],
            [str(limits.log_bytes), str(limits.result_bytes), str(0 if sees_memory else self._memory_limit)],
            directory=directory,
            environment=_environment(directory),
            frame_limit=max(limits.result_bytes, 4 * limits.log_bytes) + 1024 * 1024,
            listener=self,
        )
        self._statm = Path(f"/proc/{self._process.pid}/statm") if sees_memory else None

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it may serve another call."""
        return self._usable

    @property
    def keeps_too_much(self) -> bool:
        """Whether the files it keeps are more than it may have."""
        return _size(self.directory, self._limits.tmp_bytes) > self._limits.tmp_bytes

    def kill(self) -> None:
        """End it now. A call that it is busy with fails."""
        self._usable = False
        self._process.kill()

    def stop(self) -> None:
        """End it because the emulator stops. A call that it is busy with fails and says so."""
        self._stop_call("execution_failed", "the emulator was stopped", "EmulatorStopped")

    async def wait_ended(self) -> None:
        """Wait until its process is gone and everything of it is closed."""
        await asyncio.shield(self._process.ended)

    async def call(
        self,
        function: FunctionVersion,
        event: bytes,
        *,
        time_limit: float,
        invoke: Callable[[str, Any, bool], Awaitable[Any]],
        on_log: Callable[[str], None] | None,
    ) -> Execution:
        """Call the function, after loading it if this is the first call.

        Args:
            function: What to call, always the same one.
            event: Its event as JSON.
            time_limit: Seconds that it may take once Node is up.
            invoke: What ``BaaS.invoke`` calls.
            on_log: Called with each log entry as it comes.

        Returns:
            How it ended, which includes every way to fail.
        """
        done: asyncio.Future[Execution] = self._loop.create_future()
        call = self._call = Call(time_limit, CallLog(self._limits.log_bytes, self._log_time, on_log), invoke, done)
        if self.function is None:
            self.function = function
            code = json.dumps({"name": function.name, "code": function.code}, ensure_ascii=False)
            self._process.send(frames.LOAD, code.encode(errors="replace"))  # half a surrogate pair is no code
        self._process.send(frames.CALL, event)
        if self._ready:
            self.start_clock(call)
        else:
            call.started = self._loop.time()
            call.deadline = self._loop.call_later(_START_SECONDS, self._on_no_start)
        try:
            return await done
        except BaseException:
            self.kill()
            raise
        finally:
            self._close_call(call)

    def _close_call(self, call: Call) -> None:
        if self._call is call:
            self._call = None
        for timer in (call.deadline, call.watch):
            if timer is not None:
                timer.cancel()
        for task in call.tasks:
            task.cancel()

    # The clock ---------------------------------------------------------------------------------

    def start_clock(self, call: Call) -> None:
        """Have the time limit of a call begin now."""
        if call.deadline is not None:
            call.deadline.cancel()
        call.started = self._loop.time()
        call.deadline = self._loop.call_later(call.time_limit, self._on_deadline)
        call.watch = self._loop.call_later(_WATCH_SECONDS, self._on_watch)

    def _on_no_start(self) -> None:
        message = f"Node did not start within {_START_SECONDS:.0f} s"
        self._stop_call("execution_failed", message, "ContainerError")

    def _on_deadline(self) -> None:
        call = self._call
        if call is None:
            return
        message = f"the function did not end within its time limit of {call.time_limit * 1000:.0f} ms"
        if call.result is not None or call.error is not None:
            message += ": it called back, but then something kept its event loop busy"
        elif call.stuck:
            message += ": it has nothing left to do and never called back"
        self._stop_call("deadline_exceeded", message, "TimeoutError")

    def _on_watch(self) -> None:
        call = self._call
        if call is None:
            return
        if self._statm is not None:
            self._look_at_memory()
            call.peak = max(call.peak, self._resident)
            if self._resident > self._memory_limit:
                self._stop_for_memory()
                return
        call.looks += 1
        if call.looks % _TMP_EVERY == 0 and self.keeps_too_much:
            message = f"the function keeps more than {self._limits.tmp_bytes // 1024 // 1024} MB in /tmp"
            self._stop_call("execution_failed", message, "DiskLimitError")
            return
        call.watch = self._loop.call_later(_WATCH_SECONDS, self._on_watch)

    def _look_at_memory(self) -> None:
        if self._statm is not None:
            with contextlib.suppress(OSError, IndexError):  # it is just ending
                self._resident = int(self._statm.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _stop_for_memory(self) -> None:
        message = f"the function used more memory than the {self.memory_mb} MB of its plan"
        self._stop_call("execution_failed", message, "MemoryLimitError")

    def _stop_call(self, status: Literal["execution_failed", "deadline_exceeded"], message: str, kind: str) -> None:
        if self._call is not None and self._call.killed is None:
            self._call.killed = (status, {"message": message, "type": kind})
        self.kill()

    # What the process tells --------------------------------------------------------------------

    def on_frame(self, kind: int, payload: bytes) -> None:
        """Take a frame from the process."""
        call = self._call
        if kind == frames.HELLO:
            self._ready = True
            self._look_at_memory()
            if call is not None:
                self.start_clock(call)
        elif call is None or call.done.done():
            return  # of a call that was given up
        elif kind == frames.TEXT:
            level, _, text = payload.decode(errors="replace").partition(" ")
            self._guarded(call, call.log.write, level, text)
        elif kind == frames.RESULT:
            call.result = payload
        elif kind == frames.FAILURE:
            call.error = frames.decode(payload)
        elif kind == frames.INVOKE:
            self._on_invoke(call, payload)
        elif kind == frames.STUCK:
            call.stuck = True
        elif kind == frames.MEMORY:
            self._stop_for_memory()
        elif kind == frames.DONE and call.killed is None:
            self._process.drain_output()
            end = frames.decode(payload)
            if end["discard"]:
                self.kill()
            self._resident = end["rss"]
            self._conclude(call, end["milliseconds"])

    def on_output(self, level: str, data: bytes) -> bool:
        """Take what was written to a standard stream past ``console``."""
        call = self._call
        if call is None or call.done.done():
            return False
        if level == "ERROR":
            call.stderr_tail = (call.stderr_tail + data)[-8192:]
        return bool(self._guarded(call, call.log.output, level, data))

    def on_corruption(self) -> None:
        """Note that the channel can't be used any more."""
        message = "the function wrote into the channel of its container"
        self._stop_call("execution_failed", message, "ContainerError")

    def on_end(self, returncode: int) -> None:
        """Conclude the call that the process was busy with, if there is one."""
        self._usable = False
        call = self._call
        if call is None:
            if self.on_idle_end is not None:
                self.on_idle_end()
            return
        if call.done.done():
            return
        status, error = call.killed or ("execution_failed", self._last_words(call, returncode))
        if call.killed is None and (call.result is not None or call.error is not None):
            # It crashed after it had called back: the log tells, the caller receives what came first.
            self._guarded(call, call.log.write, "ERROR", f"{error['type']}: {error['message']}")
        else:
            call.result = None
            call.error = error
            self._guarded(call, call.log.write, "ERROR", f"{error['type']}: {error['message']}")
        if not call.done.done():
            milliseconds = (self._loop.time() - call.started) * 1000
            self._conclude(call, milliseconds, failure=status)

    def _guarded(self, call: Call, action: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except Exception as error:  # noqa: BLE001 - a log listener's failure belongs to whoever called
            if not call.done.done():
                call.done.set_exception(error)
            return None

    def _last_words(self, call: Call, returncode: int) -> dict[str, Any]:
        if not self._ready:
            message = f"Node ended while it was starting, with status {returncode}; what it said is in the log"
            return {"message": message, "type": "ContainerError"}
        if b"heap out of memory" in call.stderr_tail:
            message = f"the function used more memory than the {self.memory_mb} MB of its plan"
            return {"message": message, "type": "MemoryLimitError"}
        if returncode >= 0:
            message = f"the function ended its process with exit code {returncode}; call back instead"
            return {"message": message, "type": "ProcessExitError"}
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = str(-returncode)
        return {"message": f"the process of the function crashed ({name})", "type": "ProcessCrashError"}

    def _conclude(self, call: Call, milliseconds: float, failure: Status = "execution_failed") -> None:
        data: Any = None
        error = call.error
        result = call.result or b"null"
        if error is None:
            try:
                data = json.loads(result)
            except (RecursionError, ValueError):
                error = {"message": "the result is nested too deeply to be returned", "type": "RangeError"}
                self._guarded(call, call.log.write, "ERROR", f"RangeError: {error['message']}")
        log = self._guarded(call, call.log.finish)
        if call.done.done():
            return
        call.done.set_result(
            Execution(
                status="fulfilled" if error is None else failure,
                code=0 if error is None else 1,
                data=data,
                data_json=result.decode() if error is None else "null",
                error=error or {},
                log=log,
                execution_time=round(milliseconds, 2),
                billing_time=max(1, math.ceil(milliseconds / 100)) * 100,
                mem_usage=max(call.peak, self._resident),
            )
        )

    # BaaS.invoke -------------------------------------------------------------------------------

    def _on_invoke(self, call: Call, payload: bytes) -> None:
        task = self._loop.create_task(self._answer(call, payload))
        call.tasks.add(task)
        task.add_done_callback(call.tasks.discard)

    async def _answer(self, call: Call, payload: bytes) -> None:
        request_id = 0
        try:
            request: Mapping[str, Any] = frames.decode(payload)
            request_id = request["id"]
            result = await call.invoke(request["name"], request["params"], request["sync"])
            answer = json.dumps({"id": request_id, "result": result}, allow_nan=False)
        except Exception as error:  # noqa: BLE001 - it is the calling function's to handle
            message = str(error) or type(error).__name__
            answer = json.dumps({"id": request_id, "error": message})
        if self._call is call:
            self._process.send(frames.ANSWER, answer.encode())


def _environment(directory: Path) -> dict[str, str]:
    """Give a container's environment variables: none of the emulator's own, which may hold secrets."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "LANG": "C.UTF-8",
        "TZ": "Asia/Shanghai",  # what the service says in event.timezone
    }


def _size(directory: Path, enough: int) -> int:
    """Add up the files below a directory, in bytes, until it is more than enough."""
    total = 0
    waiting = [str(directory)]
    while waiting and total <= enough:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue  # removed meanwhile, or not to be read
    return total
