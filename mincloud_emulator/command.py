"""The command `mincloud-py emulator`: an emulator in the foreground, with a log to read."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

DEFAULT_PORT = 8900
EXIT_NOT_STARTED = 2
"""The exit status when it can't start; the reason is one line on standard error."""


def _path(text: str) -> Path:
    from pathlib import Path  # noqa: PLC0415 - so that other commands and the help do not wait for it

    return Path(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options to a parser."""
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port of the API, 0 for any free one (%(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--data",
        type=_path,
        metavar="FILE",
        help="keep functions, jobs and credentials in this file (in memory)",
    )
    parser.add_argument(
        "--client-id", metavar="ID", help="the application's client_id ($MINCLOUD_EMULATOR_CLIENT_ID, or random)"
    )
    parser.add_argument(
        "--client-secret",
        metavar="SECRET",
        help="the application's client_secret ($MINCLOUD_EMULATOR_CLIENT_SECRET, which other accounts do not see, or random)",
    )
    parser.add_argument(
        "--access-token",
        metavar="TOKEN",
        help="an access token to accept ($MINCLOUD_EMULATOR_ACCESS_TOKEN, which other accounts do not see, or random)",
    )
    parser.add_argument(
        "--functions",
        type=_path,
        metavar="DIR",
        help="serve the functions of a folder: each NAME.js or NAME/index.js",
    )
    parser.add_argument(
        "--watch", action="store_true", help="with --functions, deploy a function again when it is saved"
    )
    parser.add_argument(
        "--node",
        metavar="PROGRAM",
        help="the Node that runs functions, a program or a version such as 12, the service's (the one on the path)",
    )
    parser.add_argument(
        "--baas", type=_path, metavar="FILE", help="a JavaScript module that stands in for the rest of BaaS"
    )
    parser.add_argument(
        "--strict", action="store_true", help="refuse functions the network, as the service does, instead of a warning"
    )


def read_environment(args: argparse.Namespace) -> None:
    """Reads the credentials that were not given as arguments from the environment.

    The variables have names of their own, since those of the client may hold the credentials of a real application.

    Args:
        args: The parsed arguments.
    """
    for name in ("client_id", "client_secret", "access_token"):
        if getattr(args, name) is None:
            setattr(args, name, os.environ.get(f"MINCLOUD_EMULATOR_{name.upper()}") or None)


def run(args: argparse.Namespace) -> int:
    """Runs the emulator until it is interrupted or terminated.

    Args:
        args: The parsed arguments.

    Returns:
        The exit status: 0 after an interruption, `EXIT_NOT_STARTED` if it could not start.
    """
    # Imported here, so that the other commands of the program do not wait for a server.
    from .core.errors import EmulatorError  # noqa: PLC0415 - see above
    from .core.settings import Settings  # noqa: PLC0415 - see above
    from .foreground import Options, serve_in_foreground  # noqa: PLC0415 - see above

    if args.watch and args.functions is None:
        sys.stderr.write("mincloud-py emulator: --watch needs a folder to watch: add --functions DIR\n")
        return EXIT_NOT_STARTED
    read_environment(args)
    own = {
        name: getattr(args, name)
        for name in ("data", "client_id", "client_secret", "access_token", "node", "baas", "strict")
    }
    try:
        settings = Settings(**own, recorded_calls=0)
        serve_in_foreground(Options(settings, args.host, args.port, args.functions, args.watch))
    except EmulatorError as error:
        sys.stderr.write(f"mincloud-py emulator: {error}\n")
        return EXIT_NOT_STARTED
    return 0
