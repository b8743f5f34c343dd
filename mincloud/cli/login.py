"""The commands `login`, `logout` and `whoami`."""

from __future__ import annotations

import os
from getpass import getpass
from typing import TYPE_CHECKING

from .._logins import current_login, home_file, local_file, named_environments, section_for
from .clients import CREDENTIAL_VARIABLES, PRODUCTION, connected, destination, timeout
from .exit_statuses import DONE, HOW_TO_LOG_IN, NOT_ALLOWED, CommandError
from .login_file import LoginFile
from .terminal import ask

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from .terminal import Terminal

_REFUSED = (400, 401, 403)


def login(args: argparse.Namespace, terminal: Terminal) -> int:
    """Obtains an access token with the application's id and secret, and keeps it in `~/.mincloudrc`."""
    from .. import APIError, MinCloud  # noqa: PLC0415 - help needs no client

    path = home_file()
    if path is None:
        raise CommandError("no home directory is known to keep the login in: set HOME")
    there = destination(args, terminal)
    section = section_for(there.base_url)
    LoginFile.read(path)  # before anybody is asked for a secret
    client_id, client_secret = _application(args, terminal)
    try:
        with MinCloud(
            client_id=client_id, client_secret=client_secret, base_url=there.base_url, timeout=timeout(args)
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
    if terminal.json:
        terminal.document({"client_id": client_id, "base_url": there.base_url, "file": str(path)})
    else:
        terminal.text(f"logged in as {client_id} at {there.host}; the token is kept in {path}")
    if note := _wins_over(client_id, path, there.base_url):
        terminal.note(f"mincloud-py: note: {note}")
    return DONE


def _wins_over(client_id: str, path: Path, base_url: str) -> str | None:
    """What is used in place of a login that was just made, and what to do about it; None if the login is used."""
    token_variable, *_ = CREDENTIAL_VARIABLES
    variables = [name for name in CREDENTIAL_VARIABLES if os.environ.get(name)]
    if token_variable in variables:
        variables = [token_variable]  # the others play no part then
    match variables:
        case [name]:
            return f"{name} wins over this login: unset it to use the login"
        case [*names] if names:
            return f"{' and '.join(names)} win over this login: unset them to use the login"
        case _:
            pass
    used = current_login(base_url)
    if used is None or (used.client_id, used.kept_in) == (client_id, path):
        return None
    if used.client_id != client_id:
        return f"{used.chosen_in} chooses another application, {used.client_id}, here: change it to use this login"
    return f"{used.kept_in} has another token of {client_id}, which wins here: remove it to use this login"


def _application(args: argparse.Namespace, terminal: Terminal) -> tuple[str, str]:
    """The application's id and secret: from the arguments, the environment, or the terminal."""
    client_id: str = args.client_id or os.environ.get("MINCLOUD_CLIENT_ID") or ""
    client_secret: str = args.insecure_client_secret or os.environ.get("MINCLOUD_CLIENT_SECRET") or ""
    if client_id and client_secret:
        return client_id, client_secret
    if not terminal.can_ask:
        raise CommandError(
            "login asks on a terminal, and there is none: set MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET"
        )
    client_id = client_id or ask("client_id: ")
    client_secret = client_secret or getpass("client_secret (not shown): ")
    if not client_id or not client_secret:
        raise CommandError("login needs both client_id and client_secret: the service's console shows them")
    return client_id, client_secret


def logout(args: argparse.Namespace, terminal: Terminal) -> int:
    """Forgets the token of the application that is logged in. The service has no call that would invalidate it alone."""
    there = destination(args, terminal)
    login = current_login(there.base_url)
    forgotten: list[str] = []
    if login is not None:
        for path in dict.fromkeys(path for path in (local_file(), home_file()) if path is not None):
            if login.client_id in LoginFile.read(path, login.section).tokens:
                with LoginFile.locked(path, login.section) as file:
                    file.without_token(login.client_id).write()
                forgotten.append(str(path))
    if login is None or not forgotten:
        raise CommandError(f"nobody is logged in at {there.host}: there is nothing to forget", NOT_ALLOWED)
    if terminal.json:
        terminal.document({"client_id": login.client_id, "base_url": there.base_url, "files": forgotten})
    else:
        terminal.text(f"logged out {login.client_id}: its token is no longer in {' and '.join(forgotten)}")
    return DONE


def whoami(args: argparse.Namespace, terminal: Terminal) -> int:
    """Says where a command would go and with which credentials, never the token, and whether the service accepts them."""
    from .. import Unauthorized  # noqa: PLC0415 - help needs no client

    there = destination(args, terminal)
    with connected(there, args) as cloud:
        try:
            functions = cloud.functions.list(page_size=1).total
            accepted = True
        except Unauthorized:
            functions, accepted = None, False
    source = " and ".join(there.credentials)
    names = {name: identifier for name, (identifier, _) in named_environments(there.base_url).items()}
    if terminal.json:
        terminal.document(
            {
                "source": source,
                "client_id": there.client_id,
                "client_id_source": there.client_id_source,
                "environment": there.environment,
                "environment_name": there.environment_name,
                "environment_source": there.environment_source,
                "environments": names,
                "base_url": there.base_url,
                "base_url_source": there.base_url_source,
                "accepted": accepted,
                "functions": functions,
            }
        )
    else:
        environment = there.environment or PRODUCTION
        rows = [
            ("application", _with_source(there.client_id, there.client_id_source, there.credentials)),
            ("credentials", source),
            (
                "environment",
                _with_source(
                    f"{there.environment_name} ({environment})" if there.environment_name else environment,
                    there.environment_source,
                ),
            ),
            ("service", _with_source(there.base_url, there.base_url_source)),
        ]
        if names:
            rows.append(("named", ", ".join(f"{name} ({identifier})" for name, identifier in names.items())))
        if accepted:
            rows.append(("functions", str(functions)))
        for label, value in rows:
            terminal.text(f"{label:<14}{value}")
    if not accepted:
        raise CommandError(f"the service does not accept these credentials: {HOW_TO_LOG_IN}", NOT_ALLOWED)
    return DONE


def _with_source(value: str | None, source: str | None, said: tuple[str, ...] = ()) -> str:
    """A value and what decided it, unless nothing did or it is said already."""
    if value is None:
        return "(not known: a token was given as such)"
    return value if source is None or source in said else f"{value}, by {source}"
