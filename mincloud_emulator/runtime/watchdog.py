"""Ends the containers when the emulator itself is killed.

A container notices the end of its channel and leaves, but not while its function computes. So a
shell, a megabyte of memory and a millisecond to start, is told of each container. When its
standard input ends, however the emulator came to its end, it kills those that are left and removes
their directories.
"""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

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
    """Kills the containers that are left when this process ends.

    Args:
        directory: What to remove then.
    """

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a fixed script
            ["/bin/sh", "-c", _SCRIPT, "mincloud-watchdog", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            process_group=0,  # Ctrl-C is for the emulator, which ends it in its own time
            cwd="/",
        )

    def watch(self, pid: int) -> None:
        """Adds a container.

        Args:
            pid: Its process, which leads a process group of its own.
        """
        self._tell(f"+ {pid}\n")

    def forget(self, pid: int) -> None:
        """Removes a container that has ended.

        Args:
            pid: Its process.
        """
        self._tell(f"- {pid}\n")

    def _tell(self, line: str) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - for the type checkers: it was asked for
        try:
            stdin.write(line.encode())
        except BrokenPipeError:
            # Somebody killed the shell. Functions still run; only this protection is gone.
            return

    async def aclose(self) -> None:
        """Lets it remove the directory, and wait for its end."""
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - for the type checkers: it was asked for
        stdin.close()
        await asyncio.to_thread(self._process.wait)
