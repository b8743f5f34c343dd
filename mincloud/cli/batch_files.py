"""The files of a batch: the inputs, the results, and the journal of the calls that may have run.

The results have a JSON line for each input line that has ended. The journal has a heading that names the batch, and a note for each call
that was about to be sent: the number of the input line, its checksum, and the time. A call is sent once its note is on the disk, so that
nothing is called twice, even after a power failure; a line whose note was cut off counts as called.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
import struct
import sys
import time
import zlib
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .calls import json_object
from .exit_statuses import CommandError
from .units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_RECORD = struct.Struct("<BId")  # the state of a line, its checksum, and the time of its call
_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT
_PUT_BACK = "put it back, or begin anew with another results file"
# A limit for inputs whose lines cannot be counted, as those of a pipe.
_MOST_LINES = 100_000_000
_MOST_NAMED = 5
_CALLED_UNKNOWN = "so nothing says which lines without an answer were called: put it back, or add --retry-uncertain to call all of these"
UNANSWERED: dict[str, Any] = {
    "kind": "Unanswered",
    "message": "the batch was stopped before an answer came; the function may have run",
    "called": "uncertain",
}


class LineState(IntEnum):
    """The state of an input line."""

    OPEN = 0  # to be called
    SENT = 1  # its call was about to be sent, and nothing else is known
    UNCERTAIN = 2  # its call failed, and the function may have run
    ANSWERED = 3
    REOPENED = 4  # to be called again, although the journal has a note of it


_CALLED = (LineState.SENT, LineState.UNCERTAIN, LineState.ANSWERED)


class LineStates:
    """The states of all input lines, at a few bytes a line."""

    def __init__(self) -> None:
        self._records = bytearray()

    def __getitem__(self, line: int) -> LineState:
        return LineState(self._record(line)[0])

    def __setitem__(self, line: int, state: LineState) -> None:
        self._write(line, state, *self.call(line))

    def call(self, line: int) -> tuple[int, float]:
        """The checksum of a line and when its call was about to be sent, in Unix seconds; zeros if they are not known."""
        _, checksum, time = self._record(line)
        return checksum, time

    def set_call(self, line: int, checksum: int, time: float) -> None:
        """Sets what `call` returns."""
        self._write(line, self[line], checksum, time)

    def lines(self, *states: LineState) -> Iterator[int]:
        """The numbers of the lines that are in one of some states now."""
        found = self._records[:: _RECORD.size]
        return (line for line, state in enumerate(found) if state in states)

    def is_called(self, line: int) -> bool:
        """Whether a line must not be called again."""
        return self[line] in _CALLED

    def _record(self, line: int) -> tuple[int, int, float]:
        start = line * _RECORD.size
        return _RECORD.unpack_from(self._records, start) if start < len(self._records) else (LineState.OPEN, 0, 0.0)

    def _write(self, line: int, *record: float) -> None:
        start = line * _RECORD.size
        self._records.extend(bytes(max(0, start + _RECORD.size - len(self._records))))
        _RECORD.pack_into(self._records, start, *record)


def checksum(line: bytes) -> int:
    """The checksum of an input line, never 0."""
    return zlib.crc32(line.strip()) or 1


def json_line(content: bytes) -> dict[str, Any]:
    """Reads the JSON object of an input line.

    Raises:
        ValueError: It is none; the message says why.
    """
    try:
        return json_object(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except ValueError as error:
        raise ValueError(f"it is no JSON object: {error}") from None


class Inputs:
    """The inputs of a batch.

    Args:
        name: A path, or `-` for standard input.

    Attributes:
        is_file: Whether they can be read more than once.
        count: The number of the last line that is not blank, once `check` has read a file.

    Raises:
        OSError: There is no such file, or it is a folder.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(name)
        if name != "-" and self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        self.is_file = name != "-" and stat.S_ISREG(self.path.stat().st_mode)
        self.count: int | None = None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Reads the lines that are not blank, with their numbers."""
        if self.name == "-" and sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - closed, as with `<&-`
            raise CommandError("standard input is closed: name a file of inputs")
        with nullcontext(sys.stdin.buffer) if self.name == "-" else self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if content.strip():
                    yield number, content

    def check(self) -> None:
        """Checks each line of a file before anything is called.

        Raises:
            CommandError: A line is no JSON object; the message names the first such line.
            OSError: The file cannot be read.
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


class BatchFiles(AbstractContextManager["BatchFiles"]):
    """The results and the journal of a batch.

    Args:
        results: The path of the results; the journal is beside them.
        batch: The function, the environment and the server, by which a later run recognises the batch.

    Attributes:
        states: The state of each line after earlier runs.
        failed_before: How many lines earlier runs called that were answered by an error.
    """

    def __init__(self, results: Path, batch: dict[str, Any]) -> None:
        self.results = results
        self.journal = results.with_name(f"{results.name}.journal")
        self.states = LineStates()
        self.failed_before = 0
        self._batch = batch
        self._results_file = self._journal_file = -1
        self._retry_failed = False
        self._noted = self._on_disk = 0
        self._syncing: asyncio.Future[None] | None = None

    def __exit__(self, *_: object) -> None:
        for descriptor in (self._results_file, self._journal_file):
            if descriptor >= 0:
                os.close(descriptor)
        self._results_file = self._journal_file = -1

    def begin(self, *, force: bool) -> None:
        """Begins a new batch.

        Args:
            force: Whether existing files are overwritten.

        Raises:
            CommandError: There are results or a journal already.
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
        # After the journal, so that no results exist without a heading in their journal.
        self._results_file = os.open(self.results, _APPENDING, 0o666)
        os.ftruncate(self._results_file, 0)
        _sync_folder(self.results)

    def read_back(self, inputs: Inputs, *, retry_uncertain: bool, retry_failed: bool) -> None:
        """Reads the files of an earlier run without changing them; begins a new batch if there are none.

        Args:
            inputs: The inputs, whose called lines must not have changed.
            retry_uncertain: Whether all lines without an answer may be called again where the journal is missing.
            retry_failed: Whether lines that were answered by an error are called again.

        Raises:
            CommandError: The files are not those of this batch, or the journal is not the whole one.
            OSError: The files cannot be read or written.
        """
        if not self.results.exists() and not self.journal.exists():
            self.begin(force=False)
            return
        is_there = self.journal.exists()
        had_journal = is_there and self.journal.stat().st_size > 0
        try:
            self._open_journal()
            self._retry_failed = retry_failed
            self._read_results(inputs)
            if had_journal:
                self._read_journal(inputs)
            elif not retry_uncertain and not (inputs.is_file and self._has_answered_all(inputs)):
                raise CommandError(f"{self.journal} is missing or empty, {_CALLED_UNKNOWN}")
            if inputs.is_file:
                self._check_inputs(inputs)
        except CommandError:
            if not is_there:
                self.journal.unlink(missing_ok=True)
            raise

    def prepare_resuming(self, settled: Mapping[int, dict[str, Any] | None], *, retry_uncertain: bool) -> None:
        """Rewrites the files after `read_back`, such that calls can go on.

        Args:
            settled: The outcomes of uncertain lines: a result, or None where the call surely did not run.
            retry_uncertain: Whether the other uncertain lines are called again.

        Raises:
            OSError: The files cannot be written.
        """
        for line, outcome in settled.items():
            self.states[line] = LineState.REOPENED if outcome is None else LineState.ANSWERED
        if retry_uncertain:
            for line in self.states.lines(LineState.SENT, LineState.UNCERTAIN):
                self.states[line] = LineState.REOPENED
        # The journal first, since a note without a result means that the call may have run.
        self._replace_journal()
        self._replace_results(settled)

    async def note_call(self, line: int, content: bytes) -> None:
        """Notes that a line's call is about to be sent, and waits until the note is on the disk, together with other notes.

        Raises:
            OSError: The note cannot be written, so the call must not be sent.
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

    def write_result(self, line: int, outcome: dict[str, Any]) -> None:
        """Writes a line's result.

        Args:
            line: The number of the input line.
            outcome: The result's `data` or `error`.

        Raises:
            OSError: It cannot be written.
        """
        _append(self._results_file, _encoded({"line": line, **outcome}))

    def finish(self) -> None:
        """Removes the journal, when no line is left to be called."""
        os.fsync(self._results_file)
        self.journal.unlink(missing_ok=True)
        _sync_folder(self.journal)

    def _open_journal(self) -> None:
        self._journal_file = os.open(self.journal, _APPENDING, 0o666)
        _lock(self._journal_file, self.journal)

    def _heading(self) -> bytes:
        return _encoded({"batch": self._batch})

    def _read_results(self, inputs: Inputs) -> None:
        for number, content in enumerate(_whole_lines(self.results), 1):
            record = _decoded(content)
            line, state = record.get("line"), self._state_of(record)
            if type(line) is not int or line < 1 or state is None:
                raise CommandError(
                    f"line {number} of {self.results} is no result of a batch: name another file with -o"
                )
            self._check_number(line, self.results, inputs)
            self.states[line] = state
            self.failed_before += state is LineState.ANSWERED and "data" not in record

    def _state_of(self, record: dict[str, Any]) -> LineState | None:
        """The state of a line with a result; None if the record is no result."""
        error = record.get("error")
        if "data" in record:
            return LineState.ANSWERED
        if not isinstance(error, dict):
            return None
        called = cast(dict[str, Any], error).get("called")
        if called == "uncertain":
            return LineState.UNCERTAIN
        return LineState.ANSWERED if called == "yes" and not self._retry_failed else LineState.REOPENED

    def _check_number(self, line: int, path: Path, inputs: Inputs) -> None:
        if line > (_MOST_LINES if inputs.count is None else inputs.count):
            has = (
                "no input has as many" if inputs.count is None else f"{inputs.name} has {counted(inputs.count, 'line')}"
            )
            raise CommandError(f"{path} is about line {line:,}, and {has}: {_PUT_BACK}")

    def _read_journal(self, inputs: Inputs) -> None:
        with self.journal.open("rb") as file:
            batch = _decoded(next(file, b"")).get("batch")
            if batch is None:
                raise CommandError(f"{self.journal} is damaged, {_CALLED_UNKNOWN}")
            if batch != self._batch:
                shown = json.dumps(batch, ensure_ascii=False)
                raise CommandError(
                    f"{self.journal} is of another batch, {shown}: resume that one, or name another file with -o"
                )
            for content in file:
                number, *rest = content.split(b" ")
                if not content.endswith(b"\n"):
                    if not rest or not number.isdigit():
                        raise CommandError(f"the end of {self.journal} was cut off, {_CALLED_UNKNOWN}")
                    rest = [b"0", b"0"]  # its number is known, which is enough not to call it again
                try:
                    self._apply_note(int(number), int(rest[0], 16), float(rest[1]), inputs)
                except (ValueError, IndexError):
                    raise CommandError(f"{self.journal} is damaged, {_CALLED_UNKNOWN}") from None

    def _apply_note(self, line: int, check: int, at: float, inputs: Inputs) -> None:
        self._check_number(line, self.journal, inputs)
        self.states.set_call(line, check, at)
        if self.states[line] is LineState.OPEN:
            self.states[line] = LineState.SENT

    def _has_answered_all(self, inputs: Inputs) -> bool:
        return all(self.states[line] not in (LineState.OPEN, LineState.SENT) for line, _ in inputs.lines())

    def _check_inputs(self, inputs: Inputs) -> None:
        for number, content in inputs.lines():
            known, _ = self.states.call(number)
            if known and self.states.is_called(number) and known != checksum(content):
                raise CommandError(f"line {number} of {inputs.name} has changed since it was called: {_PUT_BACK}")

    def _replace_journal(self) -> None:
        def notes() -> Iterator[bytes]:
            yield self._heading()
            for line in self.states.lines(*_CALLED):
                known, at = self.states.call(line)
                if known:
                    yield _note(line, known, at)

        replaced = self._journal_file
        self._journal_file = _replaced(self.journal, notes())
        os.close(replaced)

    def _replace_results(self, settled: Mapping[int, dict[str, Any] | None]) -> None:
        def records() -> Iterator[bytes]:
            for content in _whole_lines(self.results):
                record = _decoded(content)
                line: int = record["line"]
                if line not in settled and LineState.REOPENED not in (self.states[line], self._state_of(record)):
                    yield content + b"\n"
            for line, outcome in settled.items():
                if outcome is not None:
                    yield _encoded({"line": line, **outcome})
            for line in self.states.lines(LineState.SENT):
                yield _encoded({"line": line, "error": UNANSWERED})
                self.states[line] = LineState.UNCERTAIN

        replaced = self._results_file
        self._results_file = _replaced(self.results, records())
        if replaced >= 0:
            os.close(replaced)


class StreamedResults:
    """Results on standard output, without a journal, so that they cannot be resumed."""

    failed_before = 0

    def __init__(self) -> None:
        self.states = LineStates()

    async def note_call(self, line: int, content: bytes) -> None:
        """Does nothing: there is no journal."""

    def write_result(self, line: int, outcome: dict[str, Any]) -> None:
        """Writes a line's result."""
        sys.stdout.write(_encoded({"line": line, **outcome}).decode("utf-8", "surrogateescape"))
        sys.stdout.flush()

    def finish(self) -> None:
        """Does nothing, likewise."""


def _replaced(path: Path, contents: Iterable[bytes]) -> int:
    """Replaces a file atomically; returns the descriptor of the new one, which is locked and open for appending."""
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
    """Waits until the names in a file's folder are on the disk; does nothing on Windows."""
    if os.name == "nt":
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    """Refuses a file that another batch has locked, and locks it; does nothing on Windows."""
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
    """Reads the lines of a file without their ends, and without a last one that was cut off; none if there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for content in file:
            if content.endswith(b"\n"):
                yield content[:-1]


def _encoded(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def _decoded(content: bytes) -> dict[str, Any]:
    """Reads a JSON object; an empty one if there is none."""
    try:
        record: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], record) if isinstance(record, dict) else {}


def _note(line: int, known: int, at: float) -> bytes:
    return b"%d %08x %.3f\n" % (line, known, at)
