"""Replaces variables in JSON values, compares bodies with expected ones, and redacts secrets."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote, quote_plus

from jsonschema import Draft202012Validator

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_TYPES = Draft202012Validator.TYPE_CHECKER
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Shorter values are no secrets, and to replace them would spoil every line.
_SHORTEST_SECRET = 4
_LONGEST_SHOWN = 160


class Absent(enum.Enum):
    """The type of `ABSENT`, which says that there is no value, where null would be one."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


def mismatch(expected: Json, actual: Json | Absent, show: Callable[[Json], str], place: str = "") -> str | None:
    """Describes the first difference of a body from the expected one in one line; None if there is none.

    `openapi/stories/README.md` says what an expected body fits.

    Args:
        expected: The expected body.
        actual: The body, `ABSENT` for none.
        show: Formats a value for the line.
        place: Where in the body both stand, as a JSON pointer.
    """
    got = "nothing" if isinstance(actual, Absent) else show(actual)
    fits, wanted = True, ""
    parts: Iterable[tuple[str | int, Json, Json | Absent]] = ()
    match expected, actual:
        case {"$absent": _}, _:
            fits, wanted = actual is ABSENT, "nothing"
        case {"$type": types}, _:
            names = types if isinstance(types, list) else [types]
            fits = any(_TYPES.is_type(actual, str(name)) for name in names)
            wanted = " or ".join(map(str, names))
        case {"$pattern": pattern}, _:
            fits = isinstance(actual, str) and re.search(str(pattern), actual) is not None
            wanted = f"a string with {show(pattern)}"
        case {"$contains": item}, _:
            fits = isinstance(actual, list) and any(mismatch(item, each, show) is None for each in actual)
            wanted = f"a list that contains {show(item)}"
        case dict(), dict():
            parts = ((name, value, actual.get(name, ABSENT)) for name, value in expected.items())
        case list(), list():
            fits, wanted = len(actual) == len(expected), f"{len(expected)} items"
            got = f"{len(actual)}: {got}"
            parts = ((index, *pair) for index, pair in enumerate(zip(expected, actual, strict=False)))
        case _:  # in JSON true is not 1, which Python takes for the same
            fits = isinstance(expected, bool) == isinstance(actual, bool) and expected == actual
            wanted = show(expected)
    if not fits:
        return f"body{place and f' at {place}'}: expected {wanted}, got {got}"
    for name, value, other in parts:
        key = str(name).replace("~", "~0").replace("/", "~1")
        if difference := mismatch(value, other, show, f"{place}/{key}"):
            return difference
    return None


def resolve_pointer(body: Json | Absent, pointer: str) -> Json | Absent:
    """The value at a JSON pointer (RFC 6901), `ABSENT` if there is none."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list):
            body = {str(index): item for index, item in enumerate(body)}
        body = body.get(name, ABSENT) if isinstance(body, dict) else ABSENT
    return body


def variables_in(value: object) -> list[str]:
    """The name of every variable in a JSON value, once each and in order."""
    return list(dict.fromkeys(_VARIABLE.findall(json.dumps(value, ensure_ascii=False, default=str))))


def substitute(value: Any, variables: Mapping[str, object]) -> Any:
    """A JSON value with its variables replaced.

    A string that is nothing but a variable becomes its value, whatever its type; in a longer string the value is text.

    Raises:
        KeyError: A variable has no value.
    """
    if isinstance(value, list):
        return [substitute(item, variables) for item in cast("list[Json]", value)]
    if isinstance(value, dict):
        return {name: substitute(item, variables) for name, item in cast("dict[str, Json]", value).items()}
    if not isinstance(value, str):
        return value
    if (whole := _VARIABLE.fullmatch(value)) is not None:
        return variables[whole[1]]
    return _VARIABLE.sub(lambda found: str(variables[found[1]]), value)


class Redaction:
    """Redacts the secrets of a run; fields of these names are secret wherever they are in a body."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._forms: set[str] = set()

    def add(self, secret: str) -> None:
        """Redacts a value from now on, in every form in which it could be printed."""
        if len(secret) >= _SHORTEST_SECRET:
            written = json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1], repr(secret)[1:-1]
            self._forms |= {secret, quote(secret, safe=""), quote_plus(secret), *written}

    def add_from(self, body: Json | Absent) -> None:
        """Redacts the values of every secret field of a body from now on."""
        if isinstance(body, list):
            for item in body:
                self.add_from(item)
        elif isinstance(body, dict):
            for name, value in body.items():
                if name in self._names and isinstance(value, str):
                    self.add(value)
                else:
                    self.add_from(value)

    def clean(self, text: str) -> str:
        """The text in one line, with `[secret]` in place of each secret."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "[secret]")
        return " ".join(text.split())

    def show(self, value: Json) -> str:
        """A JSON value in one line, without the secrets, and cut where it is long."""
        text = self.clean(json.dumps(value, ensure_ascii=False))
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"
