"""How a figure is taken: ours and its reference in turn, on both clocks, and what is printed of it."""

from __future__ import annotations

import gc
import os
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Taken:
    """What something took: seconds of processor time, its finished children's included, and seconds by the clock."""

    cpu: float
    wall: float

    def __sub__(self, other: Taken) -> Taken:
        return Taken(self.cpu - other.cpu, self.wall - other.wall)


def _now() -> Taken:
    times = os.times()
    return Taken(time.process_time() + times.children_user + times.children_system, time.perf_counter())


def timed(action: Callable[[], object]) -> Taken:
    """What an action takes."""
    gc.collect()  # so that neither pays for what the other left behind
    started = _now()
    action()
    return _now() - started


@dataclass(frozen=True, slots=True)
class Measured:
    """The values of a figure, one for each round.

    Attributes:
        cpu: Processor time, as ratios; empty where it is not this process that works.
        wall: Time by the clock, as ratios; or what else the figure counts.
        beside: The same of functions-framework, where the goal is no ratio.
    """

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)


def in_turn(ours: Callable[[], object], reference: Callable[[], object], rounds: int) -> Measured:
    """The time of ours by that of the reference, A B A B; a round before the first warms both up.

    Args:
        ours: What is measured.
        reference: What it is measured by.
        rounds: How often.
    """
    pairs = [(timed(ours), timed(reference)) for _ in range(rounds + 1)][1:]
    return Measured(
        cpu=[one.cpu / other.cpu for one, other in pairs], wall=[one.wall / other.wall for one, other in pairs]
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What it is called on the command line.
        title: What is measured, by what.
        goal: The largest median that meets it.
        measure: Takes it.
        by: Which of the two clocks the goal is about.
        unit: Of what the values are; empty for ratios.
    """

    name: str
    title: str
    goal: float
    measure: Callable[[], Measured]
    by: Literal["cpu", "wall"]
    unit: str = ""

    def line(self, measured: Measured) -> tuple[str, bool]:
        """Its line in the table, and whether its goal is met."""
        judged = statistics.median(measured.cpu if self.by == "cpu" else measured.wall)
        met = round(judged, 2) <= self.goal
        cells = [self._cell(measured.cpu), self._cell(measured.wall)]
        if measured.beside:
            cells[1] += f"; functions-framework {self._cell(measured.beside)}"
        goal = f"{self.by} ≤ {self.goal:g}" if not self.unit else f"≤ {self.goal:g}{self.unit}"
        return f"| {self.title} | {' | '.join(cells)} | {goal} | {'met' if met else 'MISSED'} |", met

    def _cell(self, values: list[float]) -> str:
        if not values:
            return "–"
        digits = ".1f" if self.unit == " MB" else ".2f"
        low, middle, high = (format(value, digits) for value in (min(values), statistics.median(values), max(values)))
        return f"{middle}{self.unit} ({low}–{high})"
