"""How much of the contract the stories exercised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import Contract
    from .runner import Outcome

Pair = tuple[str, int]


@dataclass(frozen=True)
class Coverage:
    """The coverage of the contract by stories.

    Attributes:
        counts: For every operation and documented status the number of stories that met it.
        excused: Those that only stories would have met that could not be run here.
    """

    counts: dict[Pair, int]
    excused: frozenset[Pair]

    @property
    def missing(self) -> list[Pair]:
        """The statuses that no story met, though nothing kept one from it."""
        return [pair for pair, count in self.counts.items() if not count and pair not in self.excused]

    @property
    def line(self) -> str:
        """The coverage in one line."""
        met = [pair for pair, count in self.counts.items() if count]
        operations, operations_met = (len({operation for operation, _ in pairs}) for pairs in (self.counts, met))
        excused = f", {len(self.excused)} could not be met here" if self.excused else ""
        return (
            f"coverage: {operations_met} of {operations} operations, {len(met)} of {len(self.counts)} documented "
            f"statuses{excused}"
        )

    def table(self) -> list[str]:
        """A line for each operation, with a column for each status; `-` is a status that it does not document."""
        statuses = sorted({status for _, status in self.counts})
        operations = list(dict.fromkeys(operation for operation, _ in self.counts))
        width = max(map(len, operations))
        lines = [f"{'operation':{width}}  " + "  ".join(map(str, statuses))]
        for operation in operations:
            pairs = [(operation, status) for status in statuses]
            cells = ["n/a" if pair in self.excused else self.counts.get(pair, "-") for pair in pairs]
            lines.append(f"{operation:{width}}  " + "  ".join(f"{cell:>3}" for cell in cells))
        return lines


def measure(contract: Contract, outcomes: Sequence[Outcome]) -> Coverage:
    """Counts the stories that met each documented status."""
    documented = [(name, status) for name, operation in contract.operations.items() for status in operation.statuses]
    counts = {pair: sum(pair in outcome.seen for outcome in outcomes) for pair in documented}
    kept_from = {
        (step.operation, status)
        for outcome in outcomes
        for step in (outcome.story.steps if outcome.skipped is not None else outcome.unmet)
        if not step.fault
        for status in step.all_statuses
    }
    return Coverage(counts, frozenset(pair for pair in kept_from if not counts.get(pair, 1)))
