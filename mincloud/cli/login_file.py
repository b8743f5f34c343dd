"""Changes the logins in `.mincloudrc`, an INI file that the service's Node tool shares, and keeps everything else in it."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .._logins import CLIENT_ID, NAME, TOKENS, key_of, pairs, read, section_place, settings
from .exit_statuses import SERVICE_FAILED, CommandError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

# These end an entry, a value or a line in the file.
_SEPARATORS = frozenset(",:;#=[]\"'\\")


@dataclass(frozen=True, slots=True)
class LoginFile:
    """A login file as it was read. Bytes that are not UTF-8 are kept.

    Attributes:
        path: Its path.
        text: Its content; empty if there is no such file.
        section: The section with the login; empty for the lines before the first section.
    """

    path: Path
    text: str
    section: str = ""

    @classmethod
    def read(cls, path: Path, section: str = "") -> LoginFile:
        """Reads a file, which need not exist.

        Raises:
            ConfigurationError: It cannot be read.
        """
        return cls(path, read(path), section)

    @classmethod
    @contextmanager
    def locked(cls, path: Path, section: str = "") -> Generator[LoginFile]:
        """Reads a file, and keeps other processes of this program from changing it meanwhile.

        Raises:
            ConfigurationError: It cannot be read.
        """
        with _lock_on_folder(Path(os.path.realpath(path)).parent):
            yield cls.read(path, section)

    @property
    def tokens(self) -> dict[str, str]:
        """The access token of each application."""
        return pairs(settings(self.text, self.section).get(TOKENS))

    def with_token(self, client_id: str, token: str) -> LoginFile:
        """A copy with a login.

        Raises:
            CommandError: The id or the token has characters that the file cannot hold.
        """
        if not _is_storable(client_id):
            raise CommandError(f"{client_id!r} cannot be a client_id: copy it again from the service's console")
        if not _is_storable(token):
            raise CommandError(
                "the service gave a token that cannot be kept in the file: pass it in MINCLOUD_ACCESS_TOKEN",
                SERVICE_FAILED,
            )
        return self._changed({CLIENT_ID: client_id, TOKENS: _encoded({**self.tokens, client_id: token})})

    def without_token(self, client_id: str) -> LoginFile:
        """A copy without an application's token."""
        return self._changed({TOKENS: _encoded({k: v for k, v in self.tokens.items() if k != client_id})})

    def write(self) -> None:
        """Writes the file atomically; from its first byte on, its owner alone can read it.

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
        """A copy with other values: each on the line of its key, or on a new one at the end of the section."""
        lines = self.text.splitlines(keepends=True)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += end
        place = section_place(lines, self.section)
        if place is None:
            lines += [*([end] if lines else []), f"[{self.section}]{end}"]
            place = slice(len(lines), len(lines))
        before, within, after = lines[: place.start], lines[place], lines[place.stop :]
        for key, value in values.items():
            new = f"{key} = {value}{end}"
            places = [number for number, line in enumerate(within) if key_of(line) == key]
            if places:
                within[places[-1]] = new
                for number in reversed(places[:-1]):  # the last one counted
                    del within[number]
            else:
                filled = [number for number, line in enumerate(within, 1) if line.strip()]
                # A blank line before the next section stays there.
                position = filled[-1] if filled and self.section else 0 if self.section else len(within)
                within.insert(position, new)
        return LoginFile(self.path, "".join([*before, *within, *after]), self.section)


@contextmanager
def _lock_on_folder(folder: Path) -> Generator[None]:
    """Locks a folder, so that no other process of this program changes a login file in it; does nothing on Windows."""
    try:
        import fcntl  # noqa: PLC0415 - not everywhere
    except ImportError:  # Windows
        yield
        return
    # The folder rather than the file, which is replaced, or a file beside it, which would stay.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _encoded(tokens: Mapping[str, str]) -> str:
    return ",".join(f"{owner}:{token}" for owner, token in tokens.items())


def _is_storable(value: str) -> bool:
    return bool(value) and all("!" <= character <= "~" and character not in _SEPARATORS for character in value)
