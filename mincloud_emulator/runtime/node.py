"""Finding Node, and the options with which it runs other people's code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_MAJOR = 12
"""The service runs Node 12; nothing older knows the syntax that it accepts."""

_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_ADVICE = f"install Node {OLDEST_MAJOR} or newer, or name its program in MINCLOUD_NODE"


class NodeMissing(RuntimeError):
    """There is no usable Node on this machine; the message says what to do."""


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A Node program.

    Attributes:
        path: Where it is.
        version: Its version as (major, minor, patch).
    """

    path: str
    version: tuple[int, int, int]

    @property
    def permission_flag(self) -> str | None:
        """The option that turns Node's permission model on, None where Node has no such model."""
        if self.version[0] < 20:  # noqa: PLR2004 - a version of Node
            return None
        if (22, 13) <= self.version < (23,) or self.version >= (23, 5):
            return "--permission"
        return "--experimental-permission"

    def options(self, *, heap_mb: int, readable: list[Path], writable: Path) -> list[str]:
        """Give the options that confine a container.

        Args:
            heap_mb: The most that JavaScript objects may take, in MB.
            readable: The files and directories that it may read, where Node can tell.
            writable: The one directory that it may read and write, where Node can tell.

        Returns:
            Command line options, to stand before the script.
        """
        # container.cjs makes log lines of warnings, and leaves out the one about the permission model.
        options = ["--no-warnings", f"--max-old-space-size={heap_mb}"]
        if self.permission_flag is not None:
            options.append(self.permission_flag)
            options += [f"--allow-fs-read={path}" for path in (*readable, writable)]
            options.append(f"--allow-fs-write={writable}")
            if self.version >= (25,):
                options.append("--allow-net")
        return options


def find_node(node: str | None = None) -> NodeInfo:
    """Find the Node that runs functions. Blocks for some 20 ms, as it asks Node for its version.

    Args:
        node: A program's name or path. By default what ``MINCLOUD_NODE`` names, else ``node`` and
            then ``nodejs`` on the search path.

    Returns:
        Where it is and which version it has.

    Raises:
        NodeMissing: There is none, it does not run, or it is older than Node 12.
    """
    wanted = node or os.environ.get("MINCLOUD_NODE")
    names = [wanted] if wanted else ["node", "nodejs"]
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        missing = f"There is no program {wanted}" if wanted else "Node is not installed"
        raise NodeMissing(f"{missing}: to run functions {_ADVICE}.")
    try:
        answer = subprocess.run(  # noqa: S603 - the program that the user names is the one to run
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeMissing(f"{path} does not run ({error}): to run functions {_ADVICE}.") from error
    told = _VERSION.match(answer.stdout)
    if told is None:
        raise NodeMissing(f"{path} is not Node, it does not tell a version: to run functions {_ADVICE}.")
    version = (int(told[1]), int(told[2]), int(told[3]))
    if version < (OLDEST_MAJOR,):
        raise NodeMissing(f"{path} is Node {'.'.join(map(str, version))}, too old: to run functions {_ADVICE}.")
    return NodeInfo(path, version)
