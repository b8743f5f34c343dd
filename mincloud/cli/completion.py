"""The command `completion`: a script that completes this program's words in a shell."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from .exit_statuses import DONE, CommandError

if TYPE_CHECKING:
    import argparse

    from .terminal import Terminal

# The arguments that are files, by their names in the parsed arguments.
_FILES = frozenset(("targets", "inputs", "output", "data", "functions"))
_FIRST_ALONE, _EACH = '"(*):', '"*:'


def completion(args: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the script for a shell."""
    if find_spec("shtab") is None:
        raise CommandError("completion scripts need shtab: pip install 'mincloud[cli]'")
    import shtab  # noqa: PLC0415 - in the `cli` extra, and needed here alone

    from .arguments import program_parser  # noqa: PLC0415 - only this command needs it again

    parser, commands = program_parser()
    for command in commands.values():
        for action in command.arguments():
            if action.dest in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - shtab's way
    script: str = shtab.complete(parser, args.shell)
    if args.shell == "zsh":
        # shtab writes an argument that may be repeated such that zsh completes the first alone.
        script = script.replace(_FIRST_ALONE, _EACH)
    if terminal.json:
        terminal.document({"shell": args.shell, "script": script})
    else:
        terminal.text(script)
    return DONE
