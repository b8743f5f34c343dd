"""The login that is shared with the service's Node tool, as both the client and the command line read it.

It stands in `.mincloudrc`, an INI file: `client_id = …` and `tokens = <client_id>:<token>,…` before any section. As with that tool,
the file in the working directory wins over the one at home for each of the two: a folder may choose the application, and the home
directory keep its token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .errors import ConfigurationError

NAME = ".mincloudrc"
CLIENT_ID = "client_id"
TOKENS = "tokens"
_BYTE_ORDER_MARK = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Login:
    """Who is logged in.

    Attributes:
        client_id: The application.
        chosen_in: The file that says so.
        token: Its access token; None if no file has one.
        kept_in: The file that has it.
    """

    client_id: str
    chosen_in: Path
    token: str | None = field(repr=False)
    kept_in: Path | None


def local_file() -> Path:
    """`./.mincloudrc`, which wins."""
    try:
        return Path.cwd() / NAME
    except FileNotFoundError:  # the working directory is gone
        return Path(NAME)


def home_file() -> Path | None:
    """`~/.mincloudrc`; None if no home directory is known."""
    try:
        return Path.home() / NAME
    except RuntimeError:
        return None


def current_login() -> Login | None:
    """The application that is logged in; None if there is none.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    client_id, chosen_in = "", None
    for path in (local_file(), home_file()):
        values = {} if path is None else settings(read(path))
        if chosen_in is None and values.get(CLIENT_ID):
            client_id, chosen_in = values[CLIENT_ID], path
        token = tokens(values).get(client_id)
        if chosen_in is not None and token is not None:
            return Login(client_id, chosen_in, token, path)
    return None if chosen_in is None else Login(client_id, chosen_in, None, None)


def read(path: Path) -> str:
    """What is in a login file; nothing if there is none. Bytes that are not UTF-8, as of an old comment, become surrogates.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    if content.startswith(_UTF_16):
        raise ConfigurationError(f"cannot read {path}: it is not UTF-8, save it in that encoding")
    return content.decode("utf-8", "surrogateescape")


def settings(text: str) -> dict[str, str]:
    """What a login file sets before its first section."""
    lines = text.splitlines()
    found: dict[str, str] = {}
    for line in lines[: preamble(lines)]:
        key = key_of(line)
        if key:
            # A comment may also stand at the end of a line.
            value = line.partition("=")[2].partition(";")[0].partition("#")[0]
            found[key] = value.strip().strip("\"'")
    return found


def tokens(values: dict[str, str]) -> dict[str, str]:
    """The access token of each application, from a file's settings."""
    pairs = (entry.strip().partition(":") for entry in values.get(TOKENS, "").split(","))
    return {owner: token for owner, _, token in pairs if owner and token}


def preamble(lines: list[str]) -> int:
    """How many lines come before the first section."""
    return next(
        (place for place, line in enumerate(lines) if line.removeprefix(_BYTE_ORDER_MARK).strip().startswith("[")),
        len(lines),
    )


def key_of(line: str) -> str:
    """What a line sets; empty if it sets nothing."""
    stripped = line.removeprefix(_BYTE_ORDER_MARK).strip()
    return "" if stripped.startswith((";", "#")) else stripped.partition("=")[0].strip()
