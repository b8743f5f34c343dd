"""The login that is shared with the service's Node tool: `.mincloudrc`, an INI file of which everything else is kept."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .exit_statuses import SERVICE_FAILED, CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = ".mincloudrc"
_CLIENT_ID = "client_id"
_TOKENS = "tokens"
# In the file these end an entry, a value or a line.
_SEPARATORS = frozenset(",:;#=[]\"'\\")


def home_file() -> Path:
    """`~/.mincloudrc`."""
    return Path.home() / NAME


def local_file() -> Path:
    """`./.mincloudrc`, which wins."""
    return Path.cwd() / NAME


@dataclass(frozen=True, slots=True)
class LoginFile:
    """A login file as it was read. The bytes that are not UTF-8 survive.

    Attributes:
        path: Where it is.
        text: What is in it; empty if there is none.
    """

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> LoginFile:
        """Reads a file, which need not exist.

        Raises:
            OSError: It cannot be read.
        """
        try:
            return cls(path, path.read_bytes().decode("utf-8", "surrogateescape"))
        except (FileNotFoundError, NotADirectoryError):
            return cls(path, "")

    @property
    def client_id(self) -> str | None:
        """The application that is logged in."""
        return self._value(_CLIENT_ID) or None

    @property
    def tokens(self) -> dict[str, str]:
        """The access token of each application."""
        pairs = (entry.strip().partition(":") for entry in (self._value(_TOKENS) or "").split(","))
        return {owner: token for owner, _, token in pairs if owner and token}

    def with_token(self, client_id: str, token: str) -> LoginFile:
        """The same with an application logged in.

        Raises:
            CommandError: The id or the token cannot stand in such a file.
        """
        if not _can_stand(client_id):
            raise CommandError(f"{client_id!r} cannot be a client_id: copy it again from the service's console")
        if not _can_stand(token):
            raise CommandError(
                "the service gave a token that cannot be kept in the file: pass it in MINCLOUD_ACCESS_TOKEN",
                SERVICE_FAILED,
            )
        return self._changed({_CLIENT_ID: client_id, _TOKENS: _encoded({**self.tokens, client_id: token})})

    def without_token(self, client_id: str) -> LoginFile:
        """The same without an application's token."""
        return self._changed({_TOKENS: _encoded({k: v for k, v in self.tokens.items() if k != client_id})})

    def write(self) -> None:
        """Puts the file in its place at once, readable by its owner alone from its first byte on.

        Raises:
            OSError: It cannot be written.
        """
        path = Path(os.path.realpath(self.path))  # a link into a folder of settings stays a link
        descriptor, name = tempfile.mkstemp(prefix=f"{NAME}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.text.encode("utf-8", "surrogateescape"))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _value(self, key: str) -> str | None:
        value = None
        lines = self.text.splitlines()
        for line in lines[: _preamble(lines)]:
            if _key(line) == key:
                value = line.partition("=")[2].strip().strip("\"'")
        return value

    def _changed(self, values: Mapping[str, str]) -> LoginFile:
        """The same with other values: each on the line that has it, or on a new one before the first section."""
        lines = self.text.splitlines(keepends=True)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        for key, value in values.items():
            new = f"{key} = {value}{end}"
            sections = _preamble(lines)
            places = [place for place, line in enumerate(lines[:sections]) if _key(line) == key]
            if places:
                lines[places[-1]] = new
                for place in reversed(places[:-1]):  # the last one counted
                    del lines[place]
            else:
                if sections and not lines[sections - 1].endswith(("\n", "\r")):
                    lines[sections - 1] += end
                lines.insert(sections, new)
        return LoginFile(self.path, "".join(lines))


def _preamble(lines: list[str]) -> int:
    """How many lines come before the first section."""
    return next((place for place, line in enumerate(lines) if line.strip().startswith("[")), len(lines))


def _key(line: str) -> str:
    stripped = line.strip().removeprefix("\ufeff")
    return "" if stripped.startswith((";", "#")) else stripped.partition("=")[0].strip()


def _encoded(tokens: Mapping[str, str]) -> str:
    return ",".join(f"{owner}:{token}" for owner, token in tokens.items())


def _can_stand(value: str) -> bool:
    return bool(value) and all("!" <= character <= "~" and character not in _SEPARATORS for character in value)
