"""Finds the outcome of a batch's calls without an answer among the function's jobs, by the data that was sent."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from .. import APIError, InvalidResponse, JobError, TransportError
from .batch_files import LineState, json_line

if TYPE_CHECKING:
    from .. import AsyncMinCloud, AsyncRun
    from .batch_files import Inputs, LineStates

# How many seconds the clocks of this machine and of the service may differ beyond what is measured.
_MARGIN = 2.0
# How many seconds a call may have taken to reach the service, with all attempts that surely did not run.
_LONGEST_DELAY = 300.0
_GIVE_UP_AFTER = 60.0
_INTERVAL = 1.0


@dataclass(slots=True)
class _SameData:
    """The called lines with equal data.

    Attributes:
        data: The data.
        uncertain: The lines whose call may have run.
        answered: How many other lines were answered, each of which has a job of its own.
        since: When the first of all these lines was called, in Unix seconds.
        until: When the last of them was called.
    """

    data: dict[str, Any]
    uncertain: list[int] = field(default_factory=list[int])
    answered: int = 0
    since: float = float("inf")
    until: float = 0.0

    def call(self, skew: float, ended_at: float) -> tuple[dict[str, Any], float, float]:
        """The call to look for: its data, and between which times by the service's clock it was made."""
        until = min(self.until + _LONGEST_DELAY, ended_at) + _MARGIN
        return self.data, max(0.0, self.since + skew - _MARGIN), until + skew


async def settle(
    cloud: AsyncMinCloud, name: str, states: LineStates, inputs: Inputs, *, sync: bool
) -> dict[int, dict[str, Any] | None]:
    """Looks among the function's jobs for the calls that may have run.

    Args:
        cloud: The client; it is closed.
        name: The function's name.
        states: The state of each line.
        inputs: The inputs, a file.
        sync: Whether the calls were waited for.

    Returns:
        For each line its result, or None if its call surely did not run. Lines whose outcome cannot be told are left out.
    """
    groups = _grouped(states, inputs)
    settled: dict[int, dict[str, Any] | None] = {}
    async with cloud:
        try:
            skew = await _skew(cloud, name, groups[0].data, sync=sync) if groups else 0.0
            give_up_at = time.monotonic() + _GIVE_UP_AFTER
            # No call of the batch is sent any more after this time.
            ended_at = time.time()
            while groups:
                calls = [group.call(skew, ended_at) for group in groups]
                found = await cloud.functions.find_calls(name, calls, sync=sync)
                skew = max(skew, *(each.listed_at - time.time() for each in found))
                for group, each in zip(groups, found, strict=True):
                    if each.is_covered and not each.doubtful:
                        # Each answered line has one of these jobs; it does not matter which, since their data are equal.
                        lost = each.runs[: max(0, len(each.runs) - group.answered)]
                        outcomes = [await _outcome(run) for run in lost[: len(group.uncertain)]]
                        settled.update(zip_longest(group.uncertain, outcomes))
                groups = [group for group in groups if group.uncertain[0] not in settled]
                if time.monotonic() > give_up_at:
                    break
                if groups:
                    await asyncio.sleep(_INTERVAL)
        except (APIError, TransportError, InvalidResponse):
            pass  # the other lines stay uncertain, and the next calls report what is wrong
    return settled


def _grouped(states: LineStates, inputs: Inputs) -> list[_SameData]:
    """Groups the called lines by their data, since logs of equal data cannot be told apart."""
    groups: dict[str, _SameData] = {}
    # Two passes, so that only the data of uncertain lines are kept in memory.
    for wanted in ((LineState.SENT, LineState.UNCERTAIN), (LineState.ANSWERED,)):
        for line, content in inputs.lines():
            _, at = states.call(line)
            if states[line] not in wanted or not at:
                continue
            data = json_line(content)
            key = json.dumps(data, sort_keys=True)
            if LineState.ANSWERED not in wanted:
                group = groups.setdefault(key, _SameData(data))
                group.uncertain.append(line)
            elif key in groups:
                group = groups[key]
                group.answered += 1
            else:
                continue
            group.since, group.until = min(group.since, at), max(group.until, at)
    return list(groups.values())


async def _skew(cloud: AsyncMinCloud, name: str, data: dict[str, Any], *, sync: bool) -> float:
    """The least number of seconds by which the service's clock is ahead of this machine's."""
    now = time.time()
    (found,) = await cloud.functions.find_calls(name, [(data, now, now)], sync=sync)
    return found.listed_at - time.time()


async def _outcome(run: AsyncRun) -> dict[str, Any]:
    """The result of a call that ran, as the results file has it."""
    try:
        return {"data": await run.result()}
    except JobError as error:  # it failed, or its log does not show what it returned
        job = error.job or run.job
        outcome = {"kind": type(error).__name__, "message": str(error), "called": "yes"}
        return {"error": {**outcome, **({} if job is None else {"job": job.id})}}
