"""Retries and rate limits: which requests are retried, after how long, and how many may begin in a minute."""

from __future__ import annotations

import random
import threading
import time
from bisect import bisect_right, insort

# The statuses by which a gateway says that the service did not answer.
GATEWAY_ERRORS = frozenset((502, 503, 504))
TOO_MANY_REQUESTS = 429

_LONGEST_RETRY_AFTER = 60.0
_FIRST_DELAY = 0.25
_LONGEST_DELAY = 8.0


def retry_delay(attempt: int, retry_after: float | None, *, max_retries: int, deadline: float | None) -> float | None:
    """The seconds to wait before the next attempt; None if there is to be none.

    Args:
        attempt: How many attempts were made.
        retry_after: The seconds that the service asks for; None if it does not.
        max_retries: How many attempts may follow the first.
        deadline: When the next attempt must have begun, on the clock of `time.monotonic()`.
    """
    if attempt > max_retries or (retry_after is not None and retry_after > _LONGEST_RETRY_AFTER):
        return None
    # Half of it is random, so that clients which failed together do not come back together.
    longest: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(attempt - 1, 10))
    delay = longest * random.uniform(0.5, 1.0) if retry_after is None else retry_after  # noqa: S311 - no secret depends on it
    return None if deadline is not None and time.monotonic() + delay >= deadline else delay


def is_retryable(status: int, *, idempotent: bool) -> bool:
    """Whether a request that was answered with a status may be sent again; after 429 it did not run."""
    return status == TOO_MANY_REQUESTS or (idempotent and status in GATEWAY_ERRORS)


_MINUTE = 60.0


class RateLimiter:
    """Spreads requests so that at most so many begin in any minute, for all threads, tasks and event loops of a client.

    Times are those of `time.monotonic()`.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._rate = requests_per_minute
        self._lock = threading.Lock()
        self._starts: list[float] = []  # of the last minute and those to come, ascending

    def reserve(self, deadline: float | None = None) -> float | None:
        """Reserves the next time at which a request may begin, and returns it.

        If that is not before a deadline, nothing is reserved, and it returns None.
        """
        with self._lock:
            now = time.monotonic()
            del self._starts[: bisect_right(self._starts, now - _MINUTE)]
            is_full = len(self._starts) >= self._rate
            start = self._starts[-self._rate] + _MINUTE if is_full else now
            if deadline is not None and start >= deadline:
                return None
            insort(self._starts, start)
            return start

    def release(self, start: float) -> None:
        """Gives back the time of a request that is not sent after all."""
        with self._lock:
            if start in self._starts:  # else it is long past
                self._starts.remove(start)
