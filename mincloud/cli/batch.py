"""The command `batch`: calls a function for each line of a file, several at once, such that it can be interrupted at any time."""

from __future__ import annotations

import asyncio
import signal
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import (
    APIError,
    AsyncMinCloud,
    ConfigurationError,
    Forbidden,
    FunctionError,
    InvalidResponse,
    MinCloudError,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    TransportError,
    Unauthorized,
)
from .batch_files import UNANSWERED, BatchFiles, LineState, numbered_lines
from .calls import json_object
from .clients import connected_async, destination
from .exit_statuses import DONE, FAILED, INTERRUPTED, CommandError, describe_error, error_fields
from .units import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator, Iterator

    from .terminal import Terminal

# A call that surely did not run is repeated for longer than elsewhere: nobody is waiting for this one.
_MAX_RETRIES = 5
# With these, no other line would fare better.
_ENDING = (Unauthorized, Forbidden, PaymentRequired, NotFound, ConfigurationError)
_MOST_FAILURES_SHOWN = 10
_MOST_LINES_NAMED = 20


@dataclass(slots=True)
class BatchStats:
    """What has become of the lines.

    Attributes:
        skipped: How many were answered by an earlier run.
        failed_before: How many of these by an error.
        succeeded: How many functions returned.
        failed: How many did not, for sure.
        uncertain: How many calls may have run without an answer, those of earlier runs included.
        uncertain_lines: The first of these.
        failures: What went wrong with the first that failed.
        unfinished: How many of the failed surely did not run, so that resuming calls them.
    """

    skipped: int = 0
    failed_before: int = 0
    succeeded: int = 0
    failed: int = 0
    uncertain: int = 0
    unfinished: int = 0
    uncertain_lines: list[int] = field(default_factory=list[int])
    failures: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    @property
    def ended(self) -> int:
        """How many lines need no call any more in this run."""
        return self.skipped + self.succeeded + self.failed + self.uncertain

    def add_uncertain(self, line: int) -> None:
        """Counts a line whose call may have run."""
        self.uncertain += 1
        if len(self.uncertain_lines) < _MOST_LINES_NAMED:
            self.uncertain_lines.append(line)


def batch(args: argparse.Namespace, terminal: Terminal) -> int:
    """Calls a function for each line of a file."""
    inputs, results = Path(args.inputs), Path(args.output)
    inputs.open("rb").close()  # before anything is made
    if results.exists() and results.samefile(inputs):
        raise CommandError(f"{results} holds the inputs: name another file with -o")
    if args.retry_uncertain and not args.resume:
        raise CommandError("--retry-uncertain says what --resume does: add --resume")
    if args.resume and args.force:
        raise CommandError("--resume goes on and --force begins anew: choose one")
    there = destination(args, terminal)
    cloud = connected_async(there, args, max_retries=_MAX_RETRIES)
    with BatchFiles(results, {"function": args.name, "environment": there.environment}) as files:
        if args.resume:
            files.resume(inputs, retry_uncertain=args.retry_uncertain)
        else:
            files.begin(force=args.force)
        run = _Batch(args, files, inputs)
        with _progress(run.tally, inputs, terminal) as show:
            run.show = show
            asyncio.run(run.run(cloud, terminal))
        if run.failure is None and not run.interrupted and not run.tally.unfinished and not run.tally.uncertain:
            files.finished()
    _report(run, results, terminal)
    if run.interrupted:
        return INTERRUPTED
    if run.failure is not None:
        status, message = describe_error(run.failure, name=args.name)
        raise CommandError(f"stopped: {message}; then go on with --resume", status)
    return FAILED if run.tally.failed or run.tally.failed_before or run.tally.uncertain else DONE


class _Batch:
    """One run of a batch."""

    def __init__(self, args: argparse.Namespace, files: BatchFiles, inputs: Path) -> None:
        self.tally = BatchStats(
            skipped=sum(1 for _ in files.standings.lines(LineState.ANSWERED)), failed_before=files.failed_before
        )
        for line in files.standings.lines(LineState.UNCERTAIN):
            self.tally.add_uncertain(line)
        self.failure: Exception | None = None
        self.interrupted = False
        self.show: Callable[[], None] = lambda: None
        self.name: str = args.name
        self._concurrency: int = args.concurrency
        self._spacing: float = 1 / args.rate if args.rate else 0.0
        self._next_start = 0.0
        self._files = files
        self._lines = self._lines_to_call(inputs)
        self._stopping = asyncio.Event()
        self._under_way = 0

    async def run(self, cloud: AsyncMinCloud, terminal: Terminal) -> None:
        """Calls what is to be called.

        Raises:
            OSError: A file cannot be read or written.
        """
        async with cloud:
            workers = [asyncio.create_task(self._work(cloud)) for _ in range(self._concurrency)]
            with self._interruption(workers, terminal):
                try:
                    await asyncio.gather(*workers)
                except BaseException as error:
                    # Left by the user, or a full disk: what is under way may be answered, yet there is no place for it.
                    for worker in workers:
                        worker.cancel()
                    await asyncio.gather(*workers, return_exceptions=True)
                    if not (isinstance(error, asyncio.CancelledError) and self.interrupted):
                        raise

    def _lines_to_call(self, inputs: Path) -> Iterator[tuple[int, bytes]]:
        standings = self._files.standings
        return (numbered for numbered in numbered_lines(inputs) if not standings.is_called(numbered[0]))

    async def _work(self, cloud: AsyncMinCloud) -> None:
        """Takes one line after another, until there are none or the batch is to stop."""
        while not self._stopping.is_set():
            taken = next(self._lines, None)
            if taken is None:
                return
            line, content = taken
            try:
                data = json_object(content.decode("utf-8"))
            except ValueError as error:
                reason = (
                    "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"it is no JSON object: {error}"
                )
                self._fail(line, {"kind": "InvalidLine", "message": reason, "called": "no"})
                await asyncio.sleep(0)  # however many of them there are, an interruption is heard
                continue
            if not await self._is_its_turn():
                return
            self._files.sent(line, content)
            self._under_way += 1
            try:
                await self._call(cloud, line, data)
            finally:
                self._under_way -= 1

    async def _is_its_turn(self) -> bool:
        """Waits as the rate demands; whether the call may begin then."""
        loop = asyncio.get_running_loop()
        start = max(loop.time(), self._next_start)
        self._next_start = start + self._spacing
        while (delay := start - loop.time()) > 0 and not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
        return not self._stopping.is_set()

    async def _call(self, cloud: AsyncMinCloud, line: int, data: dict[str, Any]) -> None:
        try:
            result = await cloud.functions.invoke(self.name, data)
        except (MinCloudError, ValueError, TypeError) as error:  # the latter two if it cannot be written as JSON
            if isinstance(error, _ENDING) and self.failure is None:
                self.failure = error
                self._stopping.set()
            self._fail(
                line,
                {"kind": type(error).__name__, "message": str(error), "called": _called(error), **error_fields(error)},
            )
        except asyncio.CancelledError:
            self._fail(line, UNANSWERED)
            raise
        else:
            self._files.ended(line, {"data": result})
            self.tally.succeeded += 1
            self.show()

    def _fail(self, line: int, error: dict[str, Any]) -> None:
        self._files.ended(line, {"error": error})
        if error["called"] == "uncertain":
            self.tally.add_uncertain(line)
        else:
            self.tally.failed += 1
            self.tally.unfinished += error["called"] == "no"
        if len(self.tally.failures) < _MOST_FAILURES_SHOWN:
            self.tally.failures.append((line, f"{error['kind']}: {error['message']}"))
        self.show()

    @contextmanager
    def _interruption(self, workers: list[asyncio.Task[None]], terminal: Terminal) -> Generator[None]:
        """Stops gently at the first interruption, at once at the second."""

        def interrupt() -> None:
            if self.interrupted:
                for worker in workers:
                    worker.cancel()
                return
            self.interrupted = True
            self._stopping.set()
            if self._under_way:
                terminal.note(
                    f"stopping: waiting for {counted(self._under_way, 'call')} under way; a second Ctrl-C leaves them"
                )

        loop = asyncio.get_running_loop()
        handled: list[signal.Signals] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not in another thread than the main one, nor on Windows: an interruption ends it at once there.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, interrupt)
                handled.append(number)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)


def _called(error: Exception) -> str:
    """Whether the function was called, as a result says it."""
    match error:
        case TransportError():
            return "uncertain" if error.may_have_run else "no"
        case ServerError():
            return "uncertain"  # a gateway's answer says nothing of the function
        case FunctionError() | InvalidResponse():
            return "yes"
        case APIError():
            return "no" if isinstance(error, (RateLimited, *_ENDING)) else "yes"
        case _:
            return "no"


def _report(run: _Batch, results: Path, terminal: Terminal) -> None:
    tally = run.tally
    for line, message in tally.failures:
        terminal.note(f"line {line}: {message}")
    failures = tally.failed + len(tally.uncertain_lines)
    if failures > len(tally.failures) == _MOST_FAILURES_SHOWN:
        terminal.note(f"and more: `error` in {results} says why each failed")
    if terminal.json:
        terminal.document(
            {
                "function": run.name,
                "results": str(results),
                "answered_before": tally.skipped,
                "failed_before": tally.failed_before,
                "succeeded": tally.succeeded,
                "failed": tally.failed,
                "uncertain": tally.uncertain,
                "uncertain_lines": sorted(tally.uncertain_lines),
                "interrupted": run.interrupted,
            }
        )
        return
    parts = [f"{tally.succeeded:,} succeeded", f"{tally.failed:,} failed"]
    if tally.skipped:
        by_errors = f", {tally.failed_before:,} of them by an error" if tally.failed_before else ""
        parts.append(f"{tally.skipped:,} answered before{by_errors}")
    terminal.text(f"{'interrupted: ' if run.interrupted else ''}{', '.join(parts)}; results in {results}")
    if tally.uncertain:
        named = ", ".join(map(str, sorted(tally.uncertain_lines)))
        more = " and more" if tally.uncertain > len(tally.uncertain_lines) else ""
        terminal.text(
            f"{counted(tally.uncertain, 'line')} may have run without an answer: {named}{more}; --resume --retry-uncertain calls them again"
        )
    if tally.unfinished:
        terminal.text(f"{counted(tally.unfinished, 'line')} surely did not run: --resume calls them")
    if run.interrupted:
        terminal.text("the same command with --resume goes on")


@contextmanager
def _progress(tally: BatchStats, inputs: Path, terminal: Terminal) -> Generator[Callable[[], None]]:
    """Shows a bar with the rate and the time that remains, while there is a terminal.

    Yields:
        What is called after each line.
    """
    if not terminal.shows_progress:
        yield lambda: None
        return
    from rich.progress import (  # noqa: PLC0415 - only a terminal needs it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    total = sum(1 for _ in numbered_lines(inputs)) if stat.S_ISREG(inputs.stat().st_mode) else None
    progress = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[failures]}", style="red"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=terminal.console(sys.stderr),
    )
    with progress:
        task = progress.add_task("", total=total, rate="", failures="")

        def show() -> None:
            progress.update(
                task,
                completed=tally.ended,
                rate=f"{progress.tasks[0].speed or 0:.1f}/s",
                failures=f"{tally.failed + tally.uncertain} failed" if tally.failed or tally.uncertain else "",
            )

        yield show
