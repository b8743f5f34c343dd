"""When a request may be sent: again, after how long, and how many in a minute."""

from __future__ import annotations

import random
import threading
import time
from collections import deque

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


_MINUTE = 60.0


class RateLimiter:
    """Spreads requests so that no more than a number of them begin in any minute; for all threads, tasks and event loops of a client.

    Args:
        requests_per_minute: The number.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=requests_per_minute)

    def reserve(self, deadline: float | None = None) -> float | None:
        """Reserves the next time at which a request may begin.

        Args:
            deadline: When it must begin at the latest, on the clock of `time.monotonic()`.

        Returns:
            The seconds until then; None if that is too late, and nothing is reserved.
        """
        with self._lock:
            now = time.monotonic()
            is_full = len(self._starts) == self._starts.maxlen
            start = max(now, self._starts[0] + _MINUTE) if is_full else now
            if deadline is not None and start >= deadline:
                return None
            self._starts.append(start)
            return start - now
