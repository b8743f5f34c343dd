# Derived from mincloud/_async/sender.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""Sends single requests: their common headers, the size of their responses, and the report of each attempt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

from .._logging import logger
from .._models import Attempt
from .._redaction import redact, secrets_in
from .._responses import APIResponse
from .._retries import RateLimiter
from .._urls import host_header, redact_url
from .._version import USER_AGENT
from ..errors import ClientClosed, InvalidResponse, TransportError
from ..transports import Request, response_too_large

if TYPE_CHECKING:
    from .._configuration import Options
    from .._operations import Operation
    from .._redaction import KnownSecrets, Secret
    from ..errors import MinCloudError
    from ..transports import Transport

    Headers = tuple[tuple[bytes, bytes], ...]

_USER_AGENT = (b"User-Agent", USER_AGENT.encode("ascii"))
_ACCEPT_ENCODING = (b"Accept-Encoding", b"gzip, deflate")


class Sender:
    """Sends single requests of a client, without retries and without obtaining a token.

    Args:
        options: The client's options.
        transport: What sends the requests.
        known_secrets: The secrets that errors must not show.
        parent: The sender of the client whose connections this one shares; None if they are its own.

    Attributes:
        rate_limiter: Spreads the requests; shared with the parent if the rate is the same, None if there is no limit.
    """

    def __init__(
        self,
        options: Options,
        transport: Transport,
        known_secrets: KnownSecrets,
        parent: Sender | None = None,
    ) -> None:
        self.options = options
        self.transport = transport
        self.known_secrets = known_secrets
        self._parent = parent
        self._closed = False
        self.rate_limiter: RateLimiter | None
        rate = options.requests_per_minute
        if parent is not None and rate == parent.options.requests_per_minute:
            self.rate_limiter = parent.rate_limiter
        else:
            self.rate_limiter = None if rate is None else RateLimiter(rate)
        self._headers = (
            (b"Host", host_header(options.base_url)),
            _USER_AGENT,
            (b"Accept", b"application/json"),
            _ACCEPT_ENCODING,
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "what works with a client's credentials cannot be pickled or copied: pickle the client, which leaves them out"
        )

    @property
    def closed(self) -> bool:
        """Whether this client, or the one whose connections it shares, was closed."""
        return self._closed or (self._parent is not None and self._parent.closed)

    def close(self) -> None:
        """Closes the connections, unless they are shared with a parent."""
        self._closed = True
        if self._parent is None:
            self.transport.close()

    def check_open(self) -> None:
        """Raises `ClientClosed` if the client was closed."""
        if self.closed:
            raise ClientClosed("this client is closed: make another one, or use it inside of its `with` block")

    def send(
        self, request: Request, timeout: float, operation: str, attempts: list[Attempt], *, hide_body: bool = False
    ) -> APIResponse:
        """Sends a request once and reports the attempt to the client's `on_attempt`.

        Args:
            request: The request.
            timeout: The seconds that it may take.
            operation: The name of its operation.
            attempts: The attempts before, to which this one is added.
            hide_body: Whether errors leave out the body of a success, since it holds secrets that are not known yet.

        Raises:
            ClientClosed: The client was closed.
            TransportError: No response came.
            InvalidResponse: It is larger than `max_response_bytes`.
        """
        self.check_open()
        started_at = time.monotonic()
        status: int | None = None
        failure: MinCloudError | None = None
        try:
            response = self.transport.send(request, timeout)
            if len(response.content) > request.max_response_bytes:
                raise response_too_large(request, response.status)
            status = response.status
        except (TransportError, InvalidResponse) as error:
            # What is wrong with a malformed response is told with its words, which may repeat what was sent.
            error.args = (redact(str(error), (*self.known_secrets.all(), *secrets_in(request))),)
            failure = error
            raise
        finally:
            if status is not None or failure is not None:
                number, seconds = len(attempts) + 1, time.monotonic() - started_at
                attempt = Attempt(operation, request.method, redact_url(request.url), status, number, seconds, failure)
                attempts.append(attempt)
                self._report(attempt)
        return APIResponse(request, response, secrets=self.known_secrets.all, hide_body=hide_body)

    def _report(self, attempt: Attempt) -> None:
        if attempt.status is not None:
            logger.debug("%s %s answered %d", attempt.method, attempt.url, attempt.status)
        else:
            logger.debug("%s %s failed: %s", attempt.method, attempt.url, type(attempt.error).__name__)
        if self.options.on_attempt is not None:
            try:
                self.options.on_attempt(attempt)
            except Exception:  # noqa: BLE001 - a fault of the program's own function must not break its call
                logger.exception("on_attempt raised")

    def request(self, operation: Operation, token: Secret | None = None) -> Request:
        """Builds the request for an operation; one with an absolute URL gets none of the API's headers, and no token."""
        limit = self.options.max_response_bytes
        if not operation.path.startswith("/"):
            host = (b"Host", host_header(operation.path))
            return Request(operation.method, operation.path, (host, _USER_AGENT, _ACCEPT_ENCODING), b"", limit)
        headers: Headers = (*self._headers, *operation.headers)
        if token is not None:
            headers = (*headers, (b"Authorization", b"Bearer " + token.reveal().encode("ascii")))
        url = self.options.base_url + operation.path
        return Request(operation.method, url, headers, operation.content or b"", limit)
