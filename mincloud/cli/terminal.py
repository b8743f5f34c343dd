"""Output of the commands: text or JSON, with colours and progress where there is a terminal."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import unicodedata
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from .exit_statuses import PROGRAM, CommandError, describe_error, error_document, escaped, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from rich.console import Console

_RESET = "\x1b[0m"
_COLOURS = {
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "cyan": "\x1b[36m",
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
}
_ROWS_MEASURED = 200
_NARROWEST = 8
_NARROWEST_FIRST = 20
_GAP = "  "

STATUS_STYLES = {
    "fulfilled": "green",
    "waiting": "yellow",
    "executing": "yellow",
    "approved": "green",
    "created": "green",
    "updated": "yellow",
    "unchanged": "dim",
}


def _escape_as_json(error: UnicodeError) -> tuple[str, int]:
    """Escapes the characters that an encoding lacks as JSON does, so that a JSON document stays one."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


_ESCAPING = "mincloud.escape-as-json"
codecs.register_error(_ESCAPING, _escape_as_json)


class Cell(str):
    """Text in a colour.

    Args:
        text: The text.
        style: The name of the colour; empty for none.
    """

    __slots__ = ("style",)

    style: str

    def __new__(cls, text: str, style: str) -> Cell:
        """Makes one."""
        cell = super().__new__(cls, text)
        cell.style = style
        return cell


def status_cell(status: str | None) -> str:
    """A status in its colour; a failed or unknown one is red."""
    return Cell(status, STATUS_STYLES.get(status, "red")) if status else ""


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Layout:
    """The columns of a table and their widths, such that each row fits on a line.

    Empty columns are left out. While the table is too wide, the widest column is narrowed; once all are narrow, the last one is
    left out.

    Args:
        header: The names of the columns.
        rows: The rows to measure.
        columns: The width of the terminal.
        keep_whole: The columns that are useless when shortened, as times, by the first word of their names.
    """

    def __init__(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], columns: int, keep_whole: Sequence[str] = ()
    ) -> None:
        self.widths = {
            index: max(width_of(name), *(width_of(row[index]) for row in rows))
            for index, name in enumerate(header)
            if index == 0 or any(row[index] for row in rows)
        }
        while self._total() > columns:
            first, *others = self.widths
            shrinkable = [index for index in others if header[index].partition(" ")[0] not in keep_whole]
            least = dict.fromkeys(shrinkable, _NARROWEST) | {first: _NARROWEST if not others else _NARROWEST_FIRST}
            widest = max(least, key=lambda index: self.widths[index] - least[index])
            if self.widths[widest] > least[widest]:
                self.widths[widest] -= 1
            elif others:
                del self.widths[(shrinkable or others)[-1]]
            else:
                break

    def _total(self) -> int:
        return sum(self.widths.values()) + len(_GAP) * (len(self.widths) - 1)

    def line(self, row: Sequence[str]) -> list[str]:
        """The parts of a row's line."""
        parts: list[str] = []
        for number, (index, width) in enumerate(self.widths.items()):
            cell = row[index]
            shown = _shortened(printable(cell), width)
            parts += [_GAP] if number else []
            parts.append(Cell(shown, cell.style) if isinstance(cell, Cell) else shown)
            if number < len(self.widths) - 1:
                parts.append(" " * (width - width_of(shown)))
        return parts


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in printable(text)
    )


def _shortened(text: str, width: int) -> str:
    if width_of(text) <= width:
        return text
    text = text[:width]
    while width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


class Terminal:
    """The standard streams of a command.

    Args:
        json: Whether to write JSON instead of text.
        colour: Whether colours are allowed; they are used on a terminal only.
    """

    def __init__(self, *, json: bool, colour: bool) -> None:
        self.json = json
        self._colour = colour and not os.environ.get("NO_COLOR")
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=_ESCAPING)

    @property
    def is_interactive(self) -> bool:
        """Whether standard output is a terminal."""
        return is_terminal(sys.stdout)

    @property
    def shows_errors(self) -> bool:
        """Whether standard error is a terminal."""
        return is_terminal(sys.stderr)

    @property
    def shows_progress(self) -> bool:
        """Whether progress can be shown: standard error is a terminal, and Rich is installed."""
        return self.shows_errors and find_spec("rich") is not None

    def document(self, value: Any) -> None:
        """Writes a JSON document on one line; on a terminal with control characters as JSON escapes."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if self.is_interactive and not text.isprintable():
            text = "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)
        sys.stdout.write(text + "\n")

    def text(self, *parts: str) -> None:
        """Writes a line of text.

        Args:
            parts: The parts of the line; a `Cell` for one in a colour.
        """
        for part in parts:
            shown = escaped(part) if self.is_interactive else str(part)
            style = part.style if isinstance(part, Cell) and self.is_interactive and self._colour else ""
            sys.stdout.write(f"{_COLOURS[style]}{shown}{_RESET}" if style else shown)
        sys.stdout.write("\n")

    def result(self, document: Any, *parts: str) -> None:
        """Writes a result: as a JSON document with `--json`, else as a line of text.

        Args:
            document: The result for programs.
            parts: The result for people, as for `text`.
        """
        if self.json:
            self.document(document)
        else:
            self.text(*parts)

    def block(self, text: str) -> None:
        """Writes text of several lines as it is; on a terminal with control characters escaped."""
        if text and not text.endswith("\n"):
            text += "\n"
        sys.stdout.write(escaped(text) if self.is_interactive else text)

    def note(self, text: str) -> None:
        """Writes a line to standard error; with `--json` as a document, unless standard error is a terminal."""
        shown = printable(text)
        if self.json and not self.shows_errors:
            shown = json.dumps({"note": shown.removeprefix(f"{PROGRAM}: ").removeprefix("note: ")}, ensure_ascii=False)
        sys.stderr.write(f"{shown}\n")
        sys.stderr.flush()

    def error(self, message: str, document: Mapping[str, Any], details: Sequence[str] = ()) -> None:
        """Writes the error that ends a command to standard error.

        Args:
            message: The error in one line.
            document: The error as JSON.
            details: Further lines.
        """
        if self.json:
            sys.stderr.write(json.dumps(document) + "\n")  # ASCII, so that it has no control characters
        else:
            sys.stderr.write("".join(f"{line}\n" for line in (printable(message), *map(escaped, details))))
        sys.stderr.flush()

    def failure(self, error: Exception, document: Mapping[str, Any], *, name: str, prefix: str = "") -> int:
        """Writes an error after which a command goes on with the next item.

        Args:
            error: The error.
            document: The item that failed, for programs.
            name: The function that the error is about.
            prefix: The item that failed, for people.

        Returns:
            The exit status.
        """
        status, message = describe_error(error, name=name)
        if self.json:
            self.document({**document, **error_document(error, message)})
        else:
            self.note(f"{PROGRAM}: {prefix}{message}")
        return status

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], *, keep_whole: Sequence[str] = ()) -> int:
        """Writes a table: on a terminal with a line for each row, elsewhere with tabs, for `cut` and `awk`.

        Nothing is written before the first row is there; an empty table is not written to a terminal.

        Args:
            header: The names of the columns.
            rows: The cells; a `Cell` for one in a colour.
            keep_whole: The columns that are not to be shortened, by the first word of their names.

        Returns:
            The number of rows.
        """
        iterator = iter(rows)
        first = list(islice(iterator, _ROWS_MEASURED if self.is_interactive else 1))
        if not self.is_interactive:

            def line(row: Sequence[str]) -> Sequence[str]:
                return ["\t".join(map(printable, row))]

        elif first:
            import shutil  # noqa: PLC0415 - seldom needed

            line = Layout(header, first, shutil.get_terminal_size().columns, keep_whole).line
            header = [Cell(name, "bold") for name in header]
        else:
            return 0
        self.text(*line(header))
        count = 0
        for row in chain(first, iterator):
            self.text(*line(row))
            count += 1
        return count

    def console(self, stream: TextIO) -> Console:
        """Rich's console on a stream."""
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

        return Console(file=stream, no_color=not self._colour, highlight=False, markup=False)

    @contextmanager
    def spinner(self, message: Callable[[], str]) -> Generator[None]:
        """Shows a spinner with a message on a terminal while the block runs.

        Args:
            message: Gives the message; it is called again and again, from another thread.
        """
        if not self.shows_progress:
            yield
            return
        from rich.text import Text  # noqa: PLC0415 - only a terminal needs it

        class Message:
            def __rich__(self) -> Text:
                return Text(printable(message()))

        with self.console(sys.stderr).status(Message()):
            yield

    @property
    def can_ask(self) -> bool:
        """Whether standard input is a terminal."""
        # Closed, as with `<&-`, it is None.
        return sys.stdin is not None and sys.stdin.isatty()  # pyright: ignore[reportUnnecessaryComparison]

    def confirm(self, question: str, *, advice: str) -> bool:
        """Asks a question that is answered with yes or no.

        Args:
            question: The question.
            advice: How to run the command without being asked.

        Raises:
            CommandError: There is no terminal.
        """
        return self.ask(f"{question} [y/N]", advice=advice).lower() in ("y", "yes")

    def ask(self, prompt: str, *, advice: str) -> str:
        """Asks on standard error, and reads a line from standard input.

        Args:
            prompt: The prompt.
            advice: How to run the command without being asked.

        Returns:
            The line without blanks around it; empty at the end of the input.

        Raises:
            CommandError: There is no terminal.
        """
        if not self.can_ask:
            raise CommandError(f"there is no terminal to ask on: {advice}")
        sys.stderr.write(f"{printable(prompt)} ")
        sys.stderr.flush()
        return sys.stdin.readline().strip()
