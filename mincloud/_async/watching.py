"""Polls the job list for triggered calls, with one request for all runs that wait at the same time."""

from __future__ import annotations

import math
import time
from collections import deque
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mincloud_api.models.event_source import EventSource
from mincloud_api.models.service_type import ServiceType

from .._concurrency.asyncio_ import acquire, bounded_map, make_lock, sleep
from .._job_logs import logged_data
from .._job_matching import LOG_PATIENCE, JobLog, JobMatcher, ServiceClock, has_ended
from .._paging import MOST_PER_PAGE
from .._retries import GATEWAY_ERRORS, TOO_MANY_REQUESTS
from ..errors import APIError, InvalidResponse, RequestTimeout, TransportError
from .jobs import fetch_log, job_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from mincloud_api.models.job import Job

    from .._job_matching import PendingCall
    from .pipeline import AsyncPipeline

# The seconds between two polls grow from the first to the longest: 19 polls in the first minute.
_FIRST_INTERVAL = 0.3
_INTERVAL_GROWTH = 1.3
_LONGEST_INTERVAL = 5.0
# The longest interval after a call was triggered while others are waited for.
_INTERVAL_WHEN_JOINED = 1.0
# A call triggered before the last poll restarts the short intervals, unless there were this many polls in the last minute.
_QUICK_POLLS_PER_MINUTE = 15
_MINUTE = 60.0
# The last poll begins so many seconds before the deadline, to leave time for its answer.
_LAST_POLL = 0.05
# A poll of another waiter that is so recent makes the last poll needless.
_RECENTLY = 0.25
# How often a waiter checks whether another's poll has settled its call.
_CHECK_INTERVAL = 0.25
# A log that takes longer counts as unavailable.
_LOG_TIMEOUT = 5.0
_LOGS_AT_ONCE = 8
_RETRIED_BY_NEXT_POLL = GATEWAY_ERRORS | {TOO_MANY_REQUESTS}


class AsyncJobWatcher:
    """Polls the jobs of one function in one environment for all runs of a client and its copies.

    Times are those of `time.monotonic()`.

    Attributes:
        function: The function's name.
        clock: The service's clock.
        matcher: The runs' calls and their jobs.
        polled_at: When the jobs were listed last.
        blocked_until: When the service's latest `Retry-After` ends.
    """

    def __init__(self, function: str, clock: ServiceClock) -> None:
        self.function = function
        self.clock = clock
        self.matcher = JobMatcher()
        self.polled_at = -math.inf
        self.blocked_until = -math.inf
        self._lock = make_lock()
        self._interval = _FIRST_INTERVAL
        self._recent_polls: deque[float] = deque(maxlen=_QUICK_POLLS_PER_MINUTE)

    def join(self, call: PendingCall) -> None:
        """Adds a waiter for a call, which has to `leave` again."""
        is_first = self.matcher.add_waiter(call)
        if call.has_ended or call.polled_in:
            return
        if call.triggered_at <= self.polled_at and self._polled_often():
            return
        self._interval = _FIRST_INTERVAL if is_first else min(self._interval, _INTERVAL_WHEN_JOINED)

    def leave(self, call: PendingCall) -> None:
        """Removes a waiter for a call."""
        self.matcher.remove_waiter(call)

    def _polled_often(self) -> bool:
        polls = self._recent_polls
        return len(polls) == _QUICK_POLLS_PER_MINUTE and time.monotonic() - polls[0] < _MINUTE

    def next_poll(self, calls: Sequence[PendingCall], interval: float | None) -> float:
        """When to poll for calls; an interval of None is the one that all waiters share."""
        if interval is None:
            interval = min(self._interval, LOG_PATIENCE) if self.matcher.defers_matches else self._interval
        since = max(call.triggered_at for call in calls)
        return max(self.polled_at, since) + interval

    def misses_jobs(self, seconds: float) -> bool:
        """Whether more calls were triggered in the last seconds than there are jobs for them, so that one is not listed yet."""
        return self.matcher.misses_jobs(time.monotonic() - seconds)

    async def poll(self, pipeline: AsyncPipeline, *, due: float, deadline: float) -> None:
        """Polls for all calls that are waited for, unless another waiter has done so since `due`. A missed poll raises nothing.

        Raises:
            APIError: The service answered with an error that the next poll cannot be expected to overcome.
            InvalidResponse: The service answered with something else than jobs.
            ClientClosed: The client was closed.
        """
        before = self.polled_at
        lock = await self._lock.get()
        if not await acquire(lock, deadline - time.monotonic()):
            return
        try:
            if before == self.polled_at < due and time.monotonic() >= self.blocked_until:
                await self._poll(pipeline, deadline)
        finally:
            lock.release()

    async def _poll(self, pipeline: AsyncPipeline, deadline: float) -> None:
        started = time.monotonic()
        calls = self.matcher.calls_to_match()
        if not calls:
            return
        try:
            jobs = await self._list_jobs(pipeline, calls, deadline)
        except (TransportError, APIError) as error:
            if isinstance(error, APIError) and error.status not in _RETRIED_BY_NEXT_POLL:
                raise
            if isinstance(error, RequestTimeout) and time.monotonic() >= deadline - _LAST_POLL:
                return  # this waiter's time is over, and the others poll themselves
            if isinstance(error, APIError) and error.retry_after is not None:
                self.blocked_until = time.monotonic() + error.retry_after
            self._count_poll(started)
            return
        self._count_poll(started)
        unread = self.matcher.unread(jobs)
        for job, log in await read_logs(pipeline, unread, deadline):
            self.matcher.add_log(job, log)
        self.matcher.match(jobs, calls)

    def _count_poll(self, started: float) -> None:
        self.polled_at = started
        self._recent_polls.append(started)
        self._interval = min(self._interval * _INTERVAL_GROWTH, _LONGEST_INTERVAL)

    async def _list_jobs(self, pipeline: AsyncPipeline, calls: Sequence[PendingCall], deadline: float) -> list[Job]:
        """Lists the jobs that were created when those of some calls were."""
        since, until = _time_range(calls)
        is_known = all(call.job is not None for call in calls)
        pages = job_pages(
            pipeline,
            self.function,
            source=None if is_known else EventSource.OPEN_API,
            service_type=None if is_known else ServiceType.BATCH,
            since=None if since is None else math.floor(since),
            until=None if until is None else math.ceil(until),
            page_size=MOST_PER_PAGE,
            deadline=deadline,
            clock=self.clock,
        )
        jobs: list[Job] = []
        async with aclosing(pages.pages()) as listed:
            async for page in listed:
                received_at = time.monotonic()
                for job in page.items:
                    self.clock.observe(max(job.created_at or 0.0, job.finished_at or 0.0), received_at)
                jobs.extend(page.items)
                if since is None:  # the service sends no time, so the newest jobs have to do
                    break
        return jobs

    async def refresh(self, pipeline: AsyncPipeline, call: PendingCall, deadline: float) -> None:
        """Lists the job of one call again, which also renews the address of its log; raises what a call can raise."""
        self.matcher.update_job(call, await self._list_jobs(pipeline, [call], deadline))


async def read_logs(pipeline: AsyncPipeline, jobs: Sequence[Job], deadline: float) -> list[tuple[Job, JobLog]]:
    """Reads the logs of jobs, several at once; leaves out those for which no time was left."""
    logs: list[tuple[Job, JobLog]] = []

    async def read(job: Job) -> None:
        asked_at = time.monotonic()
        limit = min(_LOG_TIMEOUT, (deadline - asked_at) / 2)
        if limit <= 0:
            return
        text: str | None = None
        with suppress(TransportError, APIError, InvalidResponse):  # then it is unavailable
            text = await fetch_log(pipeline, job, deadline=asked_at + limit)
        logs.append((job, JobLog(None if text is None else logged_data(text), text, has_ended(job), asked_at)))

    at_once = min(_LOGS_AT_ONCE, max(1, len(jobs)))
    async with aclosing(bounded_map(read, jobs, concurrency=at_once, window=at_once, ordered=False)) as results:
        async for _ in results:
            pass
    return logs


def _time_range(calls: Sequence[PendingCall]) -> tuple[float | None, float | None]:
    """The time in which the jobs of calls were created; None twice if it has no bounds."""
    since: list[float] = []
    until: list[float] = []
    for call in calls:
        known = None if call.job is None else call.job.created_at
        first, last = (call.since, call.until) if known is None else (known, known)
        if first is None or last is None:
            return None, None
        since.append(first)
        until.append(last)
    return min(since), max(until)


class AsyncJobWatchers:
    """The watchers of a client and its copies."""

    def __init__(self) -> None:
        self._watchers: dict[Hashable, AsyncJobWatcher] = {}
        self._clock = ServiceClock()

    def of(self, pipeline: AsyncPipeline, function: str) -> AsyncJobWatcher:
        """The watcher for a function, as a copy of the client with these options and credentials sees it."""
        key = (function, pipeline.options.environment, pipeline.options.base_url, pipeline.credentials)
        # Setting a default is one step for all threads.
        return self._watchers.get(key) or self._watchers.setdefault(key, AsyncJobWatcher(function, self._clock))


@dataclass(frozen=True, slots=True, eq=False)
class AsyncWatchedCall:
    """A call with the pipeline and the watcher that poll for its job."""

    pipeline: AsyncPipeline
    watcher: AsyncJobWatcher
    call: PendingCall

    def polling_pipeline(self) -> AsyncPipeline:
        """The pipeline without retries, since the next poll is one."""
        return self.pipeline.with_options(self.pipeline.options.changed(max_retries=0))

    @property
    def is_settled(self) -> bool:
        """Whether no poll can tell more about it."""
        return self.call.has_ended or self.call.is_ambiguous


class AsyncWait:
    """Waits for calls by polling together with all others that wait; a context manager.

    Args:
        watched: The calls.
        is_abandoned: Whether the result is not wanted any more, so that waiting ends.
    """

    def __init__(self, watched: Iterable[AsyncWatchedCall], is_abandoned: Callable[[], bool] = lambda: False) -> None:
        self._watched = dict.fromkeys(watched)
        self._is_abandoned = is_abandoned

    def __enter__(self) -> Self:
        for each in self._watched:
            each.watcher.join(each.call)
        return self

    def __exit__(self, *_: object) -> None:
        for each in [*self._watched]:
            self.leave(each)

    def leave(self, watched: AsyncWatchedCall) -> None:
        """Stops waiting for one of the calls."""
        del self._watched[watched]
        watched.watcher.leave(watched.call)

    async def poll(self, deadline: float, interval: float | None = None, *, soon: bool = False) -> bool:
        """Waits until a poll is due and polls, or returns earlier when another waiter's poll has settled one of the calls.

        Args:
            deadline: When the wait is to end.
            interval: The seconds between two polls; None for the interval that all waiters share.
            soon: Whether to poll soon in any case.

        Returns:
            Whether there is time for another poll.

        Raises:
            MinCloudError: What a poll can raise.
        """
        last_poll = deadline - _LAST_POLL
        by_watcher: dict[AsyncJobWatcher, list[AsyncWatchedCall]] = {}
        for each in self._watched:
            if not each.is_settled:
                by_watcher.setdefault(each.watcher, []).append(each)
        due = min(
            max(watcher.next_poll([each.call for each in some], interval), watcher.blocked_until)
            for watcher, some in by_watcher.items()
        )
        if soon:
            due = min(due, time.monotonic() + _FIRST_INTERVAL)
        due = min(max(due, time.monotonic()), last_poll)
        settled = self._count_settled()
        while (left := due - time.monotonic()) > 0:
            await sleep(min(left, _CHECK_INTERVAL))
            if self._is_abandoned():
                return False
            if self._count_settled() > settled:
                return True
        needless_since = due if due < last_poll else due - _RECENTLY
        for watcher, some in by_watcher.items():
            await watcher.poll(some[0].polling_pipeline(), due=needless_since, deadline=deadline)
        return time.monotonic() < last_poll

    def _count_settled(self) -> int:
        return sum(each.is_settled for each in self._watched)
