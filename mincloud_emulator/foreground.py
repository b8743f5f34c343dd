"""Runs an emulator in the foreground: prints its log, watches its folder, and stops it on a signal."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TextIO
from urllib.parse import urlsplit

from .core.clock import Clock
from .core.errors import EmulatorError
from .core.settings import Limits

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from .core.events import Event
    from .core.function_folder import WatchedFolder
    from .core.service import Service
    from .core.settings import Settings
    from .runtime import NodeInfo
    from .server import Server

_WATCH_SECONDS = 0.3
_MAX_WAITING_LINES = 10_000
_LAST_LINES_SECONDS = 1.0


class Options(NamedTuple):
    """The options of the command; see its help."""

    settings: Settings
    host: str
    port: int
    functions: Path | None
    watch: bool


def serve_in_foreground(options: Options) -> None:
    """Serves until the process is interrupted or terminated.

    Raises:
        EmulatorError: If it can't start; the message says what to do.
    """
    with ThreadPoolExecutor(1) as executor, contextlib.suppress(KeyboardInterrupt):
        # Asking Node for its version takes as long as importing the server: both at once.
        node = executor.submit(_find_node, options.settings.node)
        asyncio.run(_serve(options, node))


def _find_node(program: str | None) -> NodeInfo:
    from .runtime import NodeMissing, find_node  # noqa: PLC0415 - imported in the thread that asks Node

    try:
        return find_node(program)
    except NodeMissing as error:
        raise EmulatorError(str(error)) from error


async def _serve(options: Options, node: Future[NodeInfo]) -> None:
    from .core.function_folder import WatchedFolder  # noqa: PLC0415 - imported while Node is asked for its version
    from .server import open_server  # noqa: PLC0415 - likewise

    printer = _Printer(sys.stdout)
    problems = _Printer(sys.stderr)
    logging.getLogger().addHandler(problems)
    server = open_server(options.settings, Clock(), Limits(), options.host, options.port)
    deploy = functools.partial(server.service.deploy, "")
    interrupted = _interruption()
    watching: asyncio.Task[None] | None = None
    try:
        folder = None if options.functions is None else WatchedFolder(options.functions, deploy)
        found = await asyncio.wrap_future(node)
        await server.start()
        syntax = _SyntaxNotes(server.service, printer)
        server.service.broker.listen(syntax.event)
        lines: list[str] = [] if folder is None else [*itertools.chain(*folder.scan())]
        printer.write(_banner(options, server, found, 0 if folder is None else folder.deployed))
        for line in lines:
            printer.line(line)
        server.service.broker.listen(printer.event)
        if folder is not None and options.watch:
            watching = asyncio.create_task(_watch(folder, printer))
        await server.service.invocations.prestart()
        await interrupted.wait()
        printer.write("stopping\n")
    finally:
        if watching is not None:
            watching.cancel()
        await server.aclose()
        logging.getLogger().removeHandler(problems)
        problems.close()
        printer.close()


def _interruption() -> asyncio.Event:
    """Returns an event that SIGINT and SIGTERM set."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Where the loop can't handle signals, an interruption arrives as an exception instead.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, interrupted.set)
    return interrupted


async def _watch(folder: WatchedFolder, printer: _Printer) -> None:
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        for line in itertools.chain(*folder.scan()):
            printer.line(line)


class _SyntaxNotes:
    """Prints a line about each deployed function with syntax that this Node, or the service's older one, does not know."""

    def __init__(self, service: Service, printer: _Printer) -> None:
        self._service = service
        self._printer = printer
        self._looking: set[asyncio.Task[None]] = set()

    def event(self, event: Event) -> None:
        if event.kind == "function" and event.data["action"] != "deleted":
            task = asyncio.create_task(self._look(event.data["environment"], event.data["name"]))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def _look(self, environment: str, name: str) -> None:
        function = self._service.store.function(environment, name)
        note = None if function is None else await self._service.syntax.note(function)
        if note is not None:
            self._printer.line(f"{name}: {note}")


def _about_node(node: NodeInfo) -> str:
    """Returns a remark on a Node: how it differs from the service's, and what it can't confine."""
    if node.permission_flag is not None:
        return " (the service runs 12)"
    beyond = "files and programs are out of reach of a function only as far as JavaScript can tell"
    return f" (before Node 20, {beyond})"


def _banner(options: Options, server: Server, node: NodeInfo, deployed: int) -> str:
    from .server import log_port  # noqa: PLC0415 - imported while Node is asked for its version

    credentials = server.service.credentials
    version = ".".join(str(part) for part in node.version)
    lines = [
        f"MinCloud emulator listening on {server.url} (logs on {server.log_url})",
        "",
        f"  page           {server.console_url}",
        f"  client_id      {credentials.client_id}",
        f"  client_secret  {credentials.client_secret}",
        f"  access_token   {credentials.access_token}",
        f"  data           {options.settings.data or 'in memory, gone when this ends'}",
        f"  node           {version}{_about_node(node)}",
    ]
    if options.functions is not None:
        watched = ", deployed again when saved" if options.watch else ""
        lines.append(f"  functions      {deployed} from {options.functions}{watched}")
    lines += [
        "",
        "Try it from another terminal:",
        "",
        f"  export MINCLOUD_BASE_URL={server.url}",
        f"  export MINCLOUD_ACCESS_TOKEN={credentials.access_token}",
        ('  curl -H "Authorization: Bearer $MINCLOUD_ACCESS_TOKEN" $MINCLOUD_BASE_URL/oserve/v1.3/cloud-function/'),
        "",
        "Warning: functions are code. They run here with the rights of whoever started this emulator.",
    ]
    if options.port and urlsplit(server.log_url).port != log_port(options.port):
        lines.append(f"Note: port {log_port(options.port)} is in use, so the logs are at {server.log_url}.")
    if not server.loopback:
        lines.append(f"Warning: {options.host} can be reached from other machines. Whoever has the token can run code.")
    return "\n".join([*lines, "Ctrl-C stops it.", "", ""])


class _Printer(logging.Handler):
    """Writes lines, events and what is logged to standard output or standard error.

    It writes in a thread of its own, so that a program that starts the emulator and does not read its output does not block it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_MAX_WAITING_LINES)
        self._output = stream.fileno()
        self._encoding = stream.encoding
        self._thread = threading.Thread(target=self._print, name="mincloud-emulator-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(_LAST_LINES_SECONDS)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        self.write(f"{self.format(record)}\n")

    def write(self, text: str) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(text.encode(self._encoding, "backslashreplace"))

    def _print(self) -> None:
        # If the reader has gone, the emulator goes on.
        with contextlib.suppress(OSError):
            while (waiting := self._waiting.get()) is not None:
                while waiting:
                    waiting = waiting[os.write(self._output, waiting) :]

    def line(self, text: str) -> None:
        self.write(f"{time.strftime('%H:%M:%S')} {_printable(text)}\n")

    def event(self, event: Event) -> None:
        data = event.data
        if event.kind == "request":
            environment = f" [{data['environment']}]" if data["environment"] else ""
            status = data["status"] or "dropped"
            self.line(f"{data['method']} {data['path']}{environment} {status} {data['milliseconds']:g} ms")
        elif event.kind == "log":
            for part in str(data["line"]).splitlines():
                self.line(f"{data['function']} #{data['job_id']} | {part}")
        elif event.kind == "job" and data["status"] not in {"waiting", "executing", "fulfilled"}:
            self.line(f"{data['function']} #{data['id']} {data['status']}")


def _printable(text: str) -> str:
    """Returns a text in which everything that a terminal would not print is escaped."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\t" else ascii(character)[1:-1] for character in text
    )
