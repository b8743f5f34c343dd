"""The command `deploy`: finds the functions that its arguments name, checks them, shows what changes, and deploys them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .._function_files import find_functions, read_source
from ..errors import Forbidden, MinCloudError, NotFound, Unauthorized
from .bundling import bundle, bundled_functions, find_source, required_files
from .calls import read_data
from .clients import resolve_destination
from .exit_statuses import DONE, FAILED, CommandError, describe_error
from .terminal import STATUS_STYLES, Cell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from .. import CloudFunction, Deployment, MinCloud, Plan
    from .clients import Destination
    from .terminal import Terminal

_INDEX = "index.js"
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Source:
    """A function to deploy.

    Attributes:
        name: Its name.
        file: The file that its code comes from.
        code: Its code.
    """

    name: str
    file: Path
    code: str


def deploy(args: argparse.Namespace, terminal: Terminal) -> int:
    """Deploys functions from files. Nothing is sent before each file has been read and checked."""
    if args.smoke is not None and args.dry_run:
        raise CommandError("--smoke calls what was deployed, and --dry-run deploys nothing: choose one")
    smoke = None if args.smoke is None else read_data(args.smoke)
    sources = read_sources(args.targets, with_bundling=args.bundle, terminal=terminal)
    if not args.no_check:
        _check_sources(sources)
    destination = resolve_destination(args, terminal)
    status = DONE
    with destination.connect() as cloud:
        for source in sources:
            try:
                deployment = _deploy_one(cloud, destination, source, args, terminal)
                if smoke is not None and deployment is not None:
                    _smoke(cloud, destination, deployment, smoke, terminal)
            except (Unauthorized, Forbidden):
                raise  # the others would fail as well
            except (MinCloudError, CommandError) as error:
                if len(sources) == 1:
                    raise
                prefix = "" if isinstance(error, CommandError) else f"{source.name} is not deployed: "
                document = {"name": source.name, "action": "failed"}
                failure = terminal.failure(error, document, name=source.name, prefix=prefix)
                status = status or failure
    return status


def _deploy_one(
    cloud: MinCloud, destination: Destination, source: Source, args: argparse.Namespace, terminal: Terminal
) -> Deployment | None:
    """Deploys a function, or with `--dry-run` shows what that would do, and returns None."""
    if args.dry_run:
        deployment = None
        try:
            previous = cloud.functions.get(source.name)
        except NotFound:
            previous = None
        action = _action(source, previous, args)
    else:
        # Not the file again: it may have changed since it was checked, and a pipe is read once.
        deployment = cloud.functions.deploy(source.name, source.code, remark=args.remark, plan=args.plan)
        action, previous = deployment.action, deployment.previous
    difference = _difference(source, previous) if args.diff else []
    if terminal.json:
        document: dict[str, Any] = {"name": source.name, "action": action, "file": str(source.file)}
        document["where"] = destination.to_dict()
        if args.dry_run:
            document["dry_run"] = True
        if args.diff:
            document["diff"] = "\n".join(difference)
        terminal.document(document)
        return deployment
    done = Cell(f"{'would be ' if args.dry_run else ''}{action}", STATUS_STYLES[action])
    terminal.text(done, f" {source.name} in {destination}, from {source.file}")
    for line in difference:
        terminal.text(Cell(line, _DIFF_STYLES.get(line[:1], "")))
    return deployment


def _action(source: Source, previous: CloudFunction | None, args: argparse.Namespace) -> str:
    """What deploying would do."""
    if previous is None:
        return "created"
    same_code = (previous.function_code or "") == source.code
    same_remark = args.remark is None or args.remark == (previous.remark or "")
    same_plan = args.plan is None or args.plan == previous.plan_circle
    return "unchanged" if same_code and same_remark and same_plan else "updated"


def _difference(source: Source, previous: CloudFunction | None) -> list[str]:
    """The lines of a unified diff."""
    before = "" if previous is None else previous.function_code or ""
    names = f"{source.name} (deployed)", str(source.file)
    lines = difflib.unified_diff(before.splitlines(), source.code.splitlines(), *names, lineterm="")
    return [line.rstrip("\r\n") for line in lines]


def _smoke(
    cloud: MinCloud, destination: Destination, deployment: Deployment, data: dict[str, Any] | None, terminal: Terminal
) -> None:
    """Calls a deployed function; if the call fails, rolls it back and says what is deployed now."""
    name = deployment.function.name
    try:
        cloud.functions.invoke(name, data)
    except KeyboardInterrupt:
        terminal.note(f"mincloud-py: the smoke call of {name} was interrupted: {_roll_back(cloud, deployment)}")
        raise
    except MinCloudError as error:
        status, message = describe_error(error, command="invoke", name=name)
        raise CommandError(
            f"the smoke call of {name} in {destination} failed: {message}; {_roll_back(cloud, deployment)}",
            status or FAILED,
        ) from error
    if not terminal.json:
        terminal.text(f"called {name}: it returned")


def _roll_back(cloud: MinCloud, deployment: Deployment) -> str:
    """Undoes a deployment; says what is deployed now."""
    name, now, previous = deployment.function.name, deployment.function, deployment.previous
    if deployment.action == "unchanged":
        return "the code was there before, so it stays"
    try:
        if previous is None:
            cloud.functions.delete(name)
            return "there was no function before, so it is deleted again"
        cloud.functions.update(
            name,
            code=previous.function_code,
            plan=None if previous.plan_circle == now.plan_circle else cast("Plan", previous.plan_circle),
            remark=None if previous.remark == now.remark else previous.remark or "",
        )
    except MinCloudError as error:
        return f"and the new code is still there, since it could not be undone: {error}"
    return "the previous code is back"


def _check_sources(sources: Sequence[Source]) -> None:
    """Refuses code that the service cannot run: with syntax errors, where Node can tell, or that requires other files."""
    faults: list[tuple[str, ...]] = []
    for source in sources:
        if required := required_files(source.code):
            message = f"{source.file} requires {', '.join(required)}, and only that one file would be sent"
            faults.append((f"{message}: --bundle makes one file of them",))
    faults += _syntax_faults(sources)
    if not faults:
        return
    message, *details = [line for fault in faults for line in fault]
    raise CommandError(message, details=[*details, "nothing was sent; --no-check sends it as it is"])


def _syntax_faults(sources: Sequence[Source]) -> Iterator[tuple[str, ...]]:
    """The message for each syntax error, and the line with a caret under the place."""
    from mincloud_emulator.runtime import NodeMissing, find_node, syntax_faults  # noqa: PLC0415 - only this command needs it

    try:
        node = find_node()
    except NodeMissing:
        return  # the service reports it when the function is called
    for source, fault in zip(sources, syntax_faults([source.code for source in sources], node), strict=True):
        if fault is not None and fault.newer:
            yield (f"{source.file}: {fault.summary}: --bundle writes it for Node 12",)
        elif fault is not None:
            place = "".join(f":{number}" for number in (fault.line, fault.column) if number is not None)
            advice = ""
            if fault.needs_bundling:
                advice = ": the service runs CommonJS, so write `exports.main = …`, or add --bundle"
            yield (f"{source.file}{place}: {fault.message}{advice}", *fault.excerpt)


def read_sources(
    targets: Sequence[str], *, with_bundling: bool = False, terminal: Terminal | None = None
) -> list[Source]:
    """Reads the functions that the arguments of the command name.

    `NAME PATH` is one function under that name. Otherwise each argument is a path or `NAME=PATH`: a file `NAME.js`, a folder with an
    `index.js`, or a folder of such files and folders. With bundling, TypeScript and ES modules are functions as well.

    Args:
        targets: The arguments.
        with_bundling: Whether to bundle each function into one file.
        terminal: Where to say what a folder holds that is no function.

    Raises:
        CommandError: An argument names no function, two name the same, or a file has no code that could be deployed.
        OSError: A file cannot be read.
    """
    if len(targets) == 2 and _is_bare_name(targets[0]) and not _name_and_path(targets[1]):  # noqa: PLR2004 - NAME PATH
        _refuse_two_folders(targets[0], Path(targets[1]))
        targets = ["=".join(targets)]
    found: list[tuple[str, Path]] = []
    for target in targets:
        if pair := _name_and_path(target):
            found.append((pair[0], _file_of_function(Path(pair[1]), with_bundling=with_bundling)))
        elif with_bundling:
            found.extend(_bundled_functions_at(Path(target)))
        else:
            found.extend(_functions_at(Path(target), terminal))
    known: dict[str, Path] = {}
    for name, file in found:
        if known.setdefault(name, file) is not file:
            raise CommandError(f"{known[name]} and {file} are both the function {name!r}: deploy one of them")
    return [Source(name, file, bundle(file) if with_bundling else read_source(file)) for name, file in found]


def _name_and_path(target: str) -> tuple[str, str] | None:
    """The two parts of `NAME=PATH`; None for a path, even one with a `=` in it."""
    name, _, path = target.partition("=")
    return (name, path) if name and path and "/" not in name and "\\" not in name else None


def _is_bare_name(target: str) -> bool:
    return not any(sign in target for sign in "/\\=") and not target.endswith(".js") and target not in (".", "..")


def _refuse_two_folders(name: str, path: Path) -> None:
    """Refuses `greet farewell` where both are folders here, which may mean one function or two."""
    folder = Path(name)
    if not folder.exists() or folder.resolve() in (path.resolve(), *path.resolve().parents):
        return
    if _is_bare_name(str(path)):
        raise CommandError(
            f"{name} is a folder too: write {name}={path} for one function, or ./{name} ./{path} for two"
        )


def _file_of_function(path: Path, *, with_bundling: bool) -> Path:
    """The file with the code of one function: the path itself, or the index file of the folder."""
    if path.is_dir():
        index = find_source(path) if with_bundling else path / _INDEX
        if index is None or not index.is_file():
            raise CommandError(f"{path} has no {_INDEX}: a function's folder needs one")
        return index
    if not path.exists():
        raise CommandError(f"there is no file or folder {path}: `mincloud-py new NAME` makes one to start from")
    return path


def _existing(path: Path) -> Path:
    """A path, or as in the Node tool the file `greet.js` for `greet`."""
    if path.name and not path.exists() and (script := path.with_name(f"{path.name}.js")).is_file():
        return script
    return path if path.is_dir() else _file_of_function(path, with_bundling=False)


def _functions_at(path: Path, terminal: Terminal | None) -> Iterator[tuple[str, Path]]:
    """The names and files of the functions at a path."""
    folder = find_functions(_existing(path))
    for problem in folder.problems:
        if problem.kind != "ignored":
            raise CommandError(problem.message)
        if terminal is not None:
            terminal.note(f"mincloud-py: note: {problem.message}")
    if not folder.functions:
        advice = ", or --bundle for TypeScript and ES modules" if folder.problems else ""
        raise CommandError(
            f"{path} has no functions: it needs an {_INDEX}, or NAME.js or NAME/{_INDEX} for each{advice}"
        )
    for function in folder.functions:
        yield function.name, function.path


def _bundled_functions_at(path: Path) -> Iterator[tuple[str, Path]]:
    """The names and files of the functions at a path that are to be bundled."""
    functions = bundled_functions(_existing(path))
    if not functions:
        raise CommandError(f"{path} has no functions: it needs an index.ts or {_INDEX}, or NAME/index.ts for each")
    yield from functions.items()
