"""What deploying and mapping give back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mincloud_api.models.cloud_function import CloudFunction


@dataclass(frozen=True, slots=True)
class Deployment:
    """What deploying a function did.

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
    """What one call of `functions.map` came to.

    Attributes:
        index: The place of its input, from 0.
        input: What the function was to receive as `event.data`.
        data: What it returned; None if it failed.
        error: Why there is no result: a `MinCloudError`, or the `TypeError` or `ValueError` of an input that is not JSON. None if there
            is one.
    """

    index: int
    input: Any
    data: Any = None
    error: Exception | None = None
