"""Runs the calls of functions: each becomes a job, waits until its plan allows it, runs, and leaves a result and a log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .invocation_result import InvocationResult
from .recorded_calls import CallRecorder, RecordedCall
from .store import MEMORY_MB, Job
from .stubs import Stub, run_stub

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..runtime import Runtime
    from .clock import Clock
    from .events import Broker
    from .settings import Limits, Settings
    from .store import Function, Store

_logger = logging.getLogger(__name__)
_RECORD_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a function.

    Attributes:
        source: The kind of call, such as `open_api`; the function's event has it as `eventType`.
        ip_address: The address that the request came from.
        user_agent: The request's `User-Agent`.
        schema_id: The id of the table whose change causes the call, for `flex_schema`.
    """

    source: str
    ip_address: str = ""
    user_agent: str = ""
    schema_id: int | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call that was accepted.

    Attributes:
        job: Its job when it was accepted.
        result: Returns its result and never fails; goes on when nobody waits for it.
    """

    job: Job
    result: asyncio.Task[InvocationResult]


class Invocations:
    """Runs functions, as many at once as their plans allow."""

    def __init__(self, store: Store, clock: Clock, limits: Limits, broker: Broker, settings: Settings) -> None:
        self.stubs: dict[int, Stub] = {}
        """The stubs by the ids of the functions that they play."""
        self.recorder = CallRecorder(settings.recorded_calls, settings.listing_lag, clock)
        self._store = store
        self._clock = clock
        self._limits = limits
        self._broker = broker
        self._settings = settings
        self._miniapp_id = store.setting("miniapp_id", lambda: secrets.token_hex(10))
        self._sign_key = store.setting("sign_key", lambda: secrets.token_hex(16))
        self._runtime: Runtime | None = None
        self._running: dict[asyncio.Task[InvocationResult], None] = {}
        self._unrecorded: set[asyncio.Task[None]] = set()
        self._slots = {
            "P_FREE": asyncio.Semaphore(limits.free_concurrency),
            "P_PERSONAL": asyncio.Semaphore(limits.personal_concurrency),
        }

    def start(self, function: Function, data: Any, caller: Caller, *, sync: bool) -> Invocation:
        """Accepts a call: records its job and starts it. `sync` says whether the caller waits, and so how long it may run."""
        job = self._store.create_job(function, source=caller.source, sync=sync, data=data)
        event = self._event(function, data, caller, job, sync=sync)
        call = RecordedCall(function.name, data, event, sync, caller.source, function.environment, job.id)
        self.recorder.add(call)
        self._publish(function, job)
        task = asyncio.create_task(self._run(function, job, call))
        self._running[task] = None
        task.add_done_callback(self._forget)
        return Invocation(job, task)

    async def settle(self) -> None:
        """Waits until no call is running or waiting for its turn."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def aclose(self) -> None:
        """Ends every call, whose jobs are marked failed, and every container."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for unrecorded in self._unrecorded:
            unrecorded.cancel()  # the next emulator marks these jobs failed
        if self._runtime is not None:
            await self._runtime.aclose()
            self._runtime = None

    def _forget(self, task: asyncio.Task[InvocationResult]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("a call could not be finished", exc_info=error)

    async def _run(self, function: Function, job: Job, call: RecordedCall) -> InvocationResult:
        slots = self._slots[function.plan_circle]
        longest_wait = self._limits.sync_scheduling_seconds if call.sync else self._limits.async_scheduling_seconds
        try:
            try:
                async with asyncio.timeout(longest_wait):
                    await slots.acquire()
            except TimeoutError:
                message = f"no room for another call of a {function.plan_circle} function within {longest_wait:g} s"
                error = {"message": message, "type": "ScheduleFailed"}
                return self._finish(function, job, call, InvocationResult(status="schedule_failed", error=error))

            def on_start() -> None:
                nonlocal job
                job = self._store.start_job(job)
                call.status = job.status
                self._publish(function, job)

            try:
                result = await self._execute(function, call, on_start)
            finally:
                slots.release()
        except asyncio.CancelledError:
            result = self._failure("the emulator was stopped before this job had ended", "EmulatorStopped")
        except Exception as error:
            _logger.exception("running %r failed", function.name)
            result = self._failure(f"the emulator failed: {error}", type(error).__name__)
        return self._finish(function, job, call, result)

    def _failure(self, message: str, kind: str) -> InvocationResult:
        """Returns the result of a call that the emulator could not run to its end."""
        log = f"{self._clock.log_time()} ERROR {message}\n"
        return InvocationResult(status="execution_failed", error={"message": message, "type": kind}, log=log)

    async def prestart(self) -> None:
        """Starts a container ahead of the first call, so that this one is quick as well.

        Raises:
            NodeMissing: If there is no Node to run functions.
            OSError: If its process can't be started.
        """
        await self._started_runtime().prestart()

    def _started_runtime(self) -> Runtime:
        if self._runtime is None:
            from ..runtime import Runtime  # noqa: PLC0415 - stubs need no runtime

            settings = self._settings
            self._runtime = Runtime(
                node=settings.node, baas=settings.baas, strict=settings.strict, log_time=self._clock.log_time
            )
        return self._runtime

    def _time_limit(self, *, sync: bool) -> float:
        return self._limits.sync_seconds if sync else self._limits.async_seconds

    async def _execute(self, function: Function, call: RecordedCall, on_start: Callable[[], None]) -> InvocationResult:
        event, time_limit = call.event, self._time_limit(sync=call.sync)
        source = {"environment": function.environment, "function": function.name, "job_id": call.job_id}

        def on_log(line: str) -> None:
            self._broker.publish("log", {**source, "line": line})

        stub = self.stubs.get(function.id)
        if stub is not None:
            on_start()
            return await run_stub(stub, event, time_limit=time_limit, clock=self._clock, on_log=on_log)
        from ..runtime import FunctionVersion, NodeMissing  # noqa: PLC0415 - stubs need no runtime

        async def invoke(name: str, params: Any, wait: bool) -> Any:
            return await self._invoke_from(function, event, name, params, sync=wait)

        version = FunctionVersion(
            environment=function.environment,
            name=function.name,
            code=function.function_code,
            # The id keeps the containers of two functions apart that had the same name one after the other.
            version=function.id << 32 | function.version,
            memory_mb=MEMORY_MB[function.plan_circle],
        )
        try:
            return await self._started_runtime().run(
                version, event, time_limit=time_limit, invoke=invoke, on_start=on_start, on_log=on_log
            )
        except NodeMissing as error:
            return replace(self._failure(str(error), "NodeMissing"), status="execution_rejected")

    async def _invoke_from(
        self, function: Function, event: dict[str, Any], name: str, params: Any, *, sync: bool
    ) -> dict[str, Any]:
        """Serves `BaaS.invoke`: one function calls another of its environment."""
        called = self._store.function(function.environment, name)
        if called is None:
            message = f"BaaS.invoke: there is no function named {name!r}"
            raise LookupError(message)
        meta = event["request"]["meta"]
        caller = Caller("cloud_function", meta["ip_address"], meta["user_agent"])
        invocation = self.start(called, {} if params is None else params, caller, sync=sync)
        if not sync:
            return {"status": "ok"}
        return (await asyncio.shield(invocation.result)).result

    def _finish(self, function: Function, job: Job, call: RecordedCall, result: InvocationResult) -> InvocationResult:
        try:
            job = self._store.finish_job(job, result.status, mem_usage=result.mem_usage, log=result.log or None)
        except sqlite3.Error as error:
            _logger.error("the outcome of job %d could not be stored: %s", job.id, error)
            message = f"the emulator could not store how the call ended: {error}"
            described = {"message": message, "type": type(error).__name__}
            result = replace(result, status="execution_failed", data=None, data_json="null", error=described, log="")
            job = self._record_failure(job)
        call.status = result.status
        if result.status != "schedule_failed":
            call.result = result.result
        self._publish(function, job)
        return result

    def _record_failure(self, job: Job) -> Job:
        """Marks a job failed whose outcome could not be stored, later if there is no room even for that."""
        try:
            return self._store.finish_job(job, "execution_failed", mem_usage=None, log=None)
        except sqlite3.Error:
            task = asyncio.create_task(self._keep_recording_failure(job))
            self._unrecorded.add(task)
            task.add_done_callback(self._unrecorded.discard)
            return replace(job, status="execution_failed", finished_at=self._clock.now())

    async def _keep_recording_failure(self, job: Job) -> None:
        while True:
            await asyncio.sleep(_RECORD_AGAIN_SECONDS)
            with contextlib.suppress(sqlite3.Error):
                self._store.finish_job(job, "execution_failed", mem_usage=None, log=None)
                return

    def _publish(self, function: Function, job: Job) -> None:
        self._broker.publish("job", {"function": function.name, **job_summary(job)})

    def _event(self, function: Function, data: Any, caller: Caller, job: Job, *, sync: bool) -> dict[str, Any]:
        event: dict[str, Any] = {
            "data": data,
            "eventType": caller.source,
            "jobId": job.id,
            "memoryLimitInMB": MEMORY_MB[function.plan_circle],
            "miniappId": self._miniapp_id,
            "request": {
                "meta": {"ip_address": caller.ip_address, "user_agent": caller.user_agent},
                "user": None,
            },
            "signKey": self._sign_key,
            "timeLimitInMS": round(1000 * self._time_limit(sync=sync)),
            "timezone": "Asia/Shanghai",
        }
        if caller.schema_id is not None:
            event["flex_schema_name"] = f"schema_{caller.schema_id}"  # there are no tables here that have names
        if function.environment:
            event["env"] = {"id": function.environment, "name": function.environment}
        return event


def job_summary(job: Job) -> dict[str, Any]:
    """Returns a job as the console's interface and events have it."""
    return {name: getattr(job, name) for name in Job.__slots__ if name not in {"ticket", "function_id"}}
