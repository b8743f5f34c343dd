"""The result of a call of a function, which a container or a stub has run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .json_text import encode_json

FinalStatus = Literal["fulfilled", "schedule_failed", "execution_rejected", "deadline_exceeded", "execution_failed"]
FINAL_STATUSES: tuple[FinalStatus, ...] = get_args(FinalStatus)
"""The statuses in which a job stays, in the order of the contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResult:
    """The result of a call.

    Attributes:
        status: The final status of its job.
        data: What the function returned, None if it failed.
        data_json: The same as JSON text without half surrogate pairs, so that it is written only once.
        error: `{}` on success, otherwise `message` and perhaps `type` and `stack`.
        log: The log, each entry ended by a newline; empty if the call never ran.
        execution_time: Milliseconds.
        mem_usage: The most memory that its process was seen to hold, in bytes; None if it never ran.
    """

    status: FinalStatus
    data: Any = None
    data_json: str = field(default="null", repr=False)
    error: dict[str, Any] = field(default_factory=dict[str, Any])
    log: str = field(default="", repr=False)
    execution_time: float = 0.0
    mem_usage: int | None = None

    @property
    def code(self) -> Literal[0, 1]:
        """0 if the function succeeded, else 1."""
        return 0 if self.status == "fulfilled" else 1

    @property
    def billing_time(self) -> int:
        """The execution time in started steps of 100 ms, at least one if the function ran."""
        return 0 if self.mem_usage is None else max(1, math.ceil(self.execution_time / 100)) * 100

    @property
    def result(self) -> dict[str, Any]:
        """The three fields that a caller receives."""
        return {"code": self.code, "data": self.data, "error": self.error}

    @property
    def result_json(self) -> bytes:
        """The same as JSON text."""
        return b'{"code":%d,"data":%b,"error":%b}' % (self.code, self.data_json.encode(), encode_json(self.error))
