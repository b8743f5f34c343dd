"""Records in `released/` what users of the contract and of the Python package hold on to from now on.

A version is recorded once its heading in the changelog has a date, and not again: what was released stays as it was. Before the first
release it is recorded as it stands, without a date, as often as it is asked for, so that changes show from the beginning.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scripts.compatibility.check import check, classify
from scripts.compatibility.releases import (
    RECORDS,
    Product,
    for_each_product,
    read_record,
    versions_and_changelog,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def record(product: Product, root: Path) -> tuple[list[str], str]:
    """Records a product, if its version asks for it.

    Args:
        product: The contract, or the Python package.
        root: The checkout.

    Returns:
        What keeps it from being recorded, in lines, and what was done when nothing does.

    Raises:
        ScriptError: Something that it needs cannot be read.
    """
    version, entries, problems = versions_and_changelog(product, root)
    if problems:
        return problems, ""
    released = entries[0].released
    before = read_record(product, root)
    if before is not None and before.released is not None:
        if version == before.version and classify(product, before, product.compare(before.content)) is None:
            return [], f"{product.source} {version}: recorded already"
        if version > before.version and released is None:
            return [], f"{product.source} {version}: unreleased, so {before.version} stays what it is compared with"
        problems = [line for line in check(product, root)[0] if not line.endswith(" [record]")]
        if problems:
            return problems, ""
    write_record(product, released, root)
    state = f"as released on {released}" if released else "before its release"
    return [], f"{product.source} {version}: recorded in {RECORDS}/ {state}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    return for_each_product("record_release", (__doc__ or "").partition("\n")[0], record, arguments)


if __name__ == "__main__":
    sys.exit(main())
