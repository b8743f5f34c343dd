"""The server that the stories run against: an emulator of their own, or one that is there already."""

from __future__ import annotations

import json
import shutil
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mincloud_emulator import Emulator
from scripts import ScriptError
from scripts.contract.document import one_line

from .driver import Answer, HttpDriver, NoAnswerError, Request
from .matching import ABSENT, as_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .contract import Contract
    from .story import Fault

_ENVIRONMENT = {"access_token": "ACCESS_TOKEN", "client_id": "CLIENT_ID", "client_secret": "CLIENT_SECRET"}


class ServerError(ScriptError):
    """The server cannot be used; the message is one line that says what to do."""


class Faults(Protocol):
    """Has a server answer otherwise than it would."""

    def expect(self, fault: Fault) -> None:
        """Have the next request answered with the fault."""
        ...

    def forget(self) -> None:
        """Have requests served again."""
        ...


class Server(Protocol):
    """Where stories run.

    Attributes:
        url: its address.
        faults: how it is told to answer otherwise; None if it is somebody else's, and cannot be told.
    """

    url: str

    @property
    def faults(self) -> Faults | None:
        """See above."""
        ...

    def credentials(self) -> Mapping[str, str]:
        """The variables that a story is given."""
        ...

    def close(self) -> None:
        """Stop it, if it was started for the stories."""
        ...


class EmulatorFaults:
    """Has an emulator answer otherwise than it would.

    Args:
        emulator: the emulator.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def expect(self, fault: Fault) -> None:
        """Have the next request answered with the fault."""
        body = json.dumps(fault.body, ensure_ascii=False).encode()
        self._emulator.fail_next(fault.status, body=body, headers={"Content-Type": "application/json"})

    def forget(self) -> None:
        """Have requests served again."""
        self._emulator.clear_faults()


class OwnServer:
    """An emulator that runs for the stories alone, with functions in JavaScript.

    Raises:
        ServerError: If there is no Node to run them.
    """

    def __init__(self) -> None:
        if shutil.which("node") is None:
            raise ServerError("Node is missing, which runs the functions of the stories: install Node 20 or later")
        self._emulator = Emulator().start()
        self.url = self._emulator.url
        self.faults = EmulatorFaults(self._emulator)

    def credentials(self) -> Mapping[str, str]:
        """The emulator's credentials, with a fresh token: a story may have made the others invalid."""
        return {
            "access_token": self._emulator.issue_token(),
            "client_id": self._emulator.client_id,
            "client_secret": self._emulator.client_secret,
        }

    def close(self) -> None:
        """Stop the emulator."""
        self._emulator.close()


class OtherServer:
    """A server that is there already.

    Args:
        url: its address.
        environment: where the credentials are, by the names that the Makefile gives them.

    Raises:
        ServerError: If the address is none, or there are no credentials at all.
    """

    faults = None

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self.url = _address(url)
        given = {variable: environment.get(name, "") for variable, name in _ENVIRONMENT.items()}
        self._credentials = {variable: value for variable, value in given.items() if value}
        token = self._credentials.get("access_token", "")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ServerError(
                "ACCESS_TOKEN holds a character that no token can: give it without spaces and line breaks"
            )
        if not self._credentials:
            raise ServerError(
                "there are no credentials: give ACCESS_TOKEN, and CLIENT_ID and CLIENT_SECRET for the tokens"
            )

    def credentials(self) -> Mapping[str, str]:
        """What was given."""
        return self._credentials

    def check(self, contract: Contract) -> None:
        """Make sure that it answers and takes the token, by a request that changes nothing.

        Raises:
            ServerError: If it does not.
        """
        driver = HttpDriver(self.url, contract, trust_env=True)
        try:
            token = self._credentials.get("access_token")
            answer = driver.send(Request("listFunctions", {"limit": 1}, ABSENT, token))
        except NoAnswerError as error:
            raise ServerError(f"{self.url} does not answer ({one_line(str(error))}): check BASE_URL") from error
        finally:
            driver.close()
        if token is None:
            return
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise ServerError(f"{self.url} does not take the token: check ACCESS_TOKEN")
        if (problem := _not_the_service(answer)) is not None:
            raise ServerError(f"{self.url} {problem}: check BASE_URL")

    def close(self) -> None:
        """Nothing to stop."""


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or any(character.isspace() for character in url):
        raise ServerError("BASE_URL is no address: give one such as https://cloud.minapp.com")
    if parts.username is not None or parts.query or parts.fragment:
        raise ServerError("BASE_URL has more than an address: give scheme, host and at most a path")
    return url.rstrip("/")


def _not_the_service(answer: Answer) -> str | None:
    if answer.status == HTTPStatus.OK and "objects" in (as_object(answer.body) or {}):
        return None
    return f"answers listFunctions with {answer.status} and no list of functions"
