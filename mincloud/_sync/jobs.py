# Derived from mincloud/_async/jobs.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The operations on jobs, and their logs."""

from __future__ import annotations

import math
import time
from contextlib import closing
from typing import TYPE_CHECKING

from mincloud_api.api import jobs as operations
from mincloud_api.models.event_source import EventSource
from mincloud_api.models.job import Job
from mincloud_api.models.job_status import JobStatus
from mincloud_api.models.service_type import ServiceType
from mincloud_api.types import UNSET

from .._operations import Operation, choice, function_name, operation, unix_time, whole_number
from .._paging import MOST_PER_PAGE, PageReader
from ..errors import JobError, JobNotFound
from .pages import Paginator

if TYPE_CHECKING:
    from datetime import datetime

    from .._job_matching import ServiceClock
    from .._models import EventSourceValue, JobStatusValue, ServiceTypeValue
    from .._paging import RawPage
    from .._responses import APIResponse
    from .pipeline import Pipeline

# With the models that its methods take or return.
__all__ = ["Job", "JobStatus", "Jobs", "ServiceType"]

DEFAULT_PAGE_SIZE = 100


class Jobs:
    """The record of each call of a function; reach it as `cloud.jobs`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._pipeline.options.server_and_environment}>"

    def list(
        self,
        name: str,
        *,
        source: EventSource | EventSourceValue | None = None,
        status: JobStatus | JobStatusValue | None = None,
        service_type: ServiceType | ServiceTypeValue | None = None,
        created_after: datetime | float | None = None,
        created_before: datetime | float | None = None,
        page_size: int = DEFAULT_PAGE_SIZE,
        prefetch: int = 0,
        timeout: float | None = None,
    ) -> Paginator[Job]:
        """The jobs of a function, the newest first (operation listJobs).

        The list ends with the newest job there was when the iteration began: jobs that come meanwhile neither repeat nor displace any.

        Args:
            name: The function's name.
            source: Only jobs that came from there.
            status: Only jobs in this status.
            service_type: Only jobs of calls that were waited for (`time_sensitive`) or were not (`batch`).
            created_after: Only jobs created at this time or later; an aware datetime or Unix seconds. The service knows whole seconds, so a
                fraction is rounded down.
            created_before: Only jobs created at this time or earlier; a fraction is rounded up.
            page_size: How many jobs are asked for at a time, 1 to 1000.
            prefetch: How many pages are requested ahead, in parallel.
            timeout: The seconds that each attempt of each request may take; None for the client's own.

        Returns:
            A paginator. It sends nothing before it is iterated over, and raises then what a call can raise (`NotFound` if there is no such
            function).

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument is out of range, or a datetime has no time zone.
        """
        name = function_name(name)
        since = None if created_after is None else math.floor(unix_time("created_after", created_after))
        until = None if created_before is None else math.ceil(unix_time("created_before", created_before))
        return job_pages(
            self._pipeline,
            name,
            source=choice(EventSource, "source", source),
            status=choice(JobStatus, "status", status),
            service_type=choice(ServiceType, "service_type", service_type),
            since=since,
            until=until,
            page_size=page_size,
            prefetch=prefetch,
            timeout=timeout,
        )

    def get(self, name: str, job_id: int, *, timeout: float | None = None) -> Job:
        """A job by its id (operation listJobs, page by page until it is met).

        Args:
            name: The function's name.
            job_id: The job's id.
            timeout: The seconds that each attempt of each request may take; None for the client's own (30).

        Returns:
            The job.

        Raises:
            TypeError: The name is no string, or the id no integer.
            ValueError: The name cannot be addressed, or the id is negative.
            JobNotFound: The function has no such job.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came.
            InvalidResponse: The service answered with something else than jobs.
            ConfigurationError: The timeout is impossible.
        """
        whole_number("job_id", job_id, least=0)
        with closing(self.list(name, page_size=MOST_PER_PAGE, timeout=timeout).pages()) as pages:
            for page in pages:
                for job in page:
                    if job.id == job_id:
                        return job
        raise JobNotFound(f"{name!r} has no job {job_id}: look at cloud.jobs.list()")

    def log(self, job: Job, *, timeout: float | None = None) -> str:
        """The log of a job, from the presigned address that the job carries. The access token is not sent there.

        Args:
            job: The job.
            timeout: The seconds that each attempt may take; None for the client's own.

        Returns:
            The log's text: a line per message, `<ISO time> <LEVEL> <message>`.

        Raises:
            JobError: The job has no log, or none yet.
            Forbidden: The address has expired: it is good for a day after the job was listed.
            APIError: The other host answered with another error.
            TransportError: The other host could not be reached.
            ConfigurationError: The timeout is impossible.
        """
        return fetch_log(self._pipeline, job, timeout=timeout)


def fetch_log(pipeline: Pipeline, job: Job, *, timeout: float | None = None, deadline: float | None = None) -> str:
    """Fetches the log of a job, until a deadline on the clock of `time.monotonic()`; see `Jobs.log`."""
    if not job.user_log_url:
        raise JobError(f"job {job.id} has no log yet: it is {job.status}; list it again when it has ended", job=job)
    call = Operation("log", "GET", job.user_log_url, idempotent=True, authorized=False)
    response = pipeline.send(call, timeout=timeout, deadline=deadline)
    return response.content().decode("utf-8-sig", errors="replace")


def job_pages(
    pipeline: Pipeline,
    name: str,
    *,
    source: EventSource | None = None,
    status: JobStatus | None = None,
    service_type: ServiceType | None = None,
    since: int | None,
    until: int | None,
    page_size: int,
    prefetch: int = 0,
    timeout: float | None = None,
    deadline: float | None = None,
    clock: ServiceClock | None = None,
) -> Paginator[Job]:
    """Lists the jobs of a function; see `Jobs.list`. Times are whole seconds, the deadline is one of `time.monotonic()`."""

    def fetch(offset: int, limit: int, first: RawPage[Job] | None) -> APIResponse:
        latest = _earlier(until, _newest(first))
        request = operations.list_jobs.build_request(
            name,
            source=source or UNSET,
            status=status or UNSET,
            service_type=service_type or UNSET,
            created_at_gte=UNSET if since is None else since,
            created_at_lte=UNSET if latest is None else latest,
            limit=limit,
            offset=offset,
            x_hydrogen_env_id=pipeline.options.environment or UNSET,
        )
        response = pipeline.send(operation("listJobs", request, idempotent=True), timeout=timeout, deadline=deadline)
        if clock is not None and (date := response.date()) is not None:
            clock.observe(date, time.monotonic())
        return response

    return Paginator(
        fetch, _read_jobs, lambda job: job.id, name=f"jobs of {name!r}", page_size=page_size, prefetch=prefetch
    )


_read_jobs = PageReader(Job, operations.list_jobs.parse_success)


def _newest(first: RawPage[Job] | None) -> int | None:
    """The second of the newest job on the first page, rounded up, so that later ones are left out; None if the oldest comes first."""
    times = [job.created_at for job in first.objects if job.created_at is not None] if first is not None else []
    return math.ceil(max(times)) if times and times[0] >= times[-1] else None


def _earlier(*times: int | None) -> int | None:
    return min((each for each in times if each is not None), default=None)
