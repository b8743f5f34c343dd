"""Secrets: objects that hide them, and their redaction in texts such as the body of an error."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Redacts secrets in a text, however JSON, a URL, HTML or base64 spell them."""
    # The longest first, since one may be a part of another.
    for secret in sorted({each for each in secrets if each}, key=lambda each: len(each.reveal()), reverse=True):
        text = _pattern(secret).sub(lambda _: REDACTED, text)
    return text


@lru_cache(maxsize=64)
def _pattern(secret: Secret) -> re.Pattern[str]:
    """A pattern for a secret in all its spellings."""
    text = secret.reveal()
    spelled = "".join(_spellings(character) for character in text)
    if len(text) < _MIN_LENGTH_WITHIN_WORDS:
        spelled = rf"(?<![\w'-])(?:{spelled})(?![\w'-])"
    return re.compile("|".join((spelled, *map(re.escape, _base64_of(text)))))


def _spellings(character: str) -> str:
    """A pattern for one character: plain, escaped in JSON (also in JSON within JSON), percent-encoded, or as an HTML entity."""
    code = ord(character)
    units = character.encode("utf-16-be", "surrogatepass")
    escaped = "".join(rf"\\+u{_any_case(units[place : place + 2].hex())}" for place in range(0, len(units), 2))
    percent = "".join(f"%{_any_case(f'{byte:02x}')}" for byte in character.encode("utf-8", "surrogatepass"))
    choices = [re.escape(character), escaped, percent, rf"&#0*{code};", rf"&#[xX]0*{_any_case(f'{code:x}')};"]
    if character in '"\\/':
        choices.append(rf"\\+{re.escape(character)}")
    if character == " ":
        choices.append(r"\+")
    choices += [re.escape(entity) for entity in _ENTITIES.get(character, ())]
    return f"(?:{'|'.join(choices)})"


_ENTITIES = {"&": ("&amp;",), "<": ("&lt;",), ">": ("&gt;",), '"': ("&quot;",), "'": ("&apos;",)}


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


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
