"""One call from beginning to end: credentials, attempts, and the answer or its error."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from .._concurrency.asyncio_ import sleep
from .._configuration import Secrets, checked_timeout
from .._logging import logger
from .._redaction import KnownSecrets
from .._responses import APIResponse
from .._retries import GATEWAY_ERRORS, is_worth_repeating, retry_delay
from .._urls import host_header, redact_url
from .._version import USER_AGENT
from ..errors import ClientClosed, RequestTimeout, TransportError
from ..transports import Request
from .credentials import AsyncCredentials

if TYPE_CHECKING:
    from .._configuration import Options
    from .._operations import Operation
    from ..transports import AsyncTransport

    Headers = tuple[tuple[bytes, bytes], ...]

_UNAUTHORIZED = 401


@dataclass(slots=True)
class _AttemptState:
    """How far a call has come: whether an attempt of it may have run."""

    may_have_run: bool = False


class AsyncPipeline:
    """Carries out calls for one client.

    Args:
        options: The client's options.
        transport: What sends the requests.
        secrets: What the access token comes from; None to share the parent's.
        parent: The flow that this one shares connections and credentials with, None if it has its own.
    """

    credentials: AsyncCredentials

    def __init__(
        self,
        options: Options,
        transport: AsyncTransport,
        secrets: Secrets | None,
        parent: AsyncPipeline | None = None,
    ) -> None:
        self.options = options
        self.transport = transport
        self.parent = parent
        self._closed = False
        if secrets is not None or parent is None:
            self.known_secrets = KnownSecrets()
            self.credentials = AsyncCredentials(secrets or Secrets(), self, self.known_secrets)
        else:
            self.known_secrets = parent.known_secrets
            self.credentials = parent.credentials
        self._common: Headers = (
            (b"Host", host_header(options.base_url)),
            (b"User-Agent", USER_AGENT.encode("ascii")),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"gzip, deflate"),
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "what works with a client's credentials cannot be pickled or copied: pickle the client, which leaves them out"
        )

    @property
    def closed(self) -> bool:
        """Whether this flow, or the one it shares connections with, was closed."""
        return self._closed or (self.parent is not None and self.parent.closed)

    async def aclose(self) -> None:
        """Closes the connections, unless they are shared with a parent."""
        self._closed = True
        if self.parent is None:
            await self.transport.aclose()

    async def send(
        self, call: Operation, *, timeout: float | None = None, deadline: float | None = None
    ) -> APIResponse:
        """Carries out a call.

        Args:
            call: The call.
            timeout: The seconds that each attempt may take; None for the client's own.
            deadline: When all attempts must have ended, on the clock of `time.monotonic()`.

        Raises:
            APIError: The service answered with another status than success.
            ClientClosed: The client was closed.
            ConfigurationError: The timeout is impossible, or the token was and cannot be renewed.
            TransportError: No answer came; `may_have_run` is about the call with all its attempts, not about the exchange for a token.
        """
        limit = self.options.timeout if timeout is None else checked_timeout(timeout)
        progress = _AttemptState()
        try:
            return await self._attempts(call, limit, deadline, progress)
        except TransportError as error:
            # An attempt before the one that failed may have run, too.
            error.may_have_run = error.may_have_run or progress.may_have_run
            raise

    async def _attempts(
        self, call: Operation, limit: float, deadline: float | None, progress: _AttemptState
    ) -> APIResponse:
        attempt = 0
        renewed = False
        while True:
            attempt += 1
            token = await self.credentials.token(timeout=limit, deadline=deadline) if call.authorized else None
            try:
                answer = await self._attempt(call, token, limit, deadline)
            except TransportError as error:
                progress.may_have_run = progress.may_have_run or error.may_have_run
                delay = self._delay(attempt, None, deadline) if call.idempotent or not error.may_have_run else None
                if delay is None:
                    raise
            else:
                settled = progress.may_have_run and answer.status == call.success_if_retried
                if settled or answer.is_success():
                    return answer
                if answer.status == _UNAUTHORIZED and token is not None and not renewed:
                    # A call that was turned away did not run, so this is no repetition that counts.
                    renewed = await self.credentials.renew(token, timeout=limit, deadline=deadline)
                    if renewed:
                        attempt -= 1
                        continue
                progress.may_have_run = progress.may_have_run or answer.status in GATEWAY_ERRORS
                worth = is_worth_repeating(answer.status, idempotent=call.idempotent)
                delay = self._delay(attempt, answer.retry_after(), deadline) if worth else None
                if delay is None:
                    raise answer.error()
            await sleep(delay)

    def _delay(self, attempt: int, retry_after: float | None, deadline: float | None) -> float | None:
        """The seconds to wait before the next attempt, None if there is to be none."""
        if attempt > self.options.max_retries:
            return None
        delay = retry_delay(attempt, retry_after)
        if delay is None or (deadline is not None and time.monotonic() + delay >= deadline):
            return None
        return delay

    async def _attempt(self, call: Operation, token: str | None, limit: float, deadline: float | None) -> APIResponse:
        request = self._request(call, token)
        if deadline is not None:
            limit = min(limit, deadline - time.monotonic())
            if limit <= 0:
                raise RequestTimeout(
                    f"no time was left to send the request ({request.method} {redact_url(request.url)})",
                    may_have_run=False,
                    method=request.method,
                    url=redact_url(request.url),
                )
        answer = await self.exchange(request, limit)
        logger.debug("%s %s answered %d", request.method, answer.url, answer.status)
        return answer

    async def exchange(self, request: Request, timeout: float, *, hide_body: bool = False) -> APIResponse:
        """Sends one request once.

        Args:
            request: The request.
            timeout: The seconds that it may take.
            hide_body: Whether a successful answer holds secrets that are not known yet, so that errors do without its body.

        Raises:
            ClientClosed: The client was closed.
            TransportError: No answer came.
        """
        if self.closed:
            raise ClientClosed("this client is closed: make another one, or use it inside of its `with` block")
        response = await self.transport.send(request, timeout)
        return APIResponse(request, response, secrets=self.known_secrets.all, hide_body=hide_body)

    def _request(self, call: Operation, token: str | None) -> Request:
        if call.path.startswith("/"):
            return self.api_request(call, token)
        return Request(
            call.method, call.path, ((b"Host", host_header(call.path)), *self._common[1:2], *self._common[3:])
        )

    def api_request(self, call: Operation, token: str | None) -> Request:
        """The request to the API for a call.

        Args:
            call: The call.
            token: The access token; None for the token operations.
        """
        headers = (*self._common, *call.headers)
        if token is not None:
            headers = (*headers, (b"Authorization", b"Bearer " + token.encode("ascii")))
        return Request(call.method, self.options.base_url + call.path, headers, call.content or b"")
