"""Finds Node, and builds the options with which it runs functions."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OLDEST_MAJOR = 12
"""The service runs Node 12; nothing older knows the syntax that it accepts."""

BARE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
"""The environment of the programs that the runtime starts: without the emulator's variables, which may hold secrets."""

_WANTED_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_QUESTION = "process.stdout.write('Node ' + process.version + ' ' + process.execPath)"
_ANSWER = re.compile(r"Node v(\d+)\.(\d+)\.(\d+)\S* (.+)")
_ADVICE = f"install Node {OLDEST_MAJOR} or newer, or name its program in MINCLOUD_NODE"

# The paths of the usual version managers and Homebrew; VERSION is followed by the rest of a version.
_INSTALLED = (
    "~/.nvm/versions/node/vVERSION/bin/node",
    "~/.volta/tools/image/node/VERSION/bin/node",
    "~/.local/share/fnm/node-versions/vVERSION/installation/bin/node",
    "~/.asdf/installs/nodejs/VERSION/bin/node",
    "~/.local/share/mise/installs/node/VERSION/bin/node",
    "/usr/local/n/versions/node/VERSION/bin/node",
    "/opt/homebrew/opt/node@VERSION/bin/node",
    "/usr/local/opt/node@VERSION/bin/node",
)


class NodeMissing(RuntimeError):
    """There is no usable Node on this machine; the message says what to do."""


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A Node program and its version as (major, minor, patch)."""

    path: str
    version: tuple[int, int, int]

    @property
    def permission_flag(self) -> str | None:
        """The option that turns Node's permission model on; None if this Node has none."""
        if self.version[0] < 20:  # noqa: PLR2004 - a version of Node
            return None
        if (22, 13) <= self.version < (23,) or self.version >= (23, 5):
            return "--permission"
        return "--experimental-permission"

    def options(self, *, heap_mb: int, readable: list[Path], writable: Path) -> list[str]:
        """Returns the command line options that confine a container.

        Its JavaScript objects may take `heap_mb`. If Node has a permission model, it may read the files and directories in
        `readable`, and read and write the directory `writable`.
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
    """Finds the Node that runs functions. Blocks for some 50 ms while Node starts once.

    Args:
        node: A program's name or path, or a version such as ``12`` or ``12.22``, of which an installed one is searched. By
            default ``MINCLOUD_NODE``, else ``node`` and then ``nodejs`` on the search path.

    Returns:
        The program, which for a version manager's shim is the one that the shim starts.

    Raises:
        NodeMissing: There is none, it does not run, or it is older than Node 12.
    """
    wanted = node or os.environ.get("MINCLOUD_NODE")
    if wanted is not None and (version := _WANTED_VERSION.fullmatch(wanted)):
        return _find_version(tuple(int(part) for part in version.groups() if part is not None))
    names = [wanted] if wanted else ["node", "nodejs"]
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        missing = f"There is no program {wanted}" if wanted else "Node is not installed"
        raise NodeMissing(f"{missing}: to run functions {_ADVICE}.")
    info = _ask(path)
    if info.version < (OLDEST_MAJOR,):
        version_text = ".".join(map(str, info.version))
        raise NodeMissing(f"{path} is Node {version_text}, too old: to run functions {_ADVICE}.")
    return info


@functools.cache
def _ask(path: str) -> NodeInfo:
    """Asks a program, once, for its version and the real path of Node.

    A version manager's shim would not work in a container, which is started without the emulator's environment.
    """
    try:
        found = _answer(path, BARE_ENVIRONMENT)
    except NodeMissing:
        found = None
    if found is not None and Path(found.path) == Path(path).resolve():
        return found
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    real = _answer(path, environment).path
    try:
        return _answer(real, BARE_ENVIRONMENT)
    except NodeMissing as error:
        message = (
            f"{path} does not run without the environment variables of this emulator, which functions must not see"
        )
        raise NodeMissing(f"{message}: to run functions {_ADVICE}.") from error


def _answer(path: str, environment: Mapping[str, str]) -> NodeInfo:
    try:
        process = subprocess.run(  # noqa: S603 - the program that the user names is the one to run
            [path, "-e", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
            text=True,
            errors="replace",
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeMissing(f"{path} does not run ({error}): to run functions {_ADVICE}.") from error
    answer = _ANSWER.search(process.stdout)
    if answer is None:
        problem = next(iter(process.stderr.splitlines()), "")
        raise NodeMissing(
            f"{path} is not Node, it does not tell a version{problem and f' ({problem})'}: to run functions {_ADVICE}."
        )
    return NodeInfo(answer[4], (int(answer[1]), int(answer[2]), int(answer[3])))


def _find_version(wanted: tuple[int, ...]) -> NodeInfo:
    text = ".".join(map(str, wanted))
    if wanted[0] < OLDEST_MAJOR:
        raise NodeMissing(f"Node {text} is too old: to run functions {_ADVICE}.")
    fitting: list[NodeInfo] = []
    for path in _candidates(text):
        try:
            found = _ask(path)
        except NodeMissing:
            continue
        if found.version[: len(wanted)] == wanted:
            fitting.append(found)
    if not fitting:
        system = "darwin" if sys.platform == "darwin" else "linux"
        machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x64"
        raise NodeMissing(
            f"Node {text} is not installed: `npm install --no-save node-{system}-{machine}@{text}` puts it into this"
            f" folder, where it is found; or install it with a version manager, or name its program instead of {text}."
        )
    return max(fitting, key=lambda found: found.version)


def _candidates(version: str) -> Iterator[str]:
    """Yields programs that may be that version of Node: on the search path, from npm, from version managers."""
    major = version.partition(".")[0]
    for name in ("node", f"node{major}", f"node-{major}", "nodejs"):
        if path := shutil.which(name):
            yield path
    here = Path.cwd()
    for folder in (here, *here.parents):
        yield from map(str, sorted(folder.glob("node_modules/node-*-*/bin/node")))
    for pattern in _INSTALLED:
        start, _, rest = pattern.partition("VERSION")
        parent, _, prefix = str(Path(start + "x").expanduser())[:-1].rpartition("/")
        yield from map(str, sorted(Path(parent).glob(f"{prefix}{version}*{rest}")))
