"""The commands `invoke`, `trigger` and `debug`."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .clients import connected, destination
from .exit_statuses import DONE, FAILED, CommandError, describe_error
from .terminal import Cell
from .units import duration, size

if TYPE_CHECKING:
    import argparse

    from .. import DebugResult, FunctionError, Job, MinCloud, Run
    from .terminal import Terminal

_MILLI = 1000.0
# The first frame of a stack in a file that is none of Node's or of a module's.
_OWN_FRAME = re.compile(
    r"^\s+at (?:.*\()?(?P<file>(?!node:|internal/)[^\s()/][^()\n]*\.js|index\.js):(?P<line>\d+):(?P<column>\d+)\)?$",
    re.MULTILINE,
)
_LONGEST_LINE_SHOWN = 160


def invoke(args: argparse.Namespace, terminal: Terminal) -> int:
    """Calls a function and waits for it."""
    from .. import FunctionError  # noqa: PLC0415 - help needs no client

    data = data_argument(args.data)
    with connected(destination(args, terminal), args) as cloud:
        try:
            result = cloud.functions.invoke(args.name, data)
        except FunctionError as error:
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
    """Calls a function and does not wait for it, or waits for its job."""
    data = data_argument(args.data)
    there = destination(args, terminal)
    with connected(there, args) as cloud:
        run = cloud.functions.trigger(args.name, data)
        job = _followed(run, args.wait_for, terminal) if args.wait else None
    if job is None:
        if terminal.json:
            terminal.document({"function": args.name, "accepted": True})
        else:
            terminal.text(
                f"{args.name} was accepted in {there}; `mincloud-py jobs {args.name}` shows what becomes of it"
            )
    elif terminal.json:
        terminal.document(job_document(job))
    else:
        terminal.text(f"job {job.id} {_ended(job)}; `mincloud-py logs {args.name} --job {job.id}` shows its log")
    return DONE


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
        text = _decoded(sys.stdin.buffer.read(), place)
    elif text.startswith("@"):
        place = text[1:]
        text = _decoded(Path(place).read_bytes(), place)
    try:
        return json_object(text)
    except ValueError as error:
        raise CommandError(f"""{place} must be a JSON object, as '{{"username": "Lin"}}': {error}""") from None


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
