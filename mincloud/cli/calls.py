"""The commands `invoke`, `trigger`, `wait` and `debug`."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FunctionError, JobError, JobNotFound, JobTimeout, MinCloudError, ResultUnavailable
from .clients import resolve_destination
from .exit_statuses import DONE, FAILED, PROGRAM, CommandError, describe_error, escaped, suggested
from .terminal import Cell
from .units import duration, seconds_between, size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .. import DebugResult, Job, MinCloud, Run
    from .terminal import Terminal

_MILLI = 1000.0
_JSON_OBJECT = """a JSON object, as '{"username": "Lin"}'"""
_JSON_TYPES = {"NoneType": "null", "bool": "a boolean", "str": "a string", "list": "a list"}
# The first frame of a stack in a file that is neither Node's nor a module's.
_OWN_FRAME = re.compile(
    r"^\s+at (?:.*\()?(?P<file>(?!node:|internal/)[^\s()/][^()\n]*\.js|index\.js):(?P<line>\d+):(?P<column>\d+)\)?$",
    re.MULTILINE,
)
_LONGEST_LINE_SHOWN = 160
# How many seconds this machine's clock and the service's may differ, with `invoke --log`.
_CLOCK_DIFFERENCE = 120.0
_LOG_ATTEMPTS = 5
_LOG_INTERVAL = 0.5


def invoke(args: argparse.Namespace, terminal: Terminal) -> int:
    """Calls a function and waits for it."""
    data = read_data(args.data)
    with resolve_destination(args, terminal).connect() as cloud:
        begun_at = time.time()
        try:
            result = cloud.functions.invoke(args.name, data)
        except FunctionError as error:
            if args.log:
                _print_log_of_call(cloud, args.name, data, begun_at, terminal)
            if terminal.json or not terminal.shows_errors:
                raise
            _, message = describe_error(error, command="invoke", name=args.name)
            log = f"{suggested('logs', args.name)} shows its log"
            raise CommandError(message, FAILED, details=[*_failing_line(cloud, error), log]) from error
        if terminal.json:
            terminal.document(result)
        else:
            terminal.block(_readable(result))
        if args.log:
            sys.stdout.flush()
            _print_log_of_call(cloud, args.name, data, begun_at, terminal)
    return DONE


def _print_log_of_call(
    cloud: MinCloud, name: str, data: dict[str, Any] | None, begun_at: float, terminal: Terminal
) -> None:
    """Prints the log of the newest call with this data to standard error; says so if it is not to be had."""
    problem = "is not there yet"
    try:
        for _ in range(_LOG_ATTEMPTS):
            call = (data or {}, begun_at - _CLOCK_DIFFERENCE, time.time() + _CLOCK_DIFFERENCE)
            (found,) = cloud.functions.find_calls(name, [call], sync=True)
            if found.runs:
                run = max(found.runs, key=lambda each: 0 if each.job is None else each.job.id)
                sys.stderr.write(escaped(run.log()))
                return
            time.sleep(_LOG_INTERVAL)
    except MinCloudError as error:  # the function has run, and what became of it matters more
        problem = f"cannot be had: {error}"
    terminal.note(f"{PROGRAM}: note: the log of this call {problem}; {suggested('logs', name)} may show it later")


def _failing_line(cloud: MinCloud, error: FunctionError) -> list[str]:
    """The line of the user's code at which a function failed, with a caret; nothing where the stack does not tell."""
    frame = _OWN_FRAME.search(error.stack or "")
    if frame is None:
        return []
    try:
        code = cloud.functions.get(error.function).function_code or ""
    except MinCloudError:  # the place alone is of use as well
        code = ""
    line, column = int(frame["line"]), int(frame["column"])
    lines = code.splitlines()
    place = f"{frame['file']}:{line}:{column}"
    if line > len(lines) or len(lines[line - 1]) > _LONGEST_LINE_SHOWN:
        return [f"  at {place}"]
    blanks = "".join(each if each == "\t" else " " for each in lines[line - 1][: column - 1])
    return [f"  at {place}", f"  {lines[line - 1]}", f"  {blanks}^"]


def trigger(args: argparse.Namespace, terminal: Terminal) -> int:
    """Calls a function without waiting, once or for each line of standard input; with `--wait` waits for the jobs."""
    inputs = _read_inputs() if args.data == "-" else [read_data(args.data)]
    destination = resolve_destination(args, terminal)
    with destination.connect() as cloud:
        runs: list[Run] = []
        status = DONE
        for data in inputs:
            try:
                run = cloud.functions.trigger(args.name, data)
            except MinCloudError as error:
                if not (args.wait and runs):
                    raise
                # The others run, so they are waited for.
                accepted = f"of {len(inputs)} calls {len(runs)} were accepted: "
                status = terminal.failure(error, {"accepted": len(runs)}, name=args.name, prefix=accepted)
                break
            runs.append(run)
            if not args.wait:
                terminal.result(
                    {"function": args.name, "accepted": True, "handle": run.to_dict()},
                    f"{args.name} was accepted in {destination}; {suggested('jobs', args.name)} shows what becomes of it",
                )
        if not args.wait:
            return DONE
        waited = _wait(cloud, runs, args.wait_for, terminal)
        return status or waited


def wait(args: argparse.Namespace, terminal: Terminal) -> int:
    """Waits for calls that `trigger --json` made, also elsewhere and earlier."""
    text, _ = _read_argument(args.handle, "HANDLE")
    with resolve_destination(args, terminal).connect() as cloud:
        try:
            handles = [json_object(document) for document in _documents(text).values()]
            runs = [cloud.functions.resume(handle.get("handle", handle)) for handle in handles]
        except (ValueError, TypeError) as error:
            raise CommandError(f"HANDLE must be what `mincloud-py trigger --json` printed: {error}") from None
        if not runs:
            raise CommandError("HANDLE is empty: it must be what `mincloud-py trigger --json` printed")
        return _wait(cloud, runs, args.wait_for, terminal)


def _wait(cloud: MinCloud, runs: Sequence[Run], seconds: float, terminal: Terminal) -> int:
    """Waits for calls, and shows what each returned; returns the exit status."""
    if len(runs) == 1:
        _show_ended(runs[0], _wait_for_job(runs[0], seconds, terminal), terminal)
        return DONE
    status, ended = DONE, 0
    try:
        with terminal.spinner(lambda: f"{ended} of {len(runs)} calls have ended"):
            for run in cloud.functions.as_completed(runs, seconds):
                ended += 1
                try:
                    job = run.wait(seconds)
                except JobError as error:
                    document = {} if error.job is None else job_document(error.job)
                    failure = terminal.failure(error, document, name=run.function)
                    status = status or failure
                else:
                    _show_ended(run, job, terminal)
    except JobTimeout as error:
        raise CommandError(f"{error}: {suggested('jobs', runs[0].function)} shows them", FAILED) from error
    return status


def _wait_for_job(run: Run, seconds: float, terminal: Terminal) -> Job:
    """Waits for the job of a call; on a terminal with its progress."""
    started = time.monotonic()

    def progress() -> str:
        job = run.job
        if job is None:
            return f"{run.function} was accepted, looking for its job"
        return f"job {job.id} {job.status}, {duration(time.monotonic() - started)}"

    try:
        with terminal.spinner(progress):
            return run.wait(seconds)
    except JobNotFound as error:
        raise JobNotFound(
            f"no job of {run.function!r} appeared within {seconds:g} s: {suggested('jobs', run.function)} shows those there are"
        ) from error
    except JobTimeout as error:
        raise JobTimeout(
            f"{error}: {suggested('jobs', run.function, '--follow')} shows when it ends", job=error.job
        ) from error


def _show_ended(run: Run, job: Job, terminal: Terminal) -> None:
    """Shows what a call returned, and where its log is."""
    try:
        shown: dict[str, Any] = {"result": run.result()}
    except ResultUnavailable as error:
        shown = {"result_unavailable": str(error)}
    if terminal.json:
        terminal.document({**job_document(job), **shown})
        return
    if "result" in shown:
        terminal.block(_readable(shown["result"]))
    else:
        terminal.note(f"mincloud-py: note: {shown['result_unavailable']}")
    took = duration(seconds_between(job.started_at, job.finished_at))
    parts = [
        f"{job.status} after {took}" if took else f"{job.status}",
        *([size(job.mem_usage)] if job.mem_usage else []),
    ]
    log = suggested("logs", run.function, "--job", str(job.id))
    terminal.text(f"job {job.id} {', '.join(parts)}; {log} shows its log")


def debug(args: argparse.Namespace, terminal: Terminal) -> int:
    """Calls a function for a try, and shows its log."""
    data = read_data(args.data)
    with resolve_destination(args, terminal).connect() as cloud:
        result = cloud.functions.debug(args.name, data, subject=args.subject, schema_id=args.schema_id)
    if terminal.json:
        terminal.document({"data": None, **result.to_dict()})  # to_dict() leaves out a result that is null
    else:
        terminal.block(result.log or "")
        if result.code == 0:
            terminal.text(Cell(f"returned, {_cost(result)}:", "dim"))
            terminal.block(_readable(result.data))
    if result.code == 0:
        return DONE
    error = result.error
    reason = ": ".join(part for part in ((error.type_, error.message) if error else ()) if part)
    terminal.note(
        f"mincloud-py: the function {args.name!r} failed: {reason or f'code {result.code}, without a message'} ({_cost(result)})"
    )
    return FAILED


def _cost(result: DebugResult) -> str:
    """The time and memory that a call took."""
    parts = [duration(None if result.execution_time is None else result.execution_time / _MILLI)]
    parts += [f"billed {result.billing_time} ms"] if result.billing_time is not None else []
    parts += [size(result.mem_usage)]
    return ", ".join(part for part in parts if part)


def read_data(argument: str | None) -> dict[str, Any] | None:
    """Reads the data for a function: a JSON object, `@FILE` or `-` for standard input; None for an empty object.

    Raises:
        CommandError: It is no JSON object.
        OSError: The file cannot be read.
    """
    if argument is None:
        return None
    text, place = _read_argument(argument, "DATA")
    return _checked_object(text, place)


def _read_inputs() -> list[dict[str, Any]]:
    """Reads standard input: a JSON object, or one on each line."""
    text, place = _read_argument("-", "DATA")
    documents = _documents(text)
    return [
        _checked_object(document, f"line {line} of {place}" if len(documents) > 1 else place, "; nothing was called")
        for line, document in documents.items()
    ]


def _documents(text: str) -> dict[int, str]:
    """Splits a text into JSON documents, by the numbers of their lines: itself if it is a JSON object, else its lines."""
    try:
        json_object(text)
    except ValueError:
        # Not `splitlines`, which splits at U+2028 too, and a JSON string may hold that.
        return {number: line for number, line in enumerate(text.split("\n"), 1) if line.strip()}
    return {1: text}


def _read_argument(argument: str, name: str) -> tuple[str, str]:
    """Reads an argument that is a text, `@FILE` or `-` for standard input; returns the text, and where it comes from."""
    if argument == "-":
        place = "standard input"
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - closed, as with `<&-`
            raise CommandError(f"standard input is closed: give {name} as an argument or @FILE")
        content = sys.stdin.buffer.read()
    elif argument.startswith("@"):
        place = argument[1:]
        content = Path(place).read_bytes()
    else:
        return argument, name
    try:
        return content.decode("utf-8-sig"), place
    except UnicodeDecodeError:
        raise CommandError(f"{place} is not UTF-8: save it in that encoding") from None


def _checked_object(text: str, place: str, consequence: str = "") -> dict[str, Any]:
    try:
        return json_object(text)
    except ValueError as error:
        raise CommandError(f"{place} must be {_JSON_OBJECT}: {error}{consequence}") from None


def json_object(text: str) -> dict[str, Any]:
    """Reads a JSON object strictly.

    Raises:
        ValueError: It is none; the message says why.
    """
    try:
        value: Any = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at line {error.lineno} column {error.colno}") from None
    if not isinstance(value, dict):
        raise ValueError(f"it is {_JSON_TYPES.get(type(value).__name__, 'a number')}")
    return value  # pyright: ignore[reportUnknownVariableType] - JSON has no more types than that


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _readable(value: Any) -> str:
    """A JSON value for people: a string as it is, anything else as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def job_document(job: Job) -> dict[str, Any]:
    """A job as JSON, without the presigned address of its log, which is a secret."""
    document = job.to_dict()
    has_log = bool(document.pop("user_log_url", None))
    return {**document, "has_log": has_log}
