"""What makes the requests of a story: HTTP itself here, a language's client in `process_driver`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import httpx

from .contract import Exchange, parsed
from .matching import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .contract import Contract

TIMEOUT = 30.0
"""How many seconds an answer may take. A call that is waited for takes 5 at the most, and may wait for its turn."""

# `authorize` answers with redirects before the code comes, as the contract says. Elsewhere a redirect is no answer.
_REDIRECTED = frozenset({"authorize"})


class NoAnswerError(Exception):
    """A request got no answer; the message says why, in one line."""


@dataclass(frozen=True)
class Request:
    """A request by the contract's names.

    Attributes:
        operation: the operationId.
        parameters: the parameters by name, not encoded.
        body: the body, `ABSENT` for none.
        access_token: the token, None for none.
    """

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


class Driver(Protocol):
    """Makes requests."""

    def send(self, request: Request) -> Answer:
        """Make a request.

        Raises:
            NoAnswerError: If there is no answer.
        """
        ...

    def close(self) -> None:
        """Let go of what was opened."""
        ...


def read_addresses(addresses: Sequence[str]) -> Answer:
    """Reads texts from addresses of any host, without a token.

    Args:
        addresses: the addresses.

    Returns:
        The highest status, and the list of the texts.

    Raises:
        NoAnswerError: If there is no answer to one.
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
        """Make a request; see `Driver`."""
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
            reason = str(error) or type(error).__name__
            raise NoAnswerError(reason) from error
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
        body = parsed(answer.content) if answer.content else ABSENT
        return Answer(answer.status_code, body, exchange, tuple(each.status_code for each in answer.history))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
