"""Looks for the jobs of calls that are not waited for, in one request for all who wait at the same time."""

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
from .._job_matching import PATIENCE, JobLog, JobMatcher, ServiceClock, has_ended
from .._paging import MOST_PER_PAGE
from .._retries import GATEWAY_ERRORS, TOO_MANY_REQUESTS
from ..errors import APIError, InvalidResponse, RequestTimeout, TransportError
from .jobs import fetch_log, job_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from mincloud_api.models.job import Job

    from .._job_matching import PendingCall
    from .pipeline import AsyncPipeline

# The seconds between two looks: so many at first, then more and more. Within a minute these are 19 looks.
_FIRST_INTERVAL = 0.3
_INTERVAL_GROWTH = 1.3
_LONGEST_INTERVAL = 5.0
# The most, once a call was triggered while others are waited for.
_INTERVAL_WHEN_JOINED = 1.0
# A call that was triggered before the last look has quick looks of its own, unless there were so many of them in a minute.
_QUICK_LOOKS_PER_MINUTE = 15
_MINUTE = 60.0
# A last look is worth it when so much time is left for its answer.
_LAST_LOOK = 0.05
# So recent a look of another waiter makes a last look needless.
_RECENTLY = 0.25
# Who sleeps until the next look hears within this time of what another's look found.
_NAP = 0.25
# A log that takes longer counts as not to be had.
_LOG_TIMEOUT = 5.0
_LOGS_AT_ONCE = 8
_MISSED_LOOK = GATEWAY_ERRORS | {TOO_MANY_REQUESTS}


class AsyncJobWatcher:
    """Watches the jobs of one function in one environment, for all runs of a client and of its copies.

    Attributes:
        function: The function's name.
        clock: The service's clock.
        matcher: The runs' calls and their jobs.
        looked_at: When the jobs were listed last, on the clock of `time.monotonic()`.
        closed_until: Until when the service asked not to be asked again.
    """

    def __init__(self, function: str, clock: ServiceClock) -> None:
        self.function = function
        self.clock = clock
        self.matcher = JobMatcher()
        self.looked_at = -math.inf
        self.closed_until = -math.inf
        self._lock = make_lock()
        self._interval = _FIRST_INTERVAL
        self._recent_looks: deque[float] = deque(maxlen=_QUICK_LOOKS_PER_MINUTE)

    def join(self, call: PendingCall) -> None:
        """Notes that a call is waited for, too. What joins has to `leave`."""
        is_first = self.matcher.add_waiter(call)
        if call.has_ended or call.looked_in:
            return
        if call.triggered_at <= self.looked_at and self._had_many_looks():
            return
        self._interval = _FIRST_INTERVAL if is_first else min(self._interval, _INTERVAL_WHEN_JOINED)

    def leave(self, call: PendingCall) -> None:
        """Notes that a call is waited for by one less."""
        self.matcher.remove_waiter(call)

    def _had_many_looks(self) -> bool:
        looks = self._recent_looks
        return len(looks) == _QUICK_LOOKS_PER_MINUTE and time.monotonic() - looks[0] < _MINUTE

    def next_look(self, calls: Sequence[PendingCall], interval: float | None) -> float:
        """When to look for calls.

        Args:
            calls: The calls.
            interval: The seconds between two looks; None for those that all share.
        """
        if interval is None:
            interval = min(self._interval, PATIENCE) if self.matcher.holds_back else self._interval
        since = max(call.triggered_at for call in calls)
        return max(self.looked_at, since) + interval

    def misses_jobs(self, seconds: float) -> bool:
        """Whether calls of the latest seconds outnumber the jobs that could be theirs, so that one is not listed yet."""
        return self.matcher.misses_jobs(time.monotonic() - seconds)

    async def look(self, pipeline: AsyncPipeline, *, due: float, deadline: float) -> None:
        """Looks for all calls that are waited for, unless another waiter did so meanwhile. A look may miss.

        Args:
            pipeline: What carries out the requests.
            due: A look that was made then or later makes this one needless.
            deadline: When it must have ended.

        Raises:
            APIError: The service answered with an error that does not pass by itself.
            InvalidResponse: The service answered with something else than jobs.
            ClientClosed: The client was closed.
        """
        before = self.looked_at
        lock = await self._lock.get()
        if not await acquire(lock, deadline - time.monotonic()):
            return
        try:
            if before == self.looked_at < due and time.monotonic() >= self.closed_until:
                await self._look(pipeline, deadline)
        finally:
            lock.release()

    async def _look(self, pipeline: AsyncPipeline, deadline: float) -> None:
        started = time.monotonic()
        calls = self.matcher.sought()
        if not calls:
            return
        try:
            jobs = await self._listed(pipeline, calls, deadline)
        except (TransportError, APIError) as error:
            if isinstance(error, APIError) and error.status not in _MISSED_LOOK:
                raise
            if isinstance(error, RequestTimeout) and time.monotonic() >= deadline - _LAST_LOOK:
                return  # for lack of this caller's time; the others have theirs
            if isinstance(error, APIError) and error.retry_after is not None:
                self.closed_until = time.monotonic() + error.retry_after
            self._note_look(started)
            return
        self._note_look(started)
        unread = self.matcher.unread(jobs)
        for job, log in await read_logs(pipeline, unread, deadline):
            self.matcher.note_log(job, log)
        self.matcher.match(jobs, calls)

    def _note_look(self, started: float) -> None:
        self.looked_at = started
        self._recent_looks.append(started)
        self._interval = min(self._interval * _INTERVAL_GROWTH, _LONGEST_INTERVAL)

    async def _listed(self, pipeline: AsyncPipeline, calls: Sequence[PendingCall], deadline: float) -> list[Job]:
        """The jobs of a time that has those of some calls."""
        since, until = _time_of(calls)
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
        async with aclosing(pages.pages()) as read:
            async for page in read:
                received_at = time.monotonic()
                for job in page.items:
                    self.clock.note(max(job.created_at or 0.0, job.finished_at or 0.0), received_at)
                jobs.extend(page.items)
                if since is None:  # with no clock to go by, the newest have to do
                    break
        return jobs

    async def refresh(self, pipeline: AsyncPipeline, call: PendingCall, deadline: float) -> None:
        """Looks at the job of one call anew, which gives the address of its log anew, too.

        Raises:
            APIError: The service answered with an error.
            TransportError: The service could not be reached.
            InvalidResponse: The service answered with something else than jobs.
        """
        self.matcher.renew(await self._listed(pipeline, [call], deadline), call)


async def read_logs(pipeline: AsyncPipeline, jobs: Sequence[Job], deadline: float) -> list[tuple[Job, JobLog]]:
    """Reads the logs of jobs, several at once.

    Args:
        pipeline: What carries out the requests.
        jobs: The jobs.
        deadline: When all must have ended, on the clock of `time.monotonic()`; those for which there was no time are left out.
    """
    logs: list[tuple[Job, JobLog]] = []

    async def read(job: Job) -> None:
        asked_at = time.monotonic()
        limit = min(_LOG_TIMEOUT, (deadline - asked_at) / 2)
        if limit <= 0:
            return
        text: str | None = None
        with suppress(TransportError, APIError, InvalidResponse):  # then it is not to be had
            text = await fetch_log(pipeline, job, deadline=asked_at + limit)
        logs.append((job, JobLog(None if text is None else logged_data(text), text, has_ended(job), asked_at)))

    at_once = min(_LOGS_AT_ONCE, max(1, len(jobs)))
    async with aclosing(bounded_map(read, jobs, concurrency=at_once, window=at_once, ordered=False)) as results:
        async for _ in results:
            pass
    return logs


def _time_of(calls: Sequence[PendingCall]) -> tuple[float | None, float | None]:
    """A time in which the jobs of calls were created; None twice if it has no bounds."""
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
    """A call with what looks for its job.

    Attributes:
        pipeline: What carries out the requests.
        watcher: What looks.
        call: The call.
    """

    pipeline: AsyncPipeline
    watcher: AsyncJobWatcher
    call: PendingCall

    def look_pipeline(self) -> AsyncPipeline:
        """What carries out its looks: it tries once, since there will be another look."""
        return self.pipeline.with_options(self.pipeline.options.changed(max_retries=0))

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to look for any more."""
        return self.call.has_ended or self.call.is_ambiguous


class AsyncWait:
    """Looks for calls again and again, together with all others that wait; a context manager.

    Args:
        watched: The calls.
        is_left: Whether nobody wants to know any more, so that the time is over.
    """

    def __init__(self, watched: Iterable[AsyncWatchedCall], is_left: Callable[[], bool] = lambda: False) -> None:
        self._watched = dict.fromkeys(watched)
        self._is_left = is_left

    def __enter__(self) -> Self:
        for each in self._watched:
            each.watcher.join(each.call)
        return self

    def __exit__(self, *_: object) -> None:
        for each in [*self._watched]:
            self.leave(each)

    def leave(self, watched: AsyncWatchedCall) -> None:
        """Waits no longer for a call."""
        del self._watched[watched]
        watched.watcher.leave(watched.call)

    async def look(self, deadline: float, interval: float | None = None, *, soon: bool = False) -> bool:
        """Waits until a look is due, and looks; both only until another's look has settled one of the calls.

        Args:
            deadline: When the wait is to end.
            interval: The seconds between two looks; None for those that all share.
            soon: Whether to look soon in any case.

        Returns:
            Whether there is time for another look.

        Raises:
            MinCloudError: What a look can raise.
        """
        last_look = deadline - _LAST_LOOK
        by_watcher: dict[AsyncJobWatcher, list[AsyncWatchedCall]] = {}
        for each in self._watched:
            if not each.is_settled:
                by_watcher.setdefault(each.watcher, []).append(each)
        due = min(
            max(watcher.next_look([each.call for each in some], interval), watcher.closed_until)
            for watcher, some in by_watcher.items()
        )
        if soon:
            due = min(due, time.monotonic() + _FIRST_INTERVAL)
        due = min(max(due, time.monotonic()), last_look)
        settled = self._count_settled()
        while (left := due - time.monotonic()) > 0:
            await sleep(min(left, _NAP))
            if self._is_left():
                return False
            if self._count_settled() > settled:
                return True
        needless = due if due < last_look else due - _RECENTLY
        for watcher, some in by_watcher.items():
            await watcher.look(some[0].look_pipeline(), due=needless, deadline=deadline)
        return time.monotonic() < last_look

    def _count_settled(self) -> int:
        return sum(each.is_settled for each in self._watched)
