"""The command `emulator`."""

from __future__ import annotations

import signal
import tempfile
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from .deploy import sources_of
from .exit_statuses import DONE, CommandError

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from .terminal import Terminal

# What the `emulator` extra brings.
_NEEDS = ("httptools", "python_multipart", "starlette", "uvicorn")


def emulator(args: argparse.Namespace, terminal: Terminal) -> int:
    """Runs the emulator until it is interrupted."""
    missing = [name for name in _NEEDS if find_spec(name) is None]
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
    sources = sources_of([str(args.functions)], bundle=True)
    with tempfile.TemporaryDirectory(prefix="mincloud-") as folder:
        for source in sources:
            Path(folder, f"{source.name}.js").write_text(source.code, "utf-8")
        args.functions = Path(folder)
        return _run(args, terminal)


def _run(args: argparse.Namespace, terminal: Terminal) -> int:
    from mincloud_emulator import command  # noqa: PLC0415 - help needs no emulator

    return _as_json(args, terminal) if terminal.json else command.run(args)


def _as_json(args: argparse.Namespace, terminal: Terminal) -> int:
    """Runs it for another program: one document says where it is, and nothing else is printed."""
    from mincloud_emulator import Emulator, EmulatorError, command  # noqa: PLC0415 - help needs no emulator
    from mincloud_emulator.core.function_folder import WatchedFolder  # noqa: PLC0415 - likewise

    if args.watch:
        raise CommandError("--watch says in the log what it deploys, and --json has no log: leave one of them out")
    command.read_environment(args)
    # An event would not do: setting one while it is about to be waited for in the same thread waits for ever.
    stopped: SimpleQueue[int] = SimpleQueue()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.put(number)

    signal.signal(signal.SIGTERM, stop)
    try:
        with Emulator(
            port=args.port,
            host=args.host,
            data=args.data,
            client_id=args.client_id,
            client_secret=args.client_secret,
            access_token=args.access_token,
            node=args.node,
        ) as running:
            names: list[str] = []

            def deploy(name: str, code: str) -> str:
                running.deploy(name, code)
                names.append(name)
                return "created"

            if args.functions is not None:
                for problem in WatchedFolder(args.functions, deploy).look()[1]:
                    terminal.note(problem)
            signal.signal(signal.SIGINT, stop)  # who reads the document may interrupt at once
            terminal.document(
                {
                    "url": running.url,
                    "log_url": running.log_url,
                    "console_url": running.console_url,
                    "client_id": running.client_id,
                    "client_secret": running.client_secret,
                    "access_token": running.access_token,
                    "functions": names,
                }
            )
            terminal.flush()
            stopped.get()
    except EmulatorError as error:
        raise CommandError(str(error)) from error
    return DONE
