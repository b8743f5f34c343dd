"""Changing the login that is shared with the service's Node tool: `.mincloudrc`, an INI file of which everything else is kept."""

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

# In the file these end an entry, a value or a line.
_SEPARATORS = frozenset(",:;#=[]\"'\\")


@dataclass(frozen=True, slots=True)
class LoginFile:
    """A login file as it was read. The bytes that are not UTF-8 survive.

    Attributes:
        path: Where it is.
        text: What is in it; empty if there is none.
        section: Which of its sections has the login; empty for what stands before the first one.
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
        """Reads a file such that no other process of this program changes it meanwhile.

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
        """The same with other values: each on the line that has it, or on a new one at the end of the section."""
        lines = self.text.splitlines(keepends=True)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        place = section_place(lines, self.section)
        if place is None:
            _end_last_line(lines, len(lines), end)
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
                _end_last_line(within, position, end)
                within.insert(position, new)
        return LoginFile(self.path, "".join([*before, *within, *after]), self.section)


def _end_last_line(lines: list[str], count: int, end: str) -> None:
    if count and not lines[count - 1].endswith(("\n", "\r")):
        lines[count - 1] += end


@contextmanager
def _lock_on_folder(folder: Path) -> Generator[None]:
    """Keeps other processes of this program from changing login files of a folder, where the system can."""
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


def _can_stand(value: str) -> bool:
    return bool(value) and all("!" <= character <= "~" and character not in _SEPARATORS for character in value)
