"""A function's code, as a file or a folder on this machine has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import FunctionSourceError

if TYPE_CHECKING:
    from pathlib import Path


def read_source(path: Path) -> str:
    """Returns the JavaScript text of a file, or of the `index.js` of a folder.

    Raises:
        FunctionSourceError: If it can't be read, is not UTF-8, or is empty.
    """
    file = path / "index.js" if path.is_dir() else path
    try:
        code = file.read_text("utf-8")
    except OSError as error:
        message = f"cannot read {file} ({error.strerror}): name a JavaScript file or a folder with an index.js"
        raise FunctionSourceError(message) from error
    except UnicodeDecodeError as error:
        message = f"{file} is not UTF-8: save it as UTF-8"
        raise FunctionSourceError(message) from error
    if not code.strip():
        message = f"{file} is empty: a function needs code"
        raise FunctionSourceError(message)
    return code
