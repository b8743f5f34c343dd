# Derived from mincloud/_async/http_client.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The transport over a program's own client of httpx, or of httpx2, which has the same interface."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .._concurrency.threads import run_within
from .._logging import suppress_httpcore_logs
from .._urls import origin_of, redact_url, socks_errors
from ..errors import ClientClosed, ConfigurationError
from ..transports import Response, connection_failed, response_too_large, timed_out
from .connections import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import TransportError
    from ..transports import HTTPClient, Request

# Headers of the program's own client that are meant for other servers.
_CREDENTIALS = frozenset((b"authorization", b"cookie", b"proxy-authorization"))


def package_of(client: object, kind: str) -> str | None:
    """The name of the package, httpx or httpx2, that a client's class of a given name comes from; None for another class."""
    for parent in type(client).__mro__:
        package = parent.__module__.partition(".")[0]
        if package in ("httpx", "httpx2") and parent.__name__ == kind:
            return package
    return None


class _RequestTrace:
    """The trace of a request, from httpcore's extension `trace`.

    Attributes:
        traced: Whether there was any event; a mock in place of httpcore has none.
        sent: Whether any of the request may have left.
        abandoned: Whether the response is not waited for any more, so that the request must not leave.
    """

    def __init__(self) -> None:
        self.traced = False
        self.sent = False
        self.abandoned = False

    def event(self, event: str, info: dict[str, Any]) -> None:
        """Receives an event of httpcore."""
        self.traced = True
        # The request for a proxy's tunnel carries nothing of this one.
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True
            if self.abandoned:  # in threads, where a call that takes too long goes on
                raise TimeoutError("the response is not waited for any more")


class HTTPXTransport:
    """Sends requests with a program's own client. Its settings hold, but redirects are not followed and its `auth` is not used.

    Args:
        client: The program's client.
        base_url: Where the API is; the client's own headers go to no other origin.
    """

    def __init__(self, client: HTTPClient, base_url: str) -> None:
        package = package_of(client, "Client")
        if package is None:
            raise ConfigurationError(
                f"http_client must be an httpx.Client, or an httpx2.Client, not {type(client).__name__}"
            )
        # Both packages have the same names; what holds for one holds for the other.
        self._client: Any = client
        self._package: Any = sys.modules[package]
        # The frames of httpx have the request among their local variables, whose repr shows a signed address.
        shown: Callable[[Any], str] = lambda sent: f"<Request({sent.method!r}, {redact_url(str(sent.url))!r})>"  # noqa: E731
        self._request_class: Any = type("Request", (self._package.Request,), {"__repr__": shown})
        self._origin = origin_of(base_url)

    def send(self, request: Request, timeout: float) -> Response:
        """See `mincloud.Transport.send`."""
        if self._client.is_closed:
            raise ClientClosed("the HTTP client that was given as http_client= is closed")
        package = self._package
        trace = _RequestTrace()
        deadline = Deadline(timeout)

        def call() -> Response:
            return self._send(request, deadline, trace)

        problem: TransportError
        try:
            return run_within(call, deadline.remaining(TimeoutError))
        except (package.TimeoutException, TimeoutError) as error:
            trace.abandoned = True
            early = isinstance(error, package.ConnectTimeout | package.PoolTimeout)
            problem = timed_out(request, timeout, sent=_may_have_left(trace, early=early))
        except package.HTTPStatusError as error:  # an event hook that raises for each status of failure
            return _read(error.response, request, deadline)
        except (package.RequestError, package.InvalidURL, OSError, *socks_errors()) as error:
            early = isinstance(
                error, package.ConnectError | package.UnsupportedProtocol | package.ProxyError | package.InvalidURL
            )
            problem = connection_failed(
                request, str(error) or type(error).__name__, sent=_may_have_left(trace, early=early)
            )
        # Not within `except`: the error of httpx carries the request, with the token.
        raise problem

    def _send(self, request: Request, deadline: Deadline, trace: _RequestTrace) -> Response:
        left = deadline.remaining(TimeoutError)
        outgoing = self._request_class(
            request.method,
            request.url,
            headers=[*request.headers, *self._own_headers(request)],
            content=request.content or None,
            extensions={
                "timeout": {"connect": left, "read": left, "write": left, "pool": left},
                "trace": trace.event,
            },
        )
        with suppress_httpcore_logs(request):
            response = self._client.send(outgoing, stream=True, auth=None, follow_redirects=False)
            try:
                return _read(response, request, deadline)
            finally:
                response.close()

    def _own_headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        """The client's own headers, for requests to the API; other hosts, as that of a log, do not get them."""
        if origin_of(request.url) != self._origin:
            return []
        named = {name.lower() for name, _ in request.headers}
        own: list[tuple[bytes, bytes]] = self._client.headers.raw
        return [(name, value) for name, value in own if name.lower() not in named | _CREDENTIALS]

    def close(self) -> None:
        """Does nothing: the program closes its client itself."""


def _read(response: Any, request: Request, deadline: Deadline) -> Response:
    """Reads a response, its body still encoded; one that is too large is an `InvalidResponse`, one too late a `TimeoutError`."""
    headers: tuple[tuple[bytes, bytes], ...] = tuple(response.headers.raw)
    if response.is_stream_consumed or response.is_closed:  # by an event hook, or it is a mock
        content: bytes = response.content if response.is_stream_consumed else b""
        headers = tuple(header for header in headers if header[0].lower() != b"content-encoding")
    else:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_raw():
            size += len(part)
            if size > request.max_response_bytes:
                raise response_too_large(request, response.status_code)
            parts.append(part)
            deadline.remaining(TimeoutError)  # in threads nothing else ends a body that comes too slowly
        content = b"".join(parts)
    if len(content) > request.max_response_bytes:
        raise response_too_large(request, response.status_code)
    return Response(response.status_code, headers, content)


def _may_have_left(trace: _RequestTrace, *, early: bool) -> bool:
    """Whether any of a request may have left: not if httpcore has not begun to send it, or the error is one of connecting."""
    return trace.sent or not (trace.traced or early)
