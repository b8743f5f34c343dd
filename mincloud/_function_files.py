"""A function's code from where its author keeps it."""

from __future__ import annotations

import os
from pathlib import Path


def read_source(source: str | os.PathLike[str]) -> str:
    """The code in a string, a file, or the `index.js` of a directory.

    Raises:
        TypeError: It is neither a string nor a path.
        ValueError: It is empty or not UTF-8, or the string is a path.
        FileNotFoundError: There is no such file, or no `index.js` in the directory.
        OSError: The file cannot be read.
    """
    if isinstance(source, str):
        if _is_a_path(source):
            raise ValueError(f"a string is taken for the code itself: pass Path({source!r}) to deploy that file")
        if not source.strip():
            raise ValueError("the code must not be empty")
        return source
    if not isinstance(source, os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the source must be code as a string or a path, not {type(source).__name__}")
    path = Path(source)
    if path.is_dir():
        path /= "index.js"
        if not path.exists():
            raise FileNotFoundError(f"{path.parent} has no index.js: a function's directory needs one")
    elif not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        code = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8: save it in that encoding") from None
    if not code.strip():
        raise ValueError(f"{path} is empty: a function needs code")
    return code


def _is_a_path(text: str) -> bool:
    if text.endswith(".js") and not any(map(str.isspace, text)):  # no code ends so, but a path with a slip does
        return True
    try:
        return bool(text) and "\n" not in text and Path(text).exists()
    except (OSError, ValueError):  # longer than a path, or with a NUL
        return False
