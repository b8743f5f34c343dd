"""Versions and their changelogs: which number a change asks for, and what a changelog has to contain.

The numbers are semantic versions without a suffix. From 1.0 on a change that breaks users moves the major number, any other addition the
minor, and mere words the patch. Below 1.0 the first two move one place to the right, as `^0.1` in npm and Cargo and `~=0.1.0` in pip read
it: whoever depends on 0.1 gets every 0.1.x and none that breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

from scripts.contract.document import Place, Problem

_NUMBER = r"(0|[1-9]\d*)"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_HEADING = re.compile(r"## \[(\S+)\] - (\d{4}-\d\d-\d\d|unreleased)")
_GROUPS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


class BumpLevel(Enum):
    """How much a change matters to users."""

    WORDS = "other words"
    ADDITION = "an addition"
    BREAKING = "a change that breaks users"


@dataclass(frozen=True, order=True)
class Change:
    """One difference between two versions.

    Attributes:
        place: The keys or names that lead to it.
        what: What is different, as its users see it.
        breaks: Whether it breaks those who use it.
    """

    place: Place
    what: str
    breaks: bool


class Version(NamedTuple):
    """A semantic version without a suffix."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a version.

        Raises:
            ValueError: The text is none.
        """
        found = _VERSION.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not three numbers, like 0.2.0")
        return cls(*map(int, found.groups()))

    def after(self, level: BumpLevel) -> Version:
        """Returns the lowest version that may follow this one with a change of that level."""
        if level is BumpLevel.BREAKING and self.major:
            return Version(self.major + 1, 0, 0)
        if level is BumpLevel.BREAKING or (level is BumpLevel.ADDITION and self.major):
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)

    def __str__(self) -> str:
        return ".".join(map(str, self))


@dataclass
class Entry:
    """The entry of one version in a changelog.

    Attributes:
        version: The version.
        released: The day that it was released; None while it is not.
        line: The number of the heading's line, from 1.
        groups: How many lines below it begin with a hyphen, by the heading of their group.
        text: All that stands below it.
    """

    version: Version
    released: date | None
    line: int
    groups: dict[str, int] = field(default_factory=dict[str, int])
    text: str = ""


def read_changelog(path: Path, version: Version, named: str) -> tuple[list[Entry], list[Problem]]:
    """Reads a changelog in the form of Keep a Changelog; returns its entries and its problems.

    The version has to come first in it; `named` says in messages where that version stands.

    Raises:
        OSError: The file cannot be read.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    group = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("## "):
            group = ""
            try:
                entries.append(_entry(line, number))
            except ValueError:
                advice = "write the heading as `## [0.2.0] - 2026-12-31`, or `## [0.2.0] - unreleased`"
                problems.append(_problem(number, advice, "heading"))
        elif line.startswith("### "):
            group = line.removeprefix("### ").strip()
            if group not in _GROUPS:
                problems.append(_problem(number, f"call the group one of {', '.join(_GROUPS)}", "group"))
        elif entries:
            entries[-1].text += f"{line}\n"
            if line.startswith("- "):
                entries[-1].groups[group] = entries[-1].groups.get(group, 0) + 1
    problems += _order_problems(entries)
    if not entries or entries[0].version != version:
        advice = f"put `## [{version}] - unreleased` first, the version in {named}"
        problems.append(_problem(entries[0].line if entries else 1, advice, "version"))
    return entries, problems


def _entry(line: str, number: int) -> Entry:
    found = _HEADING.fullmatch(line.rstrip())
    if found is None:
        raise ValueError(line)
    released = None if found[2] == "unreleased" else date.fromisoformat(found[2])
    return Entry(Version.parse(found[1]), released, number)


def _order_problems(entries: list[Entry]) -> Iterator[Problem]:
    for entry in entries:
        if not entry.groups:
            yield _problem(entry.line, f"say below the heading what is different in {entry.version}", "entry")
    for newer, older in pairwise(entries):
        if newer.version <= older.version:
            yield _problem(older.line, f"put {older.version} above {newer.version}: the newest comes first", "order")
        elif older.released is None:
            yield _problem(older.line, f"give {older.version} its date: only the newest is unreleased", "order")
        elif newer.released is not None and newer.released < older.released:
            yield _problem(newer.line, f"mend the date: {newer.version} came after {older.version}", "order")


def _problem(line: int, advice: str, rule: str) -> Problem:
    return Problem((f"line {line}",), advice, f"changelog-{rule}")
