"""The frames in which the emulator and a container talk, apart from what functions print.

A frame is the length of its payload (four bytes, big endian), a byte for its kind, and the payload
in UTF-8. container.cjs is the other end. A function can write into the channel, too, so that nothing that
arrives is trusted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

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
"""What the function called back with, as JSON."""
FAILURE = ord("F")
"""The error it ended with, ``{"message", "type"?, "stack"?}``."""
INVOKE = ord("I")
"""``BaaS.invoke``: ``{"id", "name", "params", "sync"}``."""
STUCK = ord("S")
"""The event loop is empty and nothing has called back, so that nothing ever will. Empty."""
MEMORY = ord("M")
"""It holds more memory than it may and is ending itself. Empty."""
DONE = ord("D")
"""The call is over: ``{"discard", "milliseconds", "rss"}``."""

HEADER_BYTES = 5

_LARGEST_COUNT = 2**53


class FrameError(Exception):
    """What came through the channel is not what a container sends."""


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a call, from a ``DONE``.

    Attributes:
        discard: Whether the container may serve no other call.
        milliseconds: How long the call took.
        rss: The memory of the process, in bytes.
    """

    discard: bool
    milliseconds: float
    rss: int


@dataclass(frozen=True, slots=True)
class Invoke:
    """A call of another function, from an ``INVOKE``.

    Attributes:
        id: A number that its answer repeats.
        name: The function's name.
        params: Its data, any JSON value.
        sync: Whether the calling function waits for the result.
    """

    id: int
    name: str
    params: Any
    sync: bool


def decode_json(payload: bytes) -> Any:
    """Reads a payload that is JSON.

    Args:
        payload: The payload of a frame from a container.

    Returns:
        Its value.

    Raises:
        FrameError: It is not JSON.
        RecursionError: It is nested too deeply for Python.
    """
    try:
        return json.loads(payload.decode(), parse_constant=_refuse_constant)
    except ValueError as error:
        raise FrameError("a payload that is not JSON") from error


def decode_done(payload: bytes) -> Done:
    """Reads a ``DONE``.

    Raises:
        FrameError: It has other members than it should.
    """
    fields = _object(payload)
    discard, milliseconds, rss = fields.get("discard"), _count(fields.get("milliseconds")), _count(fields.get("rss"))
    if not isinstance(discard, bool) or milliseconds is None or rss is None:
        raise FrameError("the end of a call with other members than it has")
    return Done(discard, milliseconds, int(rss))


def decode_failure(payload: bytes) -> dict[str, str]:
    """Reads a ``FAILURE``.

    Returns:
        ``message`` and, where known, ``type`` and ``stack``.

    Raises:
        FrameError: It has other members than it should.
    """
    fields = _object(payload)
    error = {key: value for key, value in fields.items() if key in {"message", "type", "stack"}}
    if "message" not in error or not all(isinstance(value, str) for value in error.values()):
        raise FrameError("an error with other members than it has")
    return error


def decode_invoke(payload: bytes) -> Invoke:
    """Reads an ``INVOKE``.

    Raises:
        FrameError: It has other members than it should.
    """
    fields = _object(payload)
    number, name, sync = _count(fields.get("id")), fields.get("name"), fields.get("sync")
    if number is None or not isinstance(name, str) or not isinstance(sync, bool):
        raise FrameError("a call of a function with other members than it has")
    return Invoke(int(number), name, fields.get("params"), sync)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = decode_json(payload)
    except RecursionError as error:
        raise FrameError("a payload that is nested too deeply") from error
    if not isinstance(value, dict):
        raise FrameError("a payload that is not an object")
    return cast("dict[str, Any]", value)


def _count(value: Any) -> float | None:
    """Gives a number that may be one of bytes, of milliseconds or of a request; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LARGEST_COUNT:
        return value
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def frame(kind: int, payload: bytes) -> bytes:
    """Puts a payload into a frame.

    Args:
        kind: One of the kinds above.
        payload: Its content.

    Returns:
        The bytes to send.
    """
    return len(payload).to_bytes(4, "big") + bytes((kind,)) + payload


class FrameReader:
    """Takes frames out of the bytes that arrive.

    Args:
        limit: The longest payload to accept, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Adds what arrived.

        Args:
            data: Any number of bytes.

        Yields:
            The kind and payload of each frame that is now complete.

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
