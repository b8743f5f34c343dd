"""Secrets: objects that hide them, and their redaction in texts such as the body of an error."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .transports import Request

REDACTED = "***"
# Shorter secrets, which no service issues, are redacted only as whole words.
_MIN_LENGTH_WITHIN_WORDS = 8
# Shorter pieces of base64 are not taken for a secret.
_MIN_BASE64 = 8


class Secret:
    """A text that shows in no representation, so that a traceback with local variables does not show it either."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Secret('{REDACTED}')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


@dataclass(slots=True, repr=False)
class KnownSecrets:
    """The secrets of a client.

    Attributes:
        client_id: The application; not a secret, but a part of `Basic` credentials.
        client_secret: The application's secret.
        given_token: The access token that the client was given.
        access_token: The access token that it obtained last.
        refresh_token: The refresh token that came with that.
        code: The authorization code that was obtained last.
    """

    client_id: str | None = None
    client_secret: Secret | None = None
    given_token: Secret | None = None
    access_token: Secret | None = None
    refresh_token: Secret | None = None
    code: Secret | None = None

    def all(self) -> list[Secret]:
        """The known secrets, and the `Basic` credentials made of the application's id and secret."""
        values = [self.client_secret, self.given_token, self.access_token, self.refresh_token, self.code]
        if self.client_id is not None and self.client_secret is not None:
            values.append(Secret(f"{self.client_id}:{self.client_secret.reveal()}"))
        return [value for value in values if value]


def secrets_in(request: Request) -> Iterator[Secret]:
    """The secrets in a request, which a response may repeat: its token, cookies, and the values of its query."""
    headers = {name.lower(): value.decode("latin-1") for name, value in request.headers}
    if token := headers.get(b"authorization"):
        yield Secret(token.removeprefix("Bearer "))
        return
    for cookie in headers.get(b"cookie", "").split(";"):
        yield Secret(cookie.partition("=")[2].strip())
    for part in urlsplit(request.url).query.split("&"):
        value = part.partition("=")[2]
        if len(value) >= _MIN_LENGTH_WITHIN_WORDS:  # a shorter one is no signature, and may be a word of any message
            yield from map(Secret, (value, unquote(value), unquote_plus(value)))


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Redacts secrets in a text, however JSON, a URL, HTML or base64 spell them, and in capitals or small letters."""
    # The longest first, since one may be a part of another.
    for secret in sorted({each for each in secrets if each}, key=lambda each: len(each.reveal()), reverse=True):
        for pattern in _patterns(secret):
            text = pattern.sub(lambda _: REDACTED, text)
    return text


@lru_cache(maxsize=64)
def _patterns(secret: Secret) -> tuple[re.Pattern[str], ...]:
    """Patterns for a secret in all its spellings."""
    text = secret.reveal()
    spelled = "".join(_spellings(character) for character in text)
    if len(text) < _MIN_LENGTH_WITHIN_WORDS:
        spelled = rf"(?<![\w'-])(?:{spelled})(?![\w'-])"
    encoded = "|".join(map(re.escape, _base64_of(text)))
    return tuple(map(re.compile, filter(None, (spelled, encoded))))


def _spellings(character: str) -> str:
    """A pattern for one character in either case: as it is, as an HTML entity, or escaped (also twice) as in JSON, a URL or bytes.

    Each alternative begins with a literal, so that `re` skips what begins none of them: a body may have megabytes.
    """
    code = ord(character)
    units = character.encode("utf-16-be", "surrogatepass").hex(" ", 2).split()
    octets = character.encode("utf-8", "surrogatepass").hex(" ").split()
    choices = [re.escape(each) for each in sorted({character, character.lower(), character.upper()})]
    choices += [
        "".join(rf"\\\\*(?i:u{unit})" for unit in units),
        "".join(rf"\\\\*(?i:x{octet})" for octet in octets),
        "".join(rf"%(?i:(?:25)*{octet})" for octet in octets),
        rf"&(?i:#0*{code};|#x0*{code:x};|{_ENTITIES.get(character, '(?!)')})",
    ]
    if character in '"\\/':
        choices.append(rf"\\\\*{re.escape(character)}")
    if character == " ":
        choices.append(r"\+")
    return f"(?:{'|'.join(choices)})"


_ENTITIES = {"&": "amp;", "<": "lt;", ">": "gt;", '"': "quot;", "'": "apos;"}


def _base64_of(text: str) -> Iterator[str]:
    """The base64 digits of a text that do not depend on what is around it, at each of three offsets, in both alphabets."""
    content = text.encode("utf-8", "surrogatepass")
    for before in range(3):
        first = -(-before * 8 // 6)
        last = (before + len(content)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            digits = encode(bytes(before) + content).decode("ascii")[first:last]
            if len(digits) >= _MIN_BASE64:
                yield digits
