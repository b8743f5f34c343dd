"""What a command writes: for people or for programs, with colour and progress only where there is a terminal."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from .arguments import terminal_columns
from .exit_statuses import PROGRAM, CommandError, escaped, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

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
_NARROW = 8
_LEAST_OF_FIRST = 20
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


class Cell(str):
    """A cell of a table in a colour.

    Args:
        text: What it says.
        style: The colour's name.
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
    """Whether somebody looks at a stream."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Layout:
    """Which columns of a table there are, and how wide they are, so that a row is a line.

    Columns in which nothing stands are left out. While the rest is too wide, the widest is made narrower, and where all are narrow the
    last is left out.

    Args:
        header: The names of the columns.
        rows: Rows to measure.
        columns: How wide the terminal is.
        whole: The columns that say nothing when they are shortened, as times.
    """

    def __init__(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], columns: int, whole: Sequence[str] = ()
    ) -> None:
        self.widths = {
            place: max(width_of(name), *(width_of(row[place]) for row in rows))
            for place, name in enumerate(header)
            if place == 0 or any(row[place] for row in rows)
        }
        while self._total() > columns:
            first, *others = self.widths
            bendable = [place for place in others if header[place].partition(" ")[0] not in whole]
            least = dict.fromkeys(bendable, _NARROW) | {first: _NARROW if not others else _LEAST_OF_FIRST}
            widest = max(least, key=lambda place: self.widths[place] - least[place])
            if self.widths[widest] > least[widest]:
                self.widths[widest] -= 1
            elif others:
                del self.widths[(bendable or others)[-1]]
            else:
                break

    def _total(self) -> int:
        return sum(self.widths.values()) + len(_GAP) * (len(self.widths) - 1)

    def line(self, row: Sequence[str]) -> list[str]:
        """The parts of a row's line."""
        parts: list[str] = []
        for number, (place, width) in enumerate(self.widths.items()):
            cell = row[place]
            shown = _shortened(printable(cell), width)
            parts += [_GAP] if number else []
            parts.append(Cell(shown, cell.style) if isinstance(cell, Cell) else shown)
            if number < len(self.widths) - 1:
                parts.append(" " * (width - width_of(shown)))
        return parts


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    shown = printable(text)
    if shown.isascii():
        return len(shown)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in shown
    )


def _shortened(text: str, width: int) -> str:
    if width_of(text) <= width:
        return text
    while width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


class Terminal:
    """The two streams of a command.

    Args:
        json: Whether standard output is for programs.
        colour: Whether colour is allowed; without a terminal there is none anyway.
    """

    def __init__(self, *, json: bool, colour: bool) -> None:
        self.json = json
        self._colour = colour and not os.environ.get("NO_COLOR")
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # What the encoding has no character for is escaped, which within JSON is what JSON would have as well.
                stream.reconfigure(errors="backslashreplace")

    @property
    def shows_people(self) -> bool:
        """Whether somebody sees standard output."""
        return is_terminal(sys.stdout)

    @property
    def shows_errors(self) -> bool:
        """Whether somebody sees standard error."""
        return is_terminal(sys.stderr)

    @property
    def shows_progress(self) -> bool:
        """Whether somebody sees standard error, so that progress may move there."""
        return is_terminal(sys.stderr) and find_spec("rich") is not None

    def document(self, value: Any) -> None:
        """Writes a JSON document on one line; on a terminal with the characters that it would obey as JSON escapes."""
        import json  # noqa: PLC0415 - help needs none

        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if is_terminal(sys.stdout) and not text.isprintable():
            text = "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)
        sys.stdout.write(text + "\n")

    def text(self, *parts: str) -> None:
        """Writes a line for people.

        Args:
            parts: What it says; `Cell` for a part in a colour.
        """
        looked_at = is_terminal(sys.stdout)
        for part in parts:
            shown = escaped(part) if looked_at else str(part)
            style = part.style if isinstance(part, Cell) else ""
            sys.stdout.write(f"{_COLOURS[style]}{shown}{_RESET}" if style and looked_at and self._colour else shown)
        sys.stdout.write("\n")

    def block(self, text: str) -> None:
        """Writes text of somebody else's; on a terminal without the characters that it would obey."""
        if text and not text.endswith("\n"):
            text += "\n"
        sys.stdout.write(escaped(text) if is_terminal(sys.stdout) else text)

    def flush(self) -> None:
        """Sees to it that what was written is seen."""
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Writes a line to standard error, so that standard output holds nothing but results.

        With JSON it is a document, unless somebody looks.
        """
        shown = printable(text)
        if self.json and not self.shows_errors:
            import json  # noqa: PLC0415 - help needs none

            shown = json.dumps({"note": shown.removeprefix(f"{PROGRAM}: ").removeprefix("note: ")}, ensure_ascii=False)
        sys.stderr.write(f"{shown}\n")
        sys.stderr.flush()

    def error(self, message: str, document: dict[str, Any], details: Sequence[str] = ()) -> None:
        """Writes why a command ends to standard error.

        Args:
            message: One line.
            document: The same for programs.
            details: Lines that show more.
        """
        if self.json:
            import json  # noqa: PLC0415 - help needs none

            sys.stderr.write(json.dumps(document) + "\n")  # ASCII, so that no terminal obeys it
        else:
            sys.stderr.write("".join(f"{line}\n" for line in (printable(message), *map(escaped, details))))
        sys.stderr.flush()

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], *, whole: Sequence[str] = ()) -> None:
        """Writes a table: a line a row that fits a terminal, else with tabs, for `cut` and `awk`.

        Nothing is written before there is a first row or the end; on a terminal an empty table is not written at all.

        Args:
            header: The names of the columns.
            rows: The cells; `Cell` for one with a colour.
            whole: The columns that are not to be shortened, by the first word of their names.
        """
        looked_at = is_terminal(sys.stdout)
        iterator = iter(rows)
        first = list(islice(iterator, _ROWS_MEASURED if looked_at else 1))
        if not looked_at:
            for row in chain([header], first, iterator):
                self.text("\t".join(printable(cell) for cell in row))
            return
        if not first:
            return
        layout = Layout(header, first, terminal_columns(), whole)
        for row in chain([[Cell(name, "bold") for name in header]], first, iterator):
            self.text(*layout.line(row))

    def console(self, stream: TextIO) -> Console:
        """Rich's console on a stream."""
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

        return Console(file=stream, no_color=not self._colour, highlight=False, markup=False)

    @contextmanager
    def spinner(self, says: Callable[[], str]) -> Generator[None]:
        """Shows that something goes on, while it does; nothing without a terminal.

        Args:
            says: What goes on, asked again and again, from another thread.
        """
        if not self.shows_progress:
            yield
            return
        from rich.text import Text  # noqa: PLC0415 - only a terminal needs it

        class Saying:
            def __rich__(self) -> Text:
                return Text(printable(says()))

        with self.console(sys.stderr).status(Saying()):
            yield

    @property
    def can_ask(self) -> bool:
        """Whether somebody can answer a question."""
        # Closed, as with `<&-`, it is None.
        return sys.stdin is not None and sys.stdin.isatty()  # pyright: ignore[reportUnnecessaryComparison]

    def confirm(self, question: str, *, otherwise: str) -> bool:
        """Asks on standard error.

        Args:
            question: What is asked.
            otherwise: How to do without being asked.

        Raises:
            CommandError: There is nobody to ask.
        """
        return self.asked(f"{question} [y/N]", otherwise=otherwise).lower() in ("y", "yes")

    def asked(self, prompt: str, *, otherwise: str) -> str:
        """What is answered to a question on standard error.

        Args:
            prompt: What is asked.
            otherwise: How to do without being asked.

        Raises:
            CommandError: There is nobody to ask.
        """
        if not self.can_ask:
            raise CommandError(f"there is no terminal to ask on: {otherwise}")
        return ask(f"{printable(prompt)} ")


def ask(prompt: str) -> str:
    """Asks on standard error, and reads a line from standard input; empty at its end."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
