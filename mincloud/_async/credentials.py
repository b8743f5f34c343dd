"""The access token of a client: where it comes from, and how it is renewed."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from .._concurrency.asyncio_ import acquire, make_lock, sleep
from .._configuration import WAYS_TO_GIVE_CREDENTIALS, header_problem
from .._redaction import Secret
from .._retries import is_retryable, retry_delay
from ..errors import (
    APIError,
    ConfigurationError,
    InvalidResponse,
    MinCloudError,
    MissingCredentials,
    RequestTimeout,
    TransportError,
)
from ..transports import transport_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mincloud_api.models.access_token import AccessToken

    from .._configuration import Secrets
    from .._models import Attempt
    from .._responses import APIResponse
    from ..transports import Request
    from .sender import AsyncSender

# The documented way has two redirects; more than this is a loop.
_MOST_REDIRECTS = 10
# A token is not used in its last minute, or in the last tenth of a shorter life, so that it does not expire on its way.
_MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class _Token:
    access_token: Secret
    refresh_token: Secret | None = None
    expires_at: float | None = None  # on the clock of time.monotonic()

    def is_fresh(self) -> bool:
        return self.expires_at is None or time.monotonic() < self.expires_at


class AsyncCredentials:
    """The access token of a client: fixed, or obtained with the application's id and secret and renewed when it has to be.

    A client makes its own; reach it as `cloud.credentials`.
    """

    def __init__(self, secrets: Secrets, sender: AsyncSender) -> None:
        self._secrets = secrets
        self._sender = sender
        self._known = sender.known_secrets
        self._known.client_id, self._known.client_secret = secrets.client_id, secrets.client_secret
        self._known.given_token = secrets.access_token
        self._lock = make_lock()
        self._current = _Token(secrets.access_token) if secrets.access_token is not None else None
        self._failure: MinCloudError | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'of an application' if self._can_obtain else 'with a fixed token'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials cannot be pickled or copied: pickle the client, which leaves them out")

    @property
    def _can_obtain(self) -> bool:
        return self._secrets.access_token is None and self._secrets.client_secret is not None

    async def token(self, *, timeout: float | None = None, deadline: float | None = None) -> str:
        """Returns the access token, obtained first if there is none or the last one has expired (operations authorize, createAccessToken).

        Args:
            timeout: The seconds that waiting for another call which obtains it may take, and then each exchange; None for the client's own.
            deadline: When all of it must have ended, on the clock of `time.monotonic()`.

        Raises:
            MissingCredentials: There are no credentials.
            APIError: The service does not accept the credentials.
            TransportError: The service could not be reached.
            InvalidResponse: The service answered with something else than a token.
        """
        return (await self.secret_token(timeout=timeout, deadline=deadline)).reveal()

    async def secret_token(self, *, timeout: float | None = None, deadline: float | None = None) -> Secret:
        """Returns the access token in an object whose representation does not show it; see `token`.

        Args:
            timeout: See `token`.
            deadline: See `token`.

        Raises:
            MissingCredentials: There are no credentials.
            APIError: The service does not accept the credentials.
            TransportError: The service could not be reached.
            InvalidResponse: The service answered with something else than a token.
        """
        current = self._current
        if current is not None and current.is_fresh():
            return current.access_token
        return (await self._fresh_token(None, timeout, deadline)).access_token

    async def renew(
        self, rejected: str | Secret, *, timeout: float | None = None, deadline: float | None = None
    ) -> bool:
        """Obtains another token in place of one that the service rejected (operations authorize, createAccessToken).

        Args:
            rejected: The token that was rejected.
            timeout: The seconds that waiting for another call which obtains it may take, and then each exchange; None for the client's own.
            deadline: When all of it must have ended, on the clock of `time.monotonic()`.

        Raises:
            APIError: The service does not accept the credentials.
            TransportError: The service could not be reached.
            InvalidResponse: The service answered with something else than a token.
        """
        rejected = rejected if isinstance(rejected, Secret) else Secret(rejected)
        if not self._can_obtain:
            return False
        await self._fresh_token(rejected, timeout, deadline)
        return True

    async def _fresh_token(self, rejected: Secret | None, timeout: float | None, deadline: float | None) -> _Token:
        """A fresh token other than the rejected one, obtained once for all calls that wait for it."""
        limit = self._sender.options.timeout if timeout is None else timeout
        failed_before = self._failure
        async with self._token_lock(limit, deadline):
            current = self._current
            if current is not None and current.is_fresh() and current.access_token != rejected:
                return current
            if self._failure is not None and self._failure is not failed_before:
                # The call that this one waited for failed to obtain it, and so would this one.
                raise copy(self._failure)
            return await self._obtain(limit, deadline)

    @asynccontextmanager
    async def _token_lock(self, limit: float, deadline: float | None) -> AsyncGenerator[None, None]:
        """Holds the lock under which the token changes."""
        lock = await self._lock.get()
        waiting = limit if deadline is None else min(limit, deadline - time.monotonic())
        if not await acquire(lock, waiting):
            raise RequestTimeout(
                f"no token was obtained within {round(limit, 2):g} s: another call is still waiting for an answer to it",
                may_have_run=False,
            )
        try:
            yield
        finally:
            lock.release()

    async def refresh(self) -> None:
        """Refreshes the token with its refresh token (operation createAccessToken, grant refresh_token).

        **The service then invalidates every token issued before, in every process that uses the application.** The client never does
        this by itself; it asks for a new code instead.

        Raises:
            ConfigurationError: The token was given as such, so there is no refresh token for it.
            APIError: The service does not accept the refresh token.
            TransportError: The service could not be reached; if `may_have_run`, the old tokens may be invalid.
            InvalidResponse: The service answered with something else than a token.
        """
        from .. import _oauth  # noqa: PLC0415 - a client with a token never needs it

        limit = self._sender.options.timeout
        async with self._token_lock(limit, None):
            if self._can_obtain and self._current is None:
                await self._obtain(limit, None)
            refresh_token = self._current.refresh_token if self._current is not None else None
            client_id, client_secret = self._secrets.client_id, self._secrets.client_secret
            if refresh_token is None or client_id is None or client_secret is None:
                raise ConfigurationError(
                    "there is no refresh token: only a token that the client obtained with client_id and client_secret has one"
                )
            request = self._sender.request(_oauth.token_for_refresh_token(client_id, client_secret, refresh_token))
            response = await self._send(request, "createAccessToken", time.monotonic() + limit, [])
            if not response.is_success():
                raise response.error()
            self._current = self._accept(response, _oauth.read_token(response), refresh_token)

    async def _obtain(self, limit: float, deadline: float | None) -> _Token:
        """Obtains a code and the token for it, with retries, since doing it twice does no harm."""
        client_id, client_secret = self._secrets.client_id, self._secrets.client_secret
        if client_id is None or client_secret is None:
            raise MissingCredentials(f"no credentials: {WAYS_TO_GIVE_CREDENTIALS}")
        from .. import _oauth  # noqa: PLC0415 - a client with a token never needs it

        attempt = 0
        retries = self._sender.options.max_retries
        attempts: list[Attempt] = []
        try:
            while True:
                attempt += 1
                end = time.monotonic() + limit
                try:
                    response = await self._request_token(
                        client_id, client_secret, end if deadline is None else min(end, deadline), attempts
                    )
                except TransportError:
                    delay = retry_delay(attempt, None, max_retries=retries, deadline=deadline)
                    if delay is None:
                        raise
                else:
                    if response.is_success():
                        token = self._accept(response, _oauth.read_token(response), None)
                        self._current, self._failure = token, None
                        return token
                    delay = None
                    if is_retryable(response.status, idempotent=True):
                        delay = retry_delay(attempt, response.retry_after(), max_retries=retries, deadline=deadline)
                    if delay is None:
                        raise response.error()
                await sleep(delay)
        except MinCloudError as error:
            if isinstance(error, APIError | InvalidResponse | TransportError):
                error.attempts = tuple(attempts)
            if isinstance(error, TransportError):
                error.may_have_run = False  # the call that needs the token was not sent
            if not isinstance(error, RequestTimeout):  # others may have more time
                self._failure = copy(error)  # without the frames that it passed through
            raise

    async def _request_token(
        self, client_id: str, client_secret: Secret, end: float, attempts: list[Attempt]
    ) -> APIResponse:
        """Requests a code and its token; returns the response with the token, or the first one that is no success."""
        from .. import _oauth  # noqa: PLC0415 - a client with a token never needs it

        cookies = _oauth.Cookies()
        request = self._sender.request(_oauth.authorization(client_id, client_secret))
        response = await self._send(request, "authorize", end, attempts)
        redirects = 0
        while (redirected := _oauth.redirected(request, response, cookies)) is not None:
            redirects += 1
            if redirects > _MOST_REDIRECTS:
                raise response.error(
                    f"the service redirects more than {_MOST_REDIRECTS} times: look at what base_url is"
                )
            request = redirected
            response = await self._send(request, "authorize", end, attempts)
        if not response.is_success():
            return response
        code = Secret(_oauth.read_code(response))
        if not code:
            raise response.invalid_response("code: is empty")
        self._known.code = code
        request = self._sender.request(_oauth.token_for_code(client_id, client_secret, code))
        return await self._send(cookies.add_to(request), "createAccessToken", end, attempts)

    async def _send(self, request: Request, operation: str, end: float, attempts: list[Attempt]) -> APIResponse:
        """Sends a token operation once."""
        left = end - time.monotonic()
        if left <= 0:
            raise transport_error(RequestTimeout, "no time was left to obtain a token", request, may_have_run=False)
        if self._sender.rate_limiter is not None:
            self._sender.rate_limiter.reserve()  # it counts without waiting, as the call that needs the token has waited already
        return await self._sender.send(request, left, operation, attempts, hide_body=True)

    def _accept(self, response: APIResponse, token: AccessToken, refresh_token: Secret | None) -> _Token:
        """Checks and keeps a token; without a new refresh token, the one before stays."""
        access_token = Secret(token.access_token)
        if problem := header_problem("the access token", access_token):
            raise response.invalid_response(problem)
        if token.refresh_token:
            refresh_token = Secret(token.refresh_token)
        self._known.access_token, self._known.refresh_token = access_token, refresh_token
        expires_at = None
        if token.expires_in is not None and token.expires_in > 0:
            expires_at = time.monotonic() + token.expires_in - min(_MARGIN, token.expires_in / 10)
        return _Token(access_token, refresh_token, expires_at)
