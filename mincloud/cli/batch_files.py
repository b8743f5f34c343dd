"""The files of a batch: results, and the journal that says which calls may have run.

The results have one JSON line for each line of the inputs that came to an end. The journal has a line for each call that was about to be
sent: the number of the input line and a checksum of it. Both are written line by line, past any buffer, so that nothing which
was written is lost when the process is killed; a last line that was cut off is ignored.
"""

from __future__ import annotations

import json
import os
import zlib
from array import array
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self, cast

from .exit_statuses import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

_GROWTH = 4096
_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT
_PUT_BACK = "put it back, or begin anew with another results file"
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

    def __getitem__(self, line: int) -> LineState:
        return LineState(self._standings[line]) if line < len(self._standings) else LineState.OPEN

    def __setitem__(self, line: int, standing: LineState) -> None:
        self._grow(line)
        self._standings[line] = standing

    def checksum(self, line: int) -> int:
        """The checksum of a line that was called; 0 if it is not known."""
        return self._checksums[line] if line < len(self._checksums) else 0

    def set_checksum(self, line: int, checksum: int) -> None:
        """Notes the checksum of a line."""
        self._grow(line)
        self._checksums[line] = checksum

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


def checksum(line: bytes) -> int:
    """The checksum of an input line; never 0."""
    return zlib.crc32(line.strip()) or 1


def numbered_lines(inputs: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of the inputs that are not blank, with their numbers from 1."""
    with inputs.open("rb") as file:
        for number, line in enumerate(file, 1):
            content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if content.strip():
                yield number, content


class BatchFiles:
    """The results and the journal of a batch, open for more.

    Args:
        results: Where the results go.
        batch: What is called, so that nothing else is continued: the function's name and the environment.

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
        self._open()
        os.ftruncate(self._results_file, 0)
        os.ftruncate(self._journal_file, 0)
        _append(self._journal_file, self._heading())

    def resume(self, inputs: Path, *, retry_uncertain: bool) -> None:
        """Goes on with what an earlier run left; begins if it left nothing.

        Args:
            inputs: The inputs, whose called lines must be what they were.
            retry_uncertain: Whether lines whose call may have run are to be called again.

        Raises:
            CommandError: The files are not those of this batch.
            OSError: The files cannot be read or written.
        """
        there = [path for path in (self.results, self.journal) if path.exists()]
        self._open()
        try:
            kept = self._read_results(retry_uncertain=retry_uncertain)
            self._read_journal()
            if inputs.is_file():
                self._check_inputs(inputs)
        except CommandError:
            for path in {self.results, self.journal}.difference(there):
                path.unlink()
            raise
        if retry_uncertain:
            for line in list(self.standings.lines(LineState.SENT)):
                self.standings[line] = LineState.REOPENED
        # The journal first: a line that is to be called must be in neither file, and one in the journal alone may have been called.
        self._replace_journal()
        self._replace_results(kept)

    def sent(self, line: int, content: bytes) -> None:
        """Notes that a line's call is about to be sent.

        Raises:
            OSError: It cannot be noted, so it must not be sent.
        """
        _append(self._journal_file, _note(line, checksum(content)))

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
        self.journal.unlink(missing_ok=True)

    def _open(self) -> None:
        self._journal_file = os.open(self.journal, _APPENDING, 0o666)
        _lock(self._journal_file, self.journal)
        self._results_file = os.open(self.results, _APPENDING, 0o666)

    def _heading(self) -> bytes:
        return _encoded({"batch": self._batch})

    def _read_results(self, *, retry_uncertain: bool) -> bytearray:
        """Reads the results; which of their lines stay, one byte for each."""
        kept = bytearray()
        for content in _whole_lines(self.results):
            record = _decoded(content)
            line, error = record.get("line"), record.get("error")
            if type(line) is not int or line < 1 or not ("data" in record or isinstance(error, dict)):
                raise CommandError(
                    f"line {len(kept) + 1} of {self.results} is no result of a batch: name another file with -o"
                )
            called = "yes" if "data" in record else cast(dict[str, Any], error).get("called")
            stays = called == "yes" or (called == "uncertain" and not retry_uncertain)
            kept.append(stays)
            self.failed_before += called == "yes" and "data" not in record
            if stays:
                self.standings[line] = LineState.ANSWERED if called == "yes" else LineState.UNCERTAIN
            else:
                self.standings[line] = LineState.REOPENED
        return kept

    def _read_journal(self) -> None:
        lines = _whole_lines(self.journal)
        heading = next(lines, None)
        if heading is None:
            return
        batch = _decoded(heading).get("batch")
        if batch != self._batch:
            raise CommandError(
                f"{self.journal} is of another batch, {_shown(batch)}: resume that one, or name another file with -o"
            )
        for content in lines:
            number, _, known = content.partition(b" ")
            try:
                line, check = int(number), int(known, 16)
            except ValueError:
                raise CommandError(f"{self.journal} is damaged: --force begins anew and loses the results") from None
            self.standings.set_checksum(line, check)
            if self.standings[line] is LineState.OPEN:
                self.standings[line] = LineState.SENT

    def _check_inputs(self, inputs: Path) -> None:
        last = 0
        for number, content in numbered_lines(inputs):
            last = number
            known = self.standings.checksum(number)
            if known and self.standings.is_called(number) and known != checksum(content):
                raise CommandError(f"line {number} of {inputs} has changed since it was called: {_PUT_BACK}")
        missing = next((line for line in self.standings.lines(*_CALLED) if line > last), None)
        if missing is not None:
            raise CommandError(f"{inputs} has {last} lines, and line {missing} was called: {_PUT_BACK}")

    def _replace_journal(self) -> None:
        def notes() -> Iterator[bytes]:
            yield self._heading()
            for line in self.standings.lines(*_CALLED):
                if known := self.standings.checksum(line):
                    yield _note(line, known)

        replaced = self._journal_file
        self._journal_file = _replaced(self.journal, notes())
        os.close(replaced)

    def _replace_results(self, kept: bytearray) -> None:
        def records() -> Iterator[bytes]:
            for content, stays in zip(_whole_lines(self.results), kept, strict=True):
                if stays:
                    yield content + b"\n"
            for line in list(self.standings.lines(LineState.SENT)):
                yield _encoded({"line": line, "error": UNANSWERED})
                self.standings[line] = LineState.UNCERTAIN

        replaced = self._results_file
        self._results_file = _replaced(self.results, records())
        os.close(replaced)


def _replaced(path: Path, contents: Iterable[bytes]) -> int:
    """Puts a file in another's place at once, locked from the beginning and open for more."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, _APPENDING, 0o666)
    try:
        _lock(descriptor, path)
        new.chmod(path.stat().st_mode & 0o7777)
        with os.fdopen(os.dup(descriptor), "ab") as file:
            file.writelines(contents)
        new.replace(path)
    except BaseException:
        os.close(descriptor)
        new.unlink(missing_ok=True)
        raise
    return descriptor


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
    """The lines of a file without their ends, but for a last one that was cut off."""
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


def _note(line: int, known: int) -> bytes:
    return b"%d %08x\n" % (line, known)


def _shown(batch: object) -> str:
    return json.dumps(batch, ensure_ascii=False)
