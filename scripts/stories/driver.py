"""What makes the requests of a story: HTTP itself, or another program, the client of some language."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import httpx

from scripts import ScriptError

from .contract import Exchange
from .values import ABSENT, as_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .contract import Contract

# How many seconds an answer may take. A call that is waited for takes 5 at the most, and may wait for its turn.
TIMEOUT = 30.0
_SECRETS = ("ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET")

# `authorize` answers with redirects before the code comes, as the contract says. Elsewhere a redirect is no answer.
_REDIRECTED = frozenset({"authorize"})


class NoAnswerError(Exception):
    """A request got no answer; the message says why, in one line."""


@dataclass(frozen=True)
class Request:
    """A request by the contract's names; its parameters are not encoded, its body is `ABSENT` and its token None for none."""

    operation: str
    parameters: Mapping[str, Any]
    body: object
    access_token: str | None


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: its status.
        body: its body as JSON, `ABSENT` for none.
        exchange: what went over the wire, None where the driver does not see it.
        redirects: the statuses of the redirects that were followed to it.
    """

    status: int
    body: object
    exchange: Exchange | None = None
    redirects: tuple[int, ...] = ()


def read_addresses(addresses: Sequence[str]) -> Answer:
    """Reads texts from addresses of any host, without a token.

    Returns:
        The highest status, and the list of the texts.

    Raises:
        NoAnswerError: There is no answer to one.
    """
    try:
        answers = [httpx.get(address, timeout=TIMEOUT) for address in addresses]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswerError(str(error) or type(error).__name__) from error
    return Answer(max(answer.status_code for answer in answers), [answer.text for answer in answers])


class HttpDriver:
    """Speaks HTTP itself, by what the contract says of the operation.

    Args:
        base_url: the server's address.
        contract: the contract.
        trust_env: whether proxies and certificates of the environment are used.
        interval: how many seconds lie between the beginnings of two requests at least.
    """

    def __init__(self, base_url: str, contract: Contract, *, trust_env: bool, interval: float = 0.0) -> None:
        self._interval = interval
        self._earliest = 0.0
        self._contract = contract
        self._base_url = httpx.URL(base_url.rstrip("/"))
        self._client = httpx.Client(timeout=TIMEOUT, trust_env=trust_env)

    def send(self, request: Request) -> Answer:
        """Makes a request.

        Raises:
            NoAnswerError: There is no answer.
        """
        operation = self._contract.operations[request.operation]
        headers = {b"accept": b"application/json"}
        path, query = operation.path, dict[str, str]()
        for name, value in request.parameters.items():
            text = value if isinstance(value, str) else json.dumps(value)
            match operation.parameters[name]:
                case "path":
                    path = path.replace(f"{{{name}}}", quote(text, safe=""))
                case "query":
                    query[name] = text
                case _:
                    headers[name.encode()] = text.encode()
        content: bytes | None = None
        if request.body is not ABSENT:
            content = json.dumps(request.body, ensure_ascii=False).encode()
            headers[b"content-type"] = b"application/json"
        if request.access_token is not None:
            headers[b"authorization"] = f"Bearer {request.access_token}".encode()
        # The path is encoded already: to join it as text would encode its percent signs again.
        raw_path = self._base_url.raw_path.rstrip(b"/") + path.encode()
        url = self._base_url.copy_with(raw_path=raw_path).copy_merge_params(query)
        time.sleep(max(0.0, self._earliest - time.monotonic()))
        self._earliest = time.monotonic() + self._interval
        # Cookies belong to the redirects of one request.
        self._client.cookies.clear()
        try:
            sent = self._client.build_request(operation.method, url, content=content, headers=headers)
            answer = self._client.send(sent, follow_redirects=request.operation in _REDIRECTED)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict) as error:
            raise NoAnswerError(str(error) or type(error).__name__) from error
        exchange = Exchange(
            method=operation.method,
            path=path,
            query=url.query.decode(),
            request_headers=dict(sent.headers),
            request_body=content,
            status=answer.status_code,
            headers=dict(answer.headers),
            body=answer.content,
        )
        redirects = tuple(each.status_code for each in answer.history)
        return Answer(answer.status_code, _parsed(answer.content), exchange, redirects)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _parsed(body: bytes) -> object:
    """A body as JSON, as text where it is none, `ABSENT` where there is nothing."""
    try:
        return json.loads(body) if body else ABSENT
    except ValueError:
        return body.decode("utf-8", "replace")


class ProcessDriver:
    """Has another program make the requests, the client of some language, asked by lines of JSON.

    A line in is `{"id", "operation", "parameters", "body", "access_token"}`, without `body` where the request has none. A line
    out is `{"id", "status", "body"}`, without `body` where the answer has none, or `{"id", "error"}` with one line of text
    where the client itself failed. At the end of its input the program ends with status 0.

    Args:
        command: the program and its arguments.
        folder: its working folder.
        base_url: the server's address, which it gets as `BASE_URL`.
        patience: how many seconds it may take for an answer and for its end.

    Raises:
        ScriptError: If it cannot be started.
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
            raise ScriptError(f"the driver {command[0]} cannot be started: {error.strerror}") from error
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def send(self, request: Request) -> Answer:
        """Has a request made.

        Raises:
            NoAnswerError: There is no answer.
        """
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
        """Ends it by the end of its input.

        Raises:
            ScriptError: If it does not end, or with another status than 0.
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
            raise ScriptError(
                f"the driver did not end within {self._patience:g} seconds after its input ended"
            ) from error
        finally:
            self._reader.join(self._patience)
            self._process.stdout.close()
        if status != 0:
            raise ScriptError(f"the driver ended with status {status}: it should end with 0 when its input ends")


Driver: TypeAlias = HttpDriver | ProcessDriver
