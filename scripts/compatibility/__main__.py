"""Checks that a change which breaks users moves the version: of the contract, and of the public Python names.

    python -m scripts.compatibility            # checks
    python -m scripts.compatibility --record   # records what users of a version depend on

Both are compared with their latest version in `released/`, and `versions.py` says which number a change moves. As long as a recorded
version is not released, additions to it are free. Each changelog begins with the version, the newest comes first, each says something,
and the newest of the contract names each operation that it adds.

A version is recorded once its heading in the changelog has a date, and not again: what was released stays as it was. Before the first
release it is recorded as it stands, without a date, as often as it is asked for, so that changes show from the beginning.

Each problem is one line. The exit status is 0 when all is well, 1 when something is wrong and 2 when the check
could not be done.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts import ROOT, ScriptError
from scripts.compatibility.releases import RECORDS, Product, Record, contract, python_package, write_record
from scripts.compatibility.versions import BumpLevel, Change, Entry, read_changelog


def _check(product: Product, root: Path) -> tuple[list[str], str]:
    """Returns the problems of a product's version, a line each, and the line to print when there are none."""
    entries, problems = _changelog(product, root)
    record = product.record
    if record is None:
        raise ScriptError(f"nothing is recorded of {product.source}: run `make record-release`")
    problems += _version_problems(product, record)
    problems += _record_problems(product, record, entries)
    problems += _changelog_omissions(product, record, entries)
    breaking = sum(change.breaks for change in product.changes)
    since = f"{breaking} of {len(product.changes)} changes since {record.version} break users"
    found = since if product.changes else f"users of {record.version} find it unchanged"
    return problems, f"{product.source} {product.version}: {found}"


def _changelog(product: Product, root: Path) -> tuple[list[Entry], list[str]]:
    """Returns the entries of a product's changelog, and its problems, a line each."""
    named = f"{product.version_is}, {product.source}"
    try:
        entries, problems = read_changelog(root / product.changelog, product.version, named)
    except OSError as error:
        raise ScriptError(f"cannot read {product.changelog}: {error.strerror}; put it back") from error
    return entries, [problem.line(product.changelog) for problem in problems]


def _version_problems(product: Product, record: Record) -> list[str]:
    version, level = product.version, product.bump
    if version < record.version:
        return [f"{product.source}: raise {product.version_is} to {record.version} or more, which {RECORDS}/ has"]
    growing = record.released is None and version == record.version and level is not BumpLevel.BREAKING
    if level is None or growing or version >= record.version.after(level):
        return []
    advice = f"raise {product.version_is} to {record.version.after(level)}"
    if level is BumpLevel.WORDS:
        return [f"{product.source}: its words are not those of {record.version}, which is released; {advice} [version]"]
    advice = f"take it back, or {advice}"
    if record.released is None:
        advice += f"; or, since {record.version} is not released, record it anew by `make record-release`"
    return [
        f"{_where(product, change)}: {change.what}; {advice} [{'breaking' if change.breaks else 'version'}]"
        for change in product.changes
        if change.breaks or level is BumpLevel.ADDITION
    ]


def _where(product: Product, change: Change) -> str:
    if product.name == "python":
        return ".".join(change.place)
    return f"{product.source}: {' > '.join(change.place) or 'the document'}"


def _record_problems(product: Product, record: Record, entries: list[Entry]) -> list[str]:
    version, dates = product.version, {entry.version: entry.released for entry in entries}
    if record.released is not None and dates.get(record.version) != record.released:
        heading = f"## [{record.version}] - {record.released}"
        return [f"{product.changelog}: put `{heading}` back, the day that {RECORDS}/ has [changelog-date]"]
    if dates.get(version) is not None and (record.version, record.released) != (version, dates[version]):
        advice = "run `make record-release`, or call it unreleased"
        return [f"{product.changelog}: {version} has a date and is not recorded as released; {advice} [record]"]
    return []


def _changelog_omissions(product: Product, record: Record, entries: list[Entry]) -> list[str]:
    newest = next((entry for entry in entries if entry.version == product.version), None)
    if newest is None:  # read_changelog reports that
        return []
    lines = [
        f"{product.changelog}: name `{name}`, which is new in {newest.version} [changelog-addition]"
        for name in product.added
        if not re.search(rf"\b{name}\b", newest.text)
    ]
    breaks = product.bump is BumpLevel.BREAKING and product.version >= record.version.after(BumpLevel.BREAKING)
    if breaks and not {"Changed", "Removed"} & newest.groups.keys():
        advice = f"say under `### Changed` or `### Removed` what {newest.version} breaks"
        lines.append(f"{product.changelog}: {advice} [changelog-breaking]")
    return lines


def _record(product: Product, root: Path) -> tuple[list[str], str]:
    """Records a product if its version asks for it; returns the problems that prevent it, and the line that says what was done."""
    entries, problems = _changelog(product, root)
    if problems:
        return problems, ""
    version, released, before = product.version, entries[0].released, product.record
    if before is not None and before.released is not None:
        if version == before.version and product.bump is None:
            return [], f"{product.source} {version}: recorded already"
        if version > before.version and released is None:
            return [], f"{product.source} {version}: unreleased, so {before.version} stays what it is compared with"
        problems = [line for line in _check(product, root)[0] if not line.endswith(" [record]")]
        if problems:
            return problems, ""
    write_record(product, released, root)
    state = f"as released on {released}" if released else "before its release"
    return [], f"{product.source} {version}: recorded in {RECORDS}/ {state}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="the checkout (default: this one)")
    parser.add_argument("--record", action="store_true", help="record what users of this version depend on")
    options = parser.parse_args(arguments)
    failed = False
    try:
        for product in (contract(options.root), python_package(options.root)):
            problems, summary = (_record if options.record else _check)(product, options.root)
            failed = failed or bool(problems)
            print(*(problems or [summary]), sep="\n", file=sys.stderr if problems else sys.stdout)
    except ScriptError as error:
        print(f"compatibility: {error}", file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
