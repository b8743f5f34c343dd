"""The destination of a command's requests: server, environment and credentials, and a client for it."""

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
    from .terminal import Terminal

_TOKEN_VARIABLE = "MINCLOUD_ACCESS_TOKEN"  # noqa: S105 - a variable's name
_APPLICATION_VARIABLES = ("MINCLOUD_CLIENT_ID", "MINCLOUD_CLIENT_SECRET")
CREDENTIAL_VARIABLES = (_TOKEN_VARIABLE, *_APPLICATION_VARIABLES)
PRODUCTION = "production"
# The service's ids are hexadecimal, and long; a short word like `e2e` is a name.
_ID = re.compile(r"(?=.*\d)[0-9a-f-]{4,}", re.IGNORECASE)
_LONGEST_SHOWN_WHOLE = 8


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the requests of a command go, and what decided it.

    Attributes:
        base_url: The server.
        base_url_source: The option or variable that names it; None for the service by default.
        environment: The id of an environment; None for production.
        environment_name: Its name in a login file; None if it has none there.
        environment_source: The option, variable or file that names it; None for production by default.
        credentials: The variables or the file that have the credentials; empty if there are none.
        client_id: The application; None if it is not known.
        client_id_source: The variable or file that names it.
        options: Further options for the client.
    """

    base_url: str
    base_url_source: str | None
    environment: str | None
    environment_name: str | None
    environment_source: str | None
    credentials: tuple[str, ...]
    client_id: str | None
    client_id_source: str | None
    options: dict[str, Any]

    @property
    def host(self) -> str:
        """The server's host, with its port where it has one."""
        return urlsplit(self.base_url).netloc

    def __str__(self) -> str:
        """The destination for people: `staging (5d2a…) of d2…83 at cloud.minapp.com`."""
        environment = PRODUCTION if self.environment is None else _shortened(self.environment, 4, 0)
        if self.environment_name:
            environment = f"{self.environment_name} ({environment})"
        application = f" of {_shortened(self.client_id, 2, 2)}" if self.client_id else ""
        return f"{environment}{application} at {self.host}"

    def to_dict(self) -> dict[str, str | None]:
        """The destination as JSON."""
        return {name: getattr(self, name) for name in ("environment", "environment_name", "client_id", "base_url")}

    def connect(self) -> MinCloud:
        """A client for it.

        Raises:
            ConfigurationError: There are no credentials, or an option is impossible.
        """
        from .. import MinCloud  # noqa: PLC0415 - not every command needs one

        return MinCloud(base_url=self.base_url, environment=self.environment, **self.options)

    def connect_async(self, *, max_retries: int) -> AsyncMinCloud:
        """A client for asyncio; see `connect`."""
        from .. import AsyncMinCloud  # noqa: PLC0415 - not every command needs one

        return AsyncMinCloud(
            base_url=self.base_url, environment=self.environment, max_retries=max_retries, **self.options
        )


def _shortened(identifier: str, first: int, last: int) -> str:
    if len(identifier) <= _LONGEST_SHOWN_WHOLE:
        return identifier
    return f"{identifier[:first]}…{identifier[len(identifier) - last :]}"


def resolve_destination(args: argparse.Namespace, terminal: Terminal) -> Destination:
    """Resolves the destination from the global options, the environment variables and the login files.

    Args:
        args: The command's arguments.
        terminal: Where to ask about an environment that is neither named nor looks like an id.

    Raises:
        CommandError: The options contradict each other, or no environment can be meant.
        ConfigurationError: A login file cannot be read, or the server's address is none.
    """
    from .._configuration import Options  # noqa: PLC0415 - not every command needs it

    given, source = _option(args, "base_url")
    base_url = DEFAULT_BASE_URL if given is None else Options().changed(base_url=given).base_url
    return Destination(
        base_url,
        source,
        *_environment(args, base_url, terminal),
        *_credentials(base_url),
        {} if args.timeout is None else {"timeout": args.timeout},
    )


def _option(args: argparse.Namespace, name: str) -> tuple[str | None, str | None]:
    """The value of an option, or else of its variable, and which of the two it is; None if neither is given."""
    value, variable = getattr(args, name), f"MINCLOUD_{name.upper()}"
    if value is not None:
        return value, f"--{name.replace('_', '-')}"
    value = os.environ.get(variable)
    return (value, variable) if value else (None, None)


def _environment(
    args: argparse.Namespace, base_url: str, terminal: Terminal
) -> tuple[str | None, str | None, str | None]:
    """The id and the name of the environment, and the option, variable or file that names it."""
    if args.production:
        if args.environment is not None:
            raise CommandError("--production and --environment are two places: choose one")
        return None, None, "--production"
    wanted, source = _option(args, "environment")
    if wanted is None:
        return None, None, None
    if not wanted:
        raise CommandError(f"{source} names no environment: --production says production")
    if wanted.lower() == PRODUCTION:
        raise CommandError(f"{source} {wanted} would be a test environment of that name: --production says production")
    names = named_environments(base_url)
    if wanted in names:
        identifier, file = names[wanted]
        return identifier, wanted, f"{source}, named in {file}"
    if _ID.fullmatch(wanted) is None:
        _ask_about(wanted, names, terminal)
    return wanted, next((name for name, (each, _) in names.items() if each == wanted), None), source


def _ask_about(wanted: str, names: dict[str, Any], terminal: Terminal) -> None:
    """Asks whether a word that does not look like an environment's id is one, and refuses it if not."""
    known = f" (it names {', '.join(names)})" if names else ""
    advice = f"name it in ~/.mincloudrc with a line `environments = {wanted}:ID`{known}"
    if not terminal.can_ask:
        raise CommandError(f"{wanted!r} is no named environment, and does not look like the id of one: {advice}")
    if not terminal.confirm(f"{wanted!r} does not look like an environment's id. Is it one?", advice=advice):
        raise CommandError(f"nothing was sent: {advice}")


def _credentials(base_url: str) -> tuple[tuple[str, ...], str | None, str | None]:
    """Where the client finds its credentials, in its own order; the application, and what names it."""
    id_variable, _ = _APPLICATION_VARIABLES
    client_id = os.environ.get(id_variable) or None
    if os.environ.get(_TOKEN_VARIABLE):
        return (_TOKEN_VARIABLE,), client_id, id_variable if client_id else None
    if client_id:
        return _APPLICATION_VARIABLES, client_id, id_variable
    login = current_login(base_url)
    if login is None:
        return (), None, None
    return (str(login.kept_in),), login.client_id, str(login.chosen_in)
