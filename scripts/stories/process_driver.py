"""A driver that is another program: the client of some language, asked by lines of JSON.

A line in is `{"id", "operation", "parameters", "body", "access_token"}`, without `body` where the request has none. A line
out is `{"id", "status", "body"}`, without `body` where the answer has none, or `{"id", "error"}` with one line of text
where the client itself failed. At the end of its input the program ends with status 0.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from scripts import ScriptError

from .driver import TIMEOUT, Answer, NoAnswerError, Request
from .matching import ABSENT, as_object

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SECRETS = ("ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET")


class DriverError(ScriptError):
    """The program cannot be started, or did not end as it should; the message is one line."""


class ProcessDriver:
    """Has another program make the requests.

    Args:
        command: the program and its arguments.
        folder: its working folder.
        base_url: the server's address, which it gets as `BASE_URL`.
        patience: how many seconds it may take for an answer and for its end.

    Raises:
        DriverError: If it cannot be started.
    """

    def __init__(self, command: Sequence[str], folder: Path, base_url: str, *, patience: float = TIMEOUT + 10) -> None:
        self._patience = patience
        self._count = 0
        environment = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        try:
            self._process = subprocess.Popen(
                list(command),
                cwd=folder,
                env={**environment, "BASE_URL": base_url},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise DriverError(f"the driver {command[0]} cannot be started: {error.strerror}") from error
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def send(self, request: Request) -> Answer:
        """Have a request made; see `Driver`."""
        self._count += 1
        asked: dict[str, Any] = {
            "id": self._count,
            "operation": request.operation,
            "parameters": dict(request.parameters),
            "access_token": request.access_token,
        }
        if request.body is not ABSENT:
            asked["body"] = request.body
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write(json.dumps(asked, ensure_ascii=False) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise NoAnswerError(self._ended()) from error
        try:
            line = self._lines.get(timeout=self._patience)
        except queue.Empty as error:
            # What it may still say would be taken for the answer to a later request.
            self._process.kill()
            self._process.wait()
            raise NoAnswerError(f"the driver gave no line within {self._patience:g} seconds") from error
        if line is None:
            self._lines.put(None)
            raise NoAnswerError(self._ended())
        return self._answer(line)

    def _answer(self, line: str) -> Answer:
        try:
            said: object = json.loads(line)
        except ValueError:
            said = None
        fields = as_object(said) or {}
        status: object = fields.get("status")
        if fields.get("id") != self._count or not (isinstance(status, int) or isinstance(fields.get("error"), str)):
            raise NoAnswerError(
                f"the driver gave a line that is no answer to request {self._count}: {line.strip()[:200]}"
            )
        if isinstance(status, int):
            return Answer(status, fields.get("body", ABSENT))
        raise NoAnswerError(f"the client failed: {fields['error']}")

    def _ended(self) -> str:
        try:
            return f"the driver has ended with status {self._process.wait(self._patience)}"
        except subprocess.TimeoutExpired:
            return "the driver has closed its output"

    def close(self) -> None:
        """End it by the end of its input.

        Raises:
            DriverError: If it does not end, or with another status than 0.
        """
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        with contextlib.suppress(OSError):  # It has ended already, and its status says how.
            self._process.stdin.close()
        try:
            status = self._process.wait(self._patience)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            self._process.wait()
            raise DriverError(
                f"the driver did not end within {self._patience:g} seconds after its input ended"
            ) from error
        finally:
            self._reader.join(self._patience)
            self._process.stdout.close()
        if status != 0:
            raise DriverError(f"the driver ended with status {status}: it should end with 0 when its input ends")
