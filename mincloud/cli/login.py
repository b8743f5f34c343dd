"""The commands `login`, `logout` and `whoami`."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from typing import TYPE_CHECKING

from .clients import connected, global_options
from .exit_statuses import DONE, HOW_TO_LOG_IN, NOT_ALLOWED, CommandError
from .login_file import LoginFile, home_file, local_file
from .terminal import ask

if TYPE_CHECKING:
    import argparse

    from .terminal import Terminal

_REFUSED = (400, 401, 403)


def login(args: argparse.Namespace, terminal: Terminal) -> int:
    """Obtains an access token with the application's id and secret, and keeps it in `~/.mincloudrc`."""
    from .. import APIError, MinCloud  # noqa: PLC0415 - help needs no client

    client_id, client_secret = _application(args)
    file = LoginFile.read(home_file())
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
    stronger = _source()
    if stronger is not None and stronger[0] != str(file.path):
        terminal.note(f"mincloud-py: note: {stronger[0]} wins over this login: remove it to use the login")
    return DONE


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
    files = [LoginFile.read(path) for path in (local_file(), home_file())]
    client_id = next((file.client_id for file in files if file.client_id), None)
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
        source, client_id = _source() or ("", None)
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
                "source": source,
                "client_id": client_id,
                "environment": environment,
                "base_url": base_url,
                "accepted": accepted,
                "functions": functions,
            }
        )
    else:
        rows = [
            ("application", client_id or "(not known: a token was given as such)"),
            ("credentials", source),
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


def _source() -> tuple[str, str | None] | None:
    """Where the client finds its credentials, in its own order, and the application they are of; None if nowhere."""
    client_id = os.environ.get("MINCLOUD_CLIENT_ID") or None
    if os.environ.get("MINCLOUD_ACCESS_TOKEN"):
        return "MINCLOUD_ACCESS_TOKEN", client_id
    if client_id and os.environ.get("MINCLOUD_CLIENT_SECRET"):
        return "MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET", client_id
    for path in (local_file(), home_file()):
        file = LoginFile.read(path)
        if file.client_id:
            return str(path), file.client_id
    return None
