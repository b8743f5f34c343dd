"""The commands `login`, `logout` and `whoami`."""

from __future__ import annotations

import os
from dataclasses import asdict
from getpass import getpass
from typing import TYPE_CHECKING

from .. import MinCloud
from .._logins import current_login, home_file, local_file, named_environments, section_for
from ..errors import APIError, Unauthorized
from .clients import CREDENTIAL_VARIABLES, PRODUCTION, resolve_destination
from .exit_statuses import DONE, HOW_TO_LOG_IN, NOT_ALLOWED, CommandError
from .login_file import LoginFile

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from .terminal import Terminal

_REFUSED = (400, 401, 403)


def login(args: argparse.Namespace, terminal: Terminal) -> int:
    """Logs in with the application's id and secret, and keeps the access token in `~/.mincloudrc`."""
    path = home_file()
    if path is None:
        raise CommandError("no home directory is known to keep the login in: set HOME")
    destination = resolve_destination(args, terminal)
    section = section_for(destination.base_url)
    LoginFile.read(path)  # fails before the user is asked for a secret
    client_id, client_secret = _application(args, terminal)
    try:
        with MinCloud(
            client_id=client_id, client_secret=client_secret, base_url=destination.base_url, **destination.options
        ) as cloud:
            token = cloud.credentials.token()
    except APIError as error:
        if error.status not in _REFUSED:
            raise
        raise CommandError(
            f"the service does not accept this client_id and secret: copy them again from its console ({error.status})",
            NOT_ALLOWED,
        ) from error
    with LoginFile.locked(path, section) as file:
        file.with_token(client_id, token).write()
    terminal.result(
        {"client_id": client_id, "base_url": destination.base_url, "file": str(path)},
        f"logged in as {client_id} at {destination.host}; the token is kept in {path}",
    )
    if note := _overridden_by(client_id, path, destination.base_url):
        terminal.note(f"mincloud-py: note: {note}")
    return DONE


def _overridden_by(client_id: str, path: Path, base_url: str) -> str | None:
    """The credentials that are used in place of a new login, and what to do about them; None if the login is used."""
    token_variable, *_ = CREDENTIAL_VARIABLES
    variables = [name for name in CREDENTIAL_VARIABLES if os.environ.get(name)]
    if token_variable in variables:
        variables = [token_variable]  # the others are not used then
    if variables:
        wins, them = ("wins", "it") if len(variables) == 1 else ("win", "them")
        return f"{' and '.join(variables)} {wins} over this login: unset {them} to use the login"
    used = current_login(base_url)
    if used is None or (used.client_id, used.kept_in) == (client_id, path):
        return None
    if used.client_id != client_id:
        return f"{used.chosen_in} chooses another application, {used.client_id}, here: change it to use this login"
    return f"{used.kept_in} has another token of {client_id}, which wins here: remove it to use this login"


def _application(args: argparse.Namespace, terminal: Terminal) -> tuple[str, str]:
    """The application's id and secret, from the arguments, the environment or the terminal."""
    client_id: str = args.client_id or os.environ.get("MINCLOUD_CLIENT_ID") or ""
    client_secret: str = args.insecure_client_secret or os.environ.get("MINCLOUD_CLIENT_SECRET") or ""
    if client_id and client_secret:
        return client_id, client_secret
    advice = "set MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET"
    if not terminal.can_ask:
        raise CommandError(f"login asks on a terminal, and there is none: {advice}")
    client_id = client_id or terminal.ask("client_id:", advice=advice)
    client_secret = client_secret or getpass("client_secret (not shown): ")
    if not client_id or not client_secret:
        raise CommandError("login needs both client_id and client_secret: the service's console shows them")
    return client_id, client_secret


def logout(args: argparse.Namespace, terminal: Terminal) -> int:
    """Removes the token of the application that is logged in from the login files; the service cannot invalidate it alone."""
    destination = resolve_destination(args, terminal)
    login = current_login(destination.base_url)
    forgotten: list[str] = []
    if login is not None:
        for path in dict.fromkeys(path for path in (local_file(), home_file()) if path is not None):
            if login.client_id in LoginFile.read(path, login.section).tokens:
                with LoginFile.locked(path, login.section) as file:
                    file.without_token(login.client_id).write()
                forgotten.append(str(path))
    if login is None or not forgotten:
        raise CommandError(f"nobody is logged in at {destination.host}: there is nothing to forget", NOT_ALLOWED)
    terminal.result(
        {"client_id": login.client_id, "base_url": destination.base_url, "files": forgotten},
        f"logged out {login.client_id}: its token is no longer in {' and '.join(forgotten)}",
    )
    return DONE


def whoami(args: argparse.Namespace, terminal: Terminal) -> int:
    """Shows where commands go and with which credentials, without the token, and whether the service accepts them."""
    destination = resolve_destination(args, terminal)
    with destination.connect() as cloud:
        try:
            functions = cloud.functions.list(page_size=1).total
            accepted = True
        except Unauthorized:
            functions, accepted = None, False
    shown = asdict(destination)
    shown.pop("options")
    source = " and ".join(shown.pop("credentials"))
    names = {name: identifier for name, (identifier, _) in named_environments(destination.base_url).items()}
    if terminal.json:
        terminal.document(
            {**shown, "source": source, "environments": names, "accepted": accepted, "functions": functions}
        )
    else:
        environment = destination.environment or PRODUCTION
        if destination.environment_name:
            environment = f"{destination.environment_name} ({environment})"
        client_id = destination.client_id or "(not known: a token was given as such)"
        own_source = destination.client_id_source in destination.credentials
        rows = {
            "application": _with_source(client_id, None if own_source else destination.client_id_source),
            "credentials": source,
            "environment": _with_source(environment, destination.environment_source),
            "service": _with_source(destination.base_url, destination.base_url_source),
            "named": ", ".join(f"{name} ({identifier})" for name, identifier in names.items()),
            "functions": str(functions) if accepted else "",
        }
        for label, value in rows.items():
            if value:
                terminal.text(f"{label:<14}{value}")
    if not accepted:
        raise CommandError(f"the service does not accept these credentials: {HOW_TO_LOG_IN}", NOT_ALLOWED)
    return DONE


def _with_source(value: str, source: str | None) -> str:
    """A value, and what decided it if anything did."""
    return value if source is None else f"{value}, by {source}"
