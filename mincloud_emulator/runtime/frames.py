"""The frames in which the emulator and a container talk, apart from what functions print.

A frame is the length of its payload (four bytes, big endian), a byte for its kind, and the payload
in UTF-8. container.cjs is the other end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
HELLO = ord("H")
"""Node is up and reads its calls. Empty."""
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


class FrameError(Exception):
    """What came through the channel is not what a container sends."""


def decode(payload: bytes) -> Any:
    """Read a payload that is JSON.

    Args:
        payload: It, as it came from a container.

    Returns:
        Its value.

    Raises:
        FrameError: It is not JSON.
    """
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise FrameError("a payload that is not JSON") from error


def frame(kind: int, payload: bytes) -> bytes:
    """Put a payload into a frame.

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
        """Add what arrived.

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
