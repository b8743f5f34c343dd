"""Which job is which call's: what a client knows of the calls it triggered, as the service gives no id for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mincloud_api.models.job import Job

Key = TypeVar("Key")
Value = TypeVar("Value")

# Calls and jobs can be mistaken for each other only within seconds; this is more than a client triggers in such a time.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class PendingCall:
    """The job that a call must have; each of them is equal only to itself.

    Attributes:
        function: The function's name.
        environment: The id of the environment, None for production.
        since: When it was created at the earliest, in Unix seconds by the server's clock; None if the server has none.
        until: The same at the latest.
    """

    function: str
    environment: str | None
    since: float | None
    until: float | None

    def may_be(self, job: Job) -> bool:
        """Whether a job of the function was created when this one was."""
        if job.created_at is None or self.since is None or self.until is None:
            return True
        return self.since <= job.created_at <= self.until

    def may_be_taken_for(self, other: PendingCall) -> bool:
        """Whether a job could be this one and the other."""
        if (self.function, self.environment) != (other.function, other.environment):
            return False
        if self.since is None or self.until is None or other.since is None or other.until is None:
            return True
        return self.since <= other.until and other.since <= self.until


class JobMatcher:
    """The calls whose jobs are still to be found and the jobs that were, the latest of them; for all threads and tasks of a client."""

    def __init__(self) -> None:
        self._awaited: dict[PendingCall, None] = {}
        self._taken: dict[int, PendingCall] = {}

    def expect(self, expected: PendingCall) -> None:
        """Notes that a call was accepted, whose job is to be found."""
        self._awaited[expected] = None
        _forget_oldest(self._awaited)

    def competitors(self, expected: PendingCall) -> list[PendingCall]:
        """The other calls whose job was not found either, and could be taken for this one's."""
        return [each for each in [*self._awaited] if each is not expected and each.may_be_taken_for(expected)]

    def is_free(self, job: Job, expected: PendingCall) -> bool:
        """Whether a job is no other call's."""
        return self._taken.get(job.id, expected) is expected

    def take(self, job: Job, expected: PendingCall) -> bool:
        """Matches a job with a call, unless it is another's; says whether it is this one's now."""
        # Setting a default is one step for all threads: of two that look at once only one gets the job.
        if self._taken.setdefault(job.id, expected) is not expected:
            return False
        self._awaited.pop(expected, None)
        _forget_oldest(self._taken)
        return True


def _forget_oldest(known: dict[Key, Value]) -> None:
    if len(known) > _REMEMBERED:
        for oldest in [*known][: len(known) - _REMEMBERED]:
            known.pop(oldest, None)
