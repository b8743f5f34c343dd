"""The command `completion`: prints a completion script for a shell."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from .arguments import program_parser
from .exit_statuses import DONE, CommandError

if TYPE_CHECKING:
    import argparse

    from .terminal import Terminal

# The arguments that are files, by their `dest`.
_FILES = frozenset(("targets", "inputs", "output", "data", "functions"))
_FIRST_ALONE, _EACH = '"(*):', '"*:'


def completion(args: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the script for a shell."""
    if find_spec("shtab") is None:
        raise CommandError("completion scripts need shtab: pip install 'mincloud[cli]'")
    import shtab  # noqa: PLC0415 - in the `cli` extra alone

    parser, commands = program_parser()
    for command in commands.values():
        for action in command._actions:  # noqa: SLF001 - argparse has no other way to list them
            if action.dest in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - shtab's way
    script: str = shtab.complete(parser, args.shell)
    if args.shell == "zsh":
        # With what shtab writes for an argument that may be repeated, zsh completes only the first.
        script = script.replace(_FIRST_ALONE, _EACH)
    terminal.result({"shell": args.shell, "script": script}, script)
    return DONE
