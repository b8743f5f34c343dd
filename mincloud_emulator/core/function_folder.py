"""Deploys the functions of a folder, and again when they are saved; says what in it is none.

What a folder's functions are, and how their code is read, is the library's to say: `mincloud._function_files` is the one module
of it that the emulator takes, since a folder means the same to `mincloud-py deploy`.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from mincloud._function_files import find_functions

from .errors import FunctionSourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mincloud._function_files import FunctionFile

    Deploy = Callable[[str, str], str]
    """Takes a function's name and code; returns `created`, `updated` or `unchanged`."""

    _Stamp = tuple[object, ...]

# File systems date changes in steps, so that of two changes within a step the second may not show.
_UNSETTLED_SECONDS = 2.0


class WatchedFolder:
    """A folder of functions, deployed as often as it is looked at.

    A file that disappears takes no function away: editors save by replacing, and a function that is gone by accident is
    worse than one too many.

    Args:
        folder: The folder.
        deploy: Deploys a function.

    Raises:
        FunctionSourceError: If it is no folder.
    """

    def __init__(self, folder: Path, deploy: Deploy) -> None:
        if not folder.is_dir():
            message = f"there is no folder {folder}: make it, or name the one that holds your functions"
            raise FunctionSourceError(message)
        self._folder = folder
        self._deploy = deploy
        self._stamps: dict[str, _Stamp] = {}
        self._codes: dict[str, int] = {}
        self._absent: dict[str, bool] = {}
        self._announced: set[str] = set()

    @property
    def deployed(self) -> int:
        """How many functions it has deployed."""
        return len(self._codes)

    def look(self) -> tuple[list[str], list[str]]:
        """Deploys what is new or was changed since the last look.

        Returns:
            A line about each function that was deployed, and one about each thing that has become wrong since the last look.
        """
        try:
            found = find_functions(self._folder)
        except OSError as error:
            return [], self._news([f"cannot look into {self._folder} ({error.strerror}): nothing in it is deployed"])
        problems = [problem.message for problem in found.problems]
        actions: list[str] = []
        for function in found.functions:
            try:
                action = self._deploy_changed(function)
            except (OSError, ValueError) as error:
                problems.append(f"{function.name} is not deployed: {error}")
                continue
            if action not in {None, "unchanged"}:
                actions.append(f"{action} {function.name} from {function.path}")
        gone = self._gone({function.name for function in found.functions})
        return actions, self._news(problems + gone)

    def _deploy_changed(self, function: FunctionFile) -> str | None:
        stamp = _stamp_of(function.path)
        if self._stamps.get(function.name) == stamp:
            return None
        self._stamps.pop(function.name, None)
        code = function.read()
        settled = time.time() - function.path.stat().st_ctime > _UNSETTLED_SECONDS
        if settled and _stamp_of(function.path) == stamp:
            self._stamps[function.name] = stamp
        if self._codes.get(function.name) == hash(code):
            return None
        self._codes[function.name] = hash(code)
        return self._deploy(function.name, code)

    def _gone(self, present: set[str]) -> list[str]:
        """Returns a sentence about each function whose file is absent at a second look, so that none was just being saved."""
        self._absent = {name: name in self._absent for name in self._codes.keys() - present}
        return [
            f"{name} is no longer in {self._folder}; it stays deployed until it is deleted, on the page or by a client"
            for name, still in sorted(self._absent.items())
            if still
        ]

    def _news(self, sentences: list[str]) -> list[str]:
        """Returns those of the sentences that were not true at the last look."""
        news = [sentence for sentence in sentences if sentence not in self._announced]
        self._announced = set(sentences)
        return news


def _stamp_of(path: Path) -> _Stamp:
    """Returns what changes when a file, or what a link leads to, is written or replaced.

    The time of the inode's last change is set by the system alone, unlike the time of the content's, which `cp -p` and
    `rsync -t` keep.
    """
    status = os.stat(path)  # noqa: PTH116 - so that a look costs little
    return path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
