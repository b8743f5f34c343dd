"""The calls that an emulator saw, for tests to assert on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class RecordedCall:
    """One call of a function.

    Attributes:
        function: the function's name.
        data: what the caller sent.
        event: the whole event that the function was given.
        sync: whether the caller waited.
        source: what called, such as `open_api`.
        environment: the test environment's id, `""` for production.
        job_id: the number of its job.
        status: the job's status; final once the call has ended.
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


@dataclass(slots=True)
class CallRecorder:
    """Keeps the latest calls, oldest first."""

    calls: deque[RecordedCall]

    @classmethod
    def of_latest(cls, count: int) -> CallRecorder:
        """Return one that keeps so many calls."""
        return cls(deque(maxlen=count))
