"""Times, sizes and rates in the forms in which people write and read them."""

from __future__ import annotations

import re
import time

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_AGO_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/([smh]))?")
_KILO = 1024.0
_MILLI = 1000.0
_MINUTE = 60.0


def parse_time(text: str) -> float:
    """Reads a time, in Unix seconds: how long ago (`2h`, `1d12h`), a date or time (local without a zone), or Unix seconds.

    Raises:
        ValueError: It is none of these.
    """
    if _AGO.fullmatch(text):
        return time.time() - sum(float(number) * _SECONDS[unit] for number, unit in _AGO_PART.findall(text))
    if re.fullmatch(r"\d{9,}(\.\d+)?", text):
        return float(text)
    from datetime import datetime  # noqa: PLC0415 - help needs no dates

    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: write 2h, 2026-09-21, 2026-09-21T08:30 or Unix seconds") from None


def parse_rate(text: str) -> float:
    """Reads a rate, per second: `50/s`, `300/m`, `1000/h`; a number alone is per second.

    Raises:
        ValueError: It is none of these, or 0.
    """
    found = _RATE.fullmatch(text)
    number = float(found[1]) if found else 0.0
    if found is None or number == 0:
        raise ValueError(f"{text!r} is no rate: write 50/s, 300/m or 1000/h")
    return number / _SECONDS[found[2] or "s"]


def local_time(seconds: float | None) -> str:
    """Formats Unix seconds in this machine's present zone; empty for None."""
    # Not in the zone at that time: a table names one zone for all of its rows.
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + _offset()))


def zone() -> str:
    """This machine's present zone, as `+08:00`."""
    minutes = _offset() // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _offset() -> int:
    return time.localtime().tm_gmtoff


def size(count: int | None) -> str:
    """Formats a number of bytes; empty for None."""
    if count is None:
        return ""
    if count < _KILO:
        return f"{count} B"
    value, unit = count / _KILO, "KB"
    for larger in ("MB", "GB"):
        if value < _KILO:
            break
        value, unit = value / _KILO, larger
    return f"{value:.1f} {unit}"


def seconds_between(start: float | None, end: float | None) -> float | None:
    """The seconds from one time to another; None if one of them is not known."""
    return None if start is None or end is None else end - start


def duration(seconds: float | None) -> str:
    """Formats a number of seconds; empty for None."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{max(0.0, seconds) * _MILLI:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def counted(number: int, thing: str) -> str:
    """Formats a number of things: `1 line`, `2,000 lines`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
