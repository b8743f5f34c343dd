"""Kills the containers when the emulator itself was killed.

A container exits when its channel closes, but not while its function computes. So a shell process, which is cheap, knows the
process id of each container: when its standard input closes, because the emulator has ended in whatever way, it kills the
containers that are left and removes their directories.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from typing import IO, TYPE_CHECKING, cast

from .node import BARE_ENVIRONMENT

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = """
pids=
while read -r sign pid; do
  case $sign in
    +) pids="$pids $pid" ;;
    -) kept=
       for each in $pids; do [ "$each" = "$pid" ] || kept="$kept $each"; done
       pids=$kept ;;
  esac
done
for each in $pids; do kill -9 "-$each" 2>/dev/null; done
rm -rf -- "$1"
"""


class Watchdog:
    """Kills the containers that are left when this process ends, and removes `directory`."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a fixed script
            ["/bin/sh", "-c", _SCRIPT, "mincloud-watchdog", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=BARE_ENVIRONMENT,
            process_group=0,  # Ctrl-C is for the emulator, which ends it in its own time
            cwd="/",
        )
        self._stdin = cast("IO[bytes]", self._process.stdin)

    def watch(self, pid: int) -> None:
        """Adds a container, whose process leads a process group of its own."""
        self._write(f"+ {pid}\n")

    def forget(self, pid: int) -> None:
        """Removes a container that has ended."""
        self._write(f"- {pid}\n")

    def _write(self, line: str) -> None:
        # If somebody killed the shell, functions still run; only this protection is gone.
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(line.encode())

    async def aclose(self) -> None:
        """Has it remove the directory, and waits until it has ended."""
        self._stdin.close()
        await asyncio.to_thread(self._process.wait)
