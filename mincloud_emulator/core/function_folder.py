"""Deploys the functions of a folder, and deploys them again when they are saved.

`mincloud._function_files`, which `mincloud-py deploy` uses as well, decides which files are functions and reads them. It is the
only module of the library that the emulator imports.
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

# The times of file systems have a resolution, within which a second change can't be seen.
_UNSETTLED_SECONDS = 2.0


class WatchedFolder:
    """A folder of functions, whose changes are deployed with each scan.

    A function whose file disappears stays deployed, since editors save by replacing files.

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
        """The number of functions that were deployed."""
        return len(self._codes)

    def scan(self) -> tuple[list[str], list[str]]:
        """Deploys the functions that are new or were changed since the last scan.

        Returns:
            A line about each function that was deployed, and one about each new problem.
        """
        try:
            found = find_functions(self._folder)
        except OSError as error:
            return [], self._new_messages(
                [f"cannot look into {self._folder} ({error.strerror}): nothing in it is deployed"]
            )
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
        missing = self._missing({function.name for function in found.functions})
        return actions, self._new_messages(problems + missing)

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

    def _missing(self, present: set[str]) -> list[str]:
        """Returns a message for each function whose file is missing in two scans, so that it is not just being saved."""
        self._absent = {name: name in self._absent for name in self._codes.keys() - present}
        return [
            f"{name} is no longer in {self._folder}; it stays deployed until it is deleted, on the page or by a client"
            for name, still in sorted(self._absent.items())
            if still
        ]

    def _new_messages(self, messages: list[str]) -> list[str]:
        """Returns the messages that were not there at the last scan."""
        new = [message for message in messages if message not in self._announced]
        self._announced = set(messages)
        return new


def _stamp_of(path: Path) -> _Stamp:
    """Returns a value that changes when a file, or the target of a link, is written or replaced.

    It includes the time of the inode's last change, since `cp -p` and `rsync -t` keep the time of the content's.
    """
    status = os.stat(path)  # noqa: PTH116 - a scan has to be fast
    return path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
