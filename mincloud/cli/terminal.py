"""What a command writes: for people or for programs, with colour and progress only where there is a terminal."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TextIO

from .exit_statuses import CommandError, printable

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
    def shows_progress(self) -> bool:
        """Whether somebody sees standard error, so that progress may move there."""
        return is_terminal(sys.stderr) and find_spec("rich") is not None

    def coloured(self, text: str, style: str) -> str:
        """A text in a colour, if standard output shows colours."""
        return f"{_COLOURS[style]}{text}{_RESET}" if self._colour and is_terminal(sys.stdout) else text

    def document(self, value: Any) -> None:
        """Writes a JSON document on one line."""
        import json  # noqa: PLC0415 - help needs none

        sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")

    def text(self, text: str) -> None:
        """Writes a line for people."""
        sys.stdout.write(text + "\n")

    def block(self, text: str) -> None:
        """Writes text of somebody else's; on a terminal without the characters that it would obey."""
        if text and not text.endswith("\n"):
            text += "\n"
        if is_terminal(sys.stdout):
            text = "".join(
                character
                if character.isprintable() or character in "\n\t"
                else character.encode("unicode_escape").decode("ascii")
                for character in text
            )
        sys.stdout.write(text)

    def flush(self) -> None:
        """Sees to it that what was written is seen."""
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Writes a line to standard error, so that standard output holds nothing but results."""
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Writes a table: aligned on a terminal, else with tabs, for `cut` and `awk`.

        Args:
            header: The names of the columns.
            rows: The cells; `Cell` for one with a colour.
        """
        if not is_terminal(sys.stdout) or find_spec("rich") is None:
            for row in (header, *rows) if isinstance(rows, (list, tuple)) else _chained(header, rows):
                self.text("\t".join(printable(cell) for cell in row))
            return
        from rich.table import Table  # noqa: PLC0415 - only a terminal needs it
        from rich.text import Text  # noqa: PLC0415 - see above

        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in header:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell), style=cell.style if isinstance(cell, Cell) else "") for cell in row))
        self.console(sys.stdout).print(table)

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
        return sys.stdin.isatty()

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


def _chained(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[Sequence[str]]:
    yield header
    yield from rows
