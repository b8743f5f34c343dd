# Derived from mincloud/_async/job_search.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""Searches a function's jobs for lost calls, by the data that their logs show."""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mincloud_api.models.event_source import EventSource
from mincloud_api.models.service_type import ServiceType

from .._job_logs import logged_form
from .._job_matching import RECORDED_WITHIN, PendingCall, ServiceClock
from .._operations import encode
from .._paging import MOST_PER_PAGE
from .jobs import job_pages
from .runs import Run
from .watching import read_logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mincloud_api.models.job import Job

    from .._job_matching import JobLog
    from .pipeline import Pipeline
    from .watching import JobWatchers

# The jobs of calls that were made at most so many seconds apart are listed together.
_LISTED_TOGETHER = 60.0


@dataclass(frozen=True, slots=True)
class FoundCall:
    """The result of searching for a call.

    Attributes:
        runs: A run for each job whose log shows the call's data; more than one if the data was sent more than once.
        doubtful: The jobs that may be the call's: they have not ended, or their log shows nothing.
        is_covered: Whether every job of the time was listed.
        listed_at: When the jobs were listed, at the earliest, in Unix seconds by the service's clock.
    """

    runs: list[Run]
    doubtful: list[Job] = field(repr=False)
    is_covered: bool
    listed_at: float

    @property
    def state(self) -> Literal["found", "absent", "unknown"]:
        """Says `found` if the call ran, `absent` if it did not, else `unknown`."""
        if self.runs:
            return "found"
        return "absent" if self.is_covered and not self.doubtful else "unknown"


def find_calls(
    pipeline: Pipeline,
    watchers: JobWatchers,
    name: str,
    calls: Sequence[tuple[Mapping[str, Any], float, float]],
    *,
    sync: bool,
) -> list[FoundCall]:
    """See `Functions.find_calls`."""
    service_type = ServiceType.TIME_SENSITIVE if sync else ServiceType.BATCH
    clock = ServiceClock()
    sought = [PendingCall("", since, until + RECORDED_WITHIN, logged_form(data)) for data, since, until in calls]
    jobs: dict[int, Job] = {}
    for since, until in _merged_times(sought):
        listed = job_pages(
            pipeline,
            name,
            source=EventSource.OPEN_API,
            service_type=service_type,
            since=math.floor(since),
            until=math.ceil(until),
            page_size=MOST_PER_PAGE,
            clock=clock,
        )
        for job in listed:
            jobs[job.id] = job
    listed_at = clock.earliest(time.monotonic())
    candidates = [job for job in jobs.values() if any(call.fits_time_of(job) for call in sought)]
    logs = {job.id: log for job, log in read_logs(pipeline, [job for job in candidates if job.user_log_url], math.inf)}
    watcher = watchers.of(pipeline, name)

    def run_of(job: Job, data: Mapping[str, Any], log: JobLog) -> Run:
        call = PendingCall(secrets.token_hex(16), job.created_at, job.created_at, log.logged_form, job=job, log=log)
        return Run(pipeline, watcher, encode(data), call)

    found: list[FoundCall] = []
    for call, (data, _, until) in zip(sought, calls, strict=True):
        runs: list[Run] = []
        doubtful: list[Job] = []
        for job in filter(call.fits_time_of, candidates):
            log = logs.get(job.id)
            if log is None or log.logged_form is None or call.logged_form is None:
                doubtful.append(job)
            elif log.logged_form == call.logged_form:
                runs.append(run_of(job, data, log))
        found.append(FoundCall(runs, doubtful, listed_at > until + RECORDED_WITHIN, listed_at))
    return found


def _merged_times(calls: Sequence[PendingCall]) -> Iterator[tuple[float, float]]:
    """The times of calls, with those that are near each other merged."""
    times = sorted((call.since or 0.0, call.until or 0.0) for call in calls)
    while times:
        since, until = times.pop(0)
        while times and times[0][0] <= until + _LISTED_TOGETHER:
            until = max(until, times.pop(0)[1])
        yield since, until
