"""When a request is sent again, and after how long."""

from __future__ import annotations

import random

# The gateways' ways to say that the service did not answer.
GATEWAY_ERRORS = frozenset((502, 503, 504))
TOO_MANY_REQUESTS = 429

LONGEST_RETRY_AFTER = 60.0
_FIRST_DELAY = 0.25
_LONGEST_DELAY = 8.0


def retry_delay(attempt: int, retry_after: float | None = None) -> float | None:
    """The seconds to wait before an attempt is repeated; None if the service asks for more than is sensible to wait.

    Args:
        attempt: How many attempts were made, from 1.
        retry_after: The seconds that the service asks for.
    """
    if retry_after is not None:
        return retry_after if retry_after <= LONGEST_RETRY_AFTER else None
    # Half of it fixed and half at random, so that clients which failed together do not come back together.
    longest: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(attempt - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it


def is_worth_repeating(status: int, *, idempotent: bool) -> bool:
    """Whether a status promises something of another attempt: a request that was turned away did not run."""
    return status == TOO_MANY_REQUESTS or (idempotent and status in GATEWAY_ERRORS)
