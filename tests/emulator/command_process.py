"""Runs the emulator's command in a process, for tests that start, interrupt and kill it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

# What the program does with the command, without the rest of the program.
PROGRAM = (
    "import argparse, sys; from mincloud_emulator import command; parser = argparse.ArgumentParser();"
    " command.add_arguments(parser); sys.exit(command.run(parser.parse_args()))"
)


class CommandProcess:
    """A running command, whose output is collected."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return self.line_with("listening on ").split("listening on ")[1].split()[0]

    @property
    def output(self) -> str:
        with self._arrived:
            return "".join(self._lines)

    def line_with(self, text: str, *, timeout: float = 50) -> str:
        """Waits for the first line that contains a text, and returns it."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while True:
                for line in self._lines:
                    if text in line:
                        return line
                if not self._arrived.wait(deadline - time.monotonic()):
                    message = f"no line with {text!r} in:\n{''.join(self._lines)}"
                    raise AssertionError(message)

    def wait(self) -> int:
        status = self._process.wait(50)
        self._reader.join(50)
        return status

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._arrived:
                self._lines.append(line)
                self._arrived.notify_all()


@contextlib.contextmanager
def emulator_process(
    *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Generator[CommandProcess, None, None]:
    """Runs the command on a free port, and ends it."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, **(environment or {})},
        cwd=cwd,
    ) as process:
        command = CommandProcess(process)
        try:
            yield command
        finally:
            process.kill()
            command.wait()
