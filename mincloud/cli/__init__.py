"""The command line, `mincloud-py`."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, cast

from .arguments import PROGRAM, program_parser
from .exit_statuses import DONE, INTERRUPTED, CommandError, describe_error, printable
from .terminal import Terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The words after the program's name; None for those of the process.

    Returns:
        The exit status; `mincloud-py --help` lists them.

    Raises:
        SystemExit: The words ask for help, or are wrong.
    """
    parser, _ = program_parser()
    args = parser.parse_args(arguments)
    terminal = Terminal(json=bool(args.json), colour=not args.no_color)
    if args.debug:
        _log_requests()
    try:
        status = _command(args.run)(args, terminal)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough, as with `| head`. Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - what no user can meet is raised on
        status, message = _format_error(error, args)
        if args.debug:
            import traceback  # noqa: PLC0415 - seldom needed

            traceback.print_exc()
        sys.stderr.write(f"{PROGRAM}: {printable(message)}\n")
    return status


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
