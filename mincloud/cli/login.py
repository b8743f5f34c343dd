"""The commands `login`, `logout` and `whoami`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from getpass import getpass
from typing import TYPE_CHECKING

from .._logins import current_login, home_file, local_file
from .clients import connected, global_options
from .exit_statuses import DONE, HOW_TO_LOG_IN, NOT_ALLOWED, CommandError
from .login_file import LoginFile
from .terminal import ask

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from .terminal import Terminal

_REFUSED = (400, 401, 403)
_AS_SUCH = "MINCLOUD_ACCESS_TOKEN"
_APPLICATION_VARIABLES = ("MINCLOUD_CLIENT_ID", "MINCLOUD_CLIENT_SECRET")


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where a client finds its credentials.

    Attributes:
        credentials: The variables or the file that have them.
        client_id: The application that they are of; None if nothing says so.
        client_id_source: The variable or the file that says so.
    """

    credentials: tuple[str, ...]
    client_id: str | None
    client_id_source: str | None

    def __str__(self) -> str:
        return " and ".join(self.credentials)


def login(args: argparse.Namespace, terminal: Terminal) -> int:
    """Obtains an access token with the application's id and secret, and keeps it in `~/.mincloudrc`."""
    from .. import APIError, MinCloud  # noqa: PLC0415 - help needs no client

    path = home_file()
    if path is None:
        raise CommandError("no home directory is known to keep the login in: set HOME")
    client_id, client_secret = _application(args)
    file = LoginFile.read(path)
    try:
        with MinCloud(client_id=client_id, client_secret=client_secret, **global_options(args)) as cloud:
            token = cloud.credentials.token()
    except APIError as error:
        if error.status not in _REFUSED:
            raise
        raise CommandError(
            f"the service does not accept this client_id and secret: copy them again from its console ({error.status})",
            NOT_ALLOWED,
        ) from error
    file.with_token(client_id, token).write()
    if terminal.json:
        terminal.document({"client_id": client_id, "file": str(file.path)})
    else:
        terminal.text(f"logged in as {client_id}; the token is kept in {file.path}")
    if note := _wins_over(client_id, path):
        terminal.note(f"mincloud-py: note: {note}")
    return DONE


def _wins_over(client_id: str, path: Path) -> str | None:
    """What is used in place of a login that was just made, and what to do about it; None if the login is used."""
    variables = [name for name in (_AS_SUCH, *_APPLICATION_VARIABLES) if os.environ.get(name)]
    if _AS_SUCH in variables:
        variables = [_AS_SUCH]  # the others play no part then
    match variables:
        case [name]:
            return f"{name} wins over this login: unset it to use the login"
        case [*names] if names:
            return f"{' and '.join(names)} win over this login: unset them to use the login"
        case _:
            pass
    used = current_login()
    if used is None or (used.client_id, used.kept_in) == (client_id, path):
        return None
    if used.client_id != client_id:
        return f"{used.chosen_in} chooses another application, {used.client_id}, here: change it to use this login"
    return f"{used.kept_in} has another token of {client_id}, which wins here: remove it to use this login"


def _application(args: argparse.Namespace) -> tuple[str, str]:
    """The application's id and secret: from the arguments, the environment, or the terminal."""
    client_id: str = args.client_id or os.environ.get("MINCLOUD_CLIENT_ID") or ""
    client_secret: str = args.insecure_client_secret or os.environ.get("MINCLOUD_CLIENT_SECRET") or ""
    if client_id and client_secret:
        return client_id, client_secret
    if not sys.stdin.isatty():
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
    del args
    login = current_login()
    client_id = None if login is None else login.client_id
    files = [LoginFile.read(path) for path in (local_file(), home_file()) if path is not None]
    with_token = [file for file in files if client_id in file.tokens]
    if client_id is None or not with_token:
        raise CommandError("nobody is logged in: there is nothing to forget", NOT_ALLOWED)
    for file in {file.path: file for file in with_token}.values():
        file.without_token(client_id).write()
    if terminal.json:
        terminal.document({"client_id": client_id, "files": [str(file.path) for file in with_token]})
    else:
        terminal.text(
            f"logged out {client_id}: its token is no longer in {' and '.join(str(file.path) for file in with_token)}"
        )
    return DONE


def whoami(args: argparse.Namespace, terminal: Terminal) -> int:
    """Says which credentials a command would use, never the token, and whether the service accepts them."""
    from .. import Unauthorized  # noqa: PLC0415 - help needs no client

    with connected(args) as cloud:
        sources = _sources()
        try:
            functions = cloud.functions.list(page_size=1).total
            accepted = True
        except Unauthorized:
            functions, accepted = None, False
    environment = args.environment or os.environ.get("MINCLOUD_ENVIRONMENT") or None
    base_url = args.base_url or os.environ.get("MINCLOUD_BASE_URL") or None
    if terminal.json:
        terminal.document(
            {
                "source": str(sources),
                "client_id": sources.client_id,
                "client_id_source": sources.client_id_source,
                "environment": environment,
                "base_url": base_url,
                "accepted": accepted,
                "functions": functions,
            }
        )
    else:
        rows = [
            ("application", _application_row(sources)),
            ("credentials", str(sources)),
            ("environment", environment or "production"),
            ("service", base_url or "https://cloud.minapp.com"),
        ]
        if accepted:
            rows.append(("functions", str(functions)))
        for label, value in rows:
            terminal.text(f"{label:<14}{value}")
    if not accepted:
        raise CommandError(f"the service does not accept these credentials: {HOW_TO_LOG_IN}", NOT_ALLOWED)
    return DONE


def _application_row(sources: _Sources) -> str:
    if sources.client_id is None:
        return "(not known: a token was given as such)"
    if sources.client_id_source in sources.credentials:
        return sources.client_id
    return f"{sources.client_id}, chosen by {sources.client_id_source}"


def _sources() -> _Sources:
    """Where a client that could be made finds its credentials, in its own order."""
    id_variable, _ = _APPLICATION_VARIABLES
    client_id = os.environ.get(id_variable) or None
    if os.environ.get(_AS_SUCH):
        return _Sources((_AS_SUCH,), client_id, id_variable if client_id else None)
    if client_id:
        return _Sources(_APPLICATION_VARIABLES, client_id, id_variable)
    login = current_login()
    if login is None:
        return _Sources((), None, None)
    return _Sources((str(login.kept_in),), login.client_id, str(login.chosen_in))
