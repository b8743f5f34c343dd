"""Changing the login that is shared with the service's Node tool: `.mincloudrc`, an INI file of which everything else is kept."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .._logins import CLIENT_ID, NAME, TOKENS, key_of, preamble, read, settings, tokens
from .exit_statuses import SERVICE_FAILED, CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

# In the file these end an entry, a value or a line.
_SEPARATORS = frozenset(",:;#=[]\"'\\")


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
            ConfigurationError: It cannot be read.
        """
        return cls(path, read(path))

    @property
    def tokens(self) -> dict[str, str]:
        """The access token of each application."""
        return tokens(settings(self.text))

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
        return self._changed({CLIENT_ID: client_id, TOKENS: _encoded({**self.tokens, client_id: token})})

    def without_token(self, client_id: str) -> LoginFile:
        """The same without an application's token."""
        return self._changed({TOKENS: _encoded({k: v for k, v in self.tokens.items() if k != client_id})})

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

    def _changed(self, values: Mapping[str, str]) -> LoginFile:
        """The same with other values: each on the line that has it, or on a new one before the first section."""
        lines = self.text.splitlines(keepends=True)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        for key, value in values.items():
            new = f"{key} = {value}{end}"
            sections = preamble(lines)
            places = [place for place, line in enumerate(lines[:sections]) if key_of(line) == key]
            if places:
                lines[places[-1]] = new
                for place in reversed(places[:-1]):  # the last one counted
                    del lines[place]
            else:
                if sections and not lines[sections - 1].endswith(("\n", "\r")):
                    lines[sections - 1] += end
                lines.insert(sections, new)
        return LoginFile(self.path, "".join(lines))


def _encoded(tokens: Mapping[str, str]) -> str:
    return ",".join(f"{owner}:{token}" for owner, token in tokens.items())


def _can_stand(value: str) -> bool:
    return bool(value) and all("!" <= character <= "~" and character not in _SEPARATORS for character in value)
