"""The emulator's clock, which a test can move."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import formatdate


class Clock:
    """The emulator's clock: the real time, plus the seconds that `advance` was given.

    It decides `created_at` and the other times of functions and jobs, the expiry of tokens, codes and log addresses, the times of
    log lines, and the `Date` header. The time limit of a function is measured in real time, and `Date.now()` in a function is
    the real time.

    Args:
        start: The time at which the clock starts, Unix seconds or an aware datetime; now, if not given.
        frozen: Whether time stands still between two calls of `advance`.

    Raises:
        ValueError: If `start` is a datetime without a time zone.
    """

    def __init__(self, start: float | datetime | None = None, *, frozen: bool = False) -> None:
        if isinstance(start, datetime):
            if start.tzinfo is None:
                message = "the clock's start needs a time zone: give datetime(..., tzinfo=UTC) or Unix seconds"
                raise ValueError(message)
            start = start.timestamp()
        real = time.time()
        self._offset = self._first_offset = 0.0 if start is None else start - real
        self._frozen_at = real if frozen else None

    def now(self) -> float:
        """Returns the present time in Unix seconds."""
        real = time.time() if self._frozen_at is None else self._frozen_at
        return real + self._offset

    def advance(self, seconds: float) -> None:
        """Moves the clock forward.

        Args:
            seconds: By how much, at least 0.

        Raises:
            ValueError: If `seconds` is negative; jobs are ordered by time, so it never runs backwards.
        """
        if not seconds >= 0:
            message = f"the clock only moves forward: {seconds!r} is not a number of seconds from 0 on"
            raise ValueError(message)
        self._offset += seconds

    def reset(self) -> None:
        """Takes back every `advance`. Only for an emulator that is reset as well, since the time goes backwards."""
        self._offset = self._first_offset

    def http_date(self) -> str:
        """Returns the present time as the `Date` header has it."""
        return formatdate(self.now(), usegmt=True)

    def log_time(self) -> str:
        """Returns the present time as a log line starts with: ISO 8601 in UTC, with milliseconds."""
        now = datetime.fromtimestamp(self.now(), UTC)
        return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
