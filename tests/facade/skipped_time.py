"""Waits that skip their sleeps, so that their timeouts are long for the service and short for the test."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest


class SkippedTime:
    """The time of waits that sleep without sleeping: their clock goes on as if they did, and what is asked of the service may take long."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.began = time.monotonic()

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def sleep_in_a_task(self, seconds: float) -> None:
        self.slept.append(seconds)


@contextmanager
def skipping() -> Generator[SkippedTime]:
    """Has waits skip their sleeps until the end of the block."""
    skipped = SkippedTime()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mincloud._job_matching.time", skipped)
        for side, sleep in (("_sync", skipped.sleep), ("_async", skipped.sleep_in_a_task)):
            for module in ("functions", "jobs", "runs", "watching"):
                patch.setattr(f"mincloud.{side}.{module}.time", skipped)
            patch.setattr(f"mincloud.{side}.watching.sleep", sleep)
        yield skipped
