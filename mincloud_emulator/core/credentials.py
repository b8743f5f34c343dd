"""The application's credentials, and the codes and tokens that are issued for them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .clock import Clock
    from .settings import Settings
    from .store import Store

# The service does not document its lifetimes. These are long enough for development, and a test can move the clock beyond them.
TOKEN_SECONDS = 30 * 86400
REFRESH_TOKEN_SECONDS = 90 * 86400
CODE_SECONDS = 600
LOGIN_SECONDS = 60
_MAX_PENDING_LOGINS = 1000


class IssuedTokens(NamedTuple):
    """An access token and the refresh token that came with it."""

    access_token: str
    refresh_token: str
    expires_in: int


class Credentials:
    """Checks and issues the application's tokens and codes.

    Only digests of issued tokens are stored. Codes and logins under way are kept in memory, since they are used within seconds.
    """

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._codes: dict[str, float] = {}  # when each expires
        self._logins: dict[str, tuple[int, float]] = {}
        self.client_id = store.setting("client_id", lambda: secrets.token_hex(10), settings.client_id)
        self.client_secret = store.setting("client_secret", lambda: secrets.token_hex(20), settings.client_secret)
        first = store.setting("access_token", lambda: secrets.token_hex(20), settings.access_token)
        if settings.access_token is None and not self.accepts(first):
            # The stored one has expired or was revoked by a refresh, and whoever starts the emulator needs one.
            first = store.setting("access_token", str, secrets.token_hex(20))
        self.access_token = first
        self._remember(first, "access", TOKEN_SECONDS)

    def is_application(self, client_id: str, client_secret: str) -> bool:
        """Returns whether id and secret are the application's."""
        known = hmac.compare_digest(client_id.encode(), self.client_id.encode())
        return hmac.compare_digest(client_secret.encode(), self.client_secret.encode()) and known

    def accepts(self, access_token: str) -> bool:
        """Returns whether an access token is valid now."""
        return self._is_valid(access_token, "access")

    # The login: two redirects, each of which needs the cookie that the answer before has set.

    def begin_login(self) -> str:
        """Returns the cookie for the first redirect of a login."""
        now = self._clock.now()
        self._logins = {cookie: login for cookie, login in self._logins.items() if login[1] > now}
        if len(self._logins) >= _MAX_PENDING_LOGINS:
            del self._logins[next(iter(self._logins))]
        cookie = secrets.token_urlsafe(24)
        self._logins[cookie] = (1, now + LOGIN_SECONDS)
        return cookie

    def advance_login(self, cookie: str, hop: int) -> str | None:
        """Returns the cookie for the next redirect, given the one for redirect `hop`; None if it is missing or has expired."""
        expected, expires_at = self._logins.pop(cookie, (0, 0.0))
        if expected != hop or expires_at <= self._clock.now():
            return None
        following = secrets.token_urlsafe(24)
        self._logins[following] = (hop + 1, expires_at)
        return following

    def issue_code(self) -> str:
        """Returns a code that may be exchanged for tokens once."""
        now = self._clock.now()
        self._codes = {code: expires_at for code, expires_at in self._codes.items() if expires_at > now}
        code = secrets.token_hex(16)
        self._codes[code] = now + CODE_SECONDS
        return code

    def exchange_code(self, code: str) -> IssuedTokens | None:
        """Returns tokens for a code, None if it is unknown, used or expired."""
        return self.issue_tokens() if self._codes.pop(code, 0.0) > self._clock.now() else None

    def refresh(self, refresh_token: str) -> IssuedTokens | None:
        """Returns new tokens and revokes all others; returns None if the refresh token is not valid."""
        if not self._is_valid(refresh_token, "refresh"):
            return None
        self.revoke()
        return self.issue_tokens()

    def issue_tokens(self, seconds: int = TOKEN_SECONDS) -> IssuedTokens:
        """Returns a new pair of tokens, of which the access token is valid that long; the others stay valid."""
        issued = IssuedTokens(secrets.token_hex(20), secrets.token_hex(20), seconds)
        self._remember(issued.access_token, "access", seconds)
        self._remember(issued.refresh_token, "refresh", REFRESH_TOKEN_SECONDS)
        return issued

    def revoke(self) -> None:
        """Makes all tokens invalid."""
        self._store.connection.execute("DELETE FROM token")

    def _remember(self, token: str, kind: str, seconds: int) -> None:
        self._store.connection.execute(
            "INSERT OR REPLACE INTO token VALUES (?, ?, ?)",
            (_digest(token), kind, self._clock.now() + seconds),
        )

    def _is_valid(self, token: str, kind: str) -> bool:
        row = self._store.connection.execute(
            "SELECT expires_at FROM token WHERE digest = ? AND kind = ?", (_digest(token), kind)
        ).fetchone()
        return row is not None and row[0] > self._clock.now()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
