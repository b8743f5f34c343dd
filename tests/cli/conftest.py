"""Fixtures that run the program, in this process for speed or as the console script, in a home and working folder of its own."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mincloud.cli import main

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from mincloud_emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(sys.executable).with_name("mincloud-py")
GREET = """\
exports.main = async function (event) {
  const { username } = event.data
  if (!username) throw new TypeError('username is missing')
  console.log('greeting', username)
  return `hello ${username}`
}
"""
# Makes standard input the controlling terminal, which asking for a password needs.
_ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


@dataclass(frozen=True)
class Result:
    """The exit status and the output of the program."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """Standard error, which must be one line."""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("mincloud-py"), self.err
        return self.err

    @property
    def error(self) -> Any:
        """The error on standard error, which must be one JSON document."""
        return json.loads(self.err)["error"]

    @property
    def document(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        """Standard output, which must be JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class TerminalSession:
    """The console script with a terminal for its three streams."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self.shown = ""
        self._undecoded = b""

    def type(self, text: str) -> None:
        """Types something."""
        os.write(self._terminal, text.encode())

    def shows(self, text: str, *, timeout: float = 45) -> str:
        """Waits until a text is shown; returns everything that was shown."""
        deadline = time.monotonic() + timeout
        while text not in self.shown:
            if not self._read(deadline):
                raise AssertionError(f"no {text!r} in {self.shown!r}")
        return self.shown

    def ends(self, *, timeout: float = 45) -> int:
        """Waits for the end; returns the exit status."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        return self.process.wait(timeout)

    def _read(self, deadline: float) -> bool:
        """Reads what is shown next; returns whether there was anything."""
        ready, _, _ = select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            self._undecoded += os.read(self._terminal, 65536)
        except OSError:  # the other side is gone
            return False
        self.shown += self._undecoded.decode("utf-8", "ignore")
        self._undecoded = b""
        return True


class Program:
    """`mincloud-py`, connected to an emulator by the address and token in the environment."""

    def __init__(self, emulator: Emulator, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.emulator = emulator
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        work = folder / "work"
        work.mkdir()
        self.work = work
        self._patch = patch
        for name in list(os.environ):
            if name.startswith("MINCLOUD_") or name in ("NO_COLOR", "FORCE_COLOR"):
                patch.delenv(name)
        patch.setenv("HOME", str(self.home))
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", "140")
        patch.setenv("MINCLOUD_BASE_URL", emulator.url)
        patch.setenv("MINCLOUD_ACCESS_TOKEN", emulator.access_token)
        patch.chdir(work)

    @property
    def host(self) -> str:
        """The emulator's host and port."""
        return self.emulator.url.removeprefix("http://")

    @property
    def where(self) -> dict[str, str | None]:
        """The destination that a command names as JSON when it writes to production."""
        return {"environment": None, "environment_name": None, "client_id": None, "base_url": self.emulator.url}

    def logged_out(self) -> None:
        """Removes the token from the environment."""
        self._patch.delenv("MINCLOUD_ACCESS_TOKEN")

    def set(self, **variables: str) -> None:
        """Sets environment variables."""
        for name, value in variables.items():
            self._patch.setenv(name, value)

    def write(self, name: str, content: str | bytes) -> Path:
        """Writes a file into the working folder."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def __call__(self, *arguments: str, given: bytes = b"") -> Result:
        """Runs it in this process."""
        out, err = io.StringIO(), io.StringIO()
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(arguments)
            except SystemExit as exit_:
                status = exit_.code if isinstance(exit_.code, int) else 0
        return Result(status, out.getvalue(), err.getvalue())

    def done(self, *arguments: str, given: bytes = b"") -> Result:
        """Runs it in this process; it must succeed with nothing on standard error."""
        ended = self(*arguments, given=given)
        assert (ended.status, ended.err) == (0, ""), ended
        return ended

    def script(self, *arguments: str, given: bytes = b"", variables: Mapping[str, str] | None = None) -> Result:
        """Runs the console script."""
        completed = subprocess.run(
            [SCRIPT, *arguments],
            input=given,
            capture_output=True,
            check=False,
            timeout=30,
            env={**os.environ, **(variables or {})},
        )
        return Result(completed.returncode, completed.stdout.decode(), completed.stderr.decode())

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts the console script."""
        return subprocess.Popen([SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @contextlib.contextmanager
    def on_terminal(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Generator[TerminalSession]:
        """Starts the console script with a terminal of 140 columns."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-c", _ON_TERMINAL, SCRIPT, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, **(variables or {})},
        )
        os.close(theirs)
        try:
            yield TerminalSession(process, ours)
        finally:
            process.kill()
            process.wait(20)
            os.close(ours)


@pytest.fixture
def program(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(emulator, tmp_path, monkeypatch)


@pytest.fixture
def greet(emulator: Emulator) -> str:
    """A function that needs no Node: returns a greeting, and fails without `username`."""

    def greet(event: dict[str, Any]) -> str:
        username = event["data"].get("username")
        if not username:
            raise TypeError("username is missing")
        return f"hello {username}"

    emulator.stub("greet", greet)
    return "greet"


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """An event that a stub waits for, so that its call is under way as long as a test needs; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()
