"""The command `batch`: calls a function for each line of a file, several at once, and goes on after an interruption."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors
from .batch_files import UNANSWERED, BatchFiles, Inputs, LineState, LineStates, StreamedResults, json_line
from .clients import resolve_destination
from .exit_statuses import DONE, FAILED, INTERRUPTED, CommandError, describe_error, error_fields
from .units import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator

    from .. import AsyncMinCloud
    from .clients import Destination
    from .terminal import Terminal

# A call that surely did not run is repeated more often than in other commands, since nobody waits for it.
_MAX_RETRIES = 5
# Any other line would fail with these as well.
_FATAL_ERRORS = (
    errors.Unauthorized,
    errors.Forbidden,
    errors.PaymentRequired,
    errors.NotFound,
    errors.ConfigurationError,
)
_MOST_FAILURES_SHOWN = 10
_MOST_LINES_NAMED = 20
_LINES_AHEAD = 64
# A call that is not waited for may wait five minutes for its turn, and run for as long.
_LONGEST_JOB = 600.0


@dataclass(slots=True)
class BatchStats:
    """How many lines have ended, and how.

    Attributes:
        answered_before: Lines that were answered in an earlier run.
        failed_before: Those of them that were answered by an error.
        succeeded: Lines whose function returned.
        failed: Lines whose call failed, or surely did not run.
        uncertain: Lines whose call may have run without an answer, those of earlier runs included.
        unfinished: Failed lines whose call surely did not run, so that resuming calls them.
        settled: Uncertain lines of earlier runs whose outcome was found among the function's jobs.
        uncertain_lines: The numbers of the first uncertain lines.
        failures: The numbers and messages of the first failed or uncertain lines.
    """

    answered_before: int = 0
    failed_before: int = 0
    succeeded: int = 0
    failed: int = 0
    uncertain: int = 0
    unfinished: int = 0
    settled: int = 0
    uncertain_lines: list[int] = field(default_factory=list[int])
    failures: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    @property
    def ended(self) -> int:
        """How many lines are not to be called any more in this run."""
        return self.answered_before + self.succeeded + self.failed + self.uncertain

    def add_uncertain(self, line: int) -> None:
        """Counts a line whose call may have run."""
        self.uncertain += 1
        if len(self.uncertain_lines) < _MOST_LINES_NAMED:
            self.uncertain_lines.append(line)


def batch(args: argparse.Namespace, terminal: Terminal) -> int:
    """Calls a function for each line of a file."""
    _check_options(args)
    inputs = Inputs(args.inputs)
    inputs.check()
    destination = resolve_destination(args, terminal)
    cloud = destination.connect_async(max_retries=_MAX_RETRIES)
    if args.output == "-":
        return _run(_Batch(args, StreamedResults(), inputs), cloud, terminal)
    results = Path(args.output)
    if inputs.is_file and results.exists() and results.samefile(inputs.path):
        raise CommandError(f"{results} holds the inputs: name another file with -o")
    if results.exists() and not results.is_file():
        raise CommandError(f"{results} is no regular file: name another with -o, or - for standard output")
    called: dict[str, Any] = {
        "function": args.name,
        "environment": destination.environment,
        "base_url": destination.base_url,
    }
    if args.no_wait:
        called["sync"] = False
    with BatchFiles(results, called) as files:
        settled: dict[int, dict[str, Any] | None] = {}
        if args.resume:
            files.read_back(inputs, retry_uncertain=args.retry_uncertain, retry_failed=args.retry_failed)
            settled = _settle(args, destination, files, inputs, terminal)
            files.prepare_resuming(settled, retry_uncertain=args.retry_uncertain)
        else:
            files.begin(force=args.force)
        run = _Batch(args, files, inputs)
        run.stats.settled = len(settled)
        run.stats.failed_before += sum(outcome is not None and "error" in outcome for outcome in settled.values())
        return _run(run, cloud, terminal)


def _check_options(args: argparse.Namespace) -> None:
    """Refuses options that contradict each other."""
    for option in ("retry_uncertain", "retry_failed"):
        if getattr(args, option) and not args.resume:
            raise CommandError(f"--{option.replace('_', '-')} goes with --resume: add --resume")
    if args.resume and args.force:
        raise CommandError("--resume goes on and --force begins anew: choose one")
    if args.output == "-" and (args.resume or args.force or args.json):
        raise CommandError(
            "-o - writes the results to standard output and keeps none: --resume, --force and --json need a file"
        )


def _settle(
    args: argparse.Namespace, destination: Destination, files: BatchFiles, inputs: Inputs, terminal: Terminal
) -> dict[int, dict[str, Any] | None]:
    """Looks among the function's jobs for the calls of earlier runs that may have run; see `settle`."""
    count = sum(1 for _ in files.states.lines(LineState.SENT, LineState.UNCERTAIN))
    if not count or not inputs.is_file:
        return {}
    from .batch_settling import settle  # noqa: PLC0415 - seldom needed

    cloud = destination.connect_async(max_retries=_MAX_RETRIES)
    with terminal.spinner(lambda: f"looking for {counted(count, 'call')} among the jobs of {args.name}"):
        return asyncio.run(settle(cloud, args.name, files.states, inputs, sync=not args.no_wait))


def _run(run: _Batch, cloud: AsyncMinCloud, terminal: Terminal) -> int:
    """Runs a batch and reports; returns the exit status."""
    with _progress(run.stats, run.inputs, terminal) as show:
        run.show = show
        asyncio.run(run.run(cloud, terminal))
    stats = run.stats
    if run.failure is None and not run.interrupted and not stats.unfinished and not stats.uncertain:
        run.files.finish()
    _report(run, terminal)
    if run.interrupted:
        return INTERRUPTED
    if run.failure is not None:
        status, message = describe_error(run.failure, name=run.args.name)
        more = "" if isinstance(run.files, StreamedResults) else "; then go on with --resume"
        raise CommandError(f"stopped: {message}{more}", status)
    return FAILED if stats.failed or stats.failed_before or stats.uncertain else DONE


class _Batch:
    """One run of a batch."""

    def __init__(self, args: argparse.Namespace, files: BatchFiles | StreamedResults, inputs: Inputs) -> None:
        self.stats = BatchStats(
            answered_before=sum(1 for _ in files.states.lines(LineState.ANSWERED)), failed_before=files.failed_before
        )
        for line in files.states.lines(LineState.UNCERTAIN):
            self.stats.add_uncertain(line)
        self.failure: Exception | None = None
        self.interrupted = False
        self.show: Callable[[], None] = lambda: None
        self.args = args
        self.files = files
        self.inputs = inputs
        self._next_start = 0.0
        self._stopping = asyncio.Event()
        self._under_way = 0

    async def run(self, cloud: AsyncMinCloud, terminal: Terminal) -> None:
        """Calls the function for each open line."""
        async with cloud:
            lines = _LineReader(self.inputs, self.files.states, self._stopping)
            workers = [asyncio.create_task(self._work(cloud, lines)) for _ in range(self.args.concurrency)]
            with self._interruption(workers, terminal):
                try:
                    await asyncio.gather(*workers)
                except BaseException as error:
                    # Interrupted twice, or a full disk: answers that still come could not be recorded.
                    for worker in workers:
                        worker.cancel()
                    await asyncio.gather(*workers, return_exceptions=True)
                    if not (isinstance(error, asyncio.CancelledError) and self.interrupted):
                        raise

    async def _work(self, cloud: AsyncMinCloud, lines: _LineReader) -> None:
        """Calls one line after another, until there are none or the batch is to stop."""
        while (taken := await lines.next()) is not None:
            line, content = taken
            try:
                data = json_line(content)
            except ValueError as error:
                self._fail(line, {"kind": "InvalidLine", "message": str(error), "called": "no"})
                await asyncio.sleep(0)  # lets an interruption through, also between very many of them
                continue
            await self._wait_for_turn()
            if self._stopping.is_set():
                return
            await self.files.note_call(line, content)
            self._under_way += 1
            try:
                await self._call(cloud, line, data)
            finally:
                self._under_way -= 1

    async def _wait_for_turn(self) -> None:
        """Waits as long as the rate demands, or until the batch is to stop."""
        loop = asyncio.get_running_loop()
        start = max(loop.time(), self._next_start)
        self._next_start = start + (1 / self.args.rate if self.args.rate else 0.0)
        while (delay := start - loop.time()) > 0 and not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _call(self, cloud: AsyncMinCloud, line: int, data: dict[str, Any]) -> None:
        """Calls the function, and records the outcome."""
        try:
            if not self.args.no_wait:
                result = await cloud.functions.invoke(self.args.name, data)
            else:
                result = await (await cloud.functions.trigger(self.args.name, data)).result(_LONGEST_JOB)
        except (errors.MinCloudError, ValueError, TypeError) as error:  # the latter two if it cannot be written as JSON
            if isinstance(error, _FATAL_ERRORS) and self.failure is None:
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
            self.files.write_result(line, {"data": result})
            self.stats.succeeded += 1
            self.show()

    def _fail(self, line: int, error: dict[str, Any]) -> None:
        """Records an error, and counts it."""
        self.files.write_result(line, {"error": error})
        if error["called"] == "uncertain":
            self.stats.add_uncertain(line)
        else:
            self.stats.failed += 1
            self.stats.unfinished += error["called"] == "no"
        if len(self.stats.failures) < _MOST_FAILURES_SHOWN:
            self.stats.failures.append((line, f"{error['kind']}: {error['message']}"))
        self.show()

    @contextmanager
    def _interruption(self, workers: list[asyncio.Task[None]], terminal: Terminal) -> Generator[None]:
        """Waits for the calls under way at the first interruption, cancels them at the second."""

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
            # Not possible in a thread other than the main one, nor on Windows: there an interruption cancels at once.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, interrupt)
                handled.append(number)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)


class _LineReader:
    """The lines to call, read ahead in a thread, so that calls go on while a pipe has nothing to read."""

    def __init__(self, inputs: Inputs, states: LineStates, stopping: asyncio.Event) -> None:
        self._inputs = inputs
        self._states = states
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, bytes] | Exception | None] = asyncio.Queue()
        self._room = threading.Semaphore(_LINES_AHEAD)
        # Not a thread of a pool, which the program would wait for at its end: reading a pipe may never end.
        threading.Thread(target=self._read, daemon=True).start()
        self._stop = asyncio.create_task(self._end_when_stopping())

    async def next(self) -> tuple[int, bytes] | None:
        """The next line and its number; None if there is none, or the batch is to stop."""
        item = None if self._stopping.is_set() else await self._queue.get()
        self._room.release()
        if isinstance(item, tuple):
            return item
        self._queue.put_nowait(None)  # for the other workers
        if item is not None:
            raise item
        return None

    async def _end_when_stopping(self) -> None:
        await self._stopping.wait()
        self._queue.put_nowait(None)

    def _read(self) -> None:
        try:
            for line, content in self._inputs.lines():
                if not self._states.is_called(line) and not self._put((line, content)):
                    return
            self._put(None)
        except Exception as error:  # noqa: BLE001 - raised where lines are taken
            self._put(error)

    def _put(self, item: tuple[int, bytes] | Exception | None) -> bool:
        """Queues an item when there is room; returns whether the event loop still runs."""
        self._room.acquire()
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:  # the loop is closed
            return False
        return True


def _called(error: Exception) -> str:
    """Whether the function was called: `yes`, `no` or `uncertain`."""
    match error:
        case errors.TransportError():
            return "uncertain" if error.may_have_run else "no"
        case errors.ServerError():
            return "uncertain"  # a gateway's answer says nothing of the function
        case errors.JobTimeout() | errors.JobNotFound() | errors.AmbiguousJob():
            return "uncertain"  # the call was accepted, and its outcome is not known
        case errors.FunctionError() | errors.InvalidResponse() | errors.JobError():
            return "yes"
        case errors.APIError() if not isinstance(error, (errors.RateLimited, *_FATAL_ERRORS)):
            return "yes"
        case _:
            return "no"


def _report(run: _Batch, terminal: Terminal) -> None:
    """Writes how the lines ended, and what to do about those that have no answer."""
    stats, results = run.stats, run.args.output
    for line, message in stats.failures:
        terminal.note(f"line {line}: {message}")
    failures = stats.failed + len(stats.uncertain_lines)
    if failures > len(stats.failures) == _MOST_FAILURES_SHOWN:
        terminal.note(f"and more: `error` in {results} says why each failed")
    if terminal.json:
        document = asdict(stats)
        del document["unfinished"], document["failures"]
        document["uncertain_lines"].sort()
        terminal.document({"function": run.args.name, "results": results, **document, "interrupted": run.interrupted})
        return
    write = terminal.note if results == "-" else terminal.text
    where = "" if results == "-" else f"; results in {results}"
    parts = [f"{stats.succeeded:,} succeeded", f"{stats.failed:,} failed"]
    if stats.answered_before:
        by_errors = f", {stats.failed_before:,} of them by an error" if stats.failed_before else ""
        parts.append(f"{stats.answered_before:,} answered before{by_errors}")
    write(f"{'interrupted: ' if run.interrupted else ''}{', '.join(parts)}{where}")
    if stats.settled:
        write(
            f"{counted(stats.settled, 'line')} that may have run {'was' if stats.settled == 1 else 'were'} settled by the function's jobs"
        )
    if results == "-":
        return
    if stats.uncertain:
        named = ", ".join(map(str, sorted(stats.uncertain_lines)))
        more = " and more" if stats.uncertain > len(stats.uncertain_lines) else ""
        write(
            f"{counted(stats.uncertain, 'line')} may have run without an answer: {named}{more}; --resume looks for what became of them, "
            "--resume --retry-uncertain calls them again"
        )
    if stats.unfinished:
        write(f"{counted(stats.unfinished, 'line')} surely did not run: --resume calls them")
    if run.interrupted:
        write("the same command with --resume goes on")


@contextmanager
def _progress(stats: BatchStats, inputs: Inputs, terminal: Terminal) -> Generator[Callable[[], None]]:
    """Shows a bar on a terminal while the block runs, and yields a function to call after each line."""
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

    total = sum(1 for _ in inputs.lines()) if inputs.is_file else None
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
                completed=stats.ended,
                rate=f"{progress.tasks[0].speed or 0:.1f}/s",
                failures=f"{stats.failed + stats.uncertain} failed" if stats.failed or stats.uncertain else "",
            )

        yield show
