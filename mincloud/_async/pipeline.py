"""Carries out an operation: credentials, attempts, and the response or its error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._concurrency.asyncio_ import sleep
from .._configuration import Secrets, checked_timeout
from .._redaction import KnownSecrets
from .._retries import GATEWAY_ERRORS, is_retryable, retry_delay
from .._urls import redact_url
from ..errors import APIError, InvalidResponse, RequestTimeout, TransportError
from ..transports import transport_error
from .credentials import AsyncCredentials
from .sender import AsyncSender

if TYPE_CHECKING:
    from .._configuration import Options
    from .._models import Attempt
    from .._operations import Operation
    from .._redaction import Secret
    from .._responses import APIResponse
    from ..transports import AsyncTransport

_UNAUTHORIZED = 401


class _AttemptState:
    """The attempts of an operation so far, and whether one of them may have run."""

    __slots__ = ("attempts", "may_have_run")

    def __init__(self) -> None:
        self.may_have_run = False
        self.attempts: list[Attempt] = []


class AsyncPipeline:
    """Carries out the operations of one client.

    Args:
        options: The client's options.
        transport: What sends the requests.
        secrets: The credentials that are given; None to share the parent's.
        parent: The pipeline whose connections and credentials this one shares; None if they are its own.

    Attributes:
        sender: What sends single requests.
        credentials: Where the access token comes from.
    """

    sender: AsyncSender
    credentials: AsyncCredentials

    def __init__(
        self,
        options: Options,
        transport: AsyncTransport,
        secrets: Secrets | None,
        parent: AsyncPipeline | None = None,
    ) -> None:
        above = parent.sender if parent is not None else None
        self.options = options
        if parent is not None and secrets is None:
            self.sender = AsyncSender(options, transport, parent.sender.known_secrets, above)
            self.credentials = parent.credentials
        else:
            self.sender = AsyncSender(options, transport, KnownSecrets(), above)
            self.credentials = AsyncCredentials(secrets or Secrets(), self.sender)

    def with_options(self, options: Options) -> AsyncPipeline:
        """A pipeline with other options that shares this one's connections and credentials."""
        return AsyncPipeline(options, self.sender.transport, None, self)

    async def aclose(self) -> None:
        """Closes the connections, unless they are shared with a parent."""
        await self.sender.aclose()

    async def send(
        self, operation: Operation, *, timeout: float | None = None, deadline: float | None = None
    ) -> APIResponse:
        """Carries out an operation.

        Args:
            operation: The operation.
            timeout: The seconds that each attempt may take; None for the client's own.
            deadline: When all attempts must have ended, on the clock of `time.monotonic()`.

        Raises:
            APIError: The service answered with another status than success.
            ClientClosed: The client was closed.
            ConfigurationError: The timeout is impossible, or there are no credentials.
            TransportError: No response came; `may_have_run` is about all attempts of the operation, not about those for a token.
        """
        limit = self.options.timeout if timeout is None else checked_timeout(timeout)
        state = _AttemptState()
        try:
            return await self._attempts(operation, limit, deadline, state)
        except (APIError, InvalidResponse, TransportError) as error:
            if isinstance(error, TransportError):
                # An attempt before the one that failed may have run, too.
                error.may_have_run = error.may_have_run or state.may_have_run
            error.attempts = error.attempts or tuple(state.attempts)  # of obtaining a token, or of the operation
            raise

    async def _attempts(
        self, operation: Operation, limit: float, deadline: float | None, state: _AttemptState
    ) -> APIResponse:
        attempt = 0
        renewed = False
        retries = self.options.max_retries
        while True:
            attempt += 1
            await self._wait_for_rate(operation, deadline)
            token = (
                await self.credentials.secret_token(timeout=limit, deadline=deadline) if operation.authorized else None
            )
            try:
                response = await self._attempt(operation, token, limit, deadline, state)
            except TransportError as error:
                state.may_have_run = state.may_have_run or error.may_have_run
                may_repeat = operation.idempotent or not error.may_have_run
                delay = retry_delay(attempt, None, max_retries=retries, deadline=deadline) if may_repeat else None
                if delay is None:
                    raise
            else:
                settled = state.may_have_run and response.status == operation.success_if_retried
                if settled or response.is_success():
                    return response
                if response.status == _UNAUTHORIZED and token is not None and not renewed:
                    # What was turned away did not run, so this does not count as a retry.
                    renewed = await self.credentials.renew(token, timeout=limit, deadline=deadline)
                    if renewed:
                        attempt -= 1
                        continue
                state.may_have_run = state.may_have_run or response.status in GATEWAY_ERRORS
                may_repeat = is_retryable(response.status, idempotent=operation.idempotent)
                delay = (
                    retry_delay(attempt, response.retry_after(), max_retries=retries, deadline=deadline)
                    if may_repeat
                    else None
                )
                if delay is None:
                    raise response.error()
            await sleep(delay)

    async def _wait_for_rate(self, operation: Operation, deadline: float | None) -> None:
        """Waits until the client's rate allows another request, which does not count into the attempt's timeout."""
        limiter = self.sender.rate_limiter
        if limiter is None or not operation.authorized:  # a log is on another host
            return
        self.sender.check_open()
        start = limiter.reserve(deadline)
        if start is None:
            raise RequestTimeout(
                f"requests_per_minute={self.options.requests_per_minute} allows no request in the time that is left",
                may_have_run=False,
                method=operation.method,
                url=redact_url(self.options.base_url + operation.path),
            )
        if (delay := start - time.monotonic()) > 0:
            try:
                await sleep(delay)
            except BaseException:  # cancelled or interrupted
                limiter.release(start)
                raise

    async def _attempt(
        self, operation: Operation, token: Secret | None, limit: float, deadline: float | None, state: _AttemptState
    ) -> APIResponse:
        request = self.sender.request(operation, token)
        if deadline is not None:
            limit = min(limit, deadline - time.monotonic())
            if limit <= 0:
                raise transport_error(
                    RequestTimeout, "no time was left to send the request", request, may_have_run=False
                )
        return await self.sender.send(request, limit, operation.name, state.attempts)
