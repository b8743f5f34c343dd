"""Reads and writes JSON, strictly as the standard has it and bounded in depth."""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any

MAX_DEPTH = 256
"""How deeply arrays and objects of a request may be nested; every parser on the way can read more."""

_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class JSONTextError(ValueError):
    """A text is not JSON, or can't be used; the message says why."""


def decode_json(text: bytes) -> Any:
    """Returns the value of JSON text.

    Raises:
        JSONTextError: If it is not UTF-8 or not JSON, if a number is out of range, if a string has half a surrogate pair, or if
            it is nested too deeply.
    """
    if not text.strip():
        message = "the body is empty and should be JSON"
        raise JSONTextError(message)
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 (byte {error.start})"
        raise JSONTextError(message) from error
    if _is_too_deep(text):
        message = f"the JSON is nested more than {MAX_DEPTH} deep"
        raise JSONTextError(message)
    try:
        value = json.loads(decoded, parse_constant=_refuse_constant, parse_float=_finite)
    except JSONTextError:
        raise
    except json.JSONDecodeError as error:
        message = f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise JSONTextError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"the JSON can't be used: {error}"
        raise JSONTextError(message) from error
    if _SURROGATE_ESCAPE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            message = "a string in the JSON has half a surrogate pair"
            raise JSONTextError(message) from error
    return value


def encode_json(value: Any) -> bytes:
    """Returns a value as JSON text.

    Raises:
        TypeError: If it contains something that JSON does not have.
        ValueError: If it contains NaN, an infinity or itself, or is nested too deeply.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8, but it has an escape.
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except RecursionError as error:
        message = "it is nested too deeply"
        raise ValueError(message) from error


def _is_too_deep(text: bytes) -> bool:
    """Returns whether brackets are nested more than `MAX_DEPTH` deep, those in strings left out.

    In linear time and with no memory per character, whatever the text.
    """
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return False
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Only brackets and quotes are left, so that neighbouring strings can be joined into one.
    marks = unescaped.translate(None, _NEITHER_BRACKET_NOR_QUOTE).replace(b'""', b"")
    brackets = b"".join(marks.split(b'"')[::2])
    return any(map(MAX_DEPTH.__lt__, accumulate(map(_STEPS.__getitem__, brackets))))


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        message = f"the number {text[:40]} is out of range"
        raise JSONTextError(message)
    return value


def _refuse_constant(name: str) -> Any:
    message = f"{name} is not JSON"
    raise JSONTextError(message)
