"""The commands `invoke`, `trigger`, `wait` and `debug`."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .clients import connected, destination
from .exit_statuses import DONE, FAILED, PROGRAM, CommandError, describe_error, error_document, escaped
from .terminal import Cell
from .units import duration, size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .. import DebugResult, FunctionError, Job, MinCloud, Run
    from .terminal import Terminal

_MILLI = 1000.0
_JSON_OBJECT = """a JSON object, as '{"username": "Lin"}'"""
# The first frame of a stack in a file that is none of Node's or of a module's.
_OWN_FRAME = re.compile(
    r"^\s+at (?:.*\()?(?P<file>(?!node:|internal/)[^\s()/][^()\n]*\.js|index\.js):(?P<line>\d+):(?P<column>\d+)\)?$",
    re.MULTILINE,
)
_LONGEST_LINE_SHOWN = 160
# How many seconds this machine's clock and the service's may differ, with `invoke --log`.
_CLOCKS_DIFFER = 120.0
_LOOKS_FOR_LOG = 5
_BETWEEN_LOOKS = 0.5


def invoke(args: argparse.Namespace, terminal: Terminal) -> int:
    """Calls a function and waits for it."""
    from .. import FunctionError  # noqa: PLC0415 - help needs no client

    data = data_argument(args.data)
    with connected(destination(args, terminal), args) as cloud:
        begun_at = time.time()
        try:
            result = cloud.functions.invoke(args.name, data)
            if args.log:
                _print_log_of_call(cloud, args.name, data, begun_at)
        except FunctionError as error:
            if args.log:
                _print_log_of_call(cloud, args.name, data, begun_at)
            if terminal.json or not terminal.shows_errors:
                raise
            _, message = describe_error(error, command="invoke", name=args.name)
            log = f"`mincloud-py logs {shlex.quote(args.name)}` shows its log"
            raise CommandError(message, FAILED, details=[*_failing_line(cloud, error), log]) from error
    if terminal.json:
        terminal.document(result)
    else:
        terminal.block(readable(result))
    return DONE


def _print_log_of_call(cloud: MinCloud, name: str, data: dict[str, Any] | None, begun_at: float) -> None:
    """Prints the log of a call that was waited for to standard error: of the newest job that shows its data."""
    for _ in range(_LOOKS_FOR_LOG):
        window = (data or {}, begun_at - _CLOCKS_DIFFER, time.time() + _CLOCKS_DIFFER)
        (found,) = cloud.functions.find_calls(name, [window], sync=True)
        if found.runs:
            run = max(found.runs, key=lambda each: 0 if each.job is None else each.job.id)
            sys.stderr.write(escaped(run.log()))
            return
        time.sleep(_BETWEEN_LOOKS)
    sys.stderr.write(
        f"{PROGRAM}: note: no log of this call is to be had yet; `mincloud-py logs {name}` may show it later\n"
    )


def _failing_line(cloud: MinCloud, error: FunctionError) -> list[str]:
    """The line of the user's code at which a function failed, with a caret; nothing where the stack does not say."""
    from .. import MinCloudError  # noqa: PLC0415 - help needs no client

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
    """Calls a function, or for each line of standard input, and does not wait, or waits for the jobs."""
    inputs = _lines_of_input() if args.data == "-" else [data_argument(args.data)]
    there = destination(args, terminal)
    with connected(there, args) as cloud:
        runs: list[Run] = []
        for data in inputs:
            run = cloud.functions.trigger(args.name, data)
            runs.append(run)
            if args.wait:
                continue
            if terminal.json:
                terminal.document({"function": args.name, "accepted": True, "handle": run.to_dict()})
            else:
                shows = f"`mincloud-py jobs {args.name}` shows what becomes of it"
                terminal.text(f"{args.name} was accepted in {there}; {shows}")
        return _waited_for(cloud, runs, args.wait_for, terminal) if args.wait else DONE


def wait(args: argparse.Namespace, terminal: Terminal) -> int:
    """Waits for calls that `trigger --json` made, perhaps in another place and long ago."""
    text = args.handle
    if text == "-":
        text = _decoded(_standard_input(), "standard input")
    elif text.startswith("@"):
        text = _decoded(Path(text[1:]).read_bytes(), text[1:])
    there = destination(args, terminal)
    with connected(there, args) as cloud:
        try:
            handles = [json_object(line) for line in _documents(text)]
            runs = [cloud.functions.resume(handle.get("handle", handle)) for handle in handles]
        except (ValueError, TypeError) as error:
            raise CommandError(f"HANDLE must be what `mincloud-py trigger --json` printed: {error}") from None
        if not runs:
            raise CommandError("HANDLE is empty: it must be what `mincloud-py trigger --json` printed")
        return _waited_for(cloud, runs, args.wait_for, terminal)


def _lines_of_input() -> list[dict[str, Any] | None]:
    """What standard input has: a JSON object, or one on each line.

    Raises:
        CommandError: A line has none; nothing was called.
    """
    found: list[dict[str, Any] | None] = []
    text = _decoded(_standard_input(), "standard input")
    documents = _documents(text)
    for line, document in enumerate(documents, 1):
        try:
            found.append(json_object(document))
        except ValueError as error:
            place = "standard input" if len(documents) == 1 else f"line {line} of standard input"
            raise CommandError(f"{place} must be {_JSON_OBJECT}: {error}; nothing was called") from None
    return found


def _documents(text: str) -> list[str]:
    """A text that is one JSON object as it is, any other by its lines."""
    try:
        json_object(text)
    except ValueError:
        return [line for line in text.splitlines() if line.strip()]
    return [text]


def _waited_for(cloud: MinCloud, runs: Sequence[Run], seconds: float, terminal: Terminal) -> int:
    """Waits for calls, and shows what each returned; gives the exit status."""
    from .. import JobError, JobTimeout  # noqa: PLC0415 - help needs no client

    if len(runs) == 1:
        _show_ended(runs[0], _followed(runs[0], seconds, terminal), terminal)
        return DONE
    status, ended = DONE, 0
    try:
        with terminal.spinner(lambda: f"{ended} of {len(runs)} calls have ended"):
            for run in cloud.functions.as_completed(runs, seconds):
                ended += 1
                try:
                    job = run.wait(seconds)
                except JobError as error:
                    failure, message = describe_error(error, name=run.function)
                    status = status or failure
                    if terminal.json:
                        known: dict[str, Any] = {} if error.job is None else job_document(error.job)
                        terminal.document({**known, **error_document(error, message)})
                    else:
                        terminal.note(f"mincloud-py: {message}")
                else:
                    _show_ended(run, job, terminal)
    except JobTimeout as error:
        raise CommandError(f"{error}: `mincloud-py jobs {runs[0].function}` shows them", FAILED) from error
    return status


def _show_ended(run: Run, job: Job, terminal: Terminal) -> None:
    """Shows what a call returned, and where its log is."""
    from .. import ResultUnavailable  # noqa: PLC0415 - help needs no client

    try:
        shown: dict[str, Any] = {"result": run.result()}
    except ResultUnavailable as error:
        shown = {"result_unavailable": str(error)}
    if terminal.json:
        terminal.document({**job_document(job), **shown})
        return
    if "result" in shown:
        terminal.block(readable(shown["result"]))
    else:
        terminal.note(f"mincloud-py: note: {shown['result_unavailable']}")
    log = f"`mincloud-py logs {run.function} --job {job.id}` shows its log"
    terminal.text(f"job {job.id} {_ended(job)}; {log}")


def debug(args: argparse.Namespace, terminal: Terminal) -> int:
    """Tries a function as an event of a kind, and shows its log."""
    data = data_argument(args.data)
    with connected(destination(args, terminal), args) as cloud:
        result = cloud.functions.debug(args.name, data, subject=args.subject, schema_id=args.schema_id)
    if terminal.json:
        # A result of null is one, too.
        terminal.document({"data": None, **result.to_dict()})
    else:
        terminal.block(result.log or "")
        if result.code == 0:
            terminal.text(Cell(f"returned, {_cost(result)}:", "dim"))
            terminal.block(readable(result.data))
    if result.code == 0:
        return DONE
    error = result.error
    said = ": ".join(part for part in ((error.type_, error.message) if error else ()) if part)
    terminal.note(
        f"mincloud-py: the function {args.name!r} failed: {said or f'code {result.code}, without a message'} ({_cost(result)})"
    )
    return FAILED


def data_argument(text: str | None) -> dict[str, Any] | None:
    """What a function receives as `event.data`: a JSON object, `@FILE` or `-` for standard input; None for an empty object.

    Raises:
        CommandError: It is no JSON object.
        OSError: The file cannot be read.
    """
    if text is None:
        return None
    place = "DATA"
    if text == "-":
        place = "standard input"
        text = _decoded(_standard_input(), place)
    elif text.startswith("@"):
        place = text[1:]
        text = _decoded(Path(place).read_bytes(), place)
    try:
        return json_object(text)
    except ValueError as error:
        raise CommandError(f"{place} must be {_JSON_OBJECT}: {error}") from None


def _standard_input() -> bytes:
    # Closed, as with `<&-`, it is None.
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise CommandError("standard input is closed: give DATA as an argument or @FILE")
    return sys.stdin.buffer.read()


def json_object(text: str) -> dict[str, Any]:
    """A JSON object, read strictly.

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
        raise ValueError(f"it is {_kind(value)}")
    return value  # pyright: ignore[reportUnknownVariableType] - JSON has no more types than that


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a number"


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{place} is not UTF-8: save it in that encoding") from None


def readable(value: Any) -> str:
    """A JSON value for people: a string as it is, anything else as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def job_document(job: Job) -> dict[str, Any]:
    """A job as JSON, without its presigned address: that is a secret by itself, and `logs` fetches what is behind it."""
    document = job.to_dict()
    has_log = bool(document.pop("user_log_url", None))
    return {**document, "has_log": has_log}


def _followed(run: Run, seconds: float, terminal: Terminal) -> Job:
    """The job of a call at its end; on a terminal with its progress.

    Raises:
        JobNotFound: No job appeared in time.
        JobTimeout: It has not ended in time.
    """
    from .. import JobNotFound, JobTimeout  # noqa: PLC0415 - help needs no client

    started = time.monotonic()

    def standing() -> str:
        job = run.job
        if job is None:
            return f"{run.function} was accepted, looking for its job"
        return f"job {job.id} {job.status}, {duration(time.monotonic() - started)}"

    try:
        with terminal.spinner(standing):
            return run.wait(seconds)
    except JobNotFound as error:
        raise JobNotFound(
            f"no job of {run.function!r} appeared within {seconds:g} s: `mincloud-py jobs {run.function}` shows those there are"
        ) from error
    except JobTimeout as error:
        raise JobTimeout(
            f"{error}: `mincloud-py jobs {run.function} --follow` shows when it ends", job=error.job
        ) from error


def _ended(job: Job) -> str:
    took = job.finished_at - job.started_at if job.finished_at is not None and job.started_at is not None else None
    after = f" after {duration(took)}" if took is not None else ""
    return f"{job.status}{after}" + (f", {size(job.mem_usage)}" if job.mem_usage else "")


def _cost(result: DebugResult) -> str:
    parts = [duration(None if result.execution_time is None else result.execution_time / _MILLI)]
    parts += [f"billed {result.billing_time} ms"] if result.billing_time is not None else []
    parts += [size(result.mem_usage)]
    return ", ".join(part for part in parts if part)
