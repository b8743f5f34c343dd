"""Matches jobs to triggered calls; the API returns no job id.

A job's log shows what the call was sent, so a job belongs to a call when its log shows the call's data. Where a log tells nothing, the
time of the job decides, and several fitting jobs are an error of the call rather than a guess. No requests are made here.
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

    from ._job_logs import Visible

Key = TypeVar("Key")
Value = TypeVar("Value")

# Calls and jobs can be mistaken for each other only within seconds; this is more than a client triggers in such a time.
_REMEMBERED = 10_000
# A job may be recorded a little after its call was accepted.
RECORDED_WITHIN = 2.0
# So many seconds after a call was accepted its job should be listed.
LISTED_WITHIN = 3.0
# Where other jobs of the same time may still come to show the same data, one that shows it is taken after so many seconds.
PATIENCE = 1.0
_FINAL = frozenset(JobStatus) - {JobStatus.WAITING, JobStatus.EXECUTING}

_lock = [threading.Lock()]
if hasattr(os, "register_at_fork"):
    # A lock that another thread held at the moment of the fork would stay held in the child.
    os.register_at_fork(after_in_child=lambda: _lock.__setitem__(0, threading.Lock()))


def has_ended(job: Job) -> bool:
    """Whether a job's status is final; one that is not known is not."""
    return job.status in _FINAL


def accepted_between(date: float | None, took: float) -> tuple[float | None, float | None]:
    """When the job of a call can have been created, in Unix seconds by the service's clock; None twice if it has none.

    Args:
        date: The time in the answer's Date header, whole seconds.
        took: The seconds from sending the call to its answer.
    """
    return (None, None) if date is None else (date - took, date + 1 + RECORDED_WITHIN)


@dataclass(slots=True)
class JobLog:
    """What is known of a job's log.

    Attributes:
        visible: What the log shows of the data that its call was sent; None if it tells nothing.
        text: The text; None if it could not be had, or is no call's of this client.
        is_complete: Whether the job had ended when the log was asked for.
        read_at: When it was asked for, on the clock of `time.monotonic()`.
    """

    visible: Visible | None
    text: str | None = field(repr=False)
    is_complete: bool
    read_at: float


@dataclass(slots=True, eq=False, weakref_slot=True)
class PendingCall:
    """A call and what is known of its job; each of them is equal only to itself.

    Attributes:
        key: What tells the call from all others, also in other processes.
        since: When its job was created at the earliest, in Unix seconds by the service's clock; None if that is not known.
        until: The same at the latest.
        visible: What a log shows of the data that was sent; None if that cannot be told.
        triggered_at: When the call was accepted, on the clock of `time.monotonic()`.
        job: Its job as it was last seen; None until it is sure which it is.
        log: The log of its job, if it was fetched.
        candidates: The jobs that could be its own, as they were last seen.
        is_ambiguous: Whether there are several candidates and their logs cannot tell any more which it is.
        waiters: How many wait for it.
        looked_in: The number of the last look that was for it, too; 0 if there was none.
        ended_in: The number of the look that showed its job at its end.
    """

    key: str
    since: float | None
    until: float | None
    visible: Visible | None
    triggered_at: float = -math.inf
    job: Job | None = None
    log: JobLog | None = field(default=None, repr=False)
    candidates: list[Job] = field(default_factory=list["Job"], repr=False)
    is_ambiguous: bool = False
    waiters: int = 0
    looked_in: int = 0
    ended_in: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether its job is known and has ended."""
        return self.job is not None and has_ended(self.job)

    def may_be(self, job: Job) -> bool:
        """Whether a job of the function was created when this call's was."""
        if job.created_at is None or self.since is None or self.until is None:
            return True
        return self.since <= job.created_at <= self.until

    def overlaps(self, other: PendingCall) -> bool:
        """Whether a job could be this call's and the other's by its time."""
        if self.since is None or self.until is None or other.since is None or other.until is None:
            return True
        return self.since <= other.until and other.since <= self.until


class ServiceClock:
    """What time it is for the service at the earliest, from the times that its answers show."""

    def __init__(self) -> None:
        self._ahead = -math.inf

    def note(self, shown: float, monotonic: float) -> None:
        """Notes that an answer which came at a time of `time.monotonic()` shows a time of the service's, in Unix seconds."""
        self._ahead = max(self._ahead, shown - monotonic)

    def earliest(self, monotonic: float) -> float:
        """The service's time at a time of `time.monotonic()`, or a little before it."""
        return monotonic + self._ahead


class JobMatcher:
    """The calls of one function in one environment and the jobs that were found for them; for all threads and tasks of a client.

    Attributes:
        looks: How many times the jobs were listed.
        holds_back: Whether a job that shows a call's data is not taken yet, since others of its time may come to show the same.
    """

    def __init__(self) -> None:
        self.looks = 0
        self.holds_back = False
        self._logs: dict[int, JobLog] = {}
        self._logs_tell = False
        self._pending: dict[str, PendingCall] = {}
        # A call holds the text of its log, so one that nobody has any more is not kept for its job's sake.
        self._found: WeakValueDictionary[str, PendingCall] = WeakValueDictionary()
        self._taken: dict[int, str] = {}
        self._waited_for: dict[PendingCall, None] = {}

    def expect(self, call: PendingCall) -> PendingCall:
        """Notes a call; gives the one that is known by its key or its job, if there is one."""
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
        """Notes that one more waits for a call; whether nobody waited for any call before."""
        with _lock[0]:
            is_first = not self._waited_for
            if not call.waiters:
                call.is_ambiguous = False  # it is looked for anew
            call.waiters += 1
            self._waited_for[call] = None
            return is_first

    def remove_waiter(self, call: PendingCall) -> None:
        """Notes that one less waits for a call."""
        with _lock[0]:
            call.waiters -= 1
            if not call.waiters:
                self._waited_for.pop(call, None)

    def sought(self) -> list[PendingCall]:
        """The calls that a look is for: those that are waited for, and others whose job could be taken for one of theirs."""
        with _lock[0]:
            wanted = [call for call in self._waited_for if not call.has_ended]
            unsure = [call for call in wanted if call.job is None]
            others = [
                call
                for call in self._pending.values()
                if not call.waiters and any(call.overlaps(each) for each in unsure)
            ]
        return wanted + others

    def unread(self, jobs: Iterable[Job]) -> list[Job]:
        """The jobs whose log may tell something about the calls that are waited for, and was not read yet."""
        with _lock[0]:
            unsure = [call for call in self._waited_for if call.job is None]
            return [
                job
                for job in jobs
                if job.id not in self._taken and self._may_be_read(job) and any(call.may_be(job) for call in unsure)
            ]

    def note_log(self, job: Job, log: JobLog) -> None:
        """Notes what came of asking for a job's log."""
        with _lock[0]:
            self._logs[job.id] = log
            self._logs_tell = self._logs_tell or log.visible is not None
            _forget_oldest(self._logs)

    def match(self, jobs: Iterable[Job], calls: Sequence[PendingCall]) -> None:
        """Matches listed jobs with calls, as far as it is sure.

        Args:
            jobs: All jobs of a time.
            calls: The calls that were sought, whose jobs are among these or not listed yet.
        """
        with _lock[0]:
            self.looks += 1
            self.holds_back = False
            free: list[Job] = []
            for job in jobs:
                key = self._taken.get(job.id)
                if key is None:
                    free.append(job)
                elif (resumed := self._pending.get(key)) is not None:
                    self._assign(job, resumed)
                elif (owner := self._found.get(key)) is not None and not (
                    owner.job is not None and owner.has_ended and owner.job.user_log_url
                ):
                    owner.job = job
            unsure = [call for call in calls if call.job is None]
            for call in unsure:
                call.is_ambiguous = False
            self._match_by_logs(free, unsure)
            self._match_by_time(free, unsure)
            for call in calls:
                call.looked_in = self.looks
                if call.has_ended and not call.ended_in:
                    call.ended_in = self.looks
            self._forget_texts(free, unsure)

    def misses_jobs(self, since: float) -> bool:
        """Whether calls that are waited for are more than the jobs that could be theirs, and one was accepted since a time."""
        with _lock[0]:
            unsure = [call for call in self._waited_for if call.job is None]
        candidates = {job.id for call in unsure for job in call.candidates}
        return len(candidates) < len(unsure) and any(call.triggered_at > since for call in unsure)

    def renew(self, jobs: Iterable[Job], call: PendingCall) -> None:
        """Renews what is known of a call's job, if it is among some that were listed."""
        with _lock[0]:
            known = call.job
            call.job = next((job for job in jobs if known is not None and job.id == known.id), known)

    def may_tell(self, job: Job) -> bool:
        """Whether a job has ended and its log is still to be read."""
        return has_ended(job) and self._is_untold(job)

    def _match_by_logs(self, free: list[Job], unsure: list[PendingCall]) -> None:
        shown: dict[Hashable, list[Job]] = {}
        for job in free:
            if (visible := self._shown_by(job)) is not None:
                shown.setdefault(visible, []).append(job)
        sent: dict[Hashable, list[PendingCall]] = {}
        for call in unsure:
            if call.visible is not None and call.visible in shown:
                sent.setdefault(call.visible, []).append(call)
        for visible, all_calls in sent.items():
            for calls, jobs in _groups(all_calls, shown[visible]):
                if len(jobs) > len(calls):
                    for call in calls:
                        call.is_ambiguous = True
                        call.candidates = [job for job in jobs if call.may_be(job)]
                    continue
                ready = jobs
                if self._may_become_ambiguous(calls, jobs, free, unsure):
                    ready = [job for job in jobs if time.monotonic() - self._logs[job.id].read_at >= PATIENCE]
                    self.holds_back = self.holds_back or len(ready) < len(jobs)
                for job, call in _pairs(ready, calls):
                    self._assign(job, call)

    def _may_become_ambiguous(
        self, calls: list[PendingCall], jobs: list[Job], free: list[Job], unsure: list[PendingCall]
    ) -> bool:
        """Whether jobs that show nothing yet are too many for the other calls, so that one may come to show the same data."""
        untold = [job for job in free if self._is_untold(job) and any(call.may_be(job) for call in calls)]
        others = [call for call in unsure if call not in calls and any(call.may_be(job) for job in untold)]
        return len(untold) > len(others) + len(calls) - len(jobs)

    def _match_by_time(self, free: list[Job], unsure: list[PendingCall]) -> None:
        unsure = [call for call in unsure if call.job is None]
        free = [job for job in free if job.id not in self._taken]
        for call in unsure:
            if not call.is_ambiguous:
                call.candidates = [job for job in free if self._may_own(call, job)]
        # A job that is found leaves one less for the other calls.
        while (found := next((call for call in unsure if self._is_found_by_time(call, unsure)), None)) is not None:
            job = found.candidates[0]
            self._assign(job, found)
            unsure.remove(found)
            for call in unsure:
                call.candidates = [each for each in call.candidates if each.id != job.id]
        for call in unsure:
            told = [self._shown_by(job) is not None for job in call.candidates]
            if any(self._is_untold(job) for job in call.candidates) or (any(told) and call.visible is not None):
                continue  # a log may yet tell, or the call's job is held back
            call.is_ambiguous = call.is_ambiguous or len(told) > 1

    def _is_found_by_time(self, call: PendingCall, unsure: list[PendingCall]) -> bool:
        """Whether the only candidate of a call is its job, since no job of another call of this client is missing."""
        # Of the calls that nobody waits for, not all rivals are known here.
        if len(call.candidates) != 1 or not call.waiters:
            return False
        if call.visible is not None and self._shown_by(call.candidates[0]) is not None:
            return False  # it is held back
        rivals = [other for other in unsure if other is not call and other.overlaps(call)]
        contested = {job.id: job for each in [call, *rivals] for job in each.candidates}
        if len(contested) <= len(rivals) or any(self._is_untold(job) for job in contested.values()):
            return False
        # Where other logs tell, this one's own may do so, too, once it is listed.
        is_early = self._logs_tell and time.monotonic() - call.triggered_at < LISTED_WITHIN
        self.holds_back = self.holds_back or is_early
        return not is_early

    def _may_own(self, call: PendingCall, job: Job) -> bool:
        visible = self._shown_by(job)
        return call.may_be(job) and (visible is None or call.visible is None or visible == call.visible)

    def _shown_by(self, job: Job) -> Visible | None:
        log = self._logs.get(job.id)
        return None if log is None else log.visible

    def _may_be_read(self, job: Job) -> bool:
        """Whether asking for a job's log may tell more than is known."""
        if not job.user_log_url:
            return False
        log = self._logs.get(job.id)
        return log is None or (log.visible is None and has_ended(job) and not log.is_complete)

    def _is_untold(self, job: Job) -> bool:
        """Whether a job's log may still come to show what its call was sent."""
        return self._shown_by(job) is None and (not has_ended(job) or self._may_be_read(job))

    def _assign(self, job: Job, call: PendingCall) -> None:
        self._taken[job.id] = call.key
        call.job = job
        call.log = self._logs.pop(job.id, call.log)
        call.candidates = []
        call.is_ambiguous = False
        self._pending.pop(call.key, None)
        self._found[call.key] = call
        _forget_oldest(self._taken)

    def _forget_texts(self, free: list[Job], unsure: list[PendingCall]) -> None:
        """Forgets the logs of other programs' calls, apart from what they show."""
        candidates = {job.id for call in unsure for job in call.candidates}
        for job in free:
            log = self._logs.get(job.id)
            if log is not None and job.id not in candidates:
                log.text = None


def _groups(calls: list[PendingCall], jobs: list[Job]) -> list[tuple[list[PendingCall], list[Job]]]:
    """Calls and jobs of equal data, apart where no job could be a call's of both by its time."""
    groups: list[tuple[list[PendingCall], list[Job]]] = []
    for call in calls:
        joined_calls, joined_jobs = [call], [job for job in jobs if call.may_be(job)]
        apart: list[tuple[list[PendingCall], list[Job]]] = []
        for some_calls, some_jobs in groups:
            if any(job in joined_jobs for job in some_jobs):
                joined_calls = some_calls + joined_calls
                joined_jobs = some_jobs + [job for job in joined_jobs if job not in some_jobs]
            else:
                apart.append((some_calls, some_jobs))
        groups = [*apart, (joined_calls, joined_jobs)]
    return [group for group in groups if group[1]]


def _pairs(jobs: list[Job], calls: list[PendingCall]) -> list[tuple[Job, PendingCall]]:
    """A call for each of some jobs, as far as their times allow; those that are waited for first."""
    left = sorted(calls, key=lambda call: (not call.waiters, math.inf if call.until is None else call.until))
    pairs: list[tuple[Job, PendingCall]] = []
    for job in sorted(jobs, key=lambda job: (job.created_at or 0.0, job.id)):
        call = next((call for call in left if call.may_be(job)), None)
        if call is not None:
            left.remove(call)
            pairs.append((job, call))
    return pairs


def _forget_oldest(known: dict[Key, Value]) -> None:
    if len(known) > _REMEMBERED:
        for oldest in [*known][: len(known) - _REMEMBERED]:
            known.pop(oldest, None)
