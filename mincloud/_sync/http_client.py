# Derived from mincloud/_async/http_client.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The transport over a user's own client of httpx, or of httpx2, which has the same interface."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .._concurrency.threads import run_within
from .._logging import suppress_httpcore_logs
from .._urls import redact_url
from ..errors import ClientClosed, ConfigurationError, ConnectionFailed, RequestTimeout
from ..transports import Response, response_too_large
from .connections import Deadline

if TYPE_CHECKING:
    from ..errors import TransportError
    from ..transports import HTTPClient, Request

# Of a user's own headers, these are meant for others.
_CREDENTIALS = frozenset((b"authorization", b"cookie", b"proxy-authorization"))


def package_of(client: object, kind: str) -> str | None:
    """The package that a client of httpx comes from; None if it is none.

    Args:
        client: The client.
        kind: The name of its class there.
    """
    for parent in type(client).__mro__:
        package = parent.__module__.partition(".")[0]
        if package in ("httpx", "httpx2") and parent.__name__ == kind:
            return package
    return None


class _Progress:
    """How far a request has come, as httpcore tells.

    Attributes:
        traced: Whether httpcore tells anything; a mock in its place does not.
        sent: Whether any of the request may have left.
        given_up: Whether nobody waits for the response any more, so that the request must not leave.
    """

    def __init__(self) -> None:
        self.traced = False
        self.sent = False
        self.given_up = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Notes an event of httpcore, as its extension `trace` has it."""
        self.traced = True
        # Asking a proxy for a way to the host carries nothing of the request.
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True
            if self.given_up:  # in threads, where a call that takes too long goes on
                raise TimeoutError("nobody waits for the response any more")


class HTTPXTransport:
    """Sends requests with a user's own client. Its settings hold, but redirects are not followed and its `auth` is not used.

    Args:
        client: An `httpx.Client`, or one of httpx2. It is never closed.

    Raises:
        ConfigurationError: It is something else.
    """

    def __init__(self, client: HTTPClient) -> None:
        package = package_of(client, "Client")
        if package is None:
            raise ConfigurationError(
                f"http_client must be an httpx.Client, or an httpx2.Client, not {type(client).__name__}"
            )
        # Both packages have the same names; what holds for one holds for the other.
        self._client: Any = client
        self._package: Any = sys.modules[package]

    def send(self, request: Request, timeout: float) -> Response:
        """See `mincloud.Transport.send`."""
        if self._client.is_closed:
            raise ClientClosed("the HTTP client that was given as http_client= is closed")
        package = self._package
        progress = _Progress()
        deadline = Deadline(timeout)

        def call() -> Response:
            return self._exchange(request, deadline, progress)

        problem: TransportError
        try:
            return run_within(call, deadline.left(TimeoutError))
        except (package.TimeoutException, TimeoutError) as error:
            progress.given_up = True
            early = isinstance(error, package.ConnectTimeout | package.PoolTimeout)
            problem = _timed_out(request, timeout, sent=_may_have_left(progress, early=early))
        except package.HTTPStatusError as error:  # an event hook that raises for each status of failure
            return _read(error.response, request)
        except (package.RequestError, package.InvalidURL, OSError) as error:
            early = isinstance(
                error, package.ConnectError | package.UnsupportedProtocol | package.ProxyError | package.InvalidURL
            )
            problem = _failed(request, str(error) or type(error).__name__, sent=_may_have_left(progress, early=early))
        # Not within `except`: the error of httpx carries the request, with the token.
        raise problem

    def _exchange(self, request: Request, deadline: Deadline, progress: _Progress) -> Response:
        left = deadline.left(TimeoutError)
        outgoing = self._package.Request(
            request.method,
            request.url,
            headers=[*request.headers, *self._own_headers(request)],
            content=request.content or None,
            extensions={
                "timeout": {"connect": left, "read": left, "write": left, "pool": left},
                "trace": progress.trace,
            },
        )
        with suppress_httpcore_logs():
            response = self._client.send(outgoing, stream=True, auth=None, follow_redirects=False)
            try:
                return _read(response, request)
            finally:
                response.close()

    def _own_headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        """The client's own headers, for requests to the API only, not for those to the address of a log, say."""
        named = {name.lower() for name, _ in request.headers}
        if b"authorization" not in named:
            return []
        own: list[tuple[bytes, bytes]] = self._client.headers.raw
        return [(name, value) for name, value in own if name.lower() not in named | _CREDENTIALS]

    def close(self) -> None:
        """Does nothing: the client belongs to whoever made it."""


def _read(response: Any, request: Request) -> Response:
    """The response as our own, its body still encoded.

    Raises:
        InvalidResponse: It is larger than allowed.
    """
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
        content = b"".join(parts)
    if len(content) > request.max_response_bytes:
        raise response_too_large(request, response.status_code)
    return Response(response.status_code, headers, content)


def _may_have_left(progress: _Progress, *, early: bool) -> bool:
    """Whether any of a request may have left: surely not where httpcore did not begin to send it, or the error is one of connecting."""
    return progress.sent or not (progress.traced or early)


def _timed_out(request: Request, timeout: float, *, sent: bool) -> RequestTimeout:
    phase = "the answer was not complete" if sent else "no connection was made"
    url = redact_url(request.url)
    return RequestTimeout(
        f"{phase} within {round(timeout, 2):g} s ({request.method} {url})",
        may_have_run=sent,
        method=request.method,
        url=url,
    )


def _failed(request: Request, problem: str, *, sent: bool) -> ConnectionFailed:
    what = "the connection broke before the answer was complete" if sent else "no connection could be made"
    url = redact_url(request.url)
    return ConnectionFailed(
        f"{what}: {problem} ({request.method} {url})", may_have_run=sent, method=request.method, url=url
    )
