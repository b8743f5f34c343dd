"""Finds the handler of a request by its path, as it was sent, before percent-encodings are undone.

A function may be called `a/b` or `x?y`, and arrives as one encoded segment; a path that was decoded as a
whole has lost where the segments were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    Handler = Callable[[Request, str], Awaitable[Response]]
    """Takes the request and the path's variable segment, `""` if the path has none."""

VARIABLE = "{}"


class Router:
    """A table of paths; a missing trailing slash changes nothing."""

    def __init__(self) -> None:
        self._routes: list[tuple[tuple[str, ...], Mapping[str, Handler]]] = []

    def add(self, path: str, methods: Mapping[str, Handler]) -> None:
        """Adds a path, in which the segment `{}` stands for any that is not empty, and handlers by method."""
        self._routes.append((tuple(path.strip("/").split("/")), methods))

    def find(self, raw_path: bytes) -> tuple[Mapping[str, Handler], str] | None:
        """Returns the handlers of a path and its variable segment, None if nothing is there."""
        segments = _segments(raw_path)
        if segments is None:
            return None
        for pattern, methods in self._routes:
            if len(pattern) == len(segments):
                variable = ""
                for expected, segment in zip(pattern, segments, strict=True):
                    if expected == VARIABLE and segment:
                        variable = segment
                    elif expected != segment:
                        break
                else:
                    return methods, variable
        return None


def _segments(raw_path: bytes) -> tuple[str, ...] | None:
    parts = raw_path.split(b"/")[1:]
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    try:
        return tuple(unquote_to_bytes(part).decode() for part in parts)
    except UnicodeDecodeError:
        return None
