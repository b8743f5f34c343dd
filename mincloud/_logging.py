"""What is logged, and what is kept out of logs."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextvars import Token

# One line per attempt at DEBUG: method, address without its query, status. Never a header, never a body.
logger = logging.getLogger("mincloud")

_within_a_call: ContextVar[bool] = ContextVar("mincloud_within_a_call", default=False)


class _OutsideCallsFilter(logging.Filter):
    """Drops what httpcore logs about our calls: at DEBUG it prints headers, and with them cookies and redirects with codes."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _within_a_call.get()


_filter = _OutsideCallsFilter()
for _engine in ("httpcore", "httpcore2"):
    for _part in ("connection", "http11", "http2", "proxy", "socks"):
        logging.getLogger(f"{_engine}.{_part}").addFilter(_filter)


class suppress_httpcore_logs:  # noqa: N801 - it is used as a function
    """Keeps httpcore's loggers quiet about what is done within, in this task or thread."""

    __slots__ = ("_token",)

    _token: Token[bool]

    def __enter__(self) -> None:
        self._token = _within_a_call.set(True)

    def __exit__(self, *_: object) -> None:
        _within_a_call.reset(self._token)
