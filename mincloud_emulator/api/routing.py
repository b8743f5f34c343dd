"""Routes requests by their path as it was sent, before percent-encodings are decoded.

A function may be called `a/b` or `x?y`, which arrives as one encoded segment; a path that is decoded as a whole no longer shows
where the segments were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.responses import Response

from .requests import HTTPError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    Handler = Callable[[Request, str], Awaitable[Response]]
    """Takes the request and the path's variable segment, `""` if the path has none."""


class Router:
    """A table of paths and handlers; a missing trailing slash makes no difference."""

    def __init__(self) -> None:
        self._routes: list[tuple[list[str], Mapping[str, Handler]]] = []

    def add(self, path: str, methods: Mapping[str, Handler]) -> None:
        """Adds handlers by method for a path, which may have one variable segment, such as `{function_name}`."""
        self._routes.append((path.strip("/").split("/"), methods))

    async def respond(self, request: Request) -> Response | None:
        """Answers a request; returns None if there is no such path.

        Raises:
            HTTPError: 405 if the path does not have the method, or what the handler raises.
        """
        found = self._find(request.scope["raw_path"])
        if found is None:
            return None
        methods, variable = found
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is not None:
            return await handler(request, variable)
        allowed = {"Allow": ", ".join(sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allowed)
        raise HTTPError(405, f"{request.method} is not possible here", allowed)

    def _find(self, raw_path: bytes) -> tuple[Mapping[str, Handler], str] | None:
        try:
            segments = [unquote_to_bytes(part).decode() for part in raw_path.removesuffix(b"/").split(b"/")[1:]]
        except UnicodeDecodeError:
            return None
        for pattern, methods in self._routes:
            if len(pattern) == len(segments):
                pairs = list(zip(pattern, segments, strict=True))
                if all(segment if expected.startswith("{") else segment == expected for expected, segment in pairs):
                    return methods, "".join(segment for expected, segment in pairs if expected.startswith("{"))
        return None
