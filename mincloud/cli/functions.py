"""The commands `list`, `get`, `new`, `pull`, `update` and `delete`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .clients import connected, destination
from .exit_statuses import DONE, INTERRUPTED, CommandError, describe_error, error_document, printable
from .terminal import Cell, status_cell
from .units import local_time, size, zone

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from .. import CloudFunction
    from .clients import Destination
    from .terminal import Terminal

MEMORY = {"P_FREE": "128 MB", "P_PERSONAL": "256 MB"}
# The function that the documentation calls: examples/functions/greet/index.js.
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
    there = destination(args, terminal)
    with connected(there, args) as cloud:
        functions = cloud.functions.list(prefetch=_PAGES_AHEAD)
        if terminal.json:
            for function in functions:
                terminal.document(function.to_dict())
        else:
            header = ("NAME", "AUDIT", "MEMORY", "CODE", f"UPDATED {zone()}", "BY", "REMARK")
            terminal.table(header, _rows(functions), whole=("AUDIT", "UPDATED"))
            if terminal.shows_people and functions.total == 0:
                terminal.note(f"there are no functions in {there}: `mincloud-py new NAME` makes one to start from")
    return DONE


def _rows(functions: Iterator[CloudFunction] | Any) -> Iterator[Sequence[str]]:
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
    """Makes a folder with a function to start from. Nothing is sent."""
    file = _default_file(args.name, "make the folder yourself, and name it in `mincloud-py deploy NAME FOLDER`")
    if file.exists():
        raise CommandError(f"{file} exists already: choose another name, or edit it")
    file.parent.mkdir(exist_ok=True)
    with file.open("x", encoding="utf-8", newline="") as opened:
        opened.write(STARTING_CODE)
    name = shlex.quote(args.name)
    if terminal.json:
        terminal.document({"name": args.name, "file": str(file)})
    else:
        terminal.text(f"made {file}: edit it, then `mincloud-py deploy {name}` and `mincloud-py invoke {name}`")
    return DONE


def pull(args: argparse.Namespace, terminal: Terminal) -> int:
    """Fetches a function's code into a file."""
    to_output = args.output == "-"
    if args.output is None:
        file = _default_file(args.name, "say where to put it with -o FILE")
    else:
        file = Path(args.output)
        file = file / "index.js" if file.is_dir() else file
    with connected(destination(args, terminal), args) as cloud:
        function = cloud.functions.get(args.name)
    code = function.function_code or ""
    if to_output:
        if terminal.json:
            terminal.document(function.to_dict())
        else:
            terminal.block(code)
        return DONE
    content = code.encode("utf-8", "surrogatepass")
    there = file.read_bytes() if file.exists() else None
    if there is not None and there != content and not args.force:
        raise CommandError(
            f"{file} differs from the service's code, and would be lost: --force overwrites it; "
            f"`mincloud-py deploy {args.name} {file} --diff --dry-run` shows the difference"
        )
    if there != content:
        if args.output is None:
            file.parent.mkdir(exist_ok=True)
        _put(file, content)
    action = "unchanged" if there == content else "created" if there is None else "overwritten"
    if terminal.json:
        terminal.document({"name": function.name, "file": str(file), "action": action})
    else:
        terminal.text(f"{action} {file}")
    return DONE


def get(args: argparse.Namespace, terminal: Terminal) -> int:
    """Shows a function."""
    with connected(destination(args, terminal), args) as cloud:
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
    there = destination(args, terminal)
    with connected(there, args) as cloud:
        function = cloud.functions.update(args.name, new_name=args.rename, plan=args.plan, remark=args.remark)
    if terminal.json:
        document = function.to_dict()
        document.pop("function_code", None)
        terminal.document({**document, "where": there.to_dict()})
        return DONE
    changes = [
        *([f"renamed to {function.name}"] if args.rename is not None else []),
        *([f"plan {args.plan} ({MEMORY[args.plan]})"] if args.plan is not None else []),
        *([f"remark {args.remark!r}"] if args.remark is not None else []),
    ]
    terminal.text(Cell("updated", "yellow"), f" {args.name} in {there}: {', '.join(changes)}")
    return DONE


def delete(args: argparse.Namespace, terminal: Terminal) -> int:
    """Deletes functions, after asking."""
    from .. import NotFound  # noqa: PLC0415 - help needs no client

    names: list[str] = list(dict.fromkeys(args.names))
    there = destination(args, terminal)
    with connected(there, args) as cloud:
        if not args.yes and not _is_meant(names, there, terminal):
            terminal.note("nothing was deleted")
            return INTERRUPTED
        status = DONE
        for name in names:
            try:
                cloud.functions.delete(name)
            except NotFound as error:  # the others are deleted all the same
                failure, message = describe_error(error, name=name)
                if terminal.json:
                    terminal.document({"name": name, "action": "failed", **error_document(error, message)})
                else:
                    terminal.note(f"mincloud-py: {message}")
                status = status or failure
                continue
            if terminal.json:
                terminal.document({"name": name, "action": "deleted", "where": there.to_dict()})
            else:
                terminal.text(f"deleted {name} in {there}")
    return status


def _is_meant(names: Sequence[str], there: Destination, terminal: Terminal) -> bool:
    """Asks before functions are deleted; in production for each one's name, which no habit types."""
    otherwise = "add --yes to delete without being asked"
    if not there.is_production:
        return terminal.confirm(f"delete {', '.join(names)} in {there} with all code and jobs?", otherwise=otherwise)
    return all(
        terminal.asked(f"this deletes {name} in {there} with all code and jobs; type its name:", otherwise=otherwise)
        == name
        for name in names
    )


def _default_file(name: str, otherwise: str) -> Path:
    """`NAME/index.js`, if the name is one of a folder here and nowhere else."""
    if not name or "/" in name or "\\" in name or "\0" in name or name.startswith(".") or Path(name).name != name:
        raise CommandError(f"{name!r} cannot be the name of a folder here: {otherwise}")
    return Path(name) / "index.js"


def _put(file: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    partial = file.with_name(f".{file.name}.part")
    try:
        partial.write_bytes(content)
        if file.exists():
            partial.chmod(file.stat().st_mode & 0o7777)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
