"""Compares an answer's body with the expected one."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Absent(enum.Enum):
    """That there is no value, where null would be one."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def mismatch(expected: object, actual: object, show: Callable[[object], str], place: str = "") -> str | None:
    """Where the actual value is not as expected, and how.

    An expected object is a part of the actual one, an expected list has as many items as the actual one. An
    object with one key that begins with `$` is a matcher: `$type`, `$pattern`, `$contains`, `$absent`.

    Args:
        expected: what the story says.
        actual: what came, `ABSENT` for nothing.
        show: writes a value so that it may be printed.
        place: where in the body both stand, as a JSON pointer.

    Returns:
        One line with the first difference, None if there is none.
    """
    where = f"body at {place}" if place else "body"
    fields = as_object(expected)
    if fields is not None and len(fields) == 1 and next(iter(fields)).startswith("$"):
        complaint = _unmatched(*next(iter(fields.items())), actual, show)
        return complaint and f"{where}: {complaint}"
    if actual is ABSENT:
        return f"{where}: expected {show(expected)}, got nothing"
    if fields is not None:
        given = as_object(actual)
        if given is None:
            return f"{where}: expected an object, got {show(actual)}"
        complaints = (
            mismatch(value, given.get(name, ABSENT), show, f"{place}/{_escaped(name)}")
            for name, value in fields.items()
        )
        return next((complaint for complaint in complaints if complaint), None)
    if isinstance(expected, list):
        if not isinstance(actual, list):
            return f"{where}: expected a list, got {show(actual)}"
        wanted, items = cast("list[object]", expected), cast("list[object]", actual)
        if len(wanted) != len(items):
            return f"{where}: expected {len(wanted)} items, got {len(items)}: {show(items)}"
        complaints = (
            mismatch(one, other, show, f"{place}/{index}")
            for index, (one, other) in enumerate(zip(wanted, items, strict=True))
        )
        return next((complaint for complaint in complaints if complaint), None)
    # In JSON true is not 1, which Python takes for the same.
    if isinstance(expected, bool) != isinstance(actual, bool) or expected != actual:
        return f"{where}: expected {show(expected)}, got {show(actual)}"
    return None


def as_object(value: object) -> dict[str, Any] | None:
    """The value where it is a JSON object, None where it is none."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def resolve_pointer(body: object, pointer: str) -> object:
    """What stands at a JSON pointer (RFC 6901), `ABSENT` if nothing does."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, dict):
            body = cast("dict[str, object]", body).get(name, ABSENT)
        elif isinstance(body, list) and name.isdecimal() and int(name) < len(cast("list[object]", body)):
            body = cast("list[object]", body)[int(name)]
        else:
            return ABSENT
    return body


def _unmatched(matcher: str, argument: object, actual: object, show: Callable[[object], str]) -> str | None:
    if matcher == "$absent":
        return None if actual is ABSENT else f"expected nothing, got {show(actual)}"
    got = "nothing" if actual is ABSENT else show(actual)
    if matcher == "$type":
        types = cast("list[str]", argument) if isinstance(argument, list) else [str(argument)]
        return None if any(_is_of(name, actual) for name in types) else f"expected {' or '.join(types)}, got {got}"
    if matcher == "$pattern":
        fits = isinstance(actual, str) and re.search(str(argument), actual)
        return None if fits else f"expected a string with {show(argument)}, got {got}"
    items = cast("list[object]", actual) if isinstance(actual, list) else []
    if any(mismatch(argument, item, show) is None for item in items):
        return None
    return f"expected a list that contains {show(argument)}, got {got}"


def _is_of(name: str, value: object) -> bool:
    if name == "integer":
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return whole and not isinstance(value, bool)
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
