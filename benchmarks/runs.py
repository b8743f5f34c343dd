"""What it takes to follow many calls that are not waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mincloud import MinCloud
from mincloud_emulator import Emulator

from .measuring import Figure, Measured

if TYPE_CHECKING:
    from mincloud import Attempt

_CALLS = 50
_SECONDS = 3.0
_ROUNDS = 3


def _follow() -> tuple[float, int]:
    """The seconds from the first of some calls to the last result, and how many requests that took."""
    requests: list[Attempt] = []
    with (
        Emulator() as emulator,
        MinCloud(base_url=emulator.url, access_token=emulator.access_token, on_attempt=requests.append) as cloud,
    ):
        emulator.stub("slow", lambda event: (time.sleep(_SECONDS), event["data"])[1])
        started = time.perf_counter()
        runs = [cloud.functions.trigger("slow", {"call": call}) for call in range(_CALLS)]
        results = [run.result() for run in cloud.functions.as_completed(runs)]
        seconds = time.perf_counter() - started
    assert len(results) == _CALLS
    return seconds, len(requests)


def seconds() -> Measured:
    return Measured(wall=[_follow()[0] for _ in range(_ROUNDS)])


def requests() -> Measured:
    return Measured(wall=[float(_follow()[1]) for _ in range(_ROUNDS)])


FIGURES = (
    Figure("runs", "50 calls of 3 s that are not waited for, each followed to its result", 5, seconds, "wall", " s"),
    Figure(
        "runs-requests",
        "the requests of that, 50 to call and 50 for logs among them",
        110,
        requests,
        "wall",
        " requests",
    ),
)
