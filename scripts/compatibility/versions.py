"""Versions and their changelogs: what number a change asks for, and what a changelog has to say about it.

The numbers are semantic versions without a suffix. From 1.0 on a change that breaks users moves the major number, any other addition the
minor, and mere words the patch. Below 1.0 the first two move one place to the right, as `^0.1` in npm and Cargo and `~=0.1.0` in pip read
it: who holds on to 0.1 gets every 0.1.x and none that breaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from scripts.contract.document import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NUMBER = r"(?:0|[1-9]\d*)"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})")
_HEADING = re.compile(rf"## \[({_NUMBER}\.{_NUMBER}\.{_NUMBER})\] - (\d{{4}}-\d\d-\d\d|unreleased)")
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
        what: What is different, in the words of whoever uses it.
        breaks: Whether it breaks those who use it.
    """

    place: Place
    what: str
    breaks: bool


@dataclass(frozen=True, order=True)
class Version:
    """A semantic version without a suffix."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The version that a text is, None if it is none."""
        found = _VERSION.fullmatch(text)
        return cls(*map(int, found.groups())) if found else None

    def after(self, level: BumpLevel) -> Version:
        """The lowest version that such a change of this one may have."""
        if level is BumpLevel.BREAKING and self.major:
            return Version(self.major + 1, 0, 0)
        if level is BumpLevel.BREAKING or (level is BumpLevel.ADDITION and self.major):
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass
class Entry:
    """What a changelog says of one version.

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


def read_changelog(path: Path) -> tuple[list[Entry], list[Problem]]:
    """The entries of a changelog in the form of Keep a Changelog, and what is wrong with it.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    group = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("## "):
            entry = _entry(line, number)
            if entry is None:
                advice = "write the heading as `## [0.2.0] - 2026-12-31`, or `## [0.2.0] - unreleased`"
                problems.append(_problem(number, advice, "heading"))
            else:
                entries.append(entry)
            group = ""
        elif line.startswith("### "):
            group = line.removeprefix("### ").strip()
            if group not in _GROUPS:
                problems.append(_problem(number, f"call the group one of {', '.join(_GROUPS)}", "group"))
        elif entries:
            entries[-1].text += f"{line}\n"
            if line.startswith("- "):
                entries[-1].groups[group] = entries[-1].groups.get(group, 0) + 1
    return entries, [*problems, *_disorder(entries)]


def _entry(line: str, number: int) -> Entry | None:
    found = _HEADING.fullmatch(line.rstrip())
    version = Version.parse(found[1]) if found else None
    if found is None or version is None:
        return None
    try:
        released = None if found[2] == "unreleased" else date.fromisoformat(found[2])
    except ValueError:
        return None
    return Entry(version, released, number)


def _disorder(entries: list[Entry]) -> Iterator[Problem]:
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


def newest_is(version: Version, entries: list[Entry], named: str) -> list[Problem]:
    """What is wrong with the first heading of a changelog, if it is not of this version.

    Args:
        version: The version.
        entries: The changelog's.
        named: Where the version stands, for the message.
    """
    if entries and entries[0].version == version:
        return []
    line = entries[0].line if entries else 1
    return [_problem(line, f"put `## [{version}] - unreleased` first, the version in {named}", "version")]


def _problem(line: int, advice: str, rule: str) -> Problem:
    return Problem((f"line {line}",), advice, f"changelog-{rule}")
