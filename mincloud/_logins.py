"""Reads `.mincloudrc`, the login file that is shared with the service's Node tool.

It is an INI file: `client_id = …` and `tokens = <client_id>:<token>,…` before the first section are the login to the
service itself. As with that tool, the file in the working directory wins over the one at home for each of the two: a folder may choose
the application, and the home directory keep its token.

The login to another server, such as an emulator, has a section of its own, `[http://127.0.0.1:8900]`, so that a token is only sent to the
server that issued it. `environments = <name>:<id>,…` gives names to environments. The Node tool leaves sections
and lines that it does not know alone.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .errors import ConfigurationError

NAME = ".mincloudrc"
CLIENT_ID = "client_id"
TOKENS = "tokens"
ENVIRONMENTS = "environments"
DEFAULT_BASE_URL = "https://cloud.minapp.com"
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_BYTE_ORDER_MARK = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LARGEST = 1 << 20  # bytes; thousands of logins


@dataclass(frozen=True, slots=True)
class Login:
    """A login of an application.

    Attributes:
        client_id: The application.
        chosen_in: The file that names the application.
        token: Its access token; None if no file has one.
        kept_in: The file with the token.
        section: The section of these files; empty for the lines before the first one.
    """

    client_id: str
    chosen_in: Path
    token: str | None = field(repr=False)
    kept_in: Path | None
    section: str


def local_file() -> Path:
    """`./.mincloudrc`, which takes precedence."""
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


def section_for(base_url: str) -> str:
    """The section of a server's login: its scheme, host and port; empty for the service itself."""
    url = urlsplit(base_url)
    default_port = {"http": 80, "https": 443}.get(url.scheme)
    port = "" if url.port in (None, default_port) else f":{url.port}"
    # Without the brackets of an IPv6 address: the Node tool's parser knows none within a section's name.
    origin = f"{url.scheme}://{url.hostname}{port}"
    return "" if origin == DEFAULT_BASE_URL else origin


def current_login(base_url: str) -> Login | None:
    """Finds the login to a server; None if there is none.

    A server on this machine without a login of its own uses that of the service itself, where the Node tool writes a login to an emulator.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    texts = [(path, read(path)) for path in (local_file(), home_file()) if path is not None]
    section = section_for(base_url)
    login = _login_in(texts, section)
    if login is None and section and urlsplit(base_url).hostname in THIS_MACHINE:
        login = _login_in(texts, "")
    return login


def _login_in(texts: list[tuple[Path, str]], section: str) -> Login | None:
    client_id, chosen_in = "", None
    for path, text in texts:
        values = settings(text, section)
        if chosen_in is None and values.get(CLIENT_ID):
            client_id, chosen_in = values[CLIENT_ID], path
        token = pairs(values.get(TOKENS)).get(client_id)
        if chosen_in is not None and token is not None:
            return Login(client_id, chosen_in, token, path, section)
    return None if chosen_in is None else Login(client_id, chosen_in, None, None, section)


def other_login(base_url: str) -> Path | None:
    """Finds the file with a login to another server than this one; None if there is none."""
    files = [path for path in (local_file(), home_file()) if path is not None]
    return next((path for path in files if _has_other_login(path, base_url)), None)


def _has_other_login(path: Path, base_url: str) -> bool:
    text = read(path)
    sections = {line.strip()[1:-1] for line in text.splitlines() if _is_heading(line)} | {""}
    return any(settings(text, section).get(TOKENS) for section in sections - {section_for(base_url)})


def named_environments(base_url: str) -> dict[str, tuple[str, Path]]:
    """Finds the environments that have a name: the id of each, and the file that says so."""
    found: dict[str, tuple[str, Path]] = {}
    for path in (home_file(), local_file()):  # the later wins
        if path is not None:
            found |= _environments_in(path, base_url)
    return found


def _environments_in(path: Path, base_url: str) -> dict[str, tuple[str, Path]]:
    text = read(path)
    return {
        name: (identifier, path)
        for section in ("", section_for(base_url))
        for name, identifier in pairs(settings(text, section).get(ENVIRONMENTS)).items()
    }


def read(path: Path) -> str:
    """Reads a login file; empty if there is none. Bytes that are not UTF-8, as of an old comment, become surrogates."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigurationError(f"cannot read {path}: it is no regular file; move it away")
            content = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    problem = ""
    if len(content) > _LARGEST:
        problem = "it is larger than 1 MB, which no login file is; move it away"
    elif content.startswith(_UTF_16):
        problem = "it is not UTF-8, save it in that encoding"
    if problem:
        del content  # it has tokens, which a traceback with local variables must not show
        raise ConfigurationError(f"cannot read {path}: {problem}")
    return content.decode("utf-8", "surrogateescape")


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a FIFO would wait for a writer


def settings(text: str, section: str = "") -> dict[str, str]:
    """The settings of a section of a login file, or of the lines before the first one."""
    lines = text.splitlines()
    found: dict[str, str] = {}
    place = section_place(lines, section)
    for line in lines[place] if place is not None else ():
        key = key_of(line)
        if key:
            # A comment may also stand at the end of a line.
            value = line.partition("=")[2].partition(";")[0].partition("#")[0]
            found[key] = value.strip().strip("\"'")
    return found


def pairs(value: str | None) -> dict[str, str]:
    """The pairs of a setting `name:value,name:value`: tokens by application, or environments by name."""
    entries = (entry.partition(":") for entry in (value or "").split(","))
    return {name.strip(): content.strip() for name, _, content in entries if name.strip() and content.strip()}


def section_place(lines: list[str], section: str) -> slice | None:
    """The place of a section's lines, or of those before the first one; None if there is no such section."""
    headings = [place for place, line in enumerate(lines) if _is_heading(line)]
    if not section:
        return slice(0, headings[0] if headings else len(lines))
    for number, place in enumerate(headings):
        if lines[place].strip() == f"[{section}]":
            return slice(place + 1, headings[number + 1] if number + 1 < len(headings) else len(lines))
    return None


def _is_heading(line: str) -> bool:
    return line.removeprefix(_BYTE_ORDER_MARK).strip().startswith("[")


def key_of(line: str) -> str:
    """The name of the setting in a line; empty if it has none."""
    stripped = line.removeprefix(_BYTE_ORDER_MARK).strip()
    return "" if stripped.startswith((";", "#")) else stripped.partition("=")[0].strip()
