"""The command line, `mincloud-py`."""

from __future__ import annotations

import os
import sys
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from ..errors import MinCloudError
from .arguments import program_parser
from .exit_statuses import DONE, INTERRUPTED, PROGRAM, WRONG_USAGE, CommandError, describe_error, error_document
from .terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


_DOING_ONE_AFTER_ANOTHER = ("deploy", "delete", "trigger")


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
    if not words or (words[0] == "help" and "-h" not in words and "--help" not in words):
        words = [*(word for word in words[1:] if not word.startswith("-")), "--help"]
    try:
        args = program_parser()[0].parse_args(words)
    except CommandError as error:
        Terminal(json="--json" in words, colour=False).error(
            f"{error.program}: {error}", error_document(error, str(error))
        )
        return error.status
    terminal = Terminal(json=bool(args.json), colour=not args.no_color)
    if args.debug:
        _log_requests()
    ended: int | None = None
    try:
        ended = status = int(resolve_name(f"{__name__}.{args.run}")(args, terminal))
        sys.stdout.flush()
    except KeyboardInterrupt:
        terminal.error(f"{PROGRAM}: interrupted", {"error": {"kind": "Interrupted", "message": "interrupted"}})
        return INTERRUPTED
    except BrokenPipeError:  # the reader has stopped, as with `| head`
        _discard_output()
        if ended is None and args.command in _DOING_ONE_AFTER_ANOTHER and not getattr(args, "dry_run", False):
            message = "standard output was closed before all was done, so the rest was left"
            terminal.error(f"{PROGRAM}: {message}", {"error": {"kind": "WrongUsage", "message": message}})
            return WRONG_USAGE
        return ended or DONE
    except (CommandError, MinCloudError, OSError, ValueError) as error:
        status, message = describe_error(error, command=args.command, name=getattr(args, "name", ""))
        if args.debug:
            import traceback  # noqa: PLC0415 - seldom needed

            traceback.print_exc()
        terminal.error(f"{PROGRAM}: {message}", error_document(error, message), getattr(error, "details", ()))
        _discard_output()
    return status


def _discard_output() -> None:
    """Discards output that cannot be written, so that Python does not fail on it once more when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _log_requests() -> None:
    """Writes the client's debug log to standard error."""
    import logging  # noqa: PLC0415 - seldom needed

    logger = logging.getLogger("mincloud")
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
