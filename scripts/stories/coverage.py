"""How much of the contract the stories exercised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import Contract
    from .runner import Outcome


def measure(contract: Contract, outcomes: Sequence[Outcome]) -> tuple[list[str], list[str]]:
    """Counts the stories that met each documented status.

    Returns:
        A table of them with the coverage in its last line, and the statuses that no story met though nothing kept one
        from it. In the table `-` is a status that is not documented, and `n/a` one that could not be met here.
    """
    documented = [(name, status) for name, operation in contract.operations.items() for status in operation.statuses]
    counts = {pair: sum(pair in outcome.seen for outcome in outcomes) for pair in documented}
    kept_from = {
        (step.operation, status)
        for outcome in outcomes
        for step in (outcome.story.steps if outcome.skipped is not None else outcome.unmet)
        if not step.fault
        for status in step.all_statuses
    }
    excused = {pair for pair in kept_from if not counts.get(pair, 1)}
    statuses = sorted({status for _, status in documented})
    width = max(map(len, contract.operations))
    lines = [f"{'operation':{width}}  " + "  ".join(map(str, statuses))]
    for name in contract.operations:
        pairs = [(name, status) for status in statuses]
        cells = ["n/a" if pair in excused else counts.get(pair, "-") for pair in pairs]
        lines.append(f"{name:{width}}  " + "  ".join(f"{cell:>3}" for cell in cells))
    met = [pair for pair in documented if counts[pair]]
    operations = f"{len({name for name, _ in met})} of {len(contract.operations)} operations"
    not_here = f", {len(excused)} could not be met here" if excused else ""
    lines += ["", f"coverage: {operations}, {len(met)} of {len(documented)} documented statuses{not_here}"]
    return lines, [f"{name} {status}" for name, status in documented if (name, status) not in excused.union(met)]
