"""The package's logger, and filters that keep secrets out of the logs of httpx, httpcore and hpack."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ._redaction import redact, secrets_in
from ._urls import redact_url

if TYPE_CHECKING:
    from contextvars import Token

    from .transports import Request

# One line per attempt at DEBUG: method, address without its query, status. Never a header, never a body.
logger = logging.getLogger("mincloud")

_request: ContextVar[Request | None] = ContextVar("mincloud_request", default=None)


class _DroppingFilter(logging.Filter):
    """Drops what httpcore and hpack log about this package's requests: at DEBUG they print headers, with the token and cookies."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _request.get() is None


class _RedactingFilter(logging.Filter):
    """Redacts what httpx logs of this package's requests: URLs, whose queries hold signatures, and the server's reason phrase."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = _request.get()
        if request is not None and isinstance(record.args, tuple):
            secrets = [*secrets_in(request)]
            record.args = tuple(
                arg if isinstance(arg, int) else redact(redact_url(str(arg)), secrets) for arg in record.args
            )
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
    """Keeps the loggers of httpx, httpcore and hpack from showing the secrets of a request that is sent within, in this task or thread."""

    __slots__ = ("_request", "_token")

    _token: Token[Request | None]

    def __init__(self, request: Request) -> None:
        self._request = request

    def __enter__(self) -> None:
        self._token = _request.set(self._request)

    def __exit__(self, *_: object) -> None:
        _request.reset(self._token)
