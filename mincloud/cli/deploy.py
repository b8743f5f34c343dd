"""The command `deploy`: which functions files and folders mean, whether they can run, what would change, and changing it."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .bundling import bundled, required_files, source_of_folder, sources_in
from .calls import data_argument
from .clients import connected, destination
from .exit_statuses import DONE, FAILED, CommandError, describe_error, error_document
from .terminal import STATUS_STYLES, Cell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from .. import Deployment, MinCloud, Plan
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
    """Makes functions be what files say. Nothing is sent before each file has been read and checked."""
    from .. import Forbidden, MinCloudError, NotFound, Unauthorized  # noqa: PLC0415 - help needs no client

    if args.smoke is not None and args.dry_run:
        raise CommandError("--smoke calls what was deployed, and --dry-run deploys nothing: choose one")
    smoke = None if args.smoke is None else data_argument(args.smoke)
    sources = sources_of(args.targets, bundle=args.bundle, terminal=terminal)
    if not args.no_check:
        check_sources(sources)
    there = destination(args, terminal)
    status = DONE
    with connected(there, args) as cloud:
        for source in sources:
            try:
                deployment = _deploy_one(cloud, there, source, args, terminal)
                if smoke is not None and deployment is not None:
                    _smoke(cloud, there, deployment, smoke, terminal)
            except (Unauthorized, Forbidden):
                raise  # the others would fare no better
            except (MinCloudError, CommandError) as error:
                if len(sources) == 1:
                    raise
                failure, message = describe_error(error, name=source.name if isinstance(error, NotFound) else "")
                said = message if isinstance(error, CommandError) else f"{source.name} is not deployed: {message}"
                if terminal.json:
                    terminal.document({"name": source.name, "action": "failed", **error_document(error, message)})
                else:
                    terminal.note(f"mincloud-py: {said}")
                status = status or failure
    return status


def _deploy_one(
    cloud: MinCloud, there: Destination, source: Source, args: argparse.Namespace, terminal: Terminal
) -> Deployment | None:
    """Deploys a function, or says what that would do; what came of it, None where nothing was to be done."""
    from .. import NotFound  # noqa: PLC0415 - help needs no client

    difference: list[str] = []
    action = ""
    deployment = None
    if args.diff or args.dry_run:
        try:
            deployed = cloud.functions.get(source.name)
        except NotFound:
            before, action = "", "created"
        else:
            before = deployed.function_code or ""
            same_remark = args.remark is None or args.remark == (deployed.remark or "")
            same_plan = args.plan is None or args.plan == deployed.plan_circle
            action = "unchanged" if before == source.code and same_remark and same_plan else "updated"
        difference = _difference(before, source)
    if not args.dry_run:
        code: Any = source.code if args.bundle else source.file
        deployment = cloud.functions.deploy(source.name, code, remark=args.remark, plan=args.plan)
        action = deployment.action
    if terminal.json:
        document: dict[str, object] = {"name": source.name, "action": action, "file": str(source.file)}
        document["where"] = there.to_dict()
        if args.dry_run:
            document["dry_run"] = True
        if args.diff:
            document["diff"] = "\n".join(difference)
        terminal.document(document)
        return deployment
    did = Cell(f"{'would be ' if args.dry_run else ''}{action}", STATUS_STYLES[action])
    terminal.text(did, f" {source.name} in {there}, from {source.file}")
    if args.diff:
        for line in difference:
            terminal.text(Cell(line, _DIFF_STYLES.get(line[:1], "")))
    return deployment


def _smoke(
    cloud: MinCloud, there: Destination, deployment: Deployment, data: dict[str, Any] | None, terminal: Terminal
) -> None:
    """Calls what was deployed, and puts the previous code back when the call fails.

    Raises:
        CommandError: It failed; the message says what is deployed now.
    """
    from .. import MinCloudError  # noqa: PLC0415 - help needs no client

    name = deployment.function.name
    try:
        cloud.functions.invoke(name, data)
    except MinCloudError as error:
        status, message = describe_error(error, command="invoke", name=name)
        raise CommandError(
            f"the smoke call of {name} in {there} failed: {message}; {_put_back(cloud, deployment)}",
            status or FAILED,
        ) from error
    if not terminal.json:
        terminal.text(f"called {name}: it returned")


def _put_back(cloud: MinCloud, deployment: Deployment) -> str:
    """Undoes a deployment; says what is deployed now."""
    from .. import MinCloudError  # noqa: PLC0415 - help needs no client

    name, previous = deployment.function.name, deployment.previous
    if deployment.action == "unchanged":
        return "the code was there before, so it stays"
    try:
        if previous is None:
            cloud.functions.delete(name)
            return "there was no function before, so it is deleted again"
        now = deployment.function
        cloud.functions.update(
            name,
            code=previous.function_code,
            plan=None if previous.plan_circle == now.plan_circle else cast("Plan", previous.plan_circle),
            remark=None if previous.remark == now.remark else previous.remark or "",
        )
    except MinCloudError as error:
        return f"and the new code is still there, since it could not be undone: {error}"
    return "the previous code is back"


def check_sources(sources: Sequence[Source]) -> None:
    """Looks for what the service could not run: errors of syntax, where Node is there, and files that would not be sent.

    Raises:
        CommandError: There is such a thing; `details` has the lines.
    """
    found = [fault for source in sources for fault in _missing_files(source)]
    found += _syntax_faults(sources)
    if not found:
        return
    (first, *details), *others = found
    more = [line for message, *lines in others for line in (message, *lines)]
    raise CommandError(first, details=[*details, *more, "nothing was sent; --no-check sends it as it is"])


def _missing_files(source: Source) -> Iterator[tuple[str, ...]]:
    required = required_files(source.code)
    if required:
        message = f"{source.file} requires {', '.join(required)}, and only that one file would be sent"
        yield (f"{message}: --bundle makes one file of them",)


def _syntax_faults(sources: Sequence[Source]) -> list[tuple[str, ...]]:
    """A message for each error of syntax, with the line and the caret."""
    from mincloud_emulator.runtime import (  # noqa: PLC0415 - help needs no Node
        NodeMissing,
        check_node12_syntax,
        find_node,
        syntax_faults,
    )

    try:
        node = find_node()
    except NodeMissing:
        return []  # without Node, the service's own says it
    faults = syntax_faults([source.code for source in sources], node)
    found: list[tuple[str, ...]] = []
    for source, fault in zip(sources, faults, strict=True):
        if fault is not None:
            place = "".join(f":{number}" for number in (fault.line, fault.column) if number is not None)
            advice = ""
            if fault.needs_bundling:
                advice = ": the service runs CommonJS, so write `exports.main = …`, or add --bundle"
            found.append((f"{source.file}{place}: {fault.message}{advice}", *fault.excerpt))
        elif (newer := check_node12_syntax(source.code, node)) is not None:
            found.append((f"{source.file}: {newer}: --bundle writes it for Node 12",))
    return found


def _difference(before: str, source: Source) -> list[str]:
    """A unified diff, without line ends."""
    return [
        line.rstrip("\r\n")
        for line in difflib.unified_diff(
            before.splitlines(), source.code.splitlines(), f"{source.name} (deployed)", str(source.file), lineterm=""
        )
    ]


def sources_of(targets: Sequence[str], *, bundle: bool = False, terminal: Terminal | None = None) -> list[Source]:
    """The functions that the words of the command mean, read.

    `NAME PATH` is one function under that name. Otherwise each word is a path or `NAME=PATH`: a file `NAME.js`, a folder with an
    `index.js`, or a folder of such files and folders. With `bundle`, TypeScript and ES modules are functions as well.

    Args:
        targets: The words.
        bundle: Whether to make one file of each function's.
        terminal: Where to say what in a folder is left out.

    Raises:
        CommandError: A word means no function, two mean the same, or a file has no code that could be deployed.
        OSError: A file cannot be read.
    """
    found: list[tuple[str, Path]] = []
    if len(targets) == 2 and _is_bare_name(targets[0]) and not _pair(targets[1]):  # noqa: PLR2004 - NAME PATH
        _check_meaning(targets[0], Path(targets[1]))
        found.append((targets[0], _file_of(Path(targets[1]), bundle=bundle)))
    else:
        for target in targets:
            if pair := _pair(target):
                found.append((pair[0], _file_of(Path(pair[1]), bundle=bundle)))
            else:
                found.extend(_functions_in(Path(target), bundle=bundle, terminal=terminal))
    known: dict[str, Path] = {}
    for name, file in found:
        if name in known:
            raise CommandError(f"{known[name]} and {file} are both the function {name!r}: deploy one of them")
        known[name] = file
    return [_read(name, file, bundle=bundle) for name, file in found]


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


def _file_of(path: Path, *, bundle: bool) -> Path:
    """The file with the code of one function."""
    if path.is_dir():
        index = source_of_folder(path) if bundle else path / _INDEX
        if index is None or not index.is_file():
            raise CommandError(f"{path} has no {_INDEX}: a function's folder needs one")
        return index
    if not path.exists():
        raise CommandError(f"there is no file or folder {path}: `mincloud-py new NAME` makes one to start from")
    return path


def _functions_in(path: Path, *, bundle: bool, terminal: Terminal | None) -> Iterator[tuple[str, Path]]:
    """Names and files of the functions that a path means."""
    if not path.is_dir():
        script = path.with_name(f"{path.name}.js") if path.name else path
        if not path.exists() and script.is_file():  # as the Node tool has it: `deploy greet` is greet.js, too
            path = script
        path = _file_of(path, bundle=bundle)
    elif bundle:
        index = source_of_folder(path)
        if index is None:
            yield from _composed_names(sources_in(path), path)
            return
        path = index
    if bundle:
        name = path.stem if path.stem != "index" else path.resolve().parent.name
        yield from _composed_names([(name, path)], path)
        return
    from .. import find_functions  # noqa: PLC0415 - help needs no client

    folder = find_functions(path)
    for problem in folder.problems:
        if problem.kind != "ignored":
            raise CommandError(problem.message)
        if terminal is not None:
            terminal.note(f"mincloud-py: note: {problem.message}")
    if not folder.functions:
        raise CommandError(f"{path} has no functions: it needs an {_INDEX}, or NAME.js or NAME/{_INDEX} for each")
    for function in folder.functions:
        yield function.name, function.path


def _composed_names(found: Iterable[tuple[str, Path]], path: Path) -> Iterator[tuple[str, Path]]:
    """The same, with the names as callers send them: some file systems take them apart into letters and accents."""
    functions = list(found)
    if not functions:
        raise CommandError(f"{path} has no functions: it needs an index.ts or {_INDEX}, or NAME/index.ts for each")
    for name, file in functions:
        yield unicodedata.normalize("NFC", name), file


def _read(name: str, file: Path, *, bundle: bool) -> Source:
    from .._function_files import read_source  # noqa: PLC0415 - help needs no client

    code = bundled(file) if bundle else read_source(file)
    return Source(name, file, code)
