"""What calls return besides the models of the contract, and the values of its enums as types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ._paging import Page

if TYPE_CHECKING:
    from mincloud_api.models.cloud_function import CloudFunction

    from .errors import MinCloudError

__all__ = ["Attempt", "Deployment", "Outcome", "Page"]

# The values of the enums as plain strings, so that type checkers find a misspelt one.
EventSourceValue = Literal[
    "cloud_function", "file_operation", "flex_schema", "open_api", "sdk", "timer", "wechat_pay_success"
]
JobStatusValue = Literal[
    "deadline_exceeded",
    "executing",
    "execution_failed",
    "execution_rejected",
    "fulfilled",
    "schedule_failed",
    "waiting",
]
PlanValue = Literal["P_FREE", "P_PERSONAL"]
ServiceTypeValue = Literal["batch", "time_sensitive"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that was sent for a call, and what came of it. It holds no secret.

    Attributes:
        operation: The operation of the contract, as `invokeFunction`; `log` for the log of a job.
        method: The HTTP method.
        url: The URL, without a signature in it.
        status: The HTTP status of the response; None if none came.
        number: Which attempt of the call it is, from 1.
        seconds: How long it took.
        error: Why there is no response that can be used; None if there is one, whatever its status.
    """

    operation: str
    method: str
    url: str
    status: int | None
    number: int
    seconds: float
    error: MinCloudError | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """The result of deploying a function.

    Attributes:
        action: What was done.
        function: The function as it is now.
        previous: The function as it was before; None if it was created. `functions.deploy(name, deployment.previous.function_code)` goes
            back to it.
    """

    action: Literal["created", "updated", "unchanged"]
    function: CloudFunction
    previous: CloudFunction | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one call of `functions.map`: its result or its error.

    Attributes:
        index: The place of its input, from 0.
        input: What the function was to receive as `event.data`.
        data: What it returned; None if it failed.
        error: Why there is no result: a `MinCloudError`, or the `TypeError` or `ValueError` of an input that is not JSON. None if there
            is one.
        run: With `sync=False` the run of the call; None if it was not accepted.
    """

    index: int
    input: Any
    data: Any = None
    error: Exception | None = None
    run: Any = None
