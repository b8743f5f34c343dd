"""Bundles the files of a function into one with the user's own esbuild."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .._function_files import name_of_function
from .exit_statuses import CommandError

_OPTIONS = ("--bundle", "--platform=node", "--target=node12", "--format=cjs", "--log-level=warning", "--color=false")
# The service looks for `exports.main`; ES modules may export `main` or a default.
_FOOTER = "exports.main = module.exports.main || module.exports.default || module.exports; module.exports = exports;"
_SECONDS = 120.0
_SUFFIXES = (".ts", ".mts", ".cts", ".tsx", ".jsx", ".mjs", ".cjs", ".js")
_DECLARATION = ".d"
# Matches comments and other strings too, so that a `require` within one is not found.
_REQUIRED = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\brequire\s*\(\s*(?P<quote>['"`])(?P<path>\.{1,2}(?:/[^'"`\n]*)?)(?P=quote)\s*\)"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""",
    re.DOTALL,
)


def required_files(code: str) -> list[str]:
    """The files beside a function that its code requires, as `./lib`, each once."""
    return list(dict.fromkeys(found["path"] for found in _REQUIRED.finditer(code) if found["path"]))


def find_source(folder: Path) -> Path | None:
    """The file that a function's folder is bundled from: `index` with a suffix of TypeScript or JavaScript; None if there is none."""
    return next((file for suffix in _SUFFIXES if (file := folder / f"index{suffix}").is_file()), None)


def bundled_functions(path: Path) -> dict[str, Path]:
    """The functions at a path that are to be bundled: the file of each by its name.

    Args:
        path: The file of one function, its folder, or a folder of such files and folders.

    Raises:
        CommandError: Two files are the same function.
    """
    index = find_source(path) if path.is_dir() else path
    if index is not None:
        return {name_of_function(index): index}
    found: dict[str, Path] = {}
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or entry.name == "node_modules":
            continue
        is_source = entry.suffix in _SUFFIXES and not entry.stem.endswith(_DECLARATION)
        file = find_source(entry) if entry.is_dir() else entry if is_source else None
        if file is None:
            continue
        other = found.setdefault(name_of_function(file), file)
        if other.parent != file.parent:
            raise CommandError(f"{other} and {file} are both the function {name_of_function(file)!r}: keep one of them")
        # The one with the later suffix was made of the other.
        found[name_of_function(file)] = min(other, file, key=lambda each: _SUFFIXES.index(each.suffix))
    return found


def bundle(file: Path) -> str:
    """Bundles a function into one file for Node 12.

    Args:
        file: The file that the bundle starts from.

    Returns:
        The code.

    Raises:
        CommandError: There is no esbuild, or it cannot bundle the file.
    """
    program = _esbuild(file)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own
            [program, str(file), *_OPTIONS, f"--footer:js={_FOOTER}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"{program} does not run: {error}") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        raise CommandError(f"esbuild cannot bundle {file}", details=[line for line in lines if line.strip()])
    return done.stdout.decode("utf-8")


def _esbuild(file: Path) -> str:
    """The path of the esbuild of the function's project, of the working directory's, or on the search path."""
    name = "esbuild.cmd" if shutil.which("cmd.exe") else "esbuild"
    for folder in (*file.resolve().parents, Path.cwd(), *Path.cwd().parents):
        program = folder / "node_modules" / ".bin" / name
        if program.is_file():
            return str(program)
    program_on_path = shutil.which("esbuild")
    if program_on_path is None:
        raise CommandError(
            "--bundle needs esbuild, which is not installed: `npm install --save-dev esbuild` puts it into your project"
        )
    return program_on_path
