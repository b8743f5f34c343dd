"""The log of one call: entries in the documented form, and no more than a bounded number of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class CallLog:
    """Collects the entries of one call, each ``<ISO time> <LEVEL> <message>`` as the service writes them.

    Args:
        limit: How much it holds, in bytes; a last entry says that the rest was cut.
        log_time: Gives the present time as an entry starts with.
        listener: Called with each entry, without its newline, as it comes.
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
        """Adds an entry with the present time.

        Args:
            level: LOG, INFO, WARN or ERROR.
            message: Its text, which may have several lines.
        """
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
        """Adds what was written to a standard stream past ``console``: one entry per line.

        Args:
            level: LOG for the standard output, ERROR for the standard error.
            data: What arrived, which may end within a line or a character.

        Returns:
            False when the log is full.
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
        """Ends lines that were begun.

        Returns:
            The whole log, each entry ended by a newline, empty if there is none.
        """
        for level, partial in self._partial.items():
            if partial:
                self.write(level, partial.decode(errors="replace"))
                partial.clear()
        return "".join(f"{entry}\n" for entry in self._entries)
