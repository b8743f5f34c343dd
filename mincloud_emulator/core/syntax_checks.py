"""Checks the syntax of deployed functions in the background."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import Function

_KEPT = 1000


class SyntaxChecks:
    """Checks each version of a function once, several of them in one Node process."""

    def __init__(self, node: str | None) -> None:
        self._node = node
        self._notes: dict[tuple[int, int], asyncio.Future[str | None]] = {}
        self._waiting: list[tuple[str, asyncio.Future[str | None]]] = []
        self._checking: asyncio.Task[None] | None = None

    async def note(self, function: Function) -> str | None:
        """Returns the line of `check_syntax` about a function."""
        version = (function.id, function.version)
        if version not in self._notes:
            if len(self._notes) >= _KEPT:
                del self._notes[next(iter(self._notes))]
            self._notes[version] = asyncio.get_running_loop().create_future()
            self._waiting.append((function.function_code, self._notes[version]))
            if self._checking is None or self._checking.done():
                self._checking = asyncio.create_task(self._check())
        return await asyncio.shield(self._notes[version])

    async def aclose(self) -> None:
        """Cancels the checks; a note that is awaited is None then."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait([self._checking])
        for _, note in self._waiting:
            note.set_result(None)

    async def _check(self) -> None:
        from ..runtime import check_syntax  # noqa: PLC0415 - stubs need no runtime

        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                lines = await asyncio.to_thread(check_syntax, [code for code, _ in batch], self._node)
            except BaseException:
                for _, note in batch:
                    note.set_result(None)
                raise
            for (_, note), line in zip(batch, lines, strict=True):
                note.set_result(line)
