"""The command `emulator`."""

from __future__ import annotations

import signal
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from .deploy import read_sources
from .exit_statuses import DONE, CommandError

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from .terminal import Terminal

# The packages of the extra `emulator`.
_PACKAGES = ("httptools", "python_multipart", "starlette", "uvicorn")

# With --json: the options that the emulator takes, and its attributes that the document has.
_OPTIONS = ("port", "host", "data", "client_id", "client_secret", "access_token", "node", "baas", "strict")
_SHOWN = ("url", "log_url", "console_url", "client_id", "client_secret", "access_token")


def emulator(args: argparse.Namespace, terminal: Terminal) -> int:
    """Runs the emulator until it is interrupted."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise CommandError(f"the emulator needs {', '.join(missing)}: pip install 'mincloud[emulator]'")
    if not args.bundle:
        return _run(args, terminal)
    if args.functions is None:
        raise CommandError("--bundle needs a folder of functions: add --functions DIR")
    if args.watch:
        raise CommandError(
            "--bundle bundles once, and --watch looks at files: have `npx esbuild --watch` write into a folder that --watch looks at"
        )
    sources = read_sources([str(args.functions)], with_bundling=True)
    with tempfile.TemporaryDirectory(prefix="mincloud-") as folder:
        for source in sources:
            Path(folder, f"{source.name}.js").write_text(source.code, "utf-8")
        args.functions = Path(folder)
        return _run(args, terminal)


def _run(args: argparse.Namespace, terminal: Terminal) -> int:
    from mincloud_emulator import command  # noqa: PLC0415 - the check of its packages comes first

    return _as_json(args, terminal) if terminal.json else command.run(args)


def _as_json(args: argparse.Namespace, terminal: Terminal) -> int:
    """Runs the emulator for another program: prints one JSON document with its addresses and credentials."""
    from mincloud_emulator import Emulator, EmulatorError, command  # noqa: PLC0415 - the check of its packages comes first
    from mincloud_emulator.core.function_folder import WatchedFolder  # noqa: PLC0415 - likewise

    if args.watch:
        raise CommandError("--watch says in the log what it deploys, and --json has no log: leave one of them out")
    command.read_environment(args)
    # Not an event: setting one in a signal handler, while the same thread begins to wait for it, waits for ever.
    stopped: SimpleQueue[int] = SimpleQueue()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.put(number)

    signal.signal(signal.SIGTERM, stop)
    try:
        with Emulator(**{name: getattr(args, name) for name in _OPTIONS}) as running:
            names: list[str] = []

            def deploy(name: str, code: str) -> str:
                running.deploy(name, code)
                names.append(name)
                return "created"

            if args.functions is not None:
                for problem in WatchedFolder(args.functions, deploy).scan()[1]:
                    terminal.note(problem)
            signal.signal(signal.SIGINT, stop)  # before the document: its reader may interrupt at once
            terminal.document({**{name: getattr(running, name) for name in _SHOWN}, "functions": names})
            sys.stdout.flush()
            stopped.get()
    except EmulatorError as error:
        raise CommandError(str(error)) from error
    return DONE
