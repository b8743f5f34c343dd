"""Opens the server that stories run against: an emulator of their own, or another server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from mincloud import ConfigurationError, MinCloud
from mincloud_emulator import Emulator
from scripts import ScriptError
from scripts.contract.document import one_line

from .contract import Contract
from .driver import HttpDriver, NoResponseError
from .story import GIVEN, Step


@dataclass(frozen=True)
class Server:
    """A server that stories run against, and what gives each story its credentials, by the names of its variables."""

    url: str
    credentials: Callable[[], Mapping[str, str]]
    emulator: Emulator | None = None


@contextmanager
def open_server(contract: Contract, environment: Mapping[str, str]) -> Generator[Server]:
    """Opens another server, which has to answer and take the token, or starts an emulator with functions in JavaScript.

    The environment has the other server's address as `BASE_URL`, and its credentials as `ACCESS_TOKEN`, `CLIENT_ID` and `CLIENT_SECRET`.

    Raises:
        ScriptError: The server cannot be used, or there is no Node to run the emulator's functions.
    """
    if url := environment.get("BASE_URL"):
        yield _other_server(url.rstrip("/"), environment, contract)
    elif shutil.which("node") is None:
        raise ScriptError("Node is missing, which runs the functions of the stories: install Node 20 or later")
    else:
        with Emulator() as emulator:
            application = {"client_id": emulator.client_id, "client_secret": emulator.client_secret}
            # With a fresh token: a story may have made the others invalid.
            yield Server(emulator.url, lambda: {"access_token": emulator.issue_token(), **application}, emulator)


def _other_server(url: str, environment: Mapping[str, str], contract: Contract) -> Server:
    given = {name: environment[name.upper()] for name in GIVEN if environment.get(name.upper())}
    token = given.get("access_token")
    try:
        MinCloud(base_url=url, access_token=token or "none", environment=None).close()
    except ConfigurationError as error:  # its sentence begins with the name of the argument
        name, _, problem = str(error).partition(" ")
        raise ScriptError(f"{name.upper()} {problem}") from None
    if not given:
        raise ScriptError("there are no credentials: give ACCESS_TOKEN, and CLIENT_ID and CLIENT_SECRET for the tokens")
    with closing(HttpDriver(url, contract, trust_env=True)) as driver:
        try:
            response = driver.send(Step(operation="listFunctions", parameters={"limit": 1}, access_token=token))
        except NoResponseError as error:
            raise ScriptError(f"{url} does not answer ({one_line(str(error))}): check BASE_URL") from error
    if token and response.status == HTTPStatus.UNAUTHORIZED:
        raise ScriptError(f"{url} does not take the token: check ACCESS_TOKEN")
    is_list = isinstance(response.body, dict) and "objects" in response.body
    if token and (response.status != HTTPStatus.OK or not is_list):
        raise ScriptError(
            f"{url} answers listFunctions with {response.status} and no list of functions: check BASE_URL"
        )
    return Server(url, lambda: given)
