"""JSON read strictly: numbers that are none are refused, as are those that are too large."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


def _of_orjson() -> Callable[[bytes], Any] | None:
    try:
        from orjson import loads  # noqa: PLC0415 - it may not be installed
    except ImportError:  # it comes with `mincloud[fast]`
        return None
    return loads


_quick = _of_orjson()


def decoded(content: bytes) -> Any:
    """What a body means.

    Raises:
        RecursionError: It is nested too deeply.
        UnicodeDecodeError: It is not in UTF-8.
        ValueError: It is not JSON.
    """
    return json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)


def decoded_for_a_model(content: bytes) -> Any:
    """The same, in less time where orjson is installed.

    Only for what a model reads, which makes an integer of a whole number where the contract says so: orjson gives integers of more
    than 64 bits as floats. What a function returned keeps its types, whatever is installed.

    Raises:
        RecursionError: It is nested too deeply.
        UnicodeDecodeError: It is not in UTF-8.
        ValueError: It is not JSON.
    """
    if _quick is not None:
        try:
            return _quick(content)
        except ValueError:
            pass  # the other takes a little more, as half of an emoji, and says better what is wrong
    return decoded(content)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number
