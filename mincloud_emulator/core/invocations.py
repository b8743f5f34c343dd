"""Calls of functions: each becomes a job, waits for its turn, runs, and leaves a result and a log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .recorded_calls import CallRecorder, RecordedCall
from .store import MEMORY_MB
from .stubs import InvocationResult, Stub, run_stub

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..runtime import Runtime
    from .clock import Clock
    from .events import Broker
    from .limits import Limits
    from .store import Function, Job, Store

_logger = logging.getLogger(__name__)
_RECORD_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a function.

    Attributes:
        source: The kind of call, such as `open_api`; the function's event has it as `eventType`.
        ip_address: Where the request came from.
        user_agent: What the request said sent it.
        schema_id: The id of the table whose change is the reason, for `flex_schema`.
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
        result: How it ends; never fails, and goes on when nobody waits for it.
    """

    job: Job
    result: asyncio.Task[InvocationResult]


class Invocations:
    """Runs functions, as many at once as their plans allow.

    Args:
        store: Keeps the jobs.
        clock: Gives them their times.
        limits: How long a call may run, and how many run at once.
        broker: Is told what happens.
        miniapp_id: The application's id, as events carry it.
        sign_key: What would decrypt WeChat's access token, as events carry it.
        node: Which Node runs functions, a program or a version; the one on the path if None.
        baas: A JavaScript module whose exports stand in for what the emulator has not of `BaaS`.
        strict: Whether a function that opens a socket is refused.
        recorder: Is told of every call.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        limits: Limits,
        broker: Broker,
        *,
        miniapp_id: str,
        sign_key: str,
        node: str | None,
        baas: Path | None,
        strict: bool,
        recorder: CallRecorder,
    ) -> None:
        self.stubs: dict[int, Stub] = {}
        self.recorder = recorder
        self._store = store
        self._clock = clock
        self._limits = limits
        self._broker = broker
        self._miniapp_id = miniapp_id
        self._sign_key = sign_key
        self._node = node
        self._baas = baas
        self._strict = strict
        self._runtime: Runtime | None = None
        self._running: dict[asyncio.Task[InvocationResult], None] = {}
        self._unrecorded: set[asyncio.Task[None]] = set()
        self._slots = {
            "P_FREE": asyncio.Semaphore(limits.free_concurrency),
            "P_PERSONAL": asyncio.Semaphore(limits.personal_concurrency),
        }

    @property
    def unfinished(self) -> int:
        """How many calls have not ended yet."""
        return len(self._running)

    def start(self, function: Function, data: Any, caller: Caller, *, sync: bool) -> Invocation:
        """Accepts a call: records its job and lets it run.

        Args:
            function: What to run.
            data: What it is given, any JSON value.
            caller: Who calls.
            sync: Whether the caller waits, which decides how long it may run.
        """
        job = self._store.create_job(function, source=caller.source, sync=sync, data=data)
        event = self._event(function, data, caller, job, sync=sync)
        call = RecordedCall(function.name, data, event, sync, caller.source, function.environment, job.id)
        self.recorder.add(call)
        self._publish(function, job)
        task = asyncio.create_task(self._run(function, event, job, call, sync=sync))
        self._running[task] = None
        task.add_done_callback(self._forget)
        return Invocation(job, task)

    async def settle(self) -> None:
        """Waits until no call is running or waiting for its turn."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def stop_running(self) -> None:
        """Ends every call now; their jobs are marked failed."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def aclose(self) -> None:
        """Ends every call and every container."""
        await self.stop_running()
        for task in self._unrecorded:
            task.cancel()  # the next emulator marks these jobs failed
        if self._runtime is not None:
            await self._runtime.aclose()
            self._runtime = None

    def _forget(self, task: asyncio.Task[InvocationResult]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("a call could not be carried through", exc_info=error)

    async def _run(
        self, function: Function, event: dict[str, Any], job: Job, call: RecordedCall, *, sync: bool
    ) -> InvocationResult:
        slots = self._slots[function.plan_circle]
        patience = self._limits.sync_scheduling_seconds if sync else self._limits.async_scheduling_seconds
        try:
            try:
                async with asyncio.timeout(patience):
                    await slots.acquire()
            except TimeoutError:
                return self._finish(function, job, call, _not_scheduled(function, patience))

            def on_start() -> None:
                nonlocal job
                job = self._store.start_job(job)
                call.status = job.status
                self._publish(function, job)

            try:
                result = await self._execute(function, event, job, on_start, sync=sync)
            finally:
                slots.release()
        except asyncio.CancelledError:
            line = f"{self._clock.log_time()} ERROR the emulator was stopped before this job had ended\n"
            error = {"message": "the emulator was stopped", "type": "EmulatorStopped"}
            return self._finish(function, job, call, InvocationResult("execution_failed", None, "null", error, line))
        except Exception as error:
            _logger.exception("running %r failed", function.name)
            described = {"message": f"the emulator failed: {error}", "type": type(error).__name__}
            line = f"{self._clock.log_time()} ERROR {described['message']}\n"
            return self._finish(
                function, job, call, InvocationResult("execution_failed", None, "null", described, line)
            )
        return self._finish(function, job, call, result)

    async def prestart(self) -> None:
        """Starts a container ahead of the first call, so that already that one is quick.

        Raises:
            NodeMissing: If there is no Node to run functions.
            OSError: If its process can't be started.
        """
        await self._started_runtime().prestart()

    def _started_runtime(self) -> Runtime:
        if self._runtime is None:
            from ..runtime import Runtime  # noqa: PLC0415 - stubs need no runtime

            self._runtime = Runtime(
                node=self._node, baas=self._baas, strict=self._strict, log_time=self._clock.log_time
            )
        return self._runtime

    async def _execute(
        self, function: Function, event: dict[str, Any], job: Job, on_start: Callable[[], None], *, sync: bool
    ) -> InvocationResult:
        time_limit = self._limits.sync_seconds if sync else self._limits.async_seconds

        def on_log(line: str) -> None:
            data = {
                "environment": function.environment,
                "function": function.name,
                "job_id": job.id,
                "line": line,
            }
            self._broker.publish("log", data)

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
            # Two functions may have had the same name one after the other: the id keeps their containers
            # apart.
            version=function.id << 32 | function.version,
            memory_mb=MEMORY_MB[function.plan_circle],
        )
        try:
            execution = await self._started_runtime().run(
                version, event, time_limit=time_limit, invoke=invoke, on_start=on_start, on_log=on_log
            )
        except NodeMissing as error:
            line = f"{self._clock.log_time()} ERROR {error}\n"
            described = {"message": str(error), "type": "NodeMissing"}
            return InvocationResult("execution_rejected", None, "null", described, line)
        return InvocationResult(
            execution.status,
            execution.data,
            execution.data_json,
            execution.error,
            execution.log,
            execution.execution_time,
            execution.billing_time,
            execution.mem_usage,
        )

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
            job = self._store.finish_job(job, result.status, mem_usage=result.mem_usage, log=result.log)
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
            "timeLimitInMS": round(1000 * (self._limits.sync_seconds if sync else self._limits.async_seconds)),
            "timezone": "Asia/Shanghai",
        }
        if caller.schema_id is not None:
            event["flex_schema_name"] = f"schema_{caller.schema_id}"  # there are no tables here that have names
        if function.environment:
            event["env"] = {"id": function.environment, "name": function.environment}
        return event


def job_summary(job: Job) -> dict[str, Any]:
    """Returns what the console shows of a job."""
    return {
        "id": job.id,
        "environment": job.environment,
        "source": job.source,
        "service_type": job.service_type,
        "status": job.status,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "mem_usage": job.mem_usage,
        "has_log": job.has_log,
    }


def _not_scheduled(function: Function, patience: float) -> InvocationResult:
    message = f"no room for another call of a {function.plan_circle} function within {patience:g} s"
    return InvocationResult("schedule_failed", None, "null", {"message": message, "type": "ScheduleFailed"}, None)
