"""Requests, responses, and the interface of what sends them: plain values, no library's types.

The default transport, over httpcore, is `mincloud._async.transport` and what is derived from it. Pass another one as `transport=`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ._urls import redact_url
from .errors import ConnectionFailed, InvalidResponse, RequestTimeout, TransportError

__all__ = ["AsyncTransport", "Request", "Response", "Transport"]

Failure = TypeVar("Failure", bound=TransportError)

MAX_RESPONSE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: The method, in capitals.
        url: The absolute URL, percent-encoded.
        headers: Names and values, complete but for what framing the body needs.
        content: The body, empty if there is none.
        max_response_bytes: How large the response's body may be, as it comes and with its content encoding undone.
    """

    method: str
    url: str = field(repr=False)  # may carry a signature
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)  # carry the token
    content: bytes = field(default=b"", repr=False)  # may carry the client's secret
    max_response_bytes: int = MAX_RESPONSE_BYTES


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response, read to its end.

    Attributes:
        status: The HTTP status.
        headers: Names (in any case) and values.
        content: The body as it came, still encoded if `Content-Encoding` says so.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    content: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """The value of a header, None if there is none of this name.

        Args:
            name: The header's name, in any case.
        """
        wanted = name.lower().encode("ascii")
        for key, value in self.headers:
            if key.lower() == wanted:
                return value.decode("latin-1")
        return None


def response_too_large(request: Request, status: int) -> InvalidResponse:
    """Builds the error for a response with this status that is larger than its request allows."""
    return InvalidResponse(
        f"it is larger than max_response_bytes, {request.max_response_bytes} bytes",
        body="",
        status=status,
        method=request.method,
        url=redact_url(request.url),
    )


def transport_error(kind: type[Failure], problem: str, request: Request, *, may_have_run: bool) -> Failure:
    """Builds the error of a kind for a request that got no response."""
    url = redact_url(request.url)
    return kind(f"{problem} ({request.method} {url})", may_have_run=may_have_run, method=request.method, url=url)


def timed_out(request: Request, timeout: float, *, sent: bool) -> RequestTimeout:
    """Builds the error for a request that took longer than its timeout, before or after any of it was sent."""
    phase = "the answer was not complete" if sent else "no connection was made"
    return transport_error(RequestTimeout, f"{phase} within {round(timeout, 2):g} s", request, may_have_run=sent)


def connection_failed(request: Request, reason: str, *, sent: bool) -> ConnectionFailed:
    """Builds the error for a request whose connection failed, before or after any of it was sent."""
    what = "the connection broke before the answer was complete" if sent else "no connection could be made"
    return transport_error(ConnectionFailed, f"{what}: {reason}", request, may_have_run=sent)


class Transport(Protocol):
    """Sends requests for `MinCloud`; several threads may use it at once."""

    def send(self, request: Request, timeout: float) -> Response:
        """Sends a request and reads the response to its end. Follows no redirects.

        Args:
            request: The request.
            timeout: The seconds that all of it may take; may be infinite.

        Raises:
            mincloud.ConnectionFailed: The connection could not be made, or broke.
            mincloud.RequestTimeout: It took longer. Both say in `may_have_run` whether any of the request may have left.
            mincloud.InvalidResponse: The response is larger than `request.max_response_bytes`.
        """
        ...

    def close(self) -> None:
        """Closes all connections."""
        ...


class _HTTPResponse(Protocol):
    @property
    def status_code(self) -> int: ...


class HTTPClient(Protocol):
    """An `httpx.Client` or an `httpx2.Client`, for `MinCloud(http_client=…)`."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    def send(self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: Any = ...) -> _HTTPResponse:
        """Sends a request."""
        ...


class AsyncHTTPClient(Protocol):
    """An `httpx.AsyncClient` or an `httpx2.AsyncClient`, for `AsyncMinCloud(http_client=…)`."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    async def send(
        self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: Any = ...
    ) -> _HTTPResponse:
        """Sends a request."""
        ...


class AsyncTransport(Protocol):
    """Sends requests for `AsyncMinCloud`; several tasks may use it at once."""

    async def send(self, request: Request, timeout: float) -> Response:
        """Sends a request and reads the response to its end. Follows no redirects.

        Args:
            request: The request.
            timeout: The seconds that all of it may take; may be infinite.

        Raises:
            mincloud.ConnectionFailed: The connection could not be made, or broke.
            mincloud.RequestTimeout: It took longer. Both say in `may_have_run` whether any of the request may have left.
            mincloud.InvalidResponse: The response is larger than `request.max_response_bytes`.
        """
        ...

    async def aclose(self) -> None:
        """Closes all connections."""
        ...
