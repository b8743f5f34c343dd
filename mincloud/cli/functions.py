"""The commands `list`, `get`, `new`, `pull`, `update` and `delete`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFound
from .clients import resolve_destination
from .exit_statuses import DONE, INTERRUPTED, CommandError, printable, suggested
from .terminal import Cell, status_cell
from .units import local_time, size, zone

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from .. import CloudFunction
    from .clients import Destination
    from .terminal import Terminal

MEMORY = {"P_FREE": "128 MB", "P_PERSONAL": "256 MB"}
# Equal to examples/functions/greet/index.js, which the documentation calls.
STARTING_CODE = """\
// Greets whoever is named. `event.data` is what the caller sends; what is returned is what the caller gets.
exports.main = async function (event) {
  const { username, delay = 0 } = event.data
  if (!username) throw new TypeError('username is missing / 缺少 username')
  console.log('greeting', username)
  await new Promise((resolve) => setTimeout(resolve, delay))
  return { greeting: `你好，${username}！`, length: username.length }
}
"""
_PAGES_AHEAD = 2


def list_functions(args: argparse.Namespace, terminal: Terminal) -> int:
    """Lists the functions."""
    destination = resolve_destination(args, terminal)
    with destination.connect() as cloud:
        functions = cloud.functions.list(prefetch=_PAGES_AHEAD)
        if terminal.json:
            for function in functions:
                terminal.document(function.to_dict())
        else:
            header = ("NAME", "AUDIT", "MEMORY", "CODE", f"UPDATED {zone()}", "BY", "REMARK")
            count = terminal.table(header, _rows(functions), keep_whole=("AUDIT", "UPDATED"))
            if terminal.is_interactive and not count:
                terminal.note(
                    f"there are no functions in {destination}: `mincloud-py new NAME` makes one to start from"
                )
    return DONE


def _rows(functions: Iterable[CloudFunction]) -> Iterator[Sequence[str]]:
    for function in functions:
        yield (
            function.name,
            status_cell(function.audit_status),
            MEMORY.get(function.plan_circle or "", function.plan_circle or ""),
            size(len((function.function_code or "").encode("utf-8", "surrogatepass"))),
            local_time(function.updated_at or function.created_at),
            function.updated_by or function.created_by or "",
            function.remark or "",
        )


def new(args: argparse.Namespace, terminal: Terminal) -> int:
    """Makes a folder with a function to start from; sends nothing."""
    file = _default_file(args.name, "make the folder yourself, and name it in `mincloud-py deploy NAME FOLDER`")
    if file.exists():
        raise CommandError(f"{file} exists already: choose another name, or edit it")
    file.parent.mkdir(exist_ok=True)
    with file.open("x", encoding="utf-8", newline="") as opened:
        opened.write(STARTING_CODE)
    terminal.result(
        {"name": args.name, "file": str(file)},
        f"made {file}: edit it, then {suggested('deploy', args.name)} and {suggested('invoke', args.name)}",
    )
    return DONE


def pull(args: argparse.Namespace, terminal: Terminal) -> int:
    """Fetches a function's code into a file."""
    if args.output is None:
        file = _default_file(args.name, "say where to put it with -o FILE")
    else:
        file = Path(args.output)
        file = file / "index.js" if file.is_dir() else file
    if args.output != "-" and file.exists() and not file.is_file():
        raise CommandError(f"{file} is no regular file: -o - prints the code")
    with resolve_destination(args, terminal).connect() as cloud:
        function = cloud.functions.get(args.name)
    code = function.function_code or ""
    if args.output == "-":
        if terminal.json:
            terminal.document(function.to_dict())
        else:
            terminal.block(code)
        return DONE
    content = code.encode("utf-8", "surrogatepass")
    existing = file.read_bytes() if file.exists() else None
    if existing is not None and existing != content and not args.force:
        raise CommandError(
            f"{file} differs from the service's code, and would be lost: --force overwrites it; "
            f"{suggested('deploy', args.name, str(file), '--diff', '--dry-run')} shows the difference"
        )
    if existing != content:
        if args.output is None:
            file.parent.mkdir(exist_ok=True)
        _write_atomically(file, content)
    action = "unchanged" if existing == content else "created" if existing is None else "overwritten"
    terminal.result({"name": function.name, "file": str(file), "action": action}, f"{action} {file}")
    return DONE


def get(args: argparse.Namespace, terminal: Terminal) -> int:
    """Shows a function."""
    with resolve_destination(args, terminal).connect() as cloud:
        function = cloud.functions.get(args.name)
    if terminal.json:
        terminal.document(function.to_dict())
        return DONE
    code = function.function_code or ""
    rows = (
        ("name", function.name),
        ("audit", status_cell(function.audit_status)),
        ("plan", f"{function.plan_circle} ({MEMORY.get(function.plan_circle, '?')})" if function.plan_circle else ""),
        ("remark", function.remark or ""),
        ("created", _by(function.created_at, function.created_by)),
        ("updated", _by(function.updated_at, function.updated_by)),
        ("code", size(len(code.encode("utf-8", "surrogatepass")))),
    )
    for label, value in rows:
        if value:
            shown = printable(value)
            terminal.text(f"{label:<10}", Cell(shown, value.style) if isinstance(value, Cell) else shown)
    terminal.text()
    terminal.block(code)
    return DONE


def _by(seconds: float | None, who: str | None) -> str:
    return f"{local_time(seconds)} {zone()}{f' by {who}' if who else ''}" if seconds is not None else ""


def update(args: argparse.Namespace, terminal: Terminal) -> int:
    """Changes a function's plan, name or remark."""
    if args.plan is None and args.rename is None and args.remark is None:
        raise CommandError("nothing to change: name at least one of --plan, --rename and --remark")
    destination = resolve_destination(args, terminal)
    with destination.connect() as cloud:
        function = cloud.functions.update(args.name, new_name=args.rename, plan=args.plan, remark=args.remark)
    changes = [
        *([f"renamed to {function.name}"] if args.rename is not None else []),
        *([f"plan {args.plan} ({MEMORY[args.plan]})"] if args.plan is not None else []),
        *([f"remark {args.remark!r}"] if args.remark is not None else []),
    ]
    document = {**function.to_dict(), "where": destination.to_dict()}
    document.pop("function_code", None)
    terminal.result(document, Cell("updated", "yellow"), f" {args.name} in {destination}: {', '.join(changes)}")
    return DONE


def delete(args: argparse.Namespace, terminal: Terminal) -> int:
    """Deletes functions, after asking."""
    names: list[str] = list(dict.fromkeys(args.names))
    destination = resolve_destination(args, terminal)
    status = DONE
    with destination.connect() as cloud:
        if not args.yes and not _confirm_deletion(names, destination, terminal):
            terminal.note("nothing was deleted")
            return INTERRUPTED
        for name in names:
            try:
                cloud.functions.delete(name)
            except NotFound as error:
                failure = terminal.failure(error, {"name": name, "action": "failed"}, name=name)
                status = status or failure
            else:
                document = {"name": name, "action": "deleted", "where": destination.to_dict()}
                terminal.result(document, f"deleted {name} in {destination}")
    return status


def _confirm_deletion(names: Sequence[str], destination: Destination, terminal: Terminal) -> bool:
    """Asks before functions are deleted: in a test environment once, in production for the name of each."""
    advice = "add --yes to delete without being asked"
    if destination.environment is not None:
        question = f"delete {', '.join(names)} in {destination} with all code and jobs?"
        return terminal.confirm(question, advice=advice)
    prompts = {name: f"this deletes {name} in {destination} with all code and jobs; type its name:" for name in names}
    return all(terminal.ask(prompt, advice=advice) == name for name, prompt in prompts.items())


def _default_file(name: str, advice: str) -> Path:
    """`NAME/index.js` in the working directory; refuses a name that cannot be that of a folder there."""
    if not name or "/" in name or "\\" in name or "\0" in name or name.startswith(".") or Path(name).name != name:
        raise CommandError(f"{name!r} cannot be the name of a folder here: {advice}")
    return Path(name) / "index.js"


def _write_atomically(file: Path, content: bytes) -> None:
    """Writes a file completely or not at all."""
    file = Path(os.path.realpath(file))  # a link stays a link
    partial = file.with_name(f".{file.name}.part")
    try:
        partial.write_bytes(content)
        if file.exists():
            partial.chmod(file.stat().st_mode & 0o7777)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
