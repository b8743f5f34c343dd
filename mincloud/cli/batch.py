"""The command `batch`: calls a function for each line of a file, several at once, such that it can be interrupted at any time."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import (
    AmbiguousJob,
    APIError,
    AsyncMinCloud,
    ConfigurationError,
    Forbidden,
    FunctionError,
    InvalidResponse,
    JobError,
    JobNotFound,
    JobTimeout,
    MinCloudError,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    TransportError,
    Unauthorized,
)
from .batch_files import UNANSWERED, BatchFiles, Inputs, LineState, LineStates, StreamedResults, json_line
from .clients import connected_async, destination
from .exit_statuses import DONE, FAILED, INTERRUPTED, CommandError, describe_error, error_fields
from .units import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator

    from .clients import Destination
    from .terminal import Terminal

# A call that surely did not run is repeated for longer than elsewhere: nobody is waiting for this one.
_MAX_RETRIES = 5
# With these, no other line would fare better.
_ENDING = (Unauthorized, Forbidden, PaymentRequired, NotFound, ConfigurationError)
_MOST_FAILURES_SHOWN = 10
_MOST_LINES_NAMED = 20
_LINES_AHEAD = 64
# A call that is not waited for may take five minutes to get a place, and as long to run.
_LONGEST_FOLLOWED = 600.0


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
        settled: How many of the earlier runs' uncertain lines the function's jobs tell about.
        failures: What went wrong with the first that failed.
        unfinished: How many of the failed surely did not run, so that resuming calls them.
    """

    skipped: int = 0
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
        """How many lines need no call any more in this run."""
        return self.skipped + self.succeeded + self.failed + self.uncertain

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
    there = destination(args, terminal)
    cloud = connected_async(there, args, max_retries=_MAX_RETRIES)
    if args.output == "-":
        return _carried_out(_Batch(args, StreamedResults(), inputs), cloud, terminal)
    results = Path(args.output)
    if inputs.is_file and results.exists() and results.samefile(inputs.path):
        raise CommandError(f"{results} holds the inputs: name another file with -o")
    called: dict[str, Any] = {"function": args.name, "environment": there.environment, "base_url": there.base_url}
    if args.no_wait:
        called["sync"] = False
    with BatchFiles(results, called) as files:
        if args.resume:
            files.read_back(inputs, retry_uncertain=args.retry_uncertain, retry_failed=args.retry_failed)
            settled = _settled(args, there, files, inputs, terminal)
            files.go_on(settled, retry_uncertain=args.retry_uncertain)
        else:
            files.begin(force=args.force)
            settled = {}
        run = _Batch(args, files, inputs)
        run.stats.settled = len(settled)
        run.stats.failed_before += sum(outcome is not None and "error" in outcome for outcome in settled.values())
        return _carried_out(run, cloud, terminal)


def _check_options(args: argparse.Namespace) -> None:
    """Refuses options that contradict each other.

    Raises:
        CommandError: They do.
    """
    for option in ("retry_uncertain", "retry_failed"):
        if getattr(args, option) and not args.resume:
            raise CommandError(f"--{option.replace('_', '-')} says what --resume does: add --resume")
    if args.resume and args.force:
        raise CommandError("--resume goes on and --force begins anew: choose one")
    if args.output == "-" and (args.resume or args.force or args.json):
        raise CommandError(
            "-o - writes the results to standard output and keeps none: --resume, --force and --json need a file"
        )


def _carried_out(run: _Batch, cloud: AsyncMinCloud, terminal: Terminal) -> int:
    """Calls what is to be called, and reports; gives the exit status."""
    with _progress(run.stats, run.inputs, terminal) as show:
        run.show = show
        asyncio.run(run.run(cloud, terminal))
    stats = run.stats
    if run.failure is None and not run.interrupted and not stats.unfinished and not stats.uncertain:
        run.files.finished()
    _report(run, terminal)
    if run.interrupted:
        return INTERRUPTED
    if run.failure is not None:
        status, message = describe_error(run.failure, name=run.name)
        more = "" if isinstance(run.files, StreamedResults) else "; then go on with --resume"
        raise CommandError(f"stopped: {message}{more}", status)
    return FAILED if stats.failed or stats.failed_before or stats.uncertain else DONE


def _settled(
    args: argparse.Namespace, there: Destination, files: BatchFiles, inputs: Inputs, terminal: Terminal
) -> dict[int, dict[str, Any] | None]:
    """What became of the lines whose call may have run, as far as the function's jobs tell.

    Returns:
        For each line that is settled its result, or None if it surely did not run.
    """
    unsure = set(files.standings.lines(LineState.SENT, LineState.UNCERTAIN))
    if not unsure or not inputs.is_file:
        return {}
    from .batch_settling import settle  # noqa: PLC0415 - seldom needed

    with terminal.spinner(lambda: f"looking for {counted(len(unsure), 'call')} among the jobs of {args.name}"):
        return asyncio.run(
            settle(
                connected_async(there, args, max_retries=_MAX_RETRIES),
                args.name,
                files.standings,
                inputs,
                sync=not args.no_wait,
            )
        )


class _Batch:
    """One run of a batch."""

    def __init__(self, args: argparse.Namespace, files: BatchFiles | StreamedResults, inputs: Inputs) -> None:
        self.stats = BatchStats(
            skipped=sum(1 for _ in files.standings.lines(LineState.ANSWERED)), failed_before=files.failed_before
        )
        for line in files.standings.lines(LineState.UNCERTAIN):
            self.stats.add_uncertain(line)
        self.failure: Exception | None = None
        self.interrupted = False
        self.show: Callable[[], None] = lambda: None
        self.name: str = args.name
        self.results: str = args.output
        self.files = files
        self.inputs = inputs
        self._waits: bool = not args.no_wait
        self._concurrency: int = args.concurrency
        self._spacing: float = 1 / args.rate if args.rate else 0.0
        self._next_start = 0.0
        self._stopping = asyncio.Event()
        self._under_way = 0

    async def run(self, cloud: AsyncMinCloud, terminal: Terminal) -> None:
        """Calls what is to be called.

        Raises:
            OSError: A file cannot be read or written.
        """
        async with cloud:
            lines = _LineFeed(self.inputs, self.files.standings, self._stopping)
            workers = [asyncio.create_task(self._work(cloud, lines)) for _ in range(self._concurrency)]
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

    async def _work(self, cloud: AsyncMinCloud, lines: _LineFeed) -> None:
        """Takes one line after another, until there are none or the batch is to stop."""
        while not self._stopping.is_set():
            taken = await lines.next()
            if taken is None:
                return
            line, content = taken
            try:
                data = json_line(content)
            except ValueError as error:
                self._fail(line, {"kind": "InvalidLine", "message": str(error), "called": "no"})
                await asyncio.sleep(0)  # however many of them there are, an interruption is heard
                continue
            if not await self._is_its_turn():
                return
            await self.files.sent(line, content)
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
            result = await self._result(cloud, data)
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
            self.files.ended(line, {"data": result})
            self.stats.succeeded += 1
            self.show()

    async def _result(self, cloud: AsyncMinCloud, data: dict[str, Any]) -> Any:
        if self._waits:
            return await cloud.functions.invoke(self.name, data)
        run = await cloud.functions.trigger(self.name, data)
        return await run.result(_LONGEST_FOLLOWED)

    def _fail(self, line: int, error: dict[str, Any]) -> None:
        self.files.ended(line, {"error": error})
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
        case JobTimeout() | JobNotFound() | AmbiguousJob():
            return "uncertain"  # it was accepted; what came of it is to be looked for
        case FunctionError() | InvalidResponse() | JobError():
            return "yes"
        case APIError():
            return "no" if isinstance(error, (RateLimited, *_ENDING)) else "yes"
        case _:
            return "no"


def _report(run: _Batch, terminal: Terminal) -> None:
    stats, results = run.stats, run.results
    for line, message in stats.failures:
        terminal.note(f"line {line}: {message}")
    failures = stats.failed + len(stats.uncertain_lines)
    if failures > len(stats.failures) == _MOST_FAILURES_SHOWN:
        terminal.note(f"and more: `error` in {results} says why each failed")
    if terminal.json:
        terminal.document(
            {
                "function": run.name,
                "results": results,
                "answered_before": stats.skipped,
                "failed_before": stats.failed_before,
                "settled": stats.settled,
                "succeeded": stats.succeeded,
                "failed": stats.failed,
                "uncertain": stats.uncertain,
                "uncertain_lines": sorted(stats.uncertain_lines),
                "interrupted": run.interrupted,
            }
        )
        return
    say = terminal.note if results == "-" else terminal.text
    where = "" if results == "-" else f"; results in {results}"
    parts = [f"{stats.succeeded:,} succeeded", f"{stats.failed:,} failed"]
    if stats.skipped:
        by_errors = f", {stats.failed_before:,} of them by an error" if stats.failed_before else ""
        parts.append(f"{stats.skipped:,} answered before{by_errors}")
    say(f"{'interrupted: ' if run.interrupted else ''}{', '.join(parts)}{where}")
    if stats.settled:
        say(
            f"{counted(stats.settled, 'line')} that may have run {'was' if stats.settled == 1 else 'were'} settled by the function's jobs"
        )
    if results == "-":
        return
    if stats.uncertain:
        named = ", ".join(map(str, sorted(stats.uncertain_lines)))
        more = " and more" if stats.uncertain > len(stats.uncertain_lines) else ""
        say(
            f"{counted(stats.uncertain, 'line')} may have run without an answer: {named}{more}; --resume looks for what became of them, "
            "--resume --retry-uncertain calls them again"
        )
    if stats.unfinished:
        say(f"{counted(stats.unfinished, 'line')} surely did not run: --resume calls them")
    if run.interrupted:
        say("the same command with --resume goes on")


class _LineFeed:
    """The lines to call, read ahead by a thread, so that calls go on while a pipe has nothing to read."""

    def __init__(self, inputs: Inputs, standings: LineStates, stopping: asyncio.Event) -> None:
        self._inputs = inputs
        self._standings = standings
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, bytes] | Exception | None] = asyncio.Queue()
        self._room = threading.Semaphore(_LINES_AHEAD)
        # Not one of a pool, whose threads are waited for at the end of the program: reading a pipe may take for ever.
        threading.Thread(target=self._read, daemon=True).start()

    async def next(self) -> tuple[int, bytes] | None:
        """The next line and its number; None if there is none, or the batch is to stop.

        Raises:
            OSError: The inputs cannot be read.
        """
        if self._queue.empty():
            got, stopped = asyncio.ensure_future(self._queue.get()), asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait((got, stopped), return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()
                if not got.done():
                    got.cancel()
            if not got.done() or got.cancelled():
                return None
            taken = got.result()
        else:
            taken = self._queue.get_nowait()
        self._room.release()
        if taken is None or isinstance(taken, Exception):
            self._queue.put_nowait(None)  # for the other workers; the reader is done
        if isinstance(taken, Exception):
            raise taken
        return taken

    def _read(self) -> None:
        try:
            for line, content in self._inputs.lines():
                if not self._standings.is_called(line) and not self._put((line, content)):
                    return
            self._put(None)
        except Exception as error:  # noqa: BLE001 - raised where lines are taken
            self._put(error)

    def _put(self, item: tuple[int, bytes] | Exception | None) -> bool:
        """Hands something over, when there is room; whether anybody still wants it."""
        self._room.acquire()
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:  # the loop is closed
            return False
        return True


@contextmanager
def _progress(stats: BatchStats, inputs: Inputs, terminal: Terminal) -> Generator[Callable[[], None]]:
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
