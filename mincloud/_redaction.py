"""Keeping known secrets out of texts that come from elsewhere, as the body of an error."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED = "***"
# Shorter ones, which no service gives out, are only blotted where they stand alone: "t" is a letter of most words.
_SURELY_SECRET = 8


@dataclass(slots=True, repr=False)
class KnownSecrets:
    """What a client must not show to anybody.

    Attributes:
        client_secret: The application's secret.
        given_token: The access token that the client was given.
        access_token: The one that it obtained last.
        refresh_token: The refresh token that came with that.
        code: The code of the last exchange.
    """

    client_secret: str | None = None
    given_token: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    code: str | None = None

    def all(self) -> list[str]:
        """Those that there are."""
        values = (self.client_secret, self.given_token, self.access_token, self.refresh_token, self.code)
        return [value for value in values if value]


def redact(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets, however JSON or a URL would spell them."""
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    # The longest first, since one may be a part of another.
    for spelling in sorted(spellings, key=len, reverse=True):
        if len(spelling) >= _SURELY_SECRET:
            text = text.replace(spelling, REDACTED)
        else:
            text = re.sub(rf"(?<![\w'-]){re.escape(spelling)}(?![\w'-])", lambda _: REDACTED, text)
    return text


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="", errors="replace")
    yield quote(secret, errors="replace")
    yield quote_plus(secret, errors="replace")
