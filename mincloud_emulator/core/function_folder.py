"""A folder of functions: each `NAME.js` or `NAME/index.js` in it is one."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from .errors import FunctionSourceError
from .function_source import read_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_Stamp = tuple[int, int]


class FunctionFolder:
    """Finds the functions of a folder, and later the ones that were saved since.

    A file that disappears takes no function away: editors save by replacing, and a function that is gone by
    accident is worse than one too many.

    Args:
        folder: The folder.

    Raises:
        FunctionSourceError: If it is no folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            message = f"there is no folder {folder}: make it, or name the one that holds your functions"
            raise FunctionSourceError(message)
        self._folder = folder
        self._seen: dict[Path, _Stamp] = {}

    def changed(self) -> Iterator[tuple[str, Path]]:
        """Yields name and file of each function that is new or was saved since the last time."""
        for name, file in sorted(self._functions().items()):
            try:
                status = file.stat()
            except OSError:
                continue  # It went away between two looks, and is back at the next one if it was being saved.
            stamp = (status.st_mtime_ns, status.st_size)
            if self._seen.get(file) != stamp:
                self._seen[file] = stamp
                yield name, file

    def read(self, file: Path) -> str:
        """Returns a function's code.

        Raises:
            FunctionSourceError: If it can't be read, is not UTF-8, or is empty.
        """
        return read_source(file)

    def _functions(self) -> dict[str, Path]:
        functions: dict[str, Path] = {}
        for entry in sorted(self._folder.iterdir()):
            if entry.name.startswith(".") or entry.name == "node_modules":
                continue
            if entry.suffix == ".js" and entry.is_file():
                functions[_name(entry.stem)] = entry
            elif (entry / "index.js").is_file():
                functions.setdefault(_name(entry.name), entry / "index.js")
        return functions


def _name(stem: str) -> str:
    # Some file systems take names apart into letters and accents; callers send them composed.
    return unicodedata.normalize("NFC", stem)
