"""Content encodings of HTTP undone, never beyond a limit: some kilobytes may unpack to gigabytes."""

from __future__ import annotations

import zlib


class TooLarge(ValueError):
    """A body is larger than allowed."""


def decompress(content: bytes, encoding: str, limit: int) -> bytes:
    """Undoes the `Content-Encoding` of a body, and raises `TooLarge` before it has unpacked much more than the limit in bytes."""
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        if name in ("gzip", "x-gzip"):
            content = _gunzip(content, limit)
        elif name == "deflate":
            # Some servers leave out the header that the standard asks for.
            has_header = content[:1] == b"\x78"
            content = _inflate(content, zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS, limit)
        elif name not in ("", "identity"):
            raise ValueError("its content encoding is one that was not asked for")
    return content


def _gunzip(content: bytes, limit: int) -> bytes:
    import gzip  # noqa: PLC0415 - most responses are not encoded
    from io import BytesIO  # noqa: PLC0415

    problem = "its content encoding is broken"
    try:
        # Not zlib alone: a log that was written piece by piece has several members.
        found = gzip.GzipFile(fileobj=BytesIO(content)).read(limit + 1)
    except EOFError:
        raise ValueError(f"{problem}: the end is missing") from None
    except (OSError, zlib.error):
        raise ValueError(problem) from None
    return _checked_size(found, limit)


def _inflate(content: bytes, wbits: int, limit: int) -> bytes:
    decoder = zlib.decompressobj(wbits)
    try:
        found = decoder.decompress(content, limit + 1)
    except zlib.error:
        raise ValueError("its content encoding is broken") from None
    if not decoder.eof and len(found) <= limit:
        raise ValueError("its content encoding is broken: the end is missing")
    return _checked_size(found, limit)


def _checked_size(content: bytes, limit: int) -> bytes:
    if len(content) > limit:
        raise TooLarge(f"it has more than {limit} bytes")
    return content
