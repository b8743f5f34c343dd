"""Matches jobs to triggered calls; the API returns no job id.

A job belongs to a call when its log shows the data that the call was sent. Where a log shows nothing, the job's time decides, and several
fitting jobs are an error rather than a guess. This module does no I/O.
"""

from __future__ import annotations

import math
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from mincloud_api.models.job_status import JobStatus

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from mincloud_api.models.job import Job

    from ._job_logs import LoggedForm

Key = TypeVar("Key")
Value = TypeVar("Value")

# Calls and jobs can be mistaken for each other only within seconds; this is more than a client triggers in that time.
_REMEMBERED = 10_000
# A job may be recorded a little after its call was accepted.
RECORDED_WITHIN = 2.0
# So many seconds after a call was accepted its job should be listed.
LISTED_WITHIN = 3.0
# How many seconds a match is deferred for while the unread logs of other jobs could show the same data.
LOG_PATIENCE = 1.0
_FINAL = frozenset(JobStatus) - {JobStatus.WAITING, JobStatus.EXECUTING}

_lock = [threading.Lock()]
if hasattr(os, "register_at_fork"):
    # A lock that another thread held at the moment of the fork would stay held in the child.
    os.register_at_fork(after_in_child=lambda: _lock.__setitem__(0, threading.Lock()))


def has_ended(job: Job) -> bool:
    """Whether a job's status is final; an unknown one is not."""
    return job.status in _FINAL


def accepted_between(date: float | None, took: float) -> tuple[float | None, float | None]:
    """The earliest and latest time at which the job of a call was created, in Unix seconds by the service's clock; None if unknown.

    Args:
        date: The time in the response's `Date` header, in whole seconds.
        took: The seconds from sending the call to its response.
    """
    return (None, None) if date is None else (date - took, date + 1 + RECORDED_WITHIN)


@dataclass(slots=True)
class JobLog:
    """What is known of a job's log.

    Attributes:
        logged_form: What the log shows of the data that its call was sent; None if it shows nothing.
        text: The text; None if it is unavailable, or that of another program's call.
        is_complete: Whether the job had ended when the log was requested.
        read_at: When it was requested, on the clock of `time.monotonic()`.
    """

    logged_form: LoggedForm | None
    text: str | None = field(repr=False)
    is_complete: bool
    read_at: float


@dataclass(slots=True, eq=False, weakref_slot=True)
class PendingCall:
    """A triggered call and what is known of its job; compared by identity.

    Attributes:
        key: A random id of the call, which holds across processes.
        since: When its job was created at the earliest, in Unix seconds by the service's clock; None if unknown.
        until: When its job was created at the latest; None if unknown.
        logged_form: What a log shows of the data that was sent; None if a log cannot show it.
        triggered_at: When the call was accepted, on the clock of `time.monotonic()`.
        job: Its job as last listed; None until it is certain which it is.
        log: The log of its job, if it was fetched.
        candidates: The jobs that could be its own, as last listed.
        is_ambiguous: Whether there are several candidates and their logs cannot tell any more which it is.
        waiters: How many wait for it.
        polled_in: The number of the latest poll that included it; 0 for none.
        ended_in: The number of the poll that showed its job ended.
    """

    key: str
    since: float | None
    until: float | None
    logged_form: LoggedForm | None
    triggered_at: float = -math.inf
    job: Job | None = None
    log: JobLog | None = field(default=None, repr=False)
    candidates: list[Job] = field(default_factory=list["Job"], repr=False)
    is_ambiguous: bool = False
    waiters: int = 0
    polled_in: int = 0
    ended_in: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether its job is known and has ended."""
        return self.job is not None and has_ended(self.job)

    def fits_time_of(self, job: Job) -> bool:
        """Whether a job was created when this call's was."""
        if job.created_at is None or self.since is None or self.until is None:
            return True
        return self.since <= job.created_at <= self.until

    def overlaps(self, other: PendingCall) -> bool:
        """Whether a job could fit the time of both calls."""
        if self.since is None or self.until is None or other.since is None or other.until is None:
            return True
        return self.since <= other.until and other.since <= self.until


class ServiceClock:
    """A lower bound of the service's time, from the times in its responses."""

    def __init__(self) -> None:
        self._ahead = -math.inf

    def observe(self, shown: float, monotonic: float) -> None:
        """Learns from a response that came at a time of `time.monotonic()` and shows a time of the service, in Unix seconds."""
        self._ahead = max(self._ahead, shown - monotonic)

    def earliest(self, monotonic: float) -> float:
        """The service's time at a time of `time.monotonic()`, or a little before it."""
        return monotonic + self._ahead


class JobMatcher:
    """Matches the calls of one function in one environment to their jobs, for all threads and tasks of a client.

    Attributes:
        polls: How many times the jobs were listed.
        defers_matches: Whether a match is deferred until the logs of other jobs of the same time are read.
    """

    def __init__(self) -> None:
        self.polls = 0
        self.defers_matches = False
        self._logs: dict[int, JobLog] = {}
        self._logs_tell = False
        self._pending: dict[str, PendingCall] = {}
        # Weak, since a call holds the text of its log: one that the program has dropped is not kept.
        self._found: WeakValueDictionary[str, PendingCall] = WeakValueDictionary()
        self._taken: dict[int, str] = {}
        self._waited_for: dict[PendingCall, None] = {}

    def register(self, call: PendingCall) -> PendingCall:
        """Registers a call; returns the one that is registered with its key or job already, if there is one."""
        with _lock[0]:
            known = self._pending.get(call.key) or self._found.get(call.key)
            if known is None and call.job is not None:
                known = self._found.get(self._taken.get(call.job.id, ""))
            if known is not None:
                return known
            if call.job is None:
                self._pending[call.key] = call
                _forget_oldest(self._pending)
            else:
                self._assign(call.job, call)
            return call

    def add_waiter(self, call: PendingCall) -> bool:
        """Adds a waiter for a call; returns whether it is the only one for any call."""
        with _lock[0]:
            is_first = not self._waited_for
            if not call.waiters:
                call.is_ambiguous = False  # it is to be matched anew
            call.waiters += 1
            self._waited_for[call] = None
            return is_first

    def remove_waiter(self, call: PendingCall) -> None:
        """Removes a waiter for a call."""
        with _lock[0]:
            call.waiters -= 1
            if not call.waiters:
                self._waited_for.pop(call, None)

    def calls_to_match(self) -> list[PendingCall]:
        """The calls that are waited for and those whose job could be mistaken for one of theirs."""
        with _lock[0]:
            wanted = [call for call in self._waited_for if not call.has_ended]
            unmatched = [call for call in wanted if call.job is None]
            others = [
                call
                for call in self._pending.values()
                if not call.waiters and any(call.overlaps(each) for each in unmatched)
            ]
        return wanted + others

    def unread(self, jobs: Iterable[Job]) -> list[Job]:
        """The jobs whose unread log may tell something about the calls that are waited for."""
        with _lock[0]:
            unmatched = [call for call in self._waited_for if call.job is None]
            return [
                job
                for job in jobs
                if job.id not in self._taken
                and self._may_be_read(job)
                and any(call.fits_time_of(job) for call in unmatched)
            ]

    def add_log(self, job: Job, log: JobLog) -> None:
        """Adds what is known of a job's log."""
        with _lock[0]:
            self._logs[job.id] = log
            self._logs_tell = self._logs_tell or log.logged_form is not None
            _forget_oldest(self._logs)

    def match(self, jobs: Iterable[Job], calls: Sequence[PendingCall]) -> None:
        """Matches all jobs of a time to the calls of `calls_to_match`, as far as it is certain."""
        with _lock[0]:
            self.polls += 1
            self.defers_matches = False
            unassigned: list[Job] = []
            for job in jobs:
                key = self._taken.get(job.id)
                if key is None:
                    unassigned.append(job)
                elif (resumed := self._pending.get(key)) is not None:
                    self._assign(job, resumed)
                elif (owner := self._found.get(key)) is not None and not (
                    owner.job is not None and owner.has_ended and owner.job.user_log_url
                ):
                    owner.job = job
            unmatched = [call for call in calls if call.job is None]
            for call in unmatched:
                call.is_ambiguous = False
            self._match_by_logs(unassigned, unmatched)
            self._match_by_time(unassigned, unmatched)
            for call in calls:
                call.polled_in = self.polls
                if call.has_ended and not call.ended_in:
                    call.ended_in = self.polls
            self._forget_texts(unassigned, unmatched)

    def misses_jobs(self, since: float) -> bool:
        """Whether there are more unmatched calls than jobs for them, and one was triggered since a time of `time.monotonic()`."""
        with _lock[0]:
            unmatched = [call for call in self._waited_for if call.job is None]
        if not any(call.triggered_at > since for call in unmatched):
            return False
        return len({job.id for call in unmatched for job in call.candidates}) < len(unmatched)

    def update_job(self, call: PendingCall, jobs: Iterable[Job]) -> None:
        """Updates a call's job from a list, if it is there."""
        with _lock[0]:
            known = call.job
            call.job = next((job for job in jobs if known is not None and job.id == known.id), known)

    def has_unread_log(self, job: Job) -> bool:
        """Whether a job has ended and its log, still unread, may show what its call was sent."""
        return has_ended(job) and self._log_may_tell(job)

    def _match_by_logs(self, unassigned: list[Job], unmatched: list[PendingCall]) -> None:
        shown: dict[Hashable, list[Job]] = {}
        for job in unassigned:
            if (logged_form := self._logged_by(job)) is not None:
                shown.setdefault(logged_form, []).append(job)
        sent: dict[Hashable, list[PendingCall]] = {}
        for call in unmatched:
            if call.logged_form is not None and call.logged_form in shown:
                sent.setdefault(call.logged_form, []).append(call)
        unread = [job for job in unassigned if self._log_may_tell(job)]
        for logged_form, all_calls in sent.items():
            for calls, jobs in _groups(all_calls, shown[logged_form]):
                if len(jobs) > len(calls):
                    for call in calls:
                        call.is_ambiguous = True
                        call.candidates = [job for job in jobs if call.fits_time_of(job)]
                    continue
                ready = jobs
                if _may_become_ambiguous(calls, jobs, unread, unmatched):
                    ready = [job for job in jobs if time.monotonic() - self._logs[job.id].read_at >= LOG_PATIENCE]
                    self.defers_matches = self.defers_matches or len(ready) < len(jobs)
                for job, call in _pairs(ready, calls):
                    self._assign(job, call)

    def _match_by_time(self, unassigned: list[Job], unmatched: list[PendingCall]) -> None:
        unmatched = [call for call in unmatched if call.job is None]
        unassigned = [job for job in unassigned if job.id not in self._taken]
        for call in unmatched:
            if not call.is_ambiguous:
                call.candidates = [job for job in unassigned if self._may_own(call, job)]
        # A job that is found leaves one less for the other calls.
        while (
            found := next((call for call in unmatched if self._is_found_by_time(call, unmatched)), None)
        ) is not None:
            job = found.candidates[0]
            self._assign(job, found)
            unmatched.remove(found)
            for call in unmatched:
                call.candidates = [each for each in call.candidates if each.id != job.id]
        for call in unmatched:
            logged = [self._logged_by(job) is not None for job in call.candidates]
            if any(self._log_may_tell(job) for job in call.candidates) or (
                any(logged) and call.logged_form is not None
            ):
                continue  # a log may yet tell, or the match is deferred
            call.is_ambiguous = call.is_ambiguous or len(logged) > 1

    def _is_found_by_time(self, call: PendingCall, unmatched: list[PendingCall]) -> bool:
        """Whether the only candidate of a call is its job, since all jobs of this client's other calls are there."""
        # Of the calls without a waiter, not all competitors are known here.
        if len(call.candidates) != 1 or not call.waiters:
            return False
        if call.logged_form is not None and self._logged_by(call.candidates[0]) is not None:
            return False  # the match by its log is deferred
        competitors = [other for other in unmatched if other is not call and other.overlaps(call)]
        contested = {job.id: job for each in [call, *competitors] for job in each.candidates}
        if len(contested) <= len(competitors) or any(self._log_may_tell(job) for job in contested.values()):
            return False
        # Where other logs show the data, that of the job which is listed next may show it, too.
        is_early = self._logs_tell and time.monotonic() - call.triggered_at < LISTED_WITHIN
        self.defers_matches = self.defers_matches or is_early
        return not is_early

    def _may_own(self, call: PendingCall, job: Job) -> bool:
        logged_form = self._logged_by(job)
        return call.fits_time_of(job) and (
            logged_form is None or call.logged_form is None or logged_form == call.logged_form
        )

    def _logged_by(self, job: Job) -> LoggedForm | None:
        log = self._logs.get(job.id)
        return None if log is None else log.logged_form

    def _may_be_read(self, job: Job) -> bool:
        """Whether requesting a job's log may show more than is known."""
        if not job.user_log_url:
            return False
        log = self._logs.get(job.id)
        return log is None or (log.logged_form is None and has_ended(job) and not log.is_complete)

    def _log_may_tell(self, job: Job) -> bool:
        """Whether a job's log, still unread or incomplete, may show what its call was sent."""
        return self._logged_by(job) is None and (not has_ended(job) or self._may_be_read(job))

    def _assign(self, job: Job, call: PendingCall) -> None:
        self._taken[job.id] = call.key
        call.job = job
        call.log = self._logs.pop(job.id, call.log)
        call.candidates = []
        call.is_ambiguous = False
        self._pending.pop(call.key, None)
        self._found[call.key] = call
        _forget_oldest(self._taken)

    def _forget_texts(self, unassigned: list[Job], unmatched: list[PendingCall]) -> None:
        """Drops the log texts of other programs' calls, and keeps their logged form."""
        candidates = {job.id for call in unmatched for job in call.candidates}
        for job in unassigned:
            log = self._logs.get(job.id)
            if log is not None and job.id not in candidates:
                log.text = None


def _groups(calls: list[PendingCall], jobs: list[Job]) -> list[tuple[list[PendingCall], list[Job]]]:
    """Splits calls and jobs of equal data into groups, so that no job fits the time of calls in two groups."""
    groups: list[tuple[list[PendingCall], list[Job]]] = []
    for call in calls:
        joined_calls, joined_jobs = [call], [job for job in jobs if call.fits_time_of(job)]
        apart: list[tuple[list[PendingCall], list[Job]]] = []
        for some_calls, some_jobs in groups:
            if any(job in joined_jobs for job in some_jobs):
                joined_calls = some_calls + joined_calls
                joined_jobs = some_jobs + [job for job in joined_jobs if job not in some_jobs]
            else:
                apart.append((some_calls, some_jobs))
        groups = [*apart, (joined_calls, joined_jobs)]
    return [group for group in groups if group[1]]


def _may_become_ambiguous(
    calls: list[PendingCall], jobs: list[Job], unread: list[Job], unmatched: list[PendingCall]
) -> bool:
    """Whether more jobs with unread logs than other calls are left, so that one of them may show the same data."""
    possible = [job for job in unread if any(call.fits_time_of(job) for call in calls)]
    others = [
        call
        for call in unmatched
        if call.job is None and call not in calls and any(call.fits_time_of(job) for job in possible)
    ]
    return len(possible) > len(others) + len(calls) - len(jobs)


def _pairs(jobs: list[Job], calls: list[PendingCall]) -> list[tuple[Job, PendingCall]]:
    """Pairs jobs with calls whose time they fit; calls with waiters come first."""
    left = sorted(calls, key=lambda call: (not call.waiters, math.inf if call.until is None else call.until))
    pairs: list[tuple[Job, PendingCall]] = []
    for job in sorted(jobs, key=lambda job: (job.created_at or 0.0, job.id)):
        call = next((call for call in left if call.fits_time_of(job)), None)
        if call is not None:
            left.remove(call)
            pairs.append((job, call))
    return pairs


def _forget_oldest(known: dict[Key, Value]) -> None:
    if len(known) > _REMEMBERED:
        for oldest in [*known][: len(known) - _REMEMBERED]:
            known.pop(oldest, None)
