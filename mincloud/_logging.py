"""What is logged, and what is kept out of logs."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

# One line per attempt at DEBUG: method, address without its query, status. Never a header, never a body.
logger = logging.getLogger("mincloud")

_within_a_call: ContextVar[bool] = ContextVar("mincloud_within_a_call", default=False)


class _OutsideOfCalls(logging.Filter):
    """Drops what httpcore logs about our calls: at DEBUG it prints headers, and with them cookies and redirects with codes."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _within_a_call.get()


_filter = _OutsideOfCalls()
for _name in ("httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks"):
    logging.getLogger(_name).addFilter(_filter)


@contextmanager
def silenced() -> Generator[None]:
    """Keeps httpcore's loggers quiet about what is done within, in this task or thread."""
    token = _within_a_call.set(True)
    try:
        yield
    finally:
        _within_a_call.reset(token)
