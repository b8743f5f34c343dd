"""The drivers that send the requests of a story: one by HTTP, one through another program, such as a generated client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from scripts import ScriptError

from .contract import Contract, Exchange
from .story import GIVEN, Step
from .values import ABSENT, Absent, Json

# How many seconds an answer may take. A call that is waited for takes 5 at the most, and may wait for its turn.
TIMEOUT = 30.0


class NoResponseError(Exception):
    """A request got no response; the message says why, in one line."""


@dataclass(frozen=True)
class Response:
    """The response to a request, its body as JSON; the exchange is None where the driver does not see it."""

    status: int
    body: Json | Absent
    exchange: Exchange | None = None

    @property
    def redirects(self) -> list[int]:
        """The statuses of the redirects that were followed to it, as far as the driver sees them."""
        return [each.status_code for each in self.exchange.response.history] if self.exchange else []


def fetch_texts(addresses: Sequence[str]) -> Response:
    """Reads texts from addresses of any host, without a token; returns the highest status with the list of the texts.

    Raises:
        NoResponseError: There is no response from one.
    """
    try:
        responses = [httpx.get(address, timeout=TIMEOUT) for address in addresses]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoResponseError(str(error) or type(error).__name__) from error
    return Response(max(response.status_code for response in responses), [response.text for response in responses])


class HttpDriver:
    """Sends requests by HTTP, each as the contract describes its operation.

    With `trust_env` it uses the proxies and certificates of the environment; two requests begin at least `interval` seconds apart.
    """

    def __init__(self, base_url: str, contract: Contract, *, trust_env: bool, interval: float = 0.0) -> None:
        self._contract = contract
        self._interval = interval
        self._earliest = 0.0
        self._client = httpx.Client(base_url=base_url, timeout=TIMEOUT, trust_env=trust_env)

    def send(self, step: Step) -> Response:
        """Sends the request of a step whose variables are replaced.

        Raises:
            NoResponseError: There is no response.
        """
        operation = self._contract.operations[step.operation]
        placed: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {"accept": "application/json"}}
        for name, value in step.parameters.items():
            placed[operation.parameters[name]][name] = value if isinstance(value, str) else json.dumps(value)
        path = operation.path.format(**{name: quote(text, safe="") for name, text in placed["path"].items()})
        content = None
        if step.body is not ABSENT:
            content = json.dumps(step.body, ensure_ascii=False).encode()
            placed["header"]["content-type"] = "application/json"
        if isinstance(step.access_token, str):
            placed["header"]["authorization"] = f"Bearer {step.access_token}"
        headers = {name.encode(): text.encode() for name, text in placed["header"].items()}
        time.sleep(max(0.0, self._earliest - time.monotonic()))
        self._earliest = time.monotonic() + self._interval
        self._client.cookies.clear()  # they belong to the redirects of one request
        try:
            sent = self._client.build_request(
                operation.method, path, params=placed["query"], content=content, headers=headers
            )
            # Where the contract has no redirect, one is no answer.
            response = self._client.send(sent, follow_redirects=HTTPStatus.FOUND in operation.statuses)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict) as error:
            raise NoResponseError(str(error) or type(error).__name__) from error
        return Response(response.status_code, _parsed(response), Exchange(path, sent, response))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _parsed(response: httpx.Response) -> Json | Absent:
    """A body as JSON, as text where it is none, `ABSENT` where there is nothing."""
    try:
        return response.json() if response.content else ABSENT
    except ValueError:
        return response.content.decode("utf-8", "replace")


class ProcessDriver:
    """Sends requests through another program, such as the client of another language, which is asked by lines of JSON.

    A line in is `{"id", "operation", "parameters", "body", "access_token"}`, without `body` where the request has none. A line
    out is `{"id", "status", "body"}`, without `body` where the answer has none, or `{"id", "error"}` with one line of text
    where the client itself failed. At the end of its input the program ends with status 0.

    Args:
        command: The program and its arguments.
        folder: Its working folder, None for this process's.
        base_url: The server's address, which it gets as `BASE_URL`.
        timeout: How many seconds it may take for an answer and for its end.

    Raises:
        ScriptError: It cannot be started.
    """

    def __init__(
        self, command: Sequence[str], folder: Path | None, base_url: str, *, timeout: float = TIMEOUT + 10
    ) -> None:
        self._timeout = timeout
        self._count = 0
        environment = {name: value for name, value in os.environ.items() if name.lower() not in GIVEN}
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment | {"BASE_URL": base_url},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that it can be killed with what it started
            )
        except OSError as error:
            raise ScriptError(f"the driver {command[0]} cannot be started: {error.strerror}") from error
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self._input, self._output = self._process.stdin, self._process.stdout

    @contextmanager
    def _time_limit(self) -> Generator[threading.Event]:
        """Kills the program when it takes too long, and sets the event."""
        expired = threading.Event()

        def kill() -> None:
            expired.set()
            with suppress(ProcessLookupError):  # it has just ended
                os.killpg(self._process.pid, signal.SIGKILL)

        timer = threading.Timer(self._timeout, kill)
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def send(self, step: Step) -> Response:
        """Sends the request of a step whose variables are replaced.

        Raises:
            NoResponseError: There is no response.
        """
        self._count += 1
        asked: dict[str, Any] = {
            "id": self._count,
            "operation": step.operation,
            "parameters": dict(step.parameters),
            "access_token": None if step.access_token is ABSENT else step.access_token,
        }
        if step.body is not ABSENT:
            asked["body"] = step.body
        line = ""
        with self._time_limit() as expired:
            with suppress(BrokenPipeError):  # it has ended, and its status says how
                self._input.write(json.dumps(asked, ensure_ascii=False) + "\n")
                self._input.flush()
                line = self._output.readline()
            status = None if line else self._process.wait()
        if expired.is_set():
            raise NoResponseError(f"the driver gave no line within {self._timeout:g} seconds")
        if not line:
            raise NoResponseError(f"the driver has ended with status {status}")
        try:
            fields = json.loads(line)
        except ValueError:
            fields = None
        match fields:
            case {"id": self._count, "status": int(status)}:
                return Response(status, fields.get("body", ABSENT))
            case {"id": self._count, "error": str(error)}:
                raise NoResponseError(f"the client failed: {error}")
            case _:
                said = line.strip()[:200]
                raise NoResponseError(f"the driver gave a line that is no answer to request {self._count}: {said}")

    def close(self) -> None:
        """Closes its input, at which it has to end.

        Raises:
            ScriptError: It does not end, or with another status than 0.
        """
        with self._time_limit() as expired:
            self._process.communicate()
        if expired.is_set():
            raise ScriptError(f"the driver did not end within {self._timeout:g} seconds after its input ended")
        if status := self._process.returncode:
            raise ScriptError(f"the driver ended with status {status}: it should end with 0 when its input ends")


Driver: TypeAlias = HttpDriver | ProcessDriver
