"""Records calls for tests, and delays the listing of their jobs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock


@dataclass(slots=True)
class RecordedCall:
    """One call of a function.

    Attributes:
        function: The function's name.
        data: What the caller sent.
        event: The whole event that the function was given.
        sync: Whether the caller waited.
        source: What called, such as `open_api`.
        environment: The test environment's id, `""` for production.
        job_id: The number of its job.
        status: The job's status; final once the call has ended.
        result: `code`, `data` and `error`; None until the call has ended, and if it never ran.
    """

    function: str
    data: Any
    event: dict[str, Any]
    sync: bool
    source: str
    environment: str
    job_id: int
    status: str = "waiting"
    result: dict[str, Any] | None = None


ListingLag = float | Callable[[RecordedCall], float]
"""After how many seconds a job is listed: the same for all, or a function that returns it for a call."""


class CallRecorder:
    """Keeps the latest `count` calls, and lists their jobs with a lag."""

    def __init__(self, count: int, lag: ListingLag, clock: Clock) -> None:
        self.calls: deque[RecordedCall] = deque(maxlen=count)
        self._lag = lag
        self._clock = clock
        self._listed_at: dict[int, float] = {}

    def add(self, call: RecordedCall) -> None:
        """Records a call and decides when its job is listed."""
        self.calls.append(call)
        lag = self._lag(call) if callable(self._lag) else self._lag
        if lag > 0:
            self._listed_at[call.job_id] = self._clock.now() + lag

    def unlisted(self) -> list[int]:
        """Returns the ids of the jobs that are not listed yet."""
        now = self._clock.now()
        self._listed_at = {job_id: at for job_id, at in self._listed_at.items() if at > now}
        return list(self._listed_at)
