"""The JSON values of stories: variables replaced, answers compared with what is expected, secrets kept out of what is shown."""

from __future__ import annotations

import enum
import json
import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, quote_plus

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_JSON_TYPES = Draft202012Validator.TYPE_CHECKER
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Shorter values are no secrets, and to replace them would spoil every line.
_SHORTEST_SECRET = 4
_LONGEST_SHOWN = 160


class Absent(enum.Enum):
    """That there is no value, where null would be one."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


def mismatch(expected: object, actual: object, show: Callable[[object], str], place: str = "") -> str | None:
    """The first difference of a body from the expected one in one line, None if there is none.

    An expected object is a part of the actual one, an expected list has as many items as the actual one. An
    object with one key that begins with `$` is a matcher: `$type`, `$pattern`, `$contains`, `$absent`.

    Args:
        expected: What the story says.
        actual: What came, `ABSENT` for nothing.
        show: Writes a value so that it may be printed.
        place: Where in the body both stand, as a JSON pointer.
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
        return (
            None
            if any(_JSON_TYPES.is_type(actual, name) for name in types)
            else f"expected {' or '.join(types)}, got {got}"
        )
    if matcher == "$pattern":
        fits = isinstance(actual, str) and re.search(str(argument), actual)
        return None if fits else f"expected a string with {show(argument)}, got {got}"
    items = cast("list[object]", actual) if isinstance(actual, list) else []
    if any(mismatch(argument, item, show) is None for item in items):
        return None
    return f"expected a list that contains {show(argument)}, got {got}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


class UnsetVariableError(Exception):
    """A variable has no value; its name is the message."""


def variables_in(value: object) -> Iterator[str]:
    """The name of every variable in a JSON value."""
    if isinstance(value, str):
        yield from _VARIABLE.findall(value)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from variables_in(item)
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            yield from variables_in(item)


def substitute(value: object, variables: Mapping[str, object]) -> object:
    """A JSON value with its variables replaced.

    A string that is nothing but a variable becomes its value, whatever its type; within a longer string the
    value stands as text.

    Raises:
        UnsetVariableError: A variable has no value.
    """
    if isinstance(value, str):
        if unset := set(variables_in(value)) - variables.keys():
            raise UnsetVariableError(min(unset))
        if (whole := _VARIABLE.fullmatch(value)) is not None:
            return variables[whole[1]]
        return _VARIABLE.sub(lambda found: str(variables[found[1]]), value)
    if isinstance(value, list):
        return [substitute(item, variables) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: substitute(item, variables) for name, item in cast("dict[str, object]", value).items()}
    return value


class Redaction:
    """Knows the secrets of a run, and puts `[secret]` in their place.

    Args:
        names: The fields whose values are secrets wherever they occur in a body, as the contract marks them.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._forms: set[str] = set()

    def add(self, secret: str | None) -> None:
        """Keeps a value out of what is printed, in every form in which it could get there."""
        if secret is not None and len(secret) >= _SHORTEST_SECRET:
            written = json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1], repr(secret)[1:-1]
            self._forms |= {secret, quote(secret, safe=""), quote_plus(secret), *written}

    def add_from(self, body: object) -> None:
        """Keeps the values of every secret field of a body out of what is printed."""
        if isinstance(body, list):
            for item in cast("list[object]", body):
                self.add_from(item)
        elif isinstance(body, dict):
            for name, value in cast("dict[str, Any]", body).items():
                if name in self._names and isinstance(value, str):
                    self.add(value)
                else:
                    self.add_from(value)

    def clean(self, text: str) -> str:
        """The text in one line, without the secrets."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "[secret]")
        return " ".join(text.split())

    def show(self, value: object) -> str:
        """A JSON value as it may be printed: without the secrets, and cut where it is long."""
        text = self.clean(json.dumps(value, ensure_ascii=False))
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"
