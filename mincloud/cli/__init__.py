"""The command line, `mincloud-py`."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, cast

from .arguments import program_parser
from .exit_statuses import DONE, INTERRUPTED, PROGRAM, WRONG_USAGE, CommandError, describe_error, error_document
from .terminal import Terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from .arguments import CommandParser

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The words after the program's name; None for those of the process.

    Returns:
        The exit status; `mincloud-py --help` lists them.

    Raises:
        SystemExit: The words ask for help or the version.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison] - closed, as with `2>&-`
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until the program ends
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - as above
        sys.stderr.write(f"{PROGRAM}: standard output is closed, so nothing was done: send it to /dev/null instead\n")
        return WRONG_USAGE
    parser, commands = program_parser()
    if not words or (words[0] == "help" and not {"-h", "--help"}.intersection(words)):
        return _help(words[1:], parser, commands)
    try:
        args = parser.parse_args(words)
    except CommandError as error:
        Terminal(json="--json" in words, colour=False).error(
            f"{error.program}: {error}", error_document(error, str(error))
        )
        return error.status
    terminal = Terminal(json=bool(args.json), colour=not args.no_color)
    if args.debug:
        _log_requests()
    try:
        status = _command(args.run)(args, terminal)
        sys.stdout.flush()
    except KeyboardInterrupt:
        terminal.error(f"{PROGRAM}: interrupted", {"error": {"kind": "Interrupted", "message": "interrupted"}})
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough, as with `| head`.
        _give_up_output()
        return DONE
    except Exception as error:  # noqa: BLE001 - what no user can meet is raised on
        status, message = _format_error(error, args)
        if args.debug:
            import traceback  # noqa: PLC0415 - seldom needed

            traceback.print_exc()
        terminal.error(f"{PROGRAM}: {message}", error_document(error, message), getattr(error, "details", ()))
        _give_up_output()
    return status


def _give_up_output() -> None:
    """Leaves what cannot be written any more, about which Python would complain once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _help(words: list[str], parser: CommandParser, commands: dict[str, CommandParser]) -> int:
    """Shows the help of a command, or of the program."""
    names = [word for word in words if not word.startswith("-")]
    if names and names[0] not in commands:
        return main([names[0]])  # says what is wrong with it
    sys.stdout.write((commands[names[0]] if names else parser).format_help())
    return DONE


def _command(place: str) -> Callable[[argparse.Namespace, Terminal], int]:
    module, _, name = place.partition(":")
    return cast("Callable[[argparse.Namespace, Terminal], int]", getattr(import_module(f".{module}", __name__), name))


def _format_error(error: Exception, args: argparse.Namespace) -> tuple[int, str]:
    """The exit status and the line for an error that a user can meet; a mistake of ours is raised on.

    Raises:
        Exception: The error, if it is none of those.
    """
    if not isinstance(error, (CommandError, OSError, ValueError)):
        from .. import MinCloudError  # noqa: PLC0415 - an error of the client means that it is loaded

        if not isinstance(error, MinCloudError):
            raise error
    return describe_error(error, command=args.command, name=getattr(args, "name", ""))


def _log_requests() -> None:
    import logging  # noqa: PLC0415 - seldom needed

    logger = logging.getLogger("mincloud")
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
