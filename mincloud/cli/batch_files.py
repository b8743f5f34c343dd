"""The files of a batch: results, and the journal that says which calls may have run.

The results have one JSON line for each line of the inputs that came to an end. The journal begins with what is called, and has a line for
each call that was about to be sent: the number of the input line, a checksum of it, and the time. A call is only sent when its line is
on the disk, so nothing is called twice after a loss of power either; what was cut off from the end of a file is taken for called.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import time
import zlib
from array import array
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from .calls import json_object
from .exit_statuses import CommandError
from .units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

_GROWTH = 4096
_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT
_PUT_BACK = "put it back, or begin anew with another results file"
# No input that is no file, so that its lines cannot be counted, has more.
_MOST_LINES = 100_000_000
_MOST_NAMED = 5
_LONGEST_NOTE = 100
_CALLED_UNKNOWN = "so nothing says which lines without an answer were called: put it back, or add --retry-uncertain to call all of these"
UNANSWERED: dict[str, Any] = {
    "kind": "Unanswered",
    "message": "the batch was stopped before an answer came; the function may have run",
    "called": "uncertain",
}


class LineState(IntEnum):
    """What is known of an input line."""

    OPEN = 0  # it is to be called
    SENT = 1  # its call was about to be sent, and nothing else is known
    UNCERTAIN = 2  # its call failed such that the function may have run
    ANSWERED = 3
    REOPENED = 4  # its result says that it did not run, or it is wanted again: to be called, whatever the journal says


_CALLED = (LineState.SENT, LineState.UNCERTAIN, LineState.ANSWERED)


class LineStates:
    """What is known of each input line, at a few bytes a line."""

    def __init__(self) -> None:
        self._standings = bytearray()
        self._checksums = array("I")
        self._times = array("d")

    def __getitem__(self, line: int) -> LineState:
        return LineState(self._standings[line]) if line < len(self._standings) else LineState.OPEN

    def __setitem__(self, line: int, standing: LineState) -> None:
        self._grow(line)
        self._standings[line] = standing

    def checksum(self, line: int) -> int:
        """The checksum of a line that was called; 0 if it is not known."""
        return self._checksums[line] if line < len(self._checksums) else 0

    def time(self, line: int) -> float:
        """When a line's call was about to be sent, in Unix seconds; 0 if it is not known."""
        return self._times[line] if line < len(self._times) else 0.0

    def set_call(self, line: int, checksum: int, time: float) -> None:
        """Notes the checksum of a line that was called, and when that was."""
        self._grow(line)
        self._checksums[line] = checksum
        self._times[line] = time

    def lines(self, *standings: LineState) -> Iterator[int]:
        """The numbers of the lines with one of these standings."""
        wanted = frozenset(standings)
        return (line for line, standing in enumerate(self._standings) if standing in wanted)

    def is_called(self, line: int) -> bool:
        """Whether a line must not be called again."""
        return self[line] in _CALLED

    def _grow(self, line: int) -> None:
        missing = line + 1 - len(self._standings)
        if missing > 0:
            more = missing + _GROWTH
            self._standings.extend(bytes(more))
            self._checksums.extend([0] * more)
            self._times.extend([0.0] * more)


def checksum(line: bytes) -> int:
    """The checksum of an input line; never 0."""
    return zlib.crc32(line.strip()) or 1


def numbered_lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines of an input that are not blank, with their numbers from 1."""
    for number, line in enumerate(file, 1):
        content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if content.strip():
            yield number, content


def json_line(content: bytes) -> dict[str, Any]:
    """The JSON object of an input line.

    Raises:
        ValueError: It has none; the message says why.
    """
    try:
        return json_object(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except ValueError as error:
        raise ValueError(f"it is no JSON object: {error}") from None


class Inputs:
    """The inputs of a batch: a file that can be read again, or a stream that cannot.

    Args:
        name: A path, or `-` for standard input.

    Raises:
        OSError: There is no such file.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(name)
        self.is_file = name != "-" and stat.S_ISREG(self.path.stat().st_mode)
        self.count: int | None = None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank, with their numbers; of a stream once."""
        if self.name == "-":
            if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - closed, as with `<&-`
                raise CommandError("standard input is closed: name a file of inputs")
            yield from numbered_lines(sys.stdin.buffer)
            return
        with self.path.open("rb") as file:
            yield from numbered_lines(file)

    def check(self) -> None:
        """Reads a file before anything is called.

        Raises:
            CommandError: A line is no JSON object; the message names the first of them.
            OSError: It cannot be read.
        """
        if not self.is_file:
            return
        wrong: list[str] = []
        count = 0
        self.count = 0
        for line, content in self.lines():
            self.count = line
            try:
                json_line(content)
            except ValueError as error:
                count += 1
                if len(wrong) < _MOST_NAMED:
                    wrong.append(f"line {line}: {error}")
        if wrong:
            first, *others = wrong
            more = [f"and {count - len(wrong)} more"] if count > len(wrong) else []
            raise CommandError(
                f"{self.name} needs a JSON object on each line, and nothing was called: {first}",
                details=[*others, *more],
            )


class BatchFiles:
    """The results and the journal of a batch, open for more.

    Args:
        results: Where the results go.
        batch: What is called, so that nothing else is continued: the function's name, the environment, the server, and how.

    Attributes:
        standings: What is known of each line from earlier runs.
        failed_before: How many lines were answered by an error in earlier runs.
    """

    def __init__(self, results: Path, batch: dict[str, Any]) -> None:
        self.results = results
        self.journal = results.with_name(f"{results.name}.journal")
        self.standings = LineStates()
        self.failed_before = 0
        self._batch = batch
        self._results_file = self._journal_file = -1
        self._kept = bytearray()
        self._noted = self._on_disk = 0
        self._syncing: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in (self._results_file, self._journal_file):
            if descriptor >= 0:
                os.close(descriptor)
        self._results_file = self._journal_file = -1

    def begin(self, *, force: bool) -> None:
        """Begins anew.

        Args:
            force: Whether what is there may be lost.

        Raises:
            CommandError: There are results already, or a journal of lines that may have been called.
            OSError: The files cannot be written.
        """
        there = [path for path in (self.results, self.journal) if path.exists()]
        if there and not force:
            raise CommandError(f"{there[0]} exists already: --resume goes on with it, --force begins anew and loses it")
        self._open_journal()
        os.ftruncate(self._journal_file, 0)
        _append(self._journal_file, self._heading())
        os.fsync(self._journal_file)
        _sync_folder(self.journal)
        # Whoever finds results finds the heading of their journal as well.
        self._results_file = os.open(self.results, _APPENDING, 0o666)
        os.ftruncate(self._results_file, 0)
        _sync_folder(self.results)

    def read_back(self, inputs: Inputs, *, retry_uncertain: bool, retry_failed: bool) -> None:
        """Reads what an earlier run left, and changes nothing; begins if it left nothing.

        Args:
            inputs: The inputs, whose called lines must be what they were.
            retry_uncertain: Whether lines without an answer may all be called again where the journal is missing.
            retry_failed: Whether lines that were answered by an error are to be called again.

        Raises:
            CommandError: The files are not those of this batch, or the journal is not the whole one.
            OSError: The files cannot be read or written.
        """
        if not self.results.exists() and not self.journal.exists():
            self.begin(force=False)
            self._kept = bytearray()
            return
        is_there = self.journal.exists()
        had_journal = is_there and self.journal.stat().st_size > 0
        try:
            self._open_journal()
            self._kept = self._read_results(inputs, retry_failed=retry_failed)
            if had_journal:
                self._read_journal(inputs)
            elif not retry_uncertain:
                self._refuse_without_journal(inputs)
            if inputs.is_file:
                self._check_inputs(inputs)
        except CommandError:
            if not is_there:
                self.journal.unlink(missing_ok=True)
            raise

    def go_on(self, settled: Mapping[int, dict[str, Any] | None], *, retry_uncertain: bool) -> None:
        """Rewrites the files for what is left, after `read_back`.

        Args:
            settled: What became of lines whose call may have run: a result, or None where it surely did not run.
            retry_uncertain: Whether the others of these are to be called again.

        Raises:
            OSError: The files cannot be written.
        """
        for line, outcome in settled.items():
            self.standings[line] = LineState.REOPENED if outcome is None else LineState.ANSWERED
        if retry_uncertain:
            for line in list(self.standings.lines(LineState.SENT, LineState.UNCERTAIN)):
                self.standings[line] = LineState.REOPENED
        # The journal first: a line that is to be called must be in neither file, and one in the journal alone may have been called.
        self._replace_journal()
        self._replace_results(settled)

    async def sent(self, line: int, content: bytes) -> None:
        """Notes that a line's call is about to be sent, and waits until that is on the disk; one wait serves many lines.

        Raises:
            OSError: It cannot be noted, so it must not be sent.
        """
        _append(self._journal_file, _note(line, checksum(content), time.time()))
        self._noted += 1
        wanted = self._noted
        while self._on_disk < wanted:
            if self._syncing is None:
                self._syncing = asyncio.ensure_future(self._sync())
            await asyncio.shield(self._syncing)

    async def _sync(self) -> None:
        noted = self._noted
        try:
            await asyncio.to_thread(os.fsync, self._journal_file)
            self._on_disk = noted
        finally:
            self._syncing = None

    def ended(self, line: int, outcome: dict[str, Any]) -> None:
        """Writes a line's result.

        Args:
            line: The number of the input line.
            outcome: `data`, or `error`.

        Raises:
            OSError: It cannot be written.
        """
        _append(self._results_file, _encoded({"line": line, **outcome}))

    def finished(self) -> None:
        """Removes the journal, since no line is left to be called."""
        os.fsync(self._results_file)
        self.journal.unlink(missing_ok=True)
        _sync_folder(self.journal)

    def _open_journal(self) -> None:
        self._journal_file = os.open(self.journal, _APPENDING, 0o666)
        _lock(self._journal_file, self.journal)

    def _heading(self) -> bytes:
        return _encoded({"batch": self._batch})

    def _read_results(self, inputs: Inputs, *, retry_failed: bool) -> bytearray:
        """Reads the results; which of their lines stay, one byte for each."""
        kept = bytearray()
        for content in _whole_lines(self.results):
            record = _decoded(content)
            line, error = record.get("line"), record.get("error")
            if type(line) is not int or line < 1 or not ("data" in record or isinstance(error, dict)):
                raise CommandError(
                    f"line {len(kept) + 1} of {self.results} is no result of a batch: name another file with -o"
                )
            self._check_number(line, self.results, inputs)
            called = "yes" if "data" in record else cast(dict[str, Any], error).get("called")
            failed = called == "yes" and "data" not in record
            stays = called == "uncertain" or (called == "yes" and not (failed and retry_failed))
            kept.append(stays)
            self.failed_before += failed and stays
            if stays:
                self.standings[line] = LineState.ANSWERED if called == "yes" else LineState.UNCERTAIN
            else:
                self.standings[line] = LineState.REOPENED
        return kept

    def _check_number(self, line: int, path: Path, inputs: Inputs) -> None:
        if line > (_MOST_LINES if inputs.count is None else inputs.count):
            has = (
                "no input has as many" if inputs.count is None else f"{inputs.name} has {counted(inputs.count, 'line')}"
            )
            raise CommandError(f"{path} is about line {line:,}, and {has}: {_PUT_BACK}")

    def _read_journal(self, inputs: Inputs) -> None:
        lines = _whole_lines(self.journal)
        heading = next(lines, None)
        batch = None if heading is None else _decoded(heading).get("batch")
        if batch is None:
            raise CommandError(f"{self.journal} is damaged, {_CALLED_UNKNOWN}")
        if batch != self._batch:
            raise CommandError(
                f"{self.journal} is of another batch, {_shown(batch)}: resume that one, or name another file with -o"
            )
        for content in lines:
            parts = content.split(b" ")
            try:
                line, check, at = int(parts[0]), int(parts[1], 16), float(parts[2])
            except (ValueError, IndexError):
                raise CommandError(f"{self.journal} is damaged, {_CALLED_UNKNOWN}") from None
            self._note_call(line, check, at, inputs)
        self._read_cut_note(inputs)

    def _read_cut_note(self, inputs: Inputs) -> None:
        """Takes the line for called whose note was cut off at the end of the journal."""
        with self.journal.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LONGEST_NOTE))
            rest = file.read().rpartition(b"\n")[2]
        if not rest:
            return
        number, separator, _ = rest.partition(b" ")
        if not separator or not number.isdigit():
            raise CommandError(f"the end of {self.journal} was cut off, {_CALLED_UNKNOWN}")
        self._note_call(int(number), 0, 0.0, inputs)

    def _note_call(self, line: int, check: int, at: float, inputs: Inputs) -> None:
        self._check_number(line, self.journal, inputs)
        self.standings.set_call(line, check, at)
        if self.standings[line] is LineState.OPEN:
            self.standings[line] = LineState.SENT

    def _refuse_without_journal(self, inputs: Inputs) -> None:
        """Refuses to go on without a journal, unless each line was answered.

        Raises:
            CommandError: Some may have been called, and nothing says which.
        """
        open_lines = (line for line, _ in inputs.lines() if self.standings[line] in (LineState.OPEN, LineState.SENT))
        if inputs.is_file and next(open_lines, None) is None:
            return
        raise CommandError(f"{self.journal} is missing or empty, {_CALLED_UNKNOWN}")

    def _check_inputs(self, inputs: Inputs) -> None:
        last = 0
        for number, content in inputs.lines():
            last = number
            known = self.standings.checksum(number)
            if known and self.standings.is_called(number) and known != checksum(content):
                raise CommandError(f"line {number} of {inputs.name} has changed since it was called: {_PUT_BACK}")
        missing = next((line for line in self.standings.lines(*_CALLED) if line > last), None)
        if missing is not None:
            raise CommandError(f"{inputs.name} has {last} lines, and line {missing} was called: {_PUT_BACK}")

    def _replace_journal(self) -> None:
        def notes() -> Iterator[bytes]:
            yield self._heading()
            for line in self.standings.lines(*_CALLED):
                if known := self.standings.checksum(line):
                    yield _note(line, known, self.standings.time(line))

        replaced = self._journal_file
        self._journal_file = _replaced(self.journal, notes())
        os.close(replaced)

    def _replace_results(self, settled: Mapping[int, dict[str, Any] | None]) -> None:
        def records() -> Iterator[bytes]:
            for content, stays in zip(_whole_lines(self.results), self._kept, strict=True):
                line = cast(int, _decoded(content).get("line"))
                if stays and line not in settled and self.standings[line] is not LineState.REOPENED:
                    yield content + b"\n"
            for line, outcome in settled.items():
                if outcome is not None:
                    yield _encoded({"line": line, **outcome})
            for line in list(self.standings.lines(LineState.SENT)):
                yield _encoded({"line": line, "error": UNANSWERED})
                self.standings[line] = LineState.UNCERTAIN

        replaced = self._results_file
        self._results_file = _replaced(self.results, records())
        if replaced >= 0:
            os.close(replaced)


class StreamedResults:
    """Results that go to standard output, without a journal: nothing of it can be resumed."""

    failed_before = 0

    def __init__(self) -> None:
        self.standings = LineStates()

    async def sent(self, line: int, content: bytes) -> None:
        """Notes nothing."""

    def ended(self, line: int, outcome: dict[str, Any]) -> None:
        """Writes a line's result."""
        sys.stdout.write(_encoded({"line": line, **outcome}).decode("utf-8", "surrogateescape"))
        sys.stdout.flush()

    def finished(self) -> None:
        """Leaves nothing."""


def _replaced(path: Path, contents: Iterable[bytes]) -> int:
    """Puts a file in another's place at once, locked from the beginning and open for more."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, _APPENDING, 0o666)
    try:
        _lock(descriptor, path)
        if path.exists():
            new.chmod(path.stat().st_mode & 0o7777)
        with os.fdopen(os.dup(descriptor), "ab") as file:
            file.writelines(contents)
        os.fsync(descriptor)
        new.replace(path)
        _sync_folder(path)
    except BaseException:
        os.close(descriptor)
        new.unlink(missing_ok=True)
        raise
    return descriptor


def _sync_folder(path: Path) -> None:
    """Has it on the disk which files there are, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    """Keeps a second batch away from the same files, where the system can."""
    try:
        import fcntl  # noqa: PLC0415 - not everywhere
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"another batch is writing to {path}: wait for it, or name another file with -o") from None


def _append(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _whole_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file without their ends, but for a last one that was cut off; none if there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for content in file:
            if content.endswith(b"\n"):
                yield content[:-1]


def _encoded(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def _decoded(content: bytes) -> dict[str, Any]:
    """A record; empty if it is none."""
    try:
        record: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], record) if isinstance(record, dict) else {}


def _note(line: int, known: int, at: float) -> bytes:
    return b"%d %08x %.3f\n" % (line, known, at)


def _shown(batch: object) -> str:
    return json.dumps(batch, ensure_ascii=False)
