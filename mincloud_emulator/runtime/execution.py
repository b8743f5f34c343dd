"""What goes into a container and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["fulfilled", "execution_failed", "deadline_exceeded"]
"""The final statuses of a job that did run; the contract's ``Job.status`` knows more."""


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """One deployed version of a function.

    Attributes:
        environment: The id of its environment, empty for production.
        name: Its name.
        code: Its JavaScript text.
        version: A number that changes with each deploy; a container that loaded another version
            is never used again.
        memory_mb: What its plan allows, in MB: 128 (``P_FREE``) or 256 (``P_PERSONAL``).
    """

    environment: str
    name: str
    code: str = field(repr=False)
    version: int
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Execution:
    """The outcome of one call, as ``debugCloudFunction`` and the job list report it.

    Attributes:
        status: The final status of the job.
        code: 0 when the function called back with data, else 1.
        data: What it called back with, a JSON value; None when it failed.
        data_json: The same as JSON text, as Node wrote it: an answer may carry it as it is.
            It holds no lone surrogate, so that it can always be encoded as UTF-8.
        error: Empty on success, else ``message`` and, where known, ``type`` and ``stack``.
        log: The log, each entry ended by a newline.
        execution_time: How long the call took, in milliseconds.
        billing_time: The same in started steps of 100 ms, at least one.
        mem_usage: The most memory that its process was seen to hold, in bytes.
    """

    status: Status
    code: Literal[0, 1]
    data: Any
    data_json: str = field(repr=False)
    error: dict[str, Any]
    log: str = field(repr=False)
    execution_time: float
    billing_time: int
    mem_usage: int
