"""A container: a Node process that loads one function and runs its calls, one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.invocation_result import FinalStatus, InvocationResult
from . import frames
from .call_log import CallLog
from .node import BARE_ENVIRONMENT
from .process import ContainerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .node import NodeInfo

_SCRIPT = Path(__file__).resolve().with_name("container.cjs")
_STATM = Path("/proc/self/statm")
_CHECK_SECONDS = 0.05
_IDLE_CHECK_SECONDS = 1.0
_START_TIMEOUT = 60.0  # far more than Node needs on a busy machine: only a Node that hangs gets there
_TMP_EVERY = 5  # checks of the memory between two of the directory
_STDERR_TAIL = 8192  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    """The limits of a call, beyond its time and the memory of its plan.

    Attributes:
        log_bytes: The size of its log.
        result_bytes: The size of what it returns, and of what it passes to ``BaaS.invoke``, as JSON.
        tmp_bytes: The size of all files in its container's ``/tmp``.
        memory_overhead_mb: What Node itself takes, in MB: a process may hold this much on top of its plan.
    """

    log_bytes: int = 1024 * 1024
    result_bytes: int = 6 * 1024 * 1024
    tmp_bytes: int = 64 * 1024 * 1024
    memory_overhead_mb: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerOptions:
    """The options that all containers of a runtime share; see `Runtime`."""

    limits: ContainerLimits
    baas: Path | None
    strict: bool
    log_time: Callable[[], str]


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """One deployed version of a function.

    Attributes:
        environment: The id of its environment, empty for production.
        name: Its name.
        code: Its JavaScript text.
        version: A number that changes with each deploy; a container that loaded another version is never used again.
        memory_mb: What its plan allows, in MB: 128 (``P_FREE``) or 256 (``P_PERSONAL``).
    """

    environment: str
    name: str
    code: str = field(repr=False)
    version: int
    memory_mb: int


@dataclass(slots=True, kw_only=True)
class Call:
    """The call that a container runs now, and what is known of it so far."""

    time_limit: float
    log: CallLog
    invoke: Callable[[str, Any, bool], Awaitable[Any]]
    done: asyncio.Future[InvocationResult]
    started: float = 0.0
    deadline: asyncio.TimerHandle | None = None
    check: asyncio.TimerHandle | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    result: bytes | None = None
    data: Any = None
    error: dict[str, Any] | None = None
    killed: tuple[FinalStatus, dict[str, Any]] | None = None
    stuck: bool = False
    peak: int = 0
    checks: int = 0
    stderr_tail: bytes = b""


class Container:
    """A Node process for one function, which has started or is starting.

    `directory`, which exists, is its working directory and its ``/tmp``. `on_ready` is called when Node has started, `on_end` when
    the process has ended without a call.

    Raises:
        OSError: Node could not be started.
    """

    def __init__(
        self,
        node: NodeInfo,
        *,
        memory_mb: int,
        directory: Path,
        options: ContainerOptions,
        on_ready: Callable[[Container], None],
        on_end: Callable[[Container], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.directory = directory
        self.memory_mb = memory_mb
        self.function: FunctionVersion | None = None
        self._on_ready = on_ready
        self._on_end = on_end
        self._log_time = options.log_time
        limits = self._limits = options.limits
        self._memory_limit = (memory_mb + limits.memory_overhead_mb) * 1024 * 1024
        self._call: Call | None = None
        self._ready = False
        self.usable = True
        """Whether it may run another call."""
        self._start_output = b""
        self._start_failure: str | None = None
        self._resident = 0  # its memory when it was last read, in bytes
        sees_memory = _STATM.exists()
        settings = {
            "logLimit": limits.log_bytes,
            "resultLimit": limits.result_bytes,
            "memoryLimit": None if sees_memory else self._memory_limit,
            "baas": None if options.baas is None else str(options.baas),
            "strict": options.strict,
            "confine": node.permission_flag is None,
        }
        readable = [_SCRIPT.parent, *_readable_for(options.baas)]
        self._process = ContainerProcess(
            [node.path, *node.options(heap_mb=memory_mb, readable=readable, writable=directory), str(_SCRIPT)],
            [json.dumps(settings)],
            directory=directory,
            environment=_environment(directory),
            frame_limit=max(limits.result_bytes, 4 * limits.log_bytes) + 1024 * 1024,
            listener=self,
        )
        self.pid = self._process.pid
        self._statm = Path(f"/proc/{self.pid}/statm") if sees_memory else None
        self._timer = self._loop.call_later(_START_TIMEOUT, self._on_start_timeout)

    def kill(self) -> None:
        """Kills it, with which its call fails, if there is one."""
        self.usable = False
        self._timer.cancel()
        self._process.kill()

    def stop(self) -> None:
        """Kills it because the emulator stops, with which its call fails, if there is one."""
        self._stop_call("execution_failed", {"message": "the emulator was stopped", "type": "EmulatorStopped"})

    async def wait_ended(self) -> None:
        """Waits until its process has ended and its pipes are closed."""
        await asyncio.shield(self._process.ended)

    def failed_start(self, on_log: Callable[[str], None] | None) -> InvocationResult:
        """Returns the result of a call for which this container could not start; its log has the output of Node."""
        log = CallLog(self._limits.log_bytes, self._log_time, on_log)
        log.output("ERROR", self._start_output)
        error = {"message": self._start_failure or "Node did not start", "type": "ContainerError"}
        log.finish()
        log.write("ERROR", f"{error['type']}: {error['message']}")
        return InvocationResult(status="execution_failed", error=error, log=log.finish(), mem_usage=0)

    async def call(
        self,
        function: FunctionVersion,
        event: bytes,
        *,
        time_limit: float,
        invoke: Callable[[str, Any, bool], Awaitable[Any]],
        on_log: Callable[[str], None] | None,
    ) -> InvocationResult:
        """Calls the function, which is the same in each call and is loaded by the first; see `Runtime.run`."""
        done: asyncio.Future[InvocationResult] = self._loop.create_future()
        log = CallLog(self._limits.log_bytes, self._log_time, on_log)
        call = self._call = Call(time_limit=time_limit, log=log, invoke=invoke, done=done)
        self._timer.cancel()
        if self.function is None:
            self.function = function
            code = json.dumps({"name": function.name, "code": function.code}, ensure_ascii=False)
            self._process.send(frames.LOAD, code.encode(errors="replace"))  # half a surrogate pair is no code
        self._process.send(frames.CALL, event)
        self.start_clock(call)
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
        for timer in (call.deadline, call.check):
            if timer is not None:
                timer.cancel()
        for task in call.tasks:
            task.cancel()
        if self.usable:
            self._watch_idle()

    # The time limit ---------------------------------------------------------------------------------

    def start_clock(self, call: Call) -> None:
        """Starts the time limit of a call."""
        call.started = self._loop.time()
        call.deadline = self._loop.call_later(call.time_limit, self._on_deadline)
        call.check = self._loop.call_later(_CHECK_SECONDS, self._check)

    def _on_start_timeout(self) -> None:
        self._start_failure = f"Node did not start within {_START_TIMEOUT:.0f} s"
        self.kill()

    def _on_deadline(self) -> None:
        call = self._call
        if call is None:
            return
        message = f"the function did not end within its time limit of {call.time_limit * 1000:.0f} ms"
        if call.result is not None or call.error is not None:
            message += ": it called back, but then something kept its event loop busy"
        elif call.stuck:
            message += ": it has nothing left to do and never called back"
        self._stop_call("deadline_exceeded", {"message": message, "type": "TimeoutError"})

    # The limits --------------------------------------------------------------------------------

    def _check(self) -> None:
        call = self._call
        if call is None:
            return
        self._process.check_ended()
        self._read_memory()
        call.peak = max(call.peak, self._resident)
        if self._resident > self._memory_limit:
            self._stop_call("execution_failed", self._memory_error())
            return
        call.checks += 1
        if call.checks % _TMP_EVERY == 0 and self._exceeds_tmp_limit():
            message = f"the function keeps more than {self._limits.tmp_bytes // 1024 // 1024} MB in /tmp"
            self._stop_call("execution_failed", {"message": message, "type": "DiskLimitError"})
            return
        call.check = self._loop.call_later(_CHECK_SECONDS, self._check)

    def _watch_idle(self) -> None:
        """Watches the container between two calls, in which a timer of the function may still run."""
        self._timer = self._loop.call_later(_IDLE_CHECK_SECONDS, self._check_idle)

    def _check_idle(self) -> None:
        self._process.check_ended()
        self._read_memory()
        if self._resident > self._memory_limit or self._exceeds_tmp_limit():
            self.kill()
        else:
            self._watch_idle()

    def _read_memory(self) -> None:
        if self._statm is not None:
            with contextlib.suppress(OSError, IndexError):  # it is just ending
                self._resident = int(self._statm.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _exceeds_tmp_limit(self) -> bool:
        return _directory_size(self.directory, self._limits.tmp_bytes) > self._limits.tmp_bytes

    def _memory_error(self) -> dict[str, Any]:
        message = f"the function used more memory than the {self.memory_mb} MB of its plan"
        return {"message": message, "type": "MemoryLimitError"}

    def _stop_call(self, status: FinalStatus, error: dict[str, Any]) -> None:
        if self._call is not None and self._call.killed is None:
            self._call.killed = (status, error)
        self.kill()

    # What the process sends --------------------------------------------------------------------

    def on_frame(self, kind: int, payload: bytes) -> None:
        """Handles a frame from the process."""
        if kind == frames.READY:
            if self._ready:
                raise frames.FrameError("a container that starts twice")
            self._ready = True
            self._timer.cancel()
            self._read_memory()
            self._watch_idle()
            if self.usable:
                self._on_ready(self)
            return
        call = self._call
        if call is None or call.done.done() or call.killed is not None:
            return  # it belongs to a call that was given up
        if kind == frames.TEXT:
            level, _, text = payload.decode(errors="replace").partition(" ")
            if level not in {"LOG", "INFO", "WARN", "ERROR"}:
                raise frames.FrameError("a log entry of no level")
            self._notify(call, call.log.write, level, text)
        elif kind in {frames.RESULT, frames.FAILURE}:
            if call.result is None and call.error is None:  # the first outcome counts
                self._take_outcome(call, kind, payload)
        elif kind == frames.INVOKE:
            self._on_invoke(call, frames.decode_object(kind, payload))
        elif kind == frames.STUCK:
            call.stuck = True
        elif kind == frames.MEMORY:
            self._stop_call("execution_failed", self._memory_error())
        elif kind == frames.DONE:
            self._on_done(call, frames.decode_object(kind, payload))
        else:
            raise frames.FrameError("a frame that no container sends now")

    def _take_outcome(self, call: Call, kind: int, payload: bytes) -> None:
        if kind == frames.FAILURE:
            members = frames.decode_object(kind, payload)
            call.error = {name: members[name] for name in ("message", "type", "stack") if members.get(name) is not None}
            return
        try:
            call.data = frames.decode_json(payload)
            call.result = payload
        except RecursionError:
            call.error = {"message": "the result is nested too deeply to be returned", "type": "RangeError"}
            self._notify(call, call.log.write, "ERROR", f"RangeError: {call.error['message']}")

    def _on_done(self, call: Call, done: dict[str, Any]) -> None:
        if call.result is None and call.error is None:
            raise frames.FrameError("the end of a call that has no outcome")
        self._process.drain_output()
        self._resident = int(done["rss"])
        self._read_memory()
        if self._resident > self._memory_limit:
            # A call may be over before the first check.
            self._stop_call("execution_failed", self._memory_error())
            return
        if done["discard"] or self._exceeds_tmp_limit():
            self.kill()
        elapsed = (self._loop.time() - call.started) * 1000
        self._conclude(call, min(done["milliseconds"], elapsed))

    def on_output(self, level: str, data: bytes) -> bool:
        """Handles what was written to a standard stream without ``console``."""
        if not self._ready and level == "ERROR":
            self._start_output = (self._start_output + data)[-_STDERR_TAIL:]
        call = self._call
        if call is None or call.done.done():
            return False
        if level == "ERROR":
            call.stderr_tail = (call.stderr_tail + data)[-_STDERR_TAIL:]
        return bool(self._notify(call, call.log.output, level, data))

    def on_corruption(self) -> None:
        """Fails the call, since the channel can't be used any more."""
        message = "the function wrote into the channel of its container"
        self._stop_call("execution_failed", {"message": message, "type": "ContainerError"})

    def on_end(self, returncode: int) -> None:
        """Ends the call of the process, if there is one."""
        self.usable = False
        self._timer.cancel()
        call = self._call
        if call is None:
            if not self._ready and self._start_failure is None:
                ended = f"Node ended while it was starting, with status {returncode}"
                self._start_failure = f"{ended}; what it said is in the log"
            self._on_end(self)
            return
        if call.done.done():
            return
        status, error = call.killed or ("execution_failed", self._exit_error(call, returncode))
        self._notify(call, call.log.write, "ERROR", f"{error['type']}: {error['message']}")
        # If it crashed after it had called back, the caller receives what it called back with.
        if call.killed is not None or (call.result is None and call.error is None):
            call.result = None
            call.error = error
        if not call.done.done():
            milliseconds = (self._loop.time() - call.started) * 1000
            self._conclude(call, milliseconds, failure=status)

    def _notify(self, call: Call, action: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except Exception as error:  # noqa: BLE001 - raised where the function was called
            if not call.done.done():
                call.done.set_exception(error)
            return None

    def _exit_error(self, call: Call, returncode: int) -> dict[str, Any]:
        if b"heap out of memory" in call.stderr_tail:
            return self._memory_error()
        if returncode >= 0:
            message = f"the function ended its process with exit code {returncode}; call back instead"
            return {"message": message, "type": "ProcessExitError"}
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = str(-returncode)
        return {"message": f"the process of the function crashed ({name})", "type": "ProcessCrashError"}

    def _conclude(self, call: Call, milliseconds: float, failure: FinalStatus = "execution_failed") -> None:
        log = self._notify(call, call.log.finish)
        if call.done.done():
            return
        call.done.set_result(
            InvocationResult(
                status="fulfilled" if call.error is None else failure,
                data=call.data if call.error is None else None,
                data_json=call.result.decode() if call.error is None and call.result is not None else "null",
                error=call.error or {},
                log=log,
                execution_time=round(milliseconds, 2),
                mem_usage=max(call.peak, self._resident),
            )
        )

    # BaaS.invoke -------------------------------------------------------------------------------

    def _on_invoke(self, call: Call, request: dict[str, Any]) -> None:
        task = self._loop.create_task(self._answer(call, request))
        call.tasks.add(task)
        task.add_done_callback(call.tasks.discard)

    async def _answer(self, call: Call, request: dict[str, Any]) -> None:
        number = int(request["id"])
        try:
            result = await call.invoke(request["name"], request.get("params"), request["sync"])
            answer = json.dumps({"id": number, "result": result}, allow_nan=False)
        except Exception as error:  # noqa: BLE001 - raised in the calling function
            message = str(error) or type(error).__name__
            answer = json.dumps({"id": number, "error": message})
        if self._call is call:
            self._process.send(frames.ANSWER, answer.encode())


def _environment(directory: Path) -> dict[str, str]:
    """Returns a container's environment variables."""
    return {
        **BARE_ENVIRONMENT,
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "TZ": "Asia/Shanghai",  # the service's event.timezone
    }


def _readable_for(module: Path | None) -> list[Path]:
    """Returns what a module must be able to read to load: its own directory, and the packages of those above."""
    if module is None:
        return []
    above = [module.parent, *module.parent.parents]
    return [module.parent, *(path / name for path in above for name in ("node_modules", "package.json"))]


def _directory_size(directory: Path, enough: int) -> int:
    """Adds up the files below a directory, in bytes, until it is more than `enough`."""
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
