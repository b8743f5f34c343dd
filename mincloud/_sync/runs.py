# Derived from mincloud/_async/runs.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""Runs: calls that were triggered, whose jobs are found and followed to their end."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from mincloud_api.models.job import Job
from mincloud_api.models.job_status import JobStatus
from mincloud_api.types import InvalidValue

from .._configuration import checked_timeout
from .._job_logs import ResultNotLogged, logged_error, logged_form, logged_result
from .._job_matching import LISTED_WITHIN, JobLog, PendingCall, accepted_between, has_ended
from .._models import Outcome
from .._operations import encode, function_data, function_name
from .._redaction import redact
from ..errors import (
    AmbiguousJob,
    APIError,
    ClientClosed,
    ConfigurationError,
    Forbidden,
    InvalidResponse,
    JobError,
    JobFailed,
    JobNotFound,
    JobTimeout,
    MinCloudError,
    ResultUnavailable,
    TransportError,
)
from .jobs import fetch_log
from .transport import HTTPTransport
from .watching import Wait, WatchedCall

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from .._configuration import Options
    from .client import MinCloud
    from .pipeline import Pipeline
    from .watching import JobWatcher, JobWatchers

# The least time that fetching a log gets after the job's end, even past the deadline.
_GRACE = 1.0
_MOST_NAMED = 5


class Run:
    """A call that was accepted and is not waited for, from `functions.trigger` or `functions.resume`.

    It can be pickled: where it is loaded, it works with a client of that process, which takes the credentials from the environment there.
    One of a client with an `http_client` or `transport` cannot; there, `to_dict` and `functions.resume` serve.

    Attributes:
        function: The function's name.
    """

    def __init__(self, pipeline: Pipeline, watcher: JobWatcher, data: bytes, call: PendingCall) -> None:
        self.function: str = watcher.function
        self._data = data
        self._call = watcher.matcher.register(call)
        self._watched = WatchedCall(pipeline, watcher, self._call)

    def __repr__(self) -> str:
        job = self.job
        return f"<{type(self).__name__} of {self.function!r}{f', job {job.id}' if job else ''}>"

    @property
    def job(self) -> Job | None:
        """The job of this call as last listed, also while another thread or task waits; None until it is certain which it is."""
        return self._call.job

    @property
    def done(self) -> bool:
        """Whether its job is known to have ended. This sends no request; `wait` and `functions.as_completed` do."""
        return self._call.has_ended

    @property
    def failed(self) -> bool:
        """Whether its job is known to have ended in another status than `fulfilled`."""
        job = self.job
        return job is not None and has_ended(job) and job.status != JobStatus.FULFILLED

    def wait(self, timeout: float = 300.0, *, poll_interval: float | None = None) -> Job:
        """Finds the job of this call and follows it to its end (operation listJobs).

        The service gives no id for it. Its job is one of the function's, of this source and service type, created when the service, by its
        own clock, accepted the call, and its log shows the data that was sent. Runs of equal data are interchangeable: each gets a job,
        no two the same. Where logs show nothing, a job is taken if no other is possible. All runs of a client and of its copies that
        wait at the same time share their requests. A status that is not known counts as unfinished.

        Args:
            timeout: The seconds that it may take, all in all; a function may run for 300.
            poll_interval: The seconds between two polls; None to begin with short intervals that grow.

        Returns:
            The job, `fulfilled`.

        Raises:
            JobFailed: The job ended in another status.
            JobNotFound: No job appeared in time.
            JobTimeout: The job has not ended in time.
            AmbiguousJob: More than one job could be this one.
            ConfigurationError: A number of seconds is impossible.
            APIError: The service answered with an error that does not pass by itself: 429, 502, 503 and 504 do.
            InvalidResponse: The service answered with something else than jobs.
        """
        return self._wait_for_success(timeout, poll_interval=poll_interval)

    def _wait_for_success(
        self, timeout: float, *, poll_interval: float | None = None, is_abandoned: Callable[[], bool] = lambda: False
    ) -> Job:
        deadline = time.monotonic() + checked_timeout(timeout)
        job = self._wait_for_end(deadline, timeout, poll_interval, is_abandoned)
        if job.status != JobStatus.FULFILLED:
            raise JobFailed(
                f"job {job.id} of {self.function!r} ended as {job.status}: {self._failure_reason()}", job=job
            )
        return job

    def result(self, timeout: float = 300.0) -> Any:
        """Waits for the call and gives what the function returned, as its log shows it.

        A log shows small results whole: nested two levels deep, lists of 100 items, texts of 10,000 characters. What a function logs as
        `console.log("mincloud.result", JSON.stringify(result))` is read whatever its size.

        Args:
            timeout: The seconds that it may take, all in all.

        Returns:
            What the function returned, any JSON value.

        Raises:
            ResultUnavailable: The log does not show all of it, or is unavailable.
            JobFailed: The job ended in another status than `fulfilled`.
            JobNotFound: No job appeared in time.
            JobTimeout: The job has not ended in time.
            AmbiguousJob: More than one job could be this one.
            ConfigurationError: The timeout is impossible.
            APIError: The service answered with an error that does not pass by itself.
            InvalidResponse: The service answered with something else than jobs.
        """
        return self._result(timeout)

    def _result(self, timeout: float, is_abandoned: Callable[[], bool] = lambda: False) -> Any:
        deadline = time.monotonic() + checked_timeout(timeout)
        job = self._wait_for_success(timeout, is_abandoned=is_abandoned)
        what = f"what job {job.id} of {self.function!r} returned cannot be told"
        try:
            log = self._log_text(deadline)
        except (JobError, APIError, TransportError, InvalidResponse) as error:
            raise ResultUnavailable(
                f"{what}, since its log is not to be had ({error}): have the function keep what it returns", job=job
            ) from error
        try:
            return logged_result(log)
        except ResultNotLogged as reason:
            raise ResultUnavailable(f"{what}: {reason}", job=job, log=log) from None

    def log(self, timeout: float = 300.0) -> str:
        """Waits for the call and gives the text of its log, however it ended. The access token is not sent there.

        Args:
            timeout: The seconds that it may take, all in all.

        Returns:
            The log's text: a line per message, `<ISO time> <LEVEL> <message>`.

        Raises:
            JobError: The job has no log.
            JobNotFound: No job appeared in time.
            JobTimeout: The job has not ended in time.
            AmbiguousJob: More than one job could be this one.
            ConfigurationError: The timeout is impossible.
            APIError: The service, or the other host, answered with an error.
            TransportError: The other host could not be reached.
            InvalidResponse: The service answered with something else than jobs.
        """
        deadline = time.monotonic() + checked_timeout(timeout)
        self._wait_for_end(deadline, timeout)
        return self._log_text(deadline)

    def to_dict(self) -> dict[str, Any]:
        """This call as JSON for `functions.resume`, also in another process. It holds the data that was sent and no secret."""
        call, job = self._call, self.job
        return {
            "function": self.function,
            "environment": self._watched.pipeline.options.environment,
            "data": json.loads(self._data),
            "key": call.key,
            "since": call.since,
            "until": call.until,
            "job": None if job is None else {**job.to_dict(), "user_log_url": None},
        }

    def __copy__(self) -> Self:
        # There is one run for a call.
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self._watched.pipeline.sender.transport, HTTPTransport):
            raise TypeError(
                "a run of a client with an http_client or transport of its own cannot be pickled: save run.to_dict(), and give it to "
                "functions.resume of such a client"
            )
        # Functions may not be picklable, and mean nothing in another process.
        return _unpickle, (self._watched.pipeline.options.changed(default=None, on_attempt=None), self.to_dict())

    def _wait_for_end(
        self,
        deadline: float,
        timeout: float,
        poll_interval: float | None = None,
        is_abandoned: Callable[[], bool] = lambda: False,
    ) -> Job:
        """Polls until the job has ended, however it ended."""
        interval = None if poll_interval is None else _checked_interval(poll_interval)
        call = self._call
        with Wait([self._watched], is_abandoned) as wait:
            has_time = True
            while not call.has_ended:
                if call.is_ambiguous:
                    raise self._ambiguous_error()
                if not has_time:
                    raise self._timeout_error(timeout)
                has_time = wait.poll(deadline, interval)
        return self._known_job()

    def _timeout_error(self, timeout: float) -> JobError:
        call = self._call
        name = repr(self.function)
        if call.job is not None:
            return JobTimeout(
                f"job {call.job.id} of {name} is still {call.job.status} after {timeout:g} s", job=call.job
            )
        candidates = [*call.candidates]
        if not candidates:
            return JobNotFound(
                f"no job of {name} appeared within {timeout:g} s that could be this call: look at cloud.jobs.list()"
            )
        running = [job for job in candidates if not has_ended(job)]
        if not running:
            return self._ambiguous_error()
        if len(candidates) == 1:
            job = candidates[0]
            return JobTimeout(
                f"job {job.id} of {name}, which may be this call, is still {job.status} after {timeout:g} s: its log will tell",
                job=job,
                candidates=candidates,
            )
        return JobTimeout(
            f"this call of {name} has not ended after {timeout:g} s, or its log does not show it yet: it may be "
            f"{_format_jobs(candidates)}",
            candidates=candidates,
        )

    def _ambiguous_error(self) -> AmbiguousJob:
        candidates = [*self._call.candidates]
        name = repr(self.function)
        what = (
            f"{len(candidates)} jobs of {name} could be this call, and nothing tells which: {_format_jobs(candidates)}"
        )
        if len(candidates) == 1:
            what = f"a job of {name} could be this call or another of this client, and nothing tells whose: {_format_jobs(candidates)}"
        return AmbiguousJob(
            f"{what}; put an id of your own into the data of each call, which its log will show", candidates=candidates
        )

    def _failure_reason(self) -> str:
        """Why the job failed, as far as its log says."""
        error: str | None = None
        log = self._call.log
        # A log that was unavailable to the poll is not requested again.
        if self._known_job().user_log_url and not (log is not None and log.is_complete and log.text is None):
            try:
                error = logged_error(self._log_text(time.monotonic() + _GRACE))
            except (APIError, TransportError, InvalidResponse):
                error = None
        return redact(error, self._watched.pipeline.sender.known_secrets.all()) if error else "its log says why"

    def _log_text(self, deadline: float) -> str:
        """The log of the job, which has ended."""
        call = self._call
        if call.log is not None and call.log.is_complete and call.log.text is not None:
            return call.log.text
        deadline = max(deadline, time.monotonic() + _GRACE)
        asked_at = time.monotonic()
        try:
            # A resumed job has no address of a log.
            known = self._known_job().user_log_url is not None
            text = fetch_log(self._watched.pipeline, self._known_job(), deadline=deadline) if known else None
        except Forbidden:  # the address has expired after a day
            text = None
        if text is None:
            self._watched.watcher.refresh(self._watched.pipeline, call, deadline)
            text = fetch_log(self._watched.pipeline, self._known_job(), deadline=deadline)
        call.log = JobLog(call.logged_form, text, is_complete=True, read_at=asked_at)
        return text

    def _known_job(self) -> Job:
        return cast("Job", self._call.job)


def in_order_of_completion(runs: Iterable[Run], deadline: float, timeout: float) -> Generator[Run, None]:
    """Yields runs in the order in which their jobs end; see `Functions.as_completed`."""
    left = {run: run._watched for run in runs}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of this module
    count = len(left)
    has_time = True
    with Wait(left.values()) as wait:
        while left:
            settled = sorted((run for run, watched in left.items() if watched.is_settled), key=_finished_at)
            open_calls = _open_calls([watched for watched in left.values() if not watched.is_settled])
            ready: list[Run] = []
            for run in settled:
                if has_time and any(each.may_precede(run, left[run]) for each in open_calls):
                    break
                ready.append(run)
            for run in ready:
                wait.leave(left.pop(run))
                yield run
            if ready:
                continue  # there may be more by now
            if not has_time:
                raise JobTimeout(f"{len(left)} of {count} runs have not ended within {timeout:g} s")
            has_time = wait.poll(deadline, soon=bool(settled))


def outcome_of(run: Run, index: int, data: object, timeout: float, is_abandoned: Callable[[], bool]) -> Outcome:
    """Follows a run to its end; the outcome for an input of `Functions.map`."""
    try:
        result = run._result(timeout, is_abandoned)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of this module
    except ClientClosed:  # no failure of this call, but the end of all of them
        raise
    except MinCloudError as error:
        return Outcome(index, data, error=error, run=run)
    return Outcome(index, data, data=result, run=run)


def _finished_at(run: Run) -> float:
    """When a run's job ended; minus infinity if that is unknown."""
    job = run.job
    return -math.inf if job is None or job.finished_at is None else job.finished_at


@dataclass(frozen=True, slots=True)
class _OpenCalls:
    """The calls of one watcher that have not ended as far as is known.

    Attributes:
        watcher: The watcher.
        polled_in: The number of the latest poll that included all of them; 0 if there is none, or if the job of one is not listed yet.
        ended_at: When the first job ended that may be one of theirs, as its log will tell.
    """

    watcher: JobWatcher
    polled_in: int
    ended_at: float

    def may_precede(self, run: Run, watched: WatchedCall) -> bool:
        """Whether the job of one of them may have ended before a run's, and a poll will tell."""
        finished_at = _finished_at(run)
        if not math.isfinite(finished_at):
            return False
        if not self.polled_in:
            return True
        if self.watcher is watched.watcher:
            is_covered = self.polled_in >= watched.call.ended_in
        else:
            is_covered = self.watcher.clock.earliest(self.watcher.polled_at) >= finished_at
        return not is_covered or self.ended_at < finished_at


def _open_calls(watched: Iterable[WatchedCall]) -> list[_OpenCalls]:
    calls: dict[JobWatcher, list[PendingCall]] = {}
    for each in watched:
        calls.setdefault(each.watcher, []).append(each.call)
    open_calls: list[_OpenCalls] = []
    for watcher, some in calls.items():
        candidates = {job.id: job for call in some for job in call.candidates}
        ended_at = [job.finished_at or math.inf for job in candidates.values() if watcher.matcher.has_unread_log(job)]
        polled_in = 0 if watcher.misses_jobs(LISTED_WITHIN) else min(call.polled_in for call in some)
        open_calls.append(_OpenCalls(watcher, polled_in, min(ended_at, default=math.inf)))
    return open_calls


def accepted_run(
    pipeline: Pipeline, watchers: JobWatchers, name: str, content: bytes, *, date: float | None, took: float
) -> Run:
    """Makes the run of a call that was accepted just now.

    Args:
        pipeline: The pipeline that sent it.
        watchers: The client's watchers.
        name: The function's name.
        content: The request's body.
        date: The time in the response's `Date` header.
        took: The seconds from sending the call to its response.
    """
    data = json.loads(content)["data"]
    since, until = accepted_between(date, took)
    watcher = watchers.of(pipeline, name)
    now = time.monotonic()
    if date is not None:
        watcher.clock.observe(date, now)
    call = PendingCall(secrets.token_hex(16), since, until, logged_form(data), now)
    return Run(pipeline, watcher, encode(data), call)


def resumed_run(pipeline: Pipeline, watchers: JobWatchers, saved: object) -> Run:
    """Makes the run that `Run.to_dict` saved; see `Functions.resume`."""
    if not isinstance(saved, Mapping):
        raise TypeError(f"saved must be the dict that run.to_dict() gave, not {type(saved).__name__}")
    fields = cast("Mapping[str, Any]", saved)
    try:
        name = function_name(fields["function"])
        data = function_data(fields["data"])
        since, until = _checked_time(fields["since"]), _checked_time(fields["until"])
        key, environment, job = fields["key"], fields["environment"], fields["job"]
        if not isinstance(key, str) or not (environment is None or isinstance(environment, str)):
            raise TypeError("its key or environment is no string")
        call = PendingCall(key, since, until, logged_form(data), job=None if job is None else Job.from_dict(job))
        options = pipeline.options.changed(environment=environment)
    except (KeyError, TypeError, ValueError, InvalidValue, ConfigurationError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"saved is not what run.to_dict() gave: {what}") from None
    if options != pipeline.options:
        pipeline = pipeline.with_options(options)
    return Run(pipeline, watchers.of(pipeline, name), encode(data), call)


def _checked_time(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise TypeError(f"{value!r} is no time")


# The clients of runs that were unpickled in this process, by their options.
_clients: dict[Options, MinCloud] = {}


def _unpickle(options: Options, saved: dict[str, Any]) -> Run:
    """Makes a run from its pickle."""
    from .client import MinCloud, from_options  # noqa: PLC0415 - it imports this module

    client = _clients.get(options) or _clients.setdefault(options, from_options(MinCloud, options))
    return client.functions.resume(saved)


def _format_jobs(jobs: Iterable[Job]) -> str:
    """Formats jobs for a message."""
    shown = [f"{job.id} ({job.status})" for job in jobs]
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return f"job {', '.join(shown[:_MOST_NAMED])}{more}"


def _checked_interval(interval: object) -> float:
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 <= interval < math.inf:
        raise ConfigurationError(f"poll_interval must be a finite number of seconds of 0 or more, not {interval!r}")
    return float(interval)
