"""The package's logger, and filters that keep secrets out of the logs of httpx, httpcore and hpack."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ._urls import redact_url

if TYPE_CHECKING:
    from contextvars import Token

# One line per attempt at DEBUG: method, address without its query, status. Never a header, never a body.
logger = logging.getLogger("mincloud")

_within_a_call: ContextVar[bool] = ContextVar("mincloud_within_a_call", default=False)


class _DroppingFilter(logging.Filter):
    """Drops what httpcore and hpack log about this package's requests: at DEBUG they print headers, with the token and cookies."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _within_a_call.get()


class _RedactingFilter(logging.Filter):
    """Redacts the URLs that httpx logs of this package's requests, whose queries hold signatures."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _within_a_call.get() and isinstance(record.args, tuple):
            record.args = tuple(redact_url(str(arg)) if "://" in str(arg) else arg for arg in record.args)
        return True


# The second of each pair is of httpx2, which a program may hand in as `http_client`.
_dropping, _redacting = _DroppingFilter(), _RedactingFilter()
for _package in ("httpcore", "httpcore2"):
    for _part in ("connection", "http11", "http2", "proxy", "socks"):
        logging.getLogger(f"{_package}.{_part}").addFilter(_dropping)
for _name in ("hpack.hpack", "hpack.table"):
    logging.getLogger(_name).addFilter(_dropping)
for _name in ("httpx", "httpx2"):
    logging.getLogger(_name).addFilter(_redacting)


class suppress_httpcore_logs:  # noqa: N801 - it is used as a function
    """Keeps the loggers of httpx, httpcore and hpack from showing what is sent within, in this task or thread."""

    __slots__ = ("_token",)

    _token: Token[bool]

    def __enter__(self) -> None:
        self._token = _within_a_call.set(True)

    def __exit__(self, *_: object) -> None:
        _within_a_call.reset(self._token)
