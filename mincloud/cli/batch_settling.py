"""What became of a batch's calls without an answer: looked for among the function's jobs by the data that was sent."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import APIError, InvalidResponse, JobError, JobFailed, TransportError
from .batch_files import LineState, json_line

if TYPE_CHECKING:
    from .. import AsyncMinCloud, AsyncRun
    from .batch_files import Inputs, LineStates

# How far the times of a batch and of the service may differ beyond what is measured, in seconds.
_MARGIN = 2.0
# How long a call may have been on its way, with all attempts that surely did not run.
_LONGEST_ON_THE_WAY = 300.0
_GIVE_UP_AFTER = 60.0
_BETWEEN_LOOKS = 1.0


@dataclass(slots=True)
class _SameData:
    """The lines of equal data that were called.

    Attributes:
        data: The data.
        unsure: The lines whose call may have run.
        answered: How many others were answered, each of which has a job of its own.
        since: When the first of all these was called, in Unix seconds.
        until: When the last of them was called.
    """

    data: dict[str, Any]
    unsure: list[int] = field(default_factory=list[int])
    answered: int = 0
    since: float = float("inf")
    until: float = 0.0


async def settle(
    cloud: AsyncMinCloud, name: str, standings: LineStates, inputs: Inputs, *, sync: bool
) -> dict[int, dict[str, Any] | None]:
    """Looks for calls that may have run among the function's jobs.

    Args:
        cloud: The client; it is closed.
        name: The function's name.
        standings: What is known of each line.
        inputs: The inputs, a file.
        sync: Whether the calls were waited for.

    Returns:
        For each line that is settled its result, or None if its call surely did not run. Lines of which nothing can be told are left out.
    """
    groups = _grouped(standings, inputs)
    settled: dict[int, dict[str, Any] | None] = {}
    async with cloud:
        try:
            skew = await _skew(cloud, name, groups[0].data, sync=sync) if groups else 0.0
            give_up_at = time.monotonic() + _GIVE_UP_AFTER
            # No call is sent any more; one that is still on its way gets there within this time.
            ended_at = time.time()
            while groups:
                groups, measured = await _settle_some(cloud, name, groups, settled, skew, ended_at, sync=sync)
                skew = max(skew, measured)
                if time.monotonic() > give_up_at:
                    break
                if groups:
                    await asyncio.sleep(_BETWEEN_LOOKS)
        except (APIError, TransportError, InvalidResponse):
            pass  # what cannot be looked for stays uncertain, and the calls to come say what is wrong
    return settled


def _grouped(standings: LineStates, inputs: Inputs) -> list[_SameData]:
    """The lines that were called, by their data: a log shows no difference between equal ones."""
    groups: dict[str, _SameData] = {}
    # Twice, so that only the data of lines that are unsure are kept.
    for wanted in ((LineState.SENT, LineState.UNCERTAIN), (LineState.ANSWERED,)):
        for line, content in inputs.lines():
            at = standings.time(line)
            if standings[line] not in wanted or not at:
                continue
            data = json_line(content)
            key = json.dumps(data, sort_keys=True)
            group = groups.get(key)
            if group is None and LineState.ANSWERED in wanted:
                continue
            if group is None:
                group = groups[key] = _SameData(data)
            if LineState.ANSWERED in wanted:
                group.answered += 1
            else:
                group.unsure.append(line)
            group.since, group.until = min(group.since, at), max(group.until, at)
    return list(groups.values())


async def _skew(cloud: AsyncMinCloud, name: str, data: dict[str, Any], *, sync: bool) -> float:
    """How many seconds the service's clock is ahead of this machine's, at the least."""
    now = time.time()
    (found,) = await cloud.functions.find_calls(name, [(data, now, now)], sync=sync)
    return found.listed_at - time.time()


async def _settle_some(
    cloud: AsyncMinCloud,
    name: str,
    groups: list[_SameData],
    settled: dict[int, dict[str, Any] | None],
    skew: float,
    ended_at: float,
    *,
    sync: bool,
) -> tuple[list[_SameData], float]:
    """Settles what a look at the jobs tells; gives the groups for which it is too early, and the skew that it shows."""
    wanted = [
        (
            group.data,
            max(0.0, group.since + skew - _MARGIN),
            min(group.until + _LONGEST_ON_THE_WAY, ended_at) + skew + _MARGIN,
        )
        for group in groups
    ]
    early: list[_SameData] = []
    looked = await cloud.functions.find_calls(name, wanted, sync=sync)
    measured = max(found.listed_at for found in looked) - time.time()
    for group, found in zip(groups, looked, strict=True):
        if not found.is_covered or found.doubtful:
            early.append(group)
            continue
        # Each answered line has one of these jobs. Which of them is nobody's business: their data are equal.
        lost = found.runs[: max(0, len(found.runs) - group.answered)]
        outcomes = [await _outcome(run) for run in lost[: len(group.unsure)]]
        for place, line in enumerate(group.unsure):
            settled[line] = outcomes[place] if place < len(outcomes) else None
    return early, measured


async def _outcome(run: AsyncRun) -> dict[str, Any]:
    """The result of a call that ran, as a line of the results."""
    try:
        return {"data": await run.result()}
    except JobFailed as error:
        failure: JobError = error
    except JobError as error:  # its log does not show what it returned
        failure = error
    job = failure.job or run.job
    return {
        "error": {
            "kind": type(failure).__name__,
            "message": str(failure),
            "called": "yes",
            **({} if job is None else {"job": job.id}),
        }
    }
