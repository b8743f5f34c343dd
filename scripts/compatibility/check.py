"""Checks that a change which breaks users moves the version: of the contract, and of the public Python names.

Both are compared with what `released/` recorded of their latest version. A change that breaks users needs the next major version, or
below 1.0 the next minor one. Any other addition to what was released needs the next minor version, below 1.0 the next patch, and so do
other words in the contract. As long as a recorded version is not released, additions to it are free. Each changelog begins
with the version, the newest comes first, and each says something.

What is wrong is said in one line each. The exit status is 0 when all is well, 1 when something is wrong and 2 when the check
could not be done.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scripts import ScriptError
from scripts.compatibility.releases import (
    RECORDS,
    Product,
    Record,
    for_each_product,
    read_record,
    versions_and_changelog,
)
from scripts.compatibility.versions import BumpLevel, Entry, Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scripts.compatibility.schema_changes import Change


def check(product: Product, root: Path) -> tuple[list[str], str]:
    """What is wrong with a product's version, in lines, and what there is to say when nothing is.

    Args:
        product: The contract, or the Python package.
        root: The checkout.

    Raises:
        ScriptError: There is nothing to compare with, or it cannot be read.
    """
    version, entries, problems = versions_and_changelog(product, root)
    record = read_record(product, root)
    if record is None:
        raise ScriptError(f"nothing is recorded of {product.source}: run `make record-release`")
    changes = product.compare(record.content)
    weight = classify(product, record, changes)
    problems += _too_low(product, version, record, weight, changes)
    problems += _not_recorded(product, version, record, entries)
    if weight is BumpLevel.BREAKING and version >= record.version.after(weight):
        problems += _missing_changelog(product, version, entries)
    breaking = sum(change.breaks for change in changes)
    since = f"{breaking} of {len(changes)} changes since {record.version} break users"
    return (
        problems,
        f"{product.source} {version}: {since if changes else f'users of {record.version} find it unchanged'}",
    )


def classify(product: Product, record: Record, changes: list[Change]) -> BumpLevel | None:
    """How much a product differs from its record; None if it does not.

    Args:
        product: The product.
        record: Its record.
        changes: The changes from the one to the other.
    """
    if any(change.breaks for change in changes):
        return BumpLevel.BREAKING
    if changes:
        return BumpLevel.ADDITION
    return BumpLevel.WORDS if product.digest != record.digest else None


def _too_low(
    product: Product, version: Version, record: Record, weight: BumpLevel | None, changes: list[Change]
) -> list[str]:
    if version < record.version:
        return [f"{product.source}: raise {product.version_is} to {record.version} or more, which {RECORDS}/ has"]
    growing = record.released is None and version == record.version and weight is not BumpLevel.BREAKING
    if weight is None or growing or version >= record.version.after(weight):
        return []
    advice = f"raise {product.version_is} to {record.version.after(weight)}"
    if weight is BumpLevel.WORDS:
        return [f"{product.source}: its words are not those of {record.version}, which is released; {advice} [version]"]
    advice = f"take it back, or {advice}"
    if record.released is None:
        advice += f"; or, since {record.version} is not released, record it anew by `make record-release`"
    return [
        f"{_where(product, change)}: {change.what}; {advice} [{'breaking' if change.breaks else 'version'}]"
        for change in changes
        if change.breaks or weight is BumpLevel.ADDITION
    ]


def _where(product: Product, change: Change) -> str:
    if product.name == "python":
        return ".".join(change.place)
    return f"{product.source}: {' > '.join(change.place) or 'the document'}"


def _not_recorded(product: Product, version: Version, record: Record, entries: list[Entry]) -> list[str]:
    dates = {entry.version: entry.released for entry in entries}
    if record.released is not None and dates.get(record.version) != record.released:
        heading = f"## [{record.version}] - {record.released}"
        return [f"{product.changelog}: put `{heading}` back, the day that {RECORDS}/ has [changelog-date]"]
    if dates.get(version) is not None and (record.version, record.released) != (version, dates[version]):
        advice = "run `make record-release`, or call it unreleased"
        return [f"{product.changelog}: {version} has a date and is not recorded as released; {advice} [record]"]
    return []


def _missing_changelog(product: Product, version: Version, entries: list[Entry]) -> list[str]:
    if any(entry.version == version and {"Changed", "Removed"} & entry.groups.keys() for entry in entries):
        return []
    advice = f"say under `### Changed` or `### Removed` what {version} breaks"
    return [f"{product.changelog}: {advice} [changelog-breaking]"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    return for_each_product("check_compatibility", (__doc__ or "").partition("\n")[0], check, arguments)


if __name__ == "__main__":
    sys.exit(main())
