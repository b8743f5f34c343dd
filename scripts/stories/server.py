"""The server that the stories run against: an emulator of their own, or one that is there already."""

from __future__ import annotations

import shutil
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from mincloud_emulator import Emulator
from scripts import ScriptError
from scripts.contract.document import one_line

from .driver import HttpDriver, NoAnswerError, Request
from .values import ABSENT, as_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .contract import Contract

_ENVIRONMENT = {"access_token": "ACCESS_TOKEN", "client_id": "CLIENT_ID", "client_secret": "CLIENT_SECRET"}


class OwnServer:
    """An emulator that runs for the stories alone, with functions in JavaScript.

    Raises:
        ScriptError: There is no Node to run them.
    """

    def __init__(self) -> None:
        if shutil.which("node") is None:
            raise ScriptError("Node is missing, which runs the functions of the stories: install Node 20 or later")
        self.emulator = Emulator().start()
        self.url = self.emulator.url

    def credentials(self) -> Mapping[str, str]:
        """The emulator's credentials, with a fresh token: a story may have made the others invalid."""
        return {
            "access_token": self.emulator.issue_token(),
            "client_id": self.emulator.client_id,
            "client_secret": self.emulator.client_secret,
        }

    def close(self) -> None:
        """Stops the emulator."""
        self.emulator.close()


class OtherServer:
    """A server that is there already, and that cannot be told to answer otherwise than it does.

    Args:
        url: Its address.
        environment: Where the credentials are, by the names that the Makefile gives them.

    Raises:
        ScriptError: The address is none, or there are no credentials at all.
    """

    emulator = None

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self.url = _address(url)
        given = {variable: environment.get(name, "") for variable, name in _ENVIRONMENT.items()}
        self._credentials = {variable: value for variable, value in given.items() if value}
        token = self._credentials.get("access_token", "")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ScriptError(
                "ACCESS_TOKEN holds a character that no token can: give it without spaces and line breaks"
            )
        if not self._credentials:
            raise ScriptError(
                "there are no credentials: give ACCESS_TOKEN, and CLIENT_ID and CLIENT_SECRET for the tokens"
            )

    def credentials(self) -> Mapping[str, str]:
        """What was given."""
        return self._credentials

    def check(self, contract: Contract) -> None:
        """Makes sure that it answers and takes the token, by a request that changes nothing.

        Raises:
            ScriptError: It does not.
        """
        driver = HttpDriver(self.url, contract, trust_env=True)
        token = self._credentials.get("access_token")
        try:
            answer = driver.send(Request("listFunctions", {"limit": 1}, ABSENT, token))
        except NoAnswerError as error:
            raise ScriptError(f"{self.url} does not answer ({one_line(str(error))}): check BASE_URL") from error
        finally:
            driver.close()
        if token is None:
            return
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise ScriptError(f"{self.url} does not take the token: check ACCESS_TOKEN")
        if answer.status != HTTPStatus.OK or "objects" not in (as_object(answer.body) or {}):
            raise ScriptError(
                f"{self.url} answers listFunctions with {answer.status} and no list of functions: check BASE_URL"
            )

    def close(self) -> None:
        """Nothing to stop."""


Server: TypeAlias = OwnServer | OtherServer


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or any(character.isspace() for character in url):
        raise ScriptError("BASE_URL is no address: give one such as https://cloud.minapp.com")
    if parts.username is not None or parts.query or parts.fragment:
        raise ScriptError("BASE_URL has more than an address: give scheme, host and at most a path")
    return url.rstrip("/")
