"""Variables of a story: where they stand, and what stands in their place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


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

    Args:
        value: what holds the variables.
        variables: their values.

    Raises:
        UnsetVariableError: If a variable has no value.
    """
    if isinstance(value, str):
        if (whole := _VARIABLE.fullmatch(value)) is not None:
            return _value_of(whole[1], variables)
        return _VARIABLE.sub(lambda found: str(_value_of(found[1], variables)), value)
    if isinstance(value, list):
        return [substitute(item, variables) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: substitute(item, variables) for name, item in cast("dict[str, object]", value).items()}
    return value


def _value_of(name: str, variables: Mapping[str, object]) -> object:
    if name not in variables:
        raise UnsetVariableError(name)
    return variables[name]
