"""Looks at the code of a generated client, by the patterns that the description has for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .description import TWO_WAY, TWO_WAY_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .description import Language, Look

# The description of the whole contract, which generators repeat in each file, stands in one line, and talks of everything.
_LONGEST_LINE = 2000


@dataclass(frozen=True)
class Findings:
    """What was found: a cell for each column, the traps in order, and the looks that found nothing."""

    cells: dict[str, str]
    traps: tuple[str, ...]
    missing: tuple[str, ...]


def inspect(language: Language, folders: Mapping[str, Path]) -> Findings:
    """Looks at a language's clients.

    Args:
        language: the language.
        folders: where its client is that was made from each contract, by the contract's name.
    """
    cells: dict[str, str] = {}
    traps: list[str] = []
    missing: list[str] = []

    def note(column: str, alternatives: Sequence[Look], folder: Path, origin: str = "") -> None:
        found = next((each for each in alternatives if _fits(each, folder)), None)
        if found is None:
            missing.append(
                f"{language.name}: nothing that is known of fits {column}{origin}: look at the generated code again"
            )
            return
        cells[column] = found.cell
        if found.trap:
            traps.append(found.trap)

    for column, alternatives in language.looks.items():
        if column == TWO_WAY:
            for name, contract in TWO_WAY_COLUMNS.items():
                note(name, alternatives, folders[contract], f" in the client made from {contract}")
        else:
            note(column, alternatives, folders[language.contract])
    return Findings(cells, tuple(traps), tuple(missing))


def _fits(look: Look, folder: Path) -> bool:
    paths = [path for pattern in look.files for path in sorted(folder.glob(pattern))]
    if not paths:
        return False
    lines = (line for path in paths for line in path.read_text("utf-8").splitlines())
    text = "\n".join(line for line in lines if len(line) < _LONGEST_LINE)
    return all(pattern.search(text) for pattern in look.matches) and not any(
        pattern.search(text) for pattern in look.lacks
    )
