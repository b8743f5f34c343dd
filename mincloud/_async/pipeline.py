"""One operation from beginning to end: credentials, attempts, and the response or its error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._concurrency.asyncio_ import sleep
from .._configuration import Secrets, checked_timeout
from .._redaction import KnownSecrets
from .._retries import GATEWAY_ERRORS, is_worth_repeating, retry_delay
from .._urls import redact_url
from ..errors import APIError, InvalidResponse, RequestTimeout, TransportError
from .credentials import AsyncCredentials
from .exchange import AsyncExchange

if TYPE_CHECKING:
    from .._configuration import Options
    from .._models import Attempt
    from .._operations import Operation
    from .._redaction import Secret
    from .._responses import APIResponse
    from ..transports import AsyncTransport

_UNAUTHORIZED = 401


class _AttemptState:
    """How far an operation has come.

    Attributes:
        may_have_run: Whether an attempt of it may have run.
        attempts: Its attempts so far.
    """

    __slots__ = ("attempts", "may_have_run")

    def __init__(self) -> None:
        self.may_have_run = False
        self.attempts: list[Attempt] = []


class AsyncPipeline:
    """Carries out the operations of one client.

    Attributes:
        options: The client's options.
        exchange: What sends single requests.
        credentials: What the access token comes from.

    Args:
        options: The client's options.
        transport: What sends the requests.
        secrets: What the access token comes from; None to share the parent's.
        parent: The pipeline whose connections and credentials this one shares; None if they are its own.
    """

    exchange: AsyncExchange
    credentials: AsyncCredentials

    def __init__(
        self,
        options: Options,
        transport: AsyncTransport,
        secrets: Secrets | None,
        parent: AsyncPipeline | None = None,
    ) -> None:
        above = parent.exchange if parent is not None else None
        self.options = options
        if parent is not None and secrets is None:
            self.exchange = AsyncExchange(options, transport, parent.exchange.known_secrets, above)
            self.credentials = parent.credentials
        else:
            self.exchange = AsyncExchange(options, transport, KnownSecrets(), above)
            self.credentials = AsyncCredentials(secrets or Secrets(), self.exchange)

    def with_options(self, options: Options) -> AsyncPipeline:
        """A pipeline with other options that shares this one's connections and credentials."""
        return AsyncPipeline(options, self.exchange.transport, None, self)

    async def aclose(self) -> None:
        """Closes the connections, unless they are shared with a parent."""
        await self.exchange.aclose()

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
            ConfigurationError: The timeout is impossible, or the token was and cannot be renewed.
            TransportError: No response came; `may_have_run` is about all attempts of the operation, not about the exchange for a token.
        """
        limit = self.options.timeout if timeout is None else checked_timeout(timeout)
        state = _AttemptState()
        try:
            return await self._attempts(operation, limit, deadline, state)
        except (APIError, InvalidResponse, TransportError) as error:
            if isinstance(error, TransportError):
                # An attempt before the one that failed may have run, too.
                error.may_have_run = error.may_have_run or state.may_have_run
            error.attempts = error.attempts or tuple(state.attempts)  # of the exchange for a token, or of the operation
            raise

    async def _attempts(
        self, operation: Operation, limit: float, deadline: float | None, state: _AttemptState
    ) -> APIResponse:
        attempt = 0
        renewed = False
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
                delay = self._delay(attempt, None, deadline) if may_repeat else None
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
                worth = is_worth_repeating(response.status, idempotent=operation.idempotent)
                delay = self._delay(attempt, response.retry_after(), deadline) if worth else None
                if delay is None:
                    raise response.error()
            await sleep(delay)

    async def _wait_for_rate(self, operation: Operation, deadline: float | None) -> None:
        """Waits until the client's rate allows another request. It does not count into the attempt's timeout."""
        limiter = self.exchange.rate_limiter
        if limiter is None or not operation.authorized:  # a log is on another host
            return
        delay = limiter.reserve(deadline)
        if delay is None:
            raise RequestTimeout(
                f"requests_per_minute={self.options.requests_per_minute} allows no request in the time that is left",
                may_have_run=False,
                method=operation.method,
                url=redact_url(self.options.base_url + operation.path),
            )
        if delay > 0:
            await sleep(delay)

    def _delay(self, attempt: int, retry_after: float | None, deadline: float | None) -> float | None:
        """The seconds to wait before the next attempt, None if there is to be none."""
        if attempt > self.options.max_retries:
            return None
        delay = retry_delay(attempt, retry_after)
        if delay is None or (deadline is not None and time.monotonic() + delay >= deadline):
            return None
        return delay

    async def _attempt(
        self, operation: Operation, token: Secret | None, limit: float, deadline: float | None, state: _AttemptState
    ) -> APIResponse:
        request = self.exchange.request(operation, token)
        if deadline is not None:
            limit = min(limit, deadline - time.monotonic())
            if limit <= 0:
                raise RequestTimeout(
                    f"no time was left to send the request ({request.method} {redact_url(request.url)})",
                    may_have_run=False,
                    method=request.method,
                    url=redact_url(request.url),
                )
        return await self.exchange.send(request, limit, operation.name, state.attempts)
