"""The log of one call: entries in the documented form, up to a number of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class CallLog:
    """Collects the entries of one call, each ``<ISO time> <LEVEL> <message>`` as the service writes them.

    It holds `limit` bytes; a last entry says that the rest was cut. `listener` is called with each entry, without its newline.
    """

    def __init__(self, limit: int, log_time: Callable[[], str], listener: Callable[[str], None] | None = None) -> None:
        self._limit = limit
        self._log_time = log_time
        self._listener = listener
        self._entries: list[str] = []
        self._bytes = 0
        self._cut = False
        self._partial = {"LOG": bytearray(), "ERROR": bytearray()}

    def write(self, level: str, message: str) -> None:
        """Adds an entry with the present time; its level is LOG, INFO, WARN or ERROR."""
        if self._cut:
            return
        entry = self._entry(level, message)
        size = len(entry.encode()) + 1
        if self._bytes + size > self._limit:
            self._cut = True
            fitting = entry.encode()[: max(0, self._limit - self._bytes - 1)].decode(errors="ignore")
            if fitting:
                self._append(fitting)
            entry = self._entry("WARN", f"the log was cut here: it is limited to {self._limit} bytes per call")
        self._bytes += size
        self._append(entry)

    def _append(self, entry: str) -> None:
        self._entries.append(entry)
        if self._listener is not None:
            self._listener(entry)

    def _entry(self, level: str, message: str) -> str:
        return f"{self._log_time()} {level} {message}"

    def output(self, level: str, data: bytes) -> bool:
        """Adds an entry for each line that was written to a standard stream without ``console``.

        The data may end within a line or a character. Returns False when the log is full.
        """
        if self._cut:
            return False
        partial = self._partial[level]
        partial += data
        *lines, rest = bytes(partial).split(b"\n")
        if len(rest) > self._limit:
            lines.append(rest)
            rest = b""
        partial[:] = rest
        for line in lines:
            self.write(level, line.decode(errors="replace"))
        return not self._cut

    def finish(self) -> str:
        """Ends the lines that were begun, and returns the whole log, each entry ended by a newline."""
        for level, partial in self._partial.items():
            if partial:
                self.write(level, partial.decode(errors="replace"))
                partial.clear()
        return "".join(f"{entry}\n" for entry in self._entries)
