"""The frames of the channel between the emulator and a container.

A frame is the length of its payload (four bytes, big endian), a byte for its kind, and the payload in UTF-8. container.cjs is
the other end. A function can write into the channel too, so everything that arrives is validated.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# to the container
LOAD = ord("L")
"""The function, once: ``{"name", "code"}``."""
CALL = ord("C")
"""One call: the event."""
ANSWER = ord("A")
"""The answer to an ``INVOKE``: ``{"id", "result"}`` or ``{"id", "error"}``."""

# from the container
READY = ord("H")
"""Node is up and reads its calls. Empty, and sent once."""
TEXT = ord("T")
"""One log entry, without its newline."""
RESULT = ord("R")
"""The value that the function called back with, as JSON."""
FAILURE = ord("F")
"""The error it ended with, ``{"message", "type"?, "stack"?}``."""
INVOKE = ord("I")
"""``BaaS.invoke``: ``{"id", "name", "params", "sync"}``."""
STUCK = ord("S")
"""The event loop is empty and nothing has called back, so that nothing ever will. Empty."""
MEMORY = ord("M")
"""The process exceeds its memory limit and kills itself. Empty."""
DONE = ord("D")
"""The call is over: ``{"discard", "milliseconds", "rss"}``."""

HEADER_BYTES = 5

_LARGEST_COUNT = 2**53


class FrameError(Exception):
    """A frame in the channel is not one that a container sends."""


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    """Whether a value can be a number of bytes, of milliseconds or of a request."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LARGEST_COUNT


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_optional_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


_MEMBERS: Mapping[int, Mapping[str, Callable[[Any], bool]]] = {
    FAILURE: {"message": _is_text, "type": _is_optional_text, "stack": _is_optional_text},
    INVOKE: {"id": _is_count, "name": _is_text, "sync": _is_bool},
    DONE: {"discard": _is_bool, "milliseconds": _is_count, "rss": _is_count},
}


def decode_json(payload: bytes) -> Any:
    """Returns the JSON value in a payload.

    Raises:
        FrameError: It is not JSON.
        RecursionError: It is nested too deeply for Python.
    """
    try:
        return json.loads(payload.decode(), parse_constant=_refuse_constant)
    except ValueError as error:
        raise FrameError("a payload that is not JSON") from error


def decode_object(kind: int, payload: bytes) -> dict[str, Any]:
    """Returns the members of a ``FAILURE``, an ``INVOKE`` or a ``DONE``.

    Raises:
        FrameError: It is not an object with the members that this kind of frame has.
    """
    try:
        value = decode_json(payload)
    except RecursionError as error:
        raise FrameError("a payload that is nested too deeply") from error
    members = cast("dict[str, Any]", value if isinstance(value, dict) else {})
    if not all(fits(members.get(name)) for name, fits in _MEMBERS[kind].items()):
        raise FrameError(f"a frame {chr(kind)} with other members than it has")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def frame(kind: int, payload: bytes) -> bytes:
    """Returns the bytes of a frame."""
    return len(payload).to_bytes(4, "big") + bytes((kind,)) + payload


class FrameReader:
    """Splits the bytes that arrive into frames, whose payload may have `limit` bytes at most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yields the kind and payload of each frame that is complete with these bytes.

        Raises:
            FrameError: A length is above the limit.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= HEADER_BYTES:
                size = int.from_bytes(buffer[start : start + 4], "big")
                if size > self._limit:
                    raise FrameError(f"a frame of {size} bytes")
                end = start + HEADER_BYTES + size
                if len(buffer) < end:
                    break
                kind = buffer[start + 4]
                payload = bytes(buffer[start + HEADER_BYTES : end])
                start = end
                yield kind, payload
        finally:
            del buffer[:start]
