"""Making one file of a function's several, by the user's own esbuild."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from .exit_statuses import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPTIONS = ("--bundle", "--platform=node", "--target=node12", "--format=cjs", "--log-level=warning", "--color=false")
# The service looks for `exports.main`; ES modules may export `main` or a default.
_FOOTER = "exports.main = module.exports.main || module.exports.default || module.exports; module.exports = exports;"
_SECONDS = 120.0
_SOURCES = (".ts", ".mts", ".cts", ".tsx", ".jsx", ".mjs", ".cjs", ".js")
_DECLARATION = ".d"
# Comments, and texts that are no argument of `require`, hide what looks like one.
_REQUIRED = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\brequire\s*\(\s*(?P<quote>['"`])(?P<path>\.{1,2}(?:/[^'"`\n]*)?)(?P=quote)\s*\)"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""",
    re.DOTALL,
)


def required_files(code: str) -> list[str]:
    """The files beside a function that its code requires, as `./lib`, each once."""
    return list(dict.fromkeys(found["path"] for found in _REQUIRED.finditer(code) if found["path"]))


def source_of_folder(folder: Path) -> Path | None:
    """The file that a function's folder is bundled from: `index` with the ending of TypeScript or JavaScript; None if there is none."""
    return next((file for ending in _SOURCES if (file := folder / f"index{ending}").is_file()), None)


def sources_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and files of the functions of a folder that are to be bundled: each `NAME.ts`, `NAME.js` or `NAME/index.ts` and so on."""
    found: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name == "node_modules":
            continue
        if entry.is_dir():
            index = source_of_folder(entry)
            if index is not None:
                _add(found, entry.name, index)
        elif entry.suffix in _SOURCES and not entry.stem.endswith(_DECLARATION):
            _add(found, entry.stem, entry)
    yield from found.items()


def _add(found: dict[str, Path], name: str, file: Path) -> None:
    other = found.setdefault(name, file)
    if other == file:
        return
    if other.parent == file.parent:  # what was made of it, with the other ending
        found[name] = min(other, file, key=lambda each: _SOURCES.index(each.suffix))
    else:
        raise CommandError(f"{other} and {file} are both the function {name!r}: keep one of them")


def bundled(file: Path) -> str:
    """The code of a function in one file, for Node 12.

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
    said = done.stderr.decode("utf-8", "replace").splitlines()
    if done.returncode:
        raise CommandError(f"esbuild cannot bundle {file}", details=[line for line in said if line.strip()])
    return done.stdout.decode("utf-8")


def _esbuild(file: Path) -> str:
    """The esbuild of the function's project, of this folder, or on the path.

    Raises:
        CommandError: There is none.
    """
    name = "esbuild.cmd" if shutil.which("cmd.exe") else "esbuild"
    here, place = Path.cwd(), file.resolve().parent
    for folder in (place, *place.parents, here, *here.parents):
        program = folder / "node_modules" / ".bin" / name
        if program.is_file():
            return str(program)
    program_on_path = shutil.which("esbuild")
    if program_on_path is None:
        raise CommandError(
            "--bundle needs esbuild, which is not installed: `npm install --save-dev esbuild` puts it into your project"
        )
    return program_on_path
