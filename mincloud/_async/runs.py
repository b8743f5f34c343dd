"""A call that is not waited for, and how its job is found."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from mincloud_api.api import jobs as operations
from mincloud_api.models.event_source import EventSource
from mincloud_api.models.job_status import JobStatus
from mincloud_api.models.service_type import ServiceType
from mincloud_api.types import UNSET

from .._concurrency.asyncio_ import sleep
from .._configuration import checked_timeout
from .._job_matching import PendingCall
from .._operations import operation
from .._paging import MOST_PER_PAGE
from ..errors import AmbiguousJob, ConfigurationError, JobFailed, JobNotFound, JobTimeout, RequestTimeout
from .jobs import read_jobs

if TYPE_CHECKING:
    from mincloud_api.models.job import Job

    from .._job_matching import JobMatcher
    from .pipeline import AsyncPipeline

# A job may be recorded a little after its call was accepted.
_RECORDED_WITHIN = 2.0
_FIRST_INTERVAL = 0.1
_LONGEST_INTERVAL = 5.0
_INTERVAL_GROWTH = 1.5
# A last look is worth it when so much time is left for its answer.
_LAST_LOOK = 0.05
_FINAL = frozenset(JobStatus) - {JobStatus.WAITING, JobStatus.EXECUTING}


class AsyncRun:
    """A call that was accepted and is not waited for, from `functions.trigger`.

    Attributes:
        function: The function's name.
    """

    def __init__(
        self,
        flow: AsyncPipeline,
        function: str,
        *,
        accepted_at: float | None,
        took: float,
        matches: JobMatcher,
    ) -> None:
        self.function = function
        self._flow = flow
        self._matches = matches
        # The Date header has whole seconds, so the call was accepted within the second that it names.
        self._expected = PendingCall(
            function,
            flow.options.environment,
            None if accepted_at is None else accepted_at - took,
            None if accepted_at is None else accepted_at + 1 + _RECORDED_WITHIN,
        )
        self._job: Job | None = None
        self._unsure: list[Job] = []
        matches.expect(self._expected)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.function!r}{f', job {self._job.id}' if self._job else ''}>"

    @property
    def job(self) -> Job | None:
        """The job of this call as `wait` last saw it, also while another thread or task waits; None before it is found."""
        return self._job

    async def wait(self, timeout: float = 300.0, *, poll_interval: float | None = None) -> Job:
        """Finds the job of this call and follows it to its end (operation listJobs).

        The service gives no id for it, so it is looked for by function, source, service type and the time at which the service, by its
        own clock, accepted the call. Jobs that this client has matched with other calls are left out. Where two jobs could be the
        one, or one job could be this call's or another's of this client, that is an error rather than a guess. Calls of other clients
        are known only by their jobs: it is taken that this call's is listed no later than theirs of the same time. A status that is
        not known counts as unfinished.

        Args:
            timeout: The seconds that it may take, all in all; a function may run for 300.
            poll_interval: The seconds between two looks; None to look often at first and then less and less.

        Returns:
            The job, `fulfilled`.

        Raises:
            JobFailed: The job ended in another status.
            JobNotFound: No job appeared in time.
            JobTimeout: The job has not ended in time.
            AmbiguousJob: More than one job could be this one.
            ConfigurationError: A number of seconds is impossible.
            APIError: The service answered with an error.
            TransportError: The service could not be reached.
            InvalidResponse: The service answered with something else than jobs.
        """
        deadline = time.monotonic() + checked_timeout(timeout)
        interval = _FIRST_INTERVAL if poll_interval is None else _checked_interval(poll_interval)
        while True:
            try:
                await self._look(deadline)
            except RequestTimeout as error:
                if deadline - time.monotonic() > _LAST_LOOK:
                    raise
                raise self._late(timeout) from error
            job = self._job
            if job is not None and job.status in _FINAL:
                if job.status != JobStatus.FULFILLED:
                    raise JobFailed(
                        f"job {job.id} of {self.function!r} ended as {job.status}: its log says why", job=job
                    )
                return job
            left = deadline - time.monotonic() - _LAST_LOOK
            if left <= 0:
                raise self._late(timeout)
            await sleep(min(interval, left))
            if poll_interval is None:
                interval = min(interval * _INTERVAL_GROWTH, _LONGEST_INTERVAL)

    def _late(self, timeout: float) -> AmbiguousJob | JobNotFound | JobTimeout:
        job = self._job
        if job is not None:
            return JobTimeout(f"job {job.id} of {self.function!r} is still {job.status} after {timeout:g} s", job=job)
        if self._unsure:
            return self._ambiguous(self._unsure)
        return JobNotFound(
            f"no job of {self.function!r} appeared within {timeout:g} s that could be this call: look at cloud.jobs.list()"
        )

    def _ambiguous(self, candidates: list[Job]) -> AmbiguousJob:
        count = len(candidates)
        what = f"{count} jobs of {self.function!r} could be this call, and nothing tells which"
        if count == 1:
            what = f"a job of {self.function!r} could be this call or another of this client, and nothing tells whose"
        return AmbiguousJob(
            f"{what}: wait for one call before triggering the next, or tell them apart by what they do",
            candidates=candidates,
        )

    async def _look(self, deadline: float) -> None:
        """Looks for the job, or at it."""
        job = self._job
        if job is not None:
            if job.status not in _FINAL:
                jobs = await self._listed(job.created_at, job.created_at, deadline)
                self._job = next((each for each in jobs if each.id == job.id), job)
            return
        competitors = self._matches.competitors(self._expected)
        calls = [self._expected, *competitors]
        since = [call.since for call in calls if call.since is not None]
        until = [call.until for call in calls if call.until is not None]
        clocked = len(since) == len(calls)
        listed = await self._listed(min(since) if clocked else None, max(until) if clocked else None, deadline)
        jobs = [
            job
            for job in listed
            if self._matches.is_free(job, self._expected) and any(call.may_be(job) for call in calls)
        ]
        candidates = [job for job in jobs if self._expected.may_be(job)]
        if len(candidates) > 1:
            raise self._ambiguous(candidates)
        # Fewer jobs than calls: one of them is not listed yet, and it may be this call's.
        self._unsure = candidates if len(jobs) <= len(competitors) else []
        if candidates and not self._unsure and self._matches.take(candidates[0], self._expected):
            self._job = candidates[0]

    async def _listed(self, since: float | None, until: float | None, deadline: float) -> list[Job]:
        """The function's jobs of such calls in a time, both ends included."""
        request = operations.list_jobs.build_request(
            self.function,
            source=EventSource.OPEN_API,
            service_type=ServiceType.BATCH,
            created_at_gte=UNSET if since is None else math.floor(since),
            created_at_lte=UNSET if until is None else math.ceil(until),
            limit=MOST_PER_PAGE,
            x_hydrogen_env_id=self._flow.options.environment or UNSET,
        )
        return read_jobs(await self._flow.send(operation(request, idempotent=True), deadline=deadline)).objects


def _checked_interval(interval: object) -> float:
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 <= interval < math.inf:
        raise ConfigurationError(f"poll_interval must be a finite number of seconds of 0 or more, not {interval!r}")
    return float(interval)
