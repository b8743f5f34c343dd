"""Stubs: Python callables that run instead of functions, so that tests need no Node."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import json
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .invocation_result import FinalStatus, InvocationResult
from .json_text import encode_json
from .node_inspect import log_text

if TYPE_CHECKING:
    from types import TracebackType

    from .clock import Clock

Stub = Callable[[dict[str, Any]], Any]
"""Takes the event, returns what the function returns: a JSON value, or an awaitable of one."""

CODE = "// 由 Python 扮演:a stub plays this function, see Emulator.stub\n"
"""The `function_code` of a function that only has a stub."""

IN_STUB: ContextVar[bool] = ContextVar("in_stub", default=False)
"""Whether a stub is running."""


async def run_stub(
    stub: Stub, event: Mapping[str, Any], *, time_limit: float, clock: Clock, on_log: Callable[[str], None]
) -> InvocationResult:
    """Runs a stub with a copy of the event, with the same log and the same kinds of result as a function.

    It runs in a thread of its own, so it may block and may call the emulator. After `time_limit` seconds it is cancelled if it is
    a coroutine function, otherwise left behind.
    """
    lines: list[str] = []

    def write(level: str, message: str) -> None:
        lines.append(f"{clock.log_time()} {level} {message}\n")
        on_log(lines[-1].rstrip("\n"))

    started = time.perf_counter()
    write("LOG", log_text("event.data: ", event.get("data")))
    status: FinalStatus = "fulfilled"
    data, data_json, error, failure = None, "null", dict[str, Any](), ""
    try:
        async with asyncio.timeout(time_limit):
            returned = await _outcome(stub, copy.deepcopy(dict(event)))
        data_json = encode_json(returned).decode()
        data = json.loads(data_json)
        write("LOG", log_text("return: ", {"error": {}, "code": 0, "data": data}))
    except TimeoutError:
        status = "deadline_exceeded"
        error = {"message": f"the function did not end within {time_limit:g} s", "type": "TimeoutError"}
    except _StubFailed as failed:
        status, error = "execution_failed", _error_fields(failed.error)
        failure = _as_node_logs(failed.error)
    except (TypeError, ValueError) as no_json:
        message = f"what the stub returned is no JSON: {no_json}"
        status, error = "execution_failed", {"message": message, "type": type(no_json).__name__}
    if error:
        write("ERROR", failure or error["message"])
    milliseconds = (time.perf_counter() - started) * 1000
    return InvocationResult(
        status=status,
        data=data,
        data_json=data_json,
        error=error,
        log="".join(lines),
        execution_time=round(milliseconds, 2),
        mem_usage=0,  # it has no container whose memory could be measured
    )


class _StubFailed(Exception):
    """Carries any exception that a stub raised, also those of pytest and `StopIteration`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


async def _outcome(stub: Stub, event: dict[str, Any]) -> Any:
    """Calls a stub in a thread of its own, and awaits what it returns in that thread.

    Raises:
        _StubFailed: If the stub raises.
    """
    # Not in the loop's executor, which is waited for at the end: a stub that sleeps would delay that.
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    awaiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def wait(awaitable: Awaitable[Any]) -> Any:
        if task := asyncio.current_task():
            awaiting.append((asyncio.get_running_loop(), task))
        return await awaitable

    def deliver(returned: Any, raised: BaseException | None) -> None:
        if not done.done():
            done.set_result((returned, raised))

    def run() -> None:
        IN_STUB.set(True)
        returned, raised = None, None
        try:
            returned = stub(event)
            if inspect.isawaitable(returned):
                returned = asyncio.run(wait(returned))
        except BaseException as error:  # noqa: BLE001 - raised where the stub is awaited
            raised = error
        # The loop is closed if the emulator was stopped meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, returned, raised)

    threading.Thread(target=run, name="mincloud-emulator-stub", daemon=True).start()
    try:
        returned, raised = await done
    except asyncio.CancelledError:
        # A coroutine can be cancelled; a plain callable can't.
        for stubs_loop, task in awaiting:
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                stubs_loop.call_soon_threadsafe(task.cancel)
        raise
    if raised is not None:
        raise _StubFailed(raised)
    return returned


def _error_fields(error: BaseException) -> dict[str, Any]:
    return {
        "message": _message(error) or type(error).__name__,
        "stack": "".join(traceback.format_exception(type(error), error, _frames(error))).rstrip("\n"),
        "type": type(error).__name__,
    }


def _message(error: BaseException) -> str:
    # A traceback also has a message for an exception whose `__str__` raises.
    return str(traceback.TracebackException(type(error), error, None))


def _as_node_logs(error: BaseException) -> str:
    """Returns an error as Node prints it: its message first, then the calls, the innermost first."""
    calls = reversed(traceback.extract_tb(_frames(error)))
    places = [f"\n    at {call.name} ({call.filename}:{call.lineno})" for call in calls]
    return "".join([f"{type(error).__name__}: {_message(error)}", *places])


def _frames(error: BaseException) -> TracebackType | None:
    # Without the frames of this module, which tell the stub's author nothing.
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames
