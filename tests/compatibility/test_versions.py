"""What number a change asks for, and what a changelog has to be."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from scripts.compatibility.versions import BumpLevel, Version, read_changelog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("version", "weight", "next_version"),
    [
        ("0.1.0", BumpLevel.WORDS, "0.1.1"),
        ("0.1.0", BumpLevel.ADDITION, "0.1.1"),
        ("0.1.4", BumpLevel.BREAKING, "0.2.0"),
        ("1.2.3", BumpLevel.WORDS, "1.2.4"),
        ("1.2.3", BumpLevel.ADDITION, "1.3.0"),
        ("1.2.3", BumpLevel.BREAKING, "2.0.0"),
    ],
)
def test_what_breaks_users_moves_the_first_number_that_is_not_zero(
    version: str, weight: BumpLevel, next_version: str
) -> None:
    assert str(Version.parse(version).after(weight)) == next_version


@pytest.mark.parametrize("text", ["", "1", "1.2", "v1.2.3", "1.2.3rc1", "1.2.3-rc.1", "01.2.3", "1.2.3.4", "1.2.3\n"])
def test_a_version_is_three_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="is not three numbers"):
        Version.parse(text)


def test_versions_are_ordered_as_numbers() -> None:
    assert [
        str(version) for version in sorted(Version(*numbers) for numbers in [(0, 10, 0), (0, 9, 9), (1, 0, 0)])
    ] == [
        "0.9.9",
        "0.10.0",
        "1.0.0",
    ]


GOOD = """\
# Changelog

## [0.2.0] - unreleased

### Changed

- This.

### Removed

- That.
- And that.

## [0.1.0] - 2026-11-22

### Added

- All of it.
"""


def problems_of(text: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(text, encoding="utf-8")
    _, problems = read_changelog(path, Version(0, 2, 0), "info.version")
    return [problem.line("CHANGELOG.md") for problem in problems]


def test_a_good_changelog_is_read(tmp_path: Path) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(GOOD, encoding="utf-8")
    entries, problems = read_changelog(path, Version(0, 2, 0), "info.version")

    assert problems == []
    assert [(str(entry.version), entry.released, entry.groups) for entry in entries] == [
        ("0.2.0", None, {"Changed": 1, "Removed": 2}),
        ("0.1.0", date(2026, 11, 22), {"Added": 1}),
    ]
    assert problems_of(GOOD, tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "## [0.2.0] - unreleased",
            "## [Unreleased]",
            [
                "line 3: write the heading as `## [0.2.0] - 2026-12-31`, or `## [0.2.0] - unreleased` [changelog-heading]",
                "line 14: put `## [0.2.0] - unreleased` first, the version in info.version [changelog-version]",
            ],
        ),
        (
            "2026-11-22",
            "2026-11-31",
            [
                "line 14: write the heading as `## [0.2.0] - 2026-12-31`, or `## [0.2.0] - unreleased` [changelog-heading]"
            ],
        ),
        (
            "0.2.0",
            "0.3.0",
            ["line 3: put `## [0.2.0] - unreleased` first, the version in info.version [changelog-version]"],
        ),
        ("[0.1.0]", "[0.10.0]", ["line 14: put 0.10.0 above 0.2.0: the newest comes first [changelog-order]"]),
        ("2026-11-22", "unreleased", ["line 14: give 0.1.0 its date: only the newest is unreleased [changelog-order]"]),
        (
            "0.2.0] - unreleased",
            "0.2.0] - 2026-11-21",
            ["line 3: mend the date: 0.2.0 came after 0.1.0 [changelog-order]"],
        ),
        ("- All of it.", "", ["line 14: say below the heading what is different in 0.1.0 [changelog-entry]"]),
        (
            "### Removed",
            "### Deleted",
            [
                "line 9: call the group one of Added, Changed, Deprecated, Removed, Fixed, Security [changelog-group]",
            ],
        ),
    ],
)
def test_a_changelog_that_is_not_in_order_is_told_in_one_line_each(
    old: str, new: str, says: list[str], tmp_path: Path
) -> None:
    assert problems_of(GOOD.replace(old, new), tmp_path) == [f"CHANGELOG.md: {line}" for line in says]


def test_an_empty_changelog_lacks_the_version(tmp_path: Path) -> None:
    assert problems_of("# Changelog\n", tmp_path) == [
        "CHANGELOG.md: line 1: put `## [0.2.0] - unreleased` first, the version in info.version [changelog-version]"
    ]
