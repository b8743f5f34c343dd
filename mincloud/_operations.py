"""Operations of the contract to send, as plain values, and the checks of their arguments."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with its arguments, ready to send.

    Attributes:
        name: The operation of the contract, as `invokeFunction`; `log` for the log of a job, which the contract does not have.
        method: The HTTP method, in capitals.
        path: Percent-encoded path and query, from the root of the API; or an absolute URL.
        content: The body, in JSON; None if there is none.
        headers: The operation's own headers, names and values.
        idempotent: Whether it may be sent again when it may have run before.
        authorized: Whether the access token is sent.
        success_if_retried: A status that means success when an earlier attempt may have run, as 404 does for a deletion.
    """

    name: str
    method: str
    path: str = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    idempotent: bool = False
    authorized: bool = True
    success_if_retried: int | None = None


def operation(
    name: str,
    request: Mapping[str, Any],
    *,
    idempotent: bool = False,
    authorized: bool = True,
    success_if_retried: int | None = None,
    default: Callable[[Any], Any] | None = None,
) -> Operation:
    """Makes an operation of the arguments that `build_request` of the generated code returns.

    Args:
        name: The operation of the contract.
        request: The arguments.
        idempotent: See `Operation`.
        authorized: See `Operation`.
        success_if_retried: See `Operation`.
        default: Converts values in the body that JSON does not know, as for `json.dumps`.

    Raises:
        TypeError: The body has a value that JSON does not know; the message says where.
        ValueError: The same for a number, a string or a nesting that JSON cannot carry.
        Exception: What `default` raised.
    """
    params = request.get("params")
    path: str = request["url"]
    if params:
        path = f"{path}?{urlencode(params)}"
    content = encode(request["json"], default) if "json" in request else None
    return Operation(
        name,
        request["method"].upper(),
        path,
        content,
        tuple((name.encode("ascii"), value.encode("ascii")) for name, value in request.get("headers", {}).items()),
        idempotent=idempotent,
        authorized=authorized,
        success_if_retried=success_if_retried,
    )


def encode(value: object, default: Callable[[Any], Any] | None = None) -> bytes:
    """Encodes a value as JSON, in UTF-8 without escapes.

    Args:
        value: The value.
        default: Converts values that JSON does not know, as for `json.dumps`; None to refuse them.

    Raises:
        TypeError: It holds something that JSON does not know, or a key that is no string; the message says where.
        ValueError: It holds a number or a string that JSON cannot carry, itself, or more levels than can be written.
        Exception: What `default` raised.
    """
    encoded: list[object] = [value]
    failed: list[Exception] = []

    def convert(unknown: object) -> object:
        try:
            encoded.append(cast("Callable[[Any], Any]", default)(unknown))
        except Exception as error:
            failed.append(error)
            raise
        return encoded[-1]

    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=convert if default else None
        )
        if _is_json(encoded):
            return text.encode()
        reason = "a key is no string, or it is nested too deep"
    except (TypeError, ValueError, RecursionError) as error:
        if error in failed:
            raise
        reason = str(error)
    try:
        problem = next(_problems(value, "", (), default), None)
    except RecursionError:  # little of the stack was left
        problem = None
    raise problem or ValueError(f"the data cannot be written as JSON: {reason}")


_MOST_LEVELS = 500  # Python before 3.12 cannot write many more, and JSON readers need not accept them


def _is_json(values: list[object]) -> bool:
    """Whether all keys are strings and the nesting can be read by others; the values are not recursive."""
    level = values
    for _ in range(_MOST_LEVELS + 1):  # and the request itself
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                # json.dumps makes strings of keys that are numbers, and of two keys one.
                if not all(isinstance(key, str) for key in cast("Mapping[object, object]", value)):
                    return False
                below.extend(cast("Mapping[object, object]", value).values())
            elif isinstance(value, list | tuple):
                below.extend(cast("Iterable[object]", value))
        if not below:
            return True
        level = below
    return False


def _problems(
    value: object, place: str, above: tuple[int, ...], default: Callable[[Any], Any] | None
) -> Iterator[TypeError | ValueError]:
    """Yields an error, with its place, for each part of a value that JSON cannot represent."""
    where = place or "the top level"
    identity = id(value)
    if len(above) > _MOST_LEVELS:
        yield ValueError(f"the data is nested more than {_MOST_LEVELS} levels deep, which JSON readers refuse")
    elif identity in above:
        yield ValueError(f"{where} holds itself, which JSON cannot express")
    elif isinstance(value, dict):
        for key, item in cast("Mapping[Any, Any]", value).items():
            if not isinstance(key, str):
                yield TypeError(f"{where} has the key {key!r}: JSON knows only strings as keys")
            yield from _problems(str(key), f"the key {key!r} of {where}", (), default)
            # The first level is the request's own fields, which a caller knows by their names.
            yield from _problems(item, f"{place}[{key!r}]" if above else str(key), (*above, identity), default)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast(list[Any], value)):
            yield from _problems(item, f"{place}[{index}]", (*above, identity), default)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield ValueError(f"{where} is {value}: JSON knows no such number")
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            yield ValueError(f"{where} is not valid Unicode: it has a lone surrogate")
    elif value is not None and not isinstance(value, int):
        if default is None:
            yield TypeError(
                f"{where} is of type {type(value).__name__}, which JSON does not know: convert it first, or give the client a `default`"
            )
        else:
            yield from _problems(default(value), where, (*above, identity), default)


def function_data(data: object) -> dict[str, Any]:
    """Checks the data that a function receives as `event.data`."""
    if data is None:
        return {}
    if isinstance(data, dict):
        return cast(dict[str, Any], data)
    if isinstance(data, Mapping):
        return dict(cast(Mapping[str, Any], data))
    raise TypeError(f"data must be a dict, which the function receives as event.data, not {type(data).__name__}")


def function_name(name: object) -> str:
    """Checks a function's name, which has to fit into a path."""
    if not isinstance(name, str):
        raise TypeError(f"a function's name must be a string, not {type(name).__name__}")
    if not name:
        raise ValueError("a function's name must not be empty")
    if name in (".", ".."):
        raise ValueError(f"a function cannot be named {name!r}: a path with it means another address")
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in name):
        raise ValueError(f"a function's name must have no control characters: {name!r}")
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise ValueError(f"a function's name must be valid Unicode, without lone surrogates: {name!r}")
    return name


def text_argument(name: str, value: object) -> str:
    """Checks a text that must not be empty, as a function's code."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} must not be empty")
    return value


def choice(kind: type[Choice], name: str, value: Choice | str | None) -> Choice | None:
    """Checks a value of an enum, given as such or as a string; the error lists the values."""
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(kind)
        raise ValueError(f"{name} must be one of {known}, not {value!r}") from None


def whole_number(name: str, value: object, *, least: int, most: int | None = None) -> int:
    """Checks an integer in a range."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < least or (most is not None and value > most):
        allowed = f"from {least} to {most}" if most is not None else f"of {least} or more"
        raise ValueError(f"{name} must be an integer {allowed}, not {value}")
    return value


def unix_time(name: str, value: datetime | float) -> float:
    """Converts an aware datetime or a number of Unix seconds to the latter."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{name} is a datetime without a time zone: give it one, as in datetime.now(timezone.utc)")
        return value.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be a datetime with a time zone or Unix seconds, not {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, not {value}")
    return value
