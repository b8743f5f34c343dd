"""Functions as files: finds those of a folder and reads their code, for the client, the command line and the emulator."""

from __future__ import annotations

import json
import os
import shlex
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from ._operations import function_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FolderProblem", "FunctionFile", "FunctionFolder", "find_functions"]

INDEX = "index.js"
_SUFFIX = ".js"
# Files that have to be bundled for the service; declarations of types are no code.
_OTHER_SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".jsx", ".mjs", ".cjs")
_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")
_NOT_SEARCHED = "node_modules"
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class FunctionFile:
    """A function on this machine.

    Attributes:
        name: The function's name: that of the file, or of the folder of an `index.js`.
        path: The file with its code.
    """

    name: str
    path: Path

    def read(self) -> str:
        """Reads the function's code, without a byte order mark and with its line ends as they are.

        Returns:
            The code, in JavaScript.

        Raises:
            ValueError: The file is empty or not UTF-8.
            FileNotFoundError: There is no such file any more.
            OSError: The file cannot be read.
        """
        return _read_file(self.path)


@dataclass(frozen=True, slots=True)
class FolderProblem:
    """A file or folder among functions that looks like a function and is not one.

    Attributes:
        kind: What is wrong: a second file for the same function (`duplicate`), a file or folder that cannot be read
            (`unreadable`), or one that the service cannot run as it is (`ignored`).
        path: The file or folder.
        message: What is wrong and what to do, in one sentence that names the path.
    """

    kind: Literal["duplicate", "unreadable", "ignored"]
    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class FunctionFolder:
    """What `find_functions` found.

    Attributes:
        functions: The functions, sorted by name.
        problems: What was left out, sorted by path.
    """

    functions: tuple[FunctionFile, ...]
    problems: tuple[FolderProblem, ...]


def find_functions(path: str | os.PathLike[str]) -> FunctionFolder:
    """Finds the functions of a folder: each `NAME.js` and each `NAME/index.js` in it. Their code is not read.

    A folder with an `index.js` of its own is one function with the folder's name, and a file is the function of its name. Entries whose
    names begin with a dot, and `node_modules`, are skipped. Where `NAME.js` and `NAME/index.js` are both there, `NAME.js` is the
    function, as for `require`, and the other one is a problem.

    Args:
        path: The folder, or the file of one function.

    Returns:
        The functions, none if the folder has none; and what was left out, as a neighbour that cannot be read.

    Raises:
        FileNotFoundError: There is no such file or folder.
        OSError: The folder itself cannot be read.
    """
    root = Path(path)
    if not root.is_dir():
        if not root.exists():
            raise FileNotFoundError(f"there is no file or folder {root}")
        return _collected([root], [])
    is_function = _is_file(root / INDEX)
    files: list[Path] = []
    problems: list[FolderProblem] = []
    if is_function:
        files.append(root / INDEX)
        problems.extend(_main_not_followed(root))
    for entry in sorted(root.iterdir()):
        if entry.name.startswith(".") or entry.name == _NOT_SEARCHED:
            continue
        try:
            if is_function:
                problems.extend(_function_within_function(root, entry))
            elif entry.is_dir() and _is_file(entry / INDEX):
                files.append(entry / INDEX)
                problems.extend(_main_not_followed(entry))
            elif entry.is_dir():
                problems.extend(_no_index(entry))
            elif entry.suffix == _SUFFIX and _is_file(entry):
                files.append(entry)
            else:
                problems.extend(_no_function(entry))
        except OSError as error:
            problems.append(_unreadable(entry, error.strerror or str(error)))
    return _collected(files, problems)


def read_source(source: str | os.PathLike[str]) -> str:
    """Reads code from a string, a file, or the `index.js` of a directory.

    Args:
        source: The code itself, or the path of its file or directory.

    Returns:
        The code, in JavaScript.

    Raises:
        TypeError: It is neither a string nor a path.
        ValueError: It is empty or not UTF-8, or the string is a path.
        FileNotFoundError: There is no such file, or no `index.js` in the directory.
        OSError: The file cannot be read.
    """
    if isinstance(source, str):
        if _is_a_path(source):
            raise ValueError(f"a string is taken for the code itself: pass Path({source!r}) to deploy that file")
        if _is_blank(source):
            raise ValueError("the code must not be empty")
        return source
    if not isinstance(source, os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the source must be code as a string or a path, not {type(source).__name__}")
    path = Path(source)
    if path.is_dir():
        path /= INDEX
        if not path.exists():
            raise FileNotFoundError(f"{path.parent} has no {INDEX}: a function's directory needs one")
    return _read_file(path)


def _read_file(path: Path) -> str:
    try:
        code = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8: save it in that encoding") from None
    if _is_blank(code):
        raise ValueError(f"{path} is empty: a function needs code")
    return code


def _is_blank(code: str) -> bool:
    return not code.replace(_BYTE_ORDER_MARK, "").strip()


def _is_a_path(text: str) -> bool:
    if text.endswith(_SUFFIX) and not any(map(str.isspace, text)):  # no code ends so, but a path with a slip does
        return True
    try:
        return bool(text) and "\n" not in text and Path(text).exists()
    except (OSError, ValueError):  # longer than a path, or with a NUL
        return False


def _collected(files: list[Path], problems: list[FolderProblem]) -> FunctionFolder:
    """The functions of files, one for each name."""
    functions: dict[str, FunctionFile] = {}
    # A file comes before an index.js of the same name, as for `require`.
    for file in sorted(files, key=lambda each: (each.name == INDEX, str(each))):
        name = name_of_function(file)
        try:
            function_name(name)
        except ValueError as error:
            problems.append(FolderProblem("ignored", file, f"{_printable(file)} is left out: {error}; rename it"))
            continue
        first = functions.setdefault(name, FunctionFile(name, file))
        if first.path is not file:
            message = f"{first.path} and {file} are both the function {name!r}: keep one of them"
            problems.append(FolderProblem("duplicate", file, message))
    return FunctionFolder(
        tuple(functions[name] for name in sorted(functions)),
        tuple(sorted(problems, key=lambda each: (str(each.path), each.message))),
    )


def name_of_function(file: Path) -> str:
    """The name of the function in a file: that of the file, or of the folder of an index file."""
    name = file.stem
    if name == "index":
        # The folder's own name, not that of a folder to which a link leads, unless it is written as `.` or `..`.
        name = file.parent.resolve().name if file.parent.name in ("", "..") else file.parent.name
    # Some file systems take names apart into letters and accents; callers send them composed.
    return unicodedata.normalize("NFC", name)


def _printable(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def _main_not_followed(folder: Path) -> Iterator[FolderProblem]:
    """Reports a package.json whose `main` is another file than the function."""
    main = _main_of_package(folder)
    index = folder / INDEX
    if main is not None and os.path.realpath(main) != os.path.realpath(index):
        package = folder / "package.json"
        message = f"{package} names {main} as `main`, but the function is {index}: {_bundle_hint(main, index)}"
        yield FolderProblem("ignored", package, message)


def _function_within_function(root: Path, entry: Path) -> Iterator[FolderProblem]:
    """Reports a function in the folder of another one."""
    if entry.is_dir() and _is_file(entry / INDEX):
        message = f"{entry} is left out, since {root / INDEX} makes {root} one function: move that file if {root} is to hold several"
        yield FolderProblem("ignored", entry, message)


def _no_index(folder: Path) -> Iterator[FolderProblem]:
    """Reports a folder without an index.js that looks like a function, or like a folder of functions."""
    candidates = [_main_of_package(folder), *(folder / f"index{suffix}" for suffix in _OTHER_SUFFIXES)]
    source = next((file for file in candidates if file is not None and _is_file(file)), None)
    if source is not None:
        yield _needs_bundling(source, folder / INDEX)
        return
    children = [each for each in folder.iterdir() if not each.name.startswith(".") and each.name != _NOT_SEARCHED]
    if any((child.suffix == _SUFFIX and _is_file(child)) or _is_file(child / INDEX) for child in children):
        message = f"{folder} is left out, since it has no {INDEX} and folders within folders are not searched: name {folder} itself"
        yield FolderProblem("ignored", folder, message)


def _no_function(file: Path) -> Iterator[FolderProblem]:
    """Reports a file that is not a function and looks like one."""
    if file.suffix == _SUFFIX and os.path.lexists(file):
        yield _unreadable(file, "it is a link to nothing" if file.is_symlink() else "it is no regular file")
    elif file.suffix in _OTHER_SUFFIXES and not file.name.endswith(_DECLARATIONS):
        stem = file.with_suffix("")
        built = (file.with_suffix(_SUFFIX), stem / INDEX)
        if not any(map(_is_file, built)):  # else it is the source of one that is there
            yield _needs_bundling(file, built[0])


def _needs_bundling(source: Path, target: Path) -> FolderProblem:
    message = f"{source} is left out, since the service runs one CommonJS file: {_bundle_hint(source, target)}"
    return FolderProblem("ignored", source, message)


def _bundle_hint(source: Path, target: Path) -> str:
    options = ("--bundle", "--platform=node", "--target=node12", "--format=cjs", f"--outfile={target}")
    return f"bundle it with `{shlex.join(['esbuild', str(source), *options])}`"


def _unreadable(path: Path, reason: str) -> FolderProblem:
    return FolderProblem("unreadable", path, f"{path} is left out, since it cannot be read: {reason}")


def _is_file(path: Path) -> bool:
    """Whether a regular file is there; raises `OSError` if that cannot be told, as in a folder of another user."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _main_of_package(folder: Path) -> Path | None:
    """The file that a folder's package.json names as `main`; None if it names none that is there."""
    try:
        package: Any = json.loads((folder / "package.json").read_bytes())
        main = cast("dict[str, object]", package).get("main") if isinstance(package, dict) else None
        if not isinstance(main, str) or not main:
            return None
        named = folder / main
        # In the order of Node.
        return next(filter(_is_file, (named, named.with_name(f"{named.name}{_SUFFIX}"), named / INDEX)), None)
    except (OSError, ValueError, RecursionError):  # a broken package.json does not matter to the function
        return None
