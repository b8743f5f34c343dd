"""The client that a command works with, from the global options, and where that client's requests go."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._logins import DEFAULT_BASE_URL, current_login, named_environments
from .exit_statuses import CommandError

if TYPE_CHECKING:
    import argparse

    from .. import AsyncMinCloud, MinCloud
    from .._configuration import NotGiven
    from .terminal import Terminal

_TOKEN_VARIABLE = "MINCLOUD_ACCESS_TOKEN"  # noqa: S105 - a variable's name
APPLICATION_VARIABLES = ("MINCLOUD_CLIENT_ID", "MINCLOUD_CLIENT_SECRET")
CREDENTIAL_VARIABLES = (_TOKEN_VARIABLE, *APPLICATION_VARIABLES)
PRODUCTION = "production"
# The service's ids are hexadecimal, and long; a short word like `e2e` is a name.
_LIKE_AN_ID = re.compile(r"(?=.*\d)[0-9a-f-]{4,}", re.IGNORECASE)
_SHOWN_WHOLE = 8


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the requests of a command go, and what decides it.

    Attributes:
        base_url: The server.
        base_url_source: The option or variable that says so; None if it is the service by default.
        environment: The id of an environment; None for production.
        environment_name: Its name in a login file; None if it has none there.
        environment_source: The option, variable or file that decides it; None for production by default.
        credentials: The variables or the file that have the credentials; empty if there are none.
        client_id: The application; None if nothing says which it is.
        client_id_source: The variable or file that says so.
    """

    base_url: str
    base_url_source: str | None
    environment: str | None
    environment_name: str | None
    environment_source: str | None
    credentials: tuple[str, ...]
    client_id: str | None
    client_id_source: str | None

    @property
    def is_production(self) -> bool:
        """Whether no environment was chosen."""
        return self.environment is None

    @property
    def host(self) -> str:
        """The server's host, with its port where it says one."""
        return urlsplit(self.base_url).netloc

    @property
    def place(self) -> str:
        """The environment, for people: `production`, `staging (5d2a…)`, or an id alone."""
        if self.environment is None:
            return PRODUCTION
        shown = _shortened(self.environment, 4, 0)
        return f"{self.environment_name} ({shown})" if self.environment_name else shown

    def __str__(self) -> str:
        application = f" of {_shortened(self.client_id, 2, 2)}" if self.client_id else ""
        return f"{self.place}{application} at {self.host}"

    def to_dict(self) -> dict[str, str | None]:
        """The same for programs."""
        return {
            "environment": self.environment,
            "environment_name": self.environment_name,
            "client_id": self.client_id,
            "base_url": self.base_url,
        }


def _shortened(identifier: str, first: int, last: int) -> str:
    if len(identifier) <= _SHOWN_WHOLE:
        return identifier
    return f"{identifier[:first]}…{identifier[len(identifier) - last :]}"


def destination(args: argparse.Namespace, terminal: Terminal) -> Destination:
    """Where the requests of a command go.

    Args:
        args: The command's arguments.
        terminal: Where to ask about an environment that is neither named nor looks like an id.

    Raises:
        CommandError: The options contradict each other, or no environment can be meant.
        ConfigurationError: A login file cannot be read, or the server's address is none.
    """
    base_url, base_url_source = _base_url(args)
    environment, name, environment_source = _environment(args, base_url, terminal)
    return Destination(base_url, base_url_source, environment, name, environment_source, *_credentials(base_url))


def _base_url(args: argparse.Namespace) -> tuple[str, str | None]:
    from .._configuration import Options, checked_options  # noqa: PLC0415 - help needs no client

    if args.base_url is not None:
        given, source = args.base_url, "--base-url"
    elif variable := os.environ.get("MINCLOUD_BASE_URL"):
        given, source = variable, "MINCLOUD_BASE_URL"
    else:
        return DEFAULT_BASE_URL, None
    return checked_options(Options(base_url=given)).base_url, source


def _environment(
    args: argparse.Namespace, base_url: str, terminal: Terminal
) -> tuple[str | None, str | None, str | None]:
    """The id, the name and the source of the environment."""
    if args.production:
        if args.environment is not None:
            raise CommandError("--production and --environment are two places: choose one")
        return None, None, "--production"
    if args.environment is not None:
        wanted, source = args.environment, "--environment"
    elif variable := os.environ.get("MINCLOUD_ENVIRONMENT"):
        wanted, source = variable, "MINCLOUD_ENVIRONMENT"
    else:
        return None, None, None
    if not wanted:
        raise CommandError(f"{source} names no environment: --production says production")
    if wanted.lower() == PRODUCTION:
        raise CommandError(f"{source} {wanted} would be a test environment of that name: --production says production")
    names = named_environments(base_url)
    if wanted in names:
        identifier, file = names[wanted]
        return identifier, wanted, f"{source}, named in {file}"
    if _LIKE_AN_ID.fullmatch(wanted) is None:
        _ask_about(wanted, names, terminal)
    return wanted, next((name for name, (each, _) in names.items() if each == wanted), None), source


def _ask_about(wanted: str, names: dict[str, Any], terminal: Terminal) -> None:
    """Asks whether a word is an environment's id.

    Raises:
        CommandError: It is not, or there is nobody to ask.
    """
    known = f" (it names {', '.join(names)})" if names else ""
    advice = f"name it in ~/.mincloudrc with a line `environments = {wanted}:ID`{known}"
    if not terminal.can_ask:
        raise CommandError(f"{wanted!r} is no named environment, and does not look like the id of one: {advice}")
    if not terminal.confirm(f"{wanted!r} does not look like an environment's id. Is it one?", otherwise=advice):
        raise CommandError(f"nothing was sent: {advice}")


def _credentials(base_url: str) -> tuple[tuple[str, ...], str | None, str | None]:
    """Where a client finds its credentials, in its own order; the application, and what says so."""
    id_variable, _ = APPLICATION_VARIABLES
    client_id = os.environ.get(id_variable) or None
    if os.environ.get(_TOKEN_VARIABLE):
        return (_TOKEN_VARIABLE,), client_id, id_variable if client_id else None
    if client_id:
        return APPLICATION_VARIABLES, client_id, id_variable
    login = current_login(base_url)
    if login is None:
        return (), None, None
    return (str(login.kept_in),), login.client_id, str(login.chosen_in)


def connected(there: Destination, args: argparse.Namespace) -> MinCloud:
    """A client whose requests go to a place.

    Raises:
        ConfigurationError: There are no credentials, or an option is impossible.
    """
    from .. import MinCloud  # noqa: PLC0415 - help needs no client

    return MinCloud(base_url=there.base_url, environment=there.environment, timeout=timeout(args))


def connected_async(there: Destination, args: argparse.Namespace, *, max_retries: int) -> AsyncMinCloud:
    """A client for asyncio; see `connected`."""
    from .. import AsyncMinCloud  # noqa: PLC0415 - help needs no client

    return AsyncMinCloud(
        base_url=there.base_url, environment=there.environment, timeout=timeout(args), max_retries=max_retries
    )


def timeout(args: argparse.Namespace) -> float | NotGiven:
    """The seconds that a command allows each attempt of a request."""
    from .._configuration import NOT_GIVEN  # noqa: PLC0415 - help needs no client

    return NOT_GIVEN if args.timeout is None else args.timeout
