"""The command `deploy`: which functions files and folders mean, what would change, and changing it."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .clients import connected, destination
from .exit_statuses import DONE, CommandError, describe_error
from .terminal import STATUS_STYLES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from .. import MinCloud
    from .clients import Destination
    from .terminal import Terminal

_INDEX = "index.js"
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Source:
    """A function on this machine.

    Attributes:
        name: Its name.
        file: Where its code is.
        code: Its code.
    """

    name: str
    file: Path
    code: str


def deploy(args: argparse.Namespace, terminal: Terminal) -> int:
    """Makes functions be what files say. Nothing is sent before each file has been read."""
    from .. import Forbidden, MinCloudError, NotFound, Unauthorized  # noqa: PLC0415 - help needs no client

    sources = sources_of(args.targets)
    there = destination(args, terminal)
    status = DONE
    with connected(there, args) as cloud:
        for source in sources:
            try:
                _deploy_one(cloud, there, source, args, terminal)
            except (Unauthorized, Forbidden):
                raise  # the others would fare no better
            except MinCloudError as error:
                if len(sources) == 1:
                    raise
                failure, message = describe_error(error, name=source.name if isinstance(error, NotFound) else "")
                terminal.note(f"mincloud-py: {source.name} is not deployed: {message}")
                status = status or failure
    return status


def _deploy_one(
    cloud: MinCloud, there: Destination, source: Source, args: argparse.Namespace, terminal: Terminal
) -> None:
    from .. import NotFound  # noqa: PLC0415 - help needs no client

    difference: list[str] = []
    action = ""
    if args.diff or args.dry_run:
        try:
            deployed = cloud.functions.get(source.name)
        except NotFound:
            before, action = "", "created"
        else:
            before = deployed.function_code or ""
            same_remark = args.remark is None or args.remark == (deployed.remark or "")
            action = "unchanged" if before == source.code and same_remark else "updated"
        difference = _difference(before, source)
    if not args.dry_run:
        action = cloud.functions.deploy(source.name, source.file, remark=args.remark).action
    if terminal.json:
        document: dict[str, object] = {"name": source.name, "action": action, "file": str(source.file)}
        document["where"] = there.to_dict()
        if args.dry_run:
            document["dry_run"] = True
        if args.diff:
            document["diff"] = "\n".join(difference)
        terminal.document(document)
        return
    would = "would be " if args.dry_run else ""
    did = terminal.coloured(f"{would}{action}", STATUS_STYLES[action])
    terminal.text(f"{did} {source.name} in {there}, from {source.file}")
    if args.diff:
        for line in difference:
            style = _DIFF_STYLES.get(line[:1])
            terminal.text(terminal.coloured(line, style) if style else line)


def _difference(before: str, source: Source) -> list[str]:
    """A unified diff, without line ends."""
    return [
        line.rstrip("\r\n")
        for line in difflib.unified_diff(
            before.splitlines(), source.code.splitlines(), f"{source.name} (deployed)", str(source.file), lineterm=""
        )
    ]


def sources_of(targets: Sequence[str]) -> list[Source]:
    """The functions that the words of the command mean, read.

    `NAME PATH` is one function under that name. Otherwise each word is a path or `NAME=PATH`: a file `NAME.js`, a folder with an
    `index.js`, or a folder of such files and folders.

    Raises:
        CommandError: A word means no function, two mean the same, or a file has no code that could be deployed.
        OSError: A file cannot be read.
    """
    found: list[tuple[str, Path]] = []
    if len(targets) == 2 and _is_bare_name(targets[0]) and not _pair(targets[1]):  # noqa: PLR2004 - NAME PATH
        _check_meaning(targets[0], Path(targets[1]))
        found.append((targets[0], _file_of(Path(targets[1]))))
    else:
        for target in targets:
            if pair := _pair(target):
                found.append((pair[0], _file_of(Path(pair[1]))))
            else:
                found.extend(_functions_in(Path(target)))
    known: dict[str, Path] = {}
    for name, file in found:
        if name in known:
            raise CommandError(f"{known[name]} and {file} are both the function {name!r}: deploy one of them")
        known[name] = file
    return [_read(name, file) for name, file in found]


def _pair(word: str) -> tuple[str, str] | None:
    """The two parts of `NAME=PATH`; None for a path, even one with a `=` in it."""
    name, separator, path = word.partition("=")
    return (name, path) if separator and name and path and "/" not in name and "\\" not in name else None


def _is_bare_name(word: str) -> bool:
    return (
        "/" not in word
        and "\\" not in word
        and "=" not in word
        and not word.endswith(".js")
        and word not in (".", "..")
    )


def _check_meaning(name: str, path: Path) -> None:
    """Refuses `greet farewell` where both are folders of functions here: nobody knows whether that is one function or two."""
    here = Path(name)
    if not here.exists() or here.resolve() == path.resolve() or here.resolve() in path.resolve().parents:
        return
    if _is_bare_name(str(path)):
        raise CommandError(
            f"{name} is a folder too: write {name}={path} for one function, or ./{name} ./{path} for two"
        )


def _file_of(path: Path) -> Path:
    """The file with the code of one function."""
    if path.is_dir():
        if not (path / _INDEX).is_file():
            raise CommandError(f"{path} has no {_INDEX}: a function's folder needs one")
        return path / _INDEX
    if not path.is_file():
        raise CommandError(f"there is no file or folder {path}: `mincloud-py new NAME` makes one to start from")
    return path


def _functions_in(path: Path) -> Iterator[tuple[str, Path]]:
    """Names and files of the functions that a path means."""
    if path.is_dir() and not (path / _INDEX).is_file():
        yield from _functions_of_folder(path)
        return
    script = path.with_name(f"{path.name}.js") if path.name else path
    if not path.exists() and script.is_file():  # as the Node tool has it: `deploy greet` is greet.js, too
        path = script
    file = _file_of(path)
    stem = file.stem if file.name != _INDEX else file.resolve().parent.name
    yield _composed(stem), file


def _functions_of_folder(folder: Path) -> Iterator[tuple[str, Path]]:
    count = 0
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name == "node_modules":
            continue
        if entry.suffix == ".js" and entry.is_file():
            yield _composed(entry.stem), entry
            count += 1
        elif (entry / _INDEX).is_file():
            yield _composed(entry.name), entry / _INDEX
            count += 1
    if not count:
        raise CommandError(f"{folder} has no functions: it needs an {_INDEX}, or NAME.js or NAME/{_INDEX} for each")


def _composed(name: str) -> str:
    # Some file systems take names apart into letters and accents; callers send them composed.
    return unicodedata.normalize("NFC", name)


def _read(name: str, file: Path) -> Source:
    try:
        code = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8: save it in that encoding") from None
    if not code.strip():
        raise CommandError(f"{file} is empty: a function needs code")
    return Source(name, file, code)
