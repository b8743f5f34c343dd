# Derived from mincloud/_async/credentials.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The access token of a client: where it comes from, and how it is renewed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from .._concurrency.threads import acquire, make_lock, sleep
from .._configuration import WAYS_TO_GIVE_CREDENTIALS, header_problem
from .._redaction import Secret
from .._retries import is_worth_repeating, retry_delay
from .._urls import absolute, host_header, origin_of, redact_url
from ..errors import (
    APIError,
    ConfigurationError,
    InvalidResponse,
    MinCloudError,
    MissingCredentials,
    RequestTimeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from mincloud_api.models.access_token import AccessToken

    from .._configuration import Secrets
    from .._models import Attempt
    from .._operations import Operation
    from .._responses import APIResponse
    from ..transports import Request
    from .exchange import Exchange

# The documented way has two redirects; more than this is a loop.
_MOST_REDIRECTS = 10
_CODE = "authorize"
_TOKEN = "createAccessToken"  # noqa: S105 - an operation's name
_BECOME_GET = (301, 302, 303)
_KEEP_METHOD = (307, 308)
# A token is not used in its last minute, or in the last tenth of a shorter life, so that none expires on its way.
_MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class _Token:
    access_token: Secret
    refresh_token: Secret | None = None
    expires_at: float | None = None  # on the clock of time.monotonic()

    def is_fresh(self) -> bool:
        return self.expires_at is None or time.monotonic() < self.expires_at


class Credentials:
    """The access token of a client: fixed, or obtained with the application's id and secret and renewed when it has to be.

    A client makes its own; reach it as `cloud.credentials`.
    """

    def __init__(self, secrets: Secrets, exchange: Exchange) -> None:
        self._secrets = secrets
        self._exchange = exchange
        self._known = exchange.known_secrets
        self._known.client_id, self._known.client_secret = secrets.client_id, secrets.client_secret
        self._known.given_token = secrets.access_token
        self._lock = make_lock()
        self._current = _Token(secrets.access_token) if secrets.access_token is not None else None
        self._failure: MinCloudError | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'of an application' if self._can_exchange else 'with a fixed token'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials cannot be pickled or copied: pickle the client, which leaves them out")

    @property
    def _can_exchange(self) -> bool:
        return self._secrets.access_token is None and self._secrets.client_secret is not None

    def token(self, *, timeout: float | None = None, deadline: float | None = None) -> str:
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
        return (self.secret_token(timeout=timeout, deadline=deadline)).reveal()

    def secret_token(self, *, timeout: float | None = None, deadline: float | None = None) -> Secret:
        """Returns the same in an object that does not show it; see `token`.

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
        return (self._fresh_token(None, timeout, deadline)).access_token

    def renew(self, rejected: str | Secret, *, timeout: float | None = None, deadline: float | None = None) -> bool:
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
        if not self._can_exchange:
            return False
        self._fresh_token(rejected, timeout, deadline)
        return True

    def _fresh_token(self, rejected: Secret | None, timeout: float | None, deadline: float | None) -> _Token:
        """A token that is fresh and another than the rejected one, by one exchange for all that wait for it."""
        limit = self._exchange.options.timeout if timeout is None else timeout
        failed_before = self._failure
        with self._token_lock(limit, deadline):
            current = self._current
            if current is not None and current.is_fresh() and current.access_token != rejected:
                return current
            if self._failure is not None and self._failure is not failed_before:
                # The exchange that this call waited for failed, so that another one would, too.
                raise copy(self._failure)
            return self._obtain(limit, deadline)

    @contextmanager
    def _token_lock(self, limit: float, deadline: float | None) -> Generator[None, None]:
        """The right to change the token, one call at a time."""
        lock = self._lock.get()
        waiting = limit if deadline is None else min(limit, deadline - time.monotonic())
        if not acquire(lock, waiting):
            raise RequestTimeout(
                f"no token was obtained within {round(limit, 2):g} s: another call is still waiting for an answer to it",
                may_have_run=False,
            )
        try:
            yield
        finally:
            lock.release()

    def refresh(self) -> None:
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

        limit = self._exchange.options.timeout
        with self._token_lock(limit, None):
            if self._can_exchange and self._current is None:
                self._obtain(limit, None)
            refresh_token = self._current.refresh_token if self._current is not None else None
            client_id, client_secret = self._secrets.client_id, self._secrets.client_secret
            if refresh_token is None or client_id is None or client_secret is None:
                raise ConfigurationError(
                    "there is no refresh token: only a token that the client obtained with client_id and client_secret has one"
                )
            request = self._request(_oauth.token_for_refresh_token(client_id, client_secret, refresh_token))
            response = self._send(request, _TOKEN, time.monotonic() + limit, [])
            if not response.is_success():
                raise response.error()
            self._current = self._accept(response, _oauth.read_token(response), refresh_token)

    def _obtain(self, limit: float, deadline: float | None) -> _Token:
        """A new code and the token for it. Nothing is lost when this is done again, so it is."""
        client_id, client_secret = self._secrets.client_id, self._secrets.client_secret
        if client_id is None or client_secret is None:
            raise MissingCredentials(f"no credentials: {WAYS_TO_GIVE_CREDENTIALS}")
        from .. import _oauth  # noqa: PLC0415 - a client with a token never needs it

        attempt = 0
        attempts: list[Attempt] = []
        try:
            while True:
                attempt += 1
                end = time.monotonic() + limit
                try:
                    response = self._request_token(
                        client_id, client_secret, end if deadline is None else min(end, deadline), attempts
                    )
                except TransportError:
                    delay = self._delay(attempt, None, deadline)
                    if delay is None:
                        raise
                else:
                    if response.is_success():
                        token = self._accept(response, _oauth.read_token(response), None)
                        self._current, self._failure = token, None
                        return token
                    worth = is_worth_repeating(response.status, idempotent=True)
                    delay = self._delay(attempt, response.retry_after(), deadline) if worth else None
                    if delay is None:
                        raise response.error()
                sleep(delay)
        except MinCloudError as error:
            if isinstance(error, APIError | InvalidResponse | TransportError):
                error.attempts = tuple(attempts)
            if isinstance(error, TransportError):
                error.may_have_run = False  # the call that needs the token was not sent
            if not isinstance(error, RequestTimeout):  # others may have more time
                self._failure = copy(error)  # without the frames that it passed through
            raise

    def _delay(self, attempt: int, retry_after: float | None, deadline: float | None) -> float | None:
        """The seconds to wait before the next attempt, None if there is to be none."""
        if attempt > self._exchange.options.max_retries:
            return None
        delay = retry_delay(attempt, retry_after)
        if delay is None or (deadline is not None and time.monotonic() + delay >= deadline):
            return None
        return delay

    def _request_token(self, client_id: str, client_secret: Secret, end: float, attempts: list[Attempt]) -> APIResponse:
        """Requests a code and its token; returns the response with the token, or the first one that is no success."""
        from .. import _oauth  # noqa: PLC0415 - a client with a token never needs it

        cookies = _Cookies()
        request = self._request(_oauth.authorization(client_id, client_secret))
        response = self._follow_redirects(request, cookies, end, attempts)
        if not response.is_success():
            return response
        code = Secret(_oauth.read_code(response))
        if not code:
            raise response.invalid_response("code: is empty")
        self._known.code = code
        request = self._request(_oauth.token_for_code(client_id, client_secret, code))
        return self._send(cookies.add_to(request), _TOKEN, end, attempts)

    def _follow_redirects(
        self, request: Request, cookies: _Cookies, end: float, attempts: list[Attempt]
    ) -> APIResponse:
        """Sends a request and follows redirects; keeps the cookies that are set on the way."""
        hops = 0
        while True:
            response = self._send(request, _CODE, end, attempts)
            cookies.keep(response)
            location = Secret(response.header("location") or "")  # codes stand in it
            if response.status not in (*_BECOME_GET, *_KEEP_METHOD) or not location:
                return response
            hops += 1
            if hops > _MOST_REDIRECTS:
                raise response.error(
                    f"the service redirects more than {_MOST_REDIRECTS} times: look at what base_url is"
                )
            request = cookies.add_to(_redirected(request, response, location))

    def _request(self, operation: Operation) -> Request:
        return self._exchange.request(operation)

    def _send(self, request: Request, operation: str, end: float, attempts: list[Attempt]) -> APIResponse:
        """Sends a token operation once."""
        left = end - time.monotonic()
        if left <= 0:
            raise RequestTimeout(
                f"no time was left to obtain a token ({request.method} {redact_url(request.url)})",
                may_have_run=False,
                method=request.method,
                url=redact_url(request.url),
            )
        if self._exchange.rate_limiter is not None:
            self._exchange.rate_limiter.reserve()  # it counts, but the call that waits for the token has waited already
        return self._exchange.send(request, left, operation, attempts, hide_body=True)

    def _accept(self, response: APIResponse, token: AccessToken, refresh_token: Secret | None) -> _Token:
        """Checks a token of the service and keeps it; a refresh token that it does not bring stays the one there was."""
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


class _Cookies:
    """The cookies of an exchange, by httpx's rules for where they go; they show in no representation."""

    def __init__(self) -> None:
        import httpx  # noqa: PLC0415 - takes a while, and a client with a token never needs it

        self._cookies = httpx.Cookies()

    def keep(self, response: APIResponse) -> None:
        """Keeps the cookies that a response sets."""
        import httpx  # noqa: PLC0415 - as above

        request = httpx.Request(response.request.method, response.request.url)
        headers = list(response.response.headers)
        self._cookies.extract_cookies(httpx.Response(response.status, headers=headers, request=request))

    def add_to(self, request: Request) -> Request:
        """Returns a request with the cookies for where it goes."""
        import httpx  # noqa: PLC0415 - as above

        outgoing = httpx.Request(request.method, request.url)
        self._cookies.set_cookie_header(outgoing)
        headers = _without(b"Cookie", request.headers)
        if cookie := outgoing.headers.get("cookie"):
            headers = (*headers, (b"Cookie", cookie.encode("latin-1", "replace")))
        return replace(request, headers=headers)


def _redirected(request: Request, response: APIResponse, location: Secret) -> Request:
    """Builds the request to which a response redirects, without cookies.

    Raises:
        APIError: The location is no address of HTTP, or the application's secret would go to another host.
    """
    try:
        target = absolute(request.url, location.reveal())
    except ValueError:
        target = ""
    if not target:
        raise response.error("the service redirects to what is no address: look at what base_url is")
    if response.status not in _KEEP_METHOD:
        headers = ((b"Host", host_header(target)), *_without(b"Host", _without(b"Content-Type", request.headers)))
        return replace(request, method="GET", url=target, headers=headers, content=b"")
    if request.content and origin_of(target) != origin_of(request.url):
        shown, target = redact_url(target), ""
        raise response.error(
            f"the service redirects to {shown}, and the client's secret is not sent to another host: "
            "set base_url to where the API is"
        )
    headers = ((b"Host", host_header(target)), *_without(b"Host", request.headers))
    return replace(request, url=target, headers=headers)


def _without(name: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(header for header in headers if header[0] != name)
