"""Keeps secrets out of what is printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST = 4
"""Shorter values are no secrets, and to replace them would spoil every line."""

_LONGEST_SHOWN = 160


class Redaction:
    """Knows the secrets of a run, and puts `[secret]` in their place.

    Args:
        names: the fields whose values are secrets wherever they occur in a body, as the contract marks them.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._forms: set[str] = set()

    def add(self, secret: str | None) -> None:
        """Keep a value out of what is printed, in every form in which it could get there."""
        if secret is not None and len(secret) >= _SHORTEST:
            written = json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1], repr(secret)[1:-1]
            self._forms |= {secret, quote(secret, safe=""), quote_plus(secret), *written}

    def add_from(self, body: object) -> None:
        """Keep the values of every secret field of a body out of what is printed."""
        if isinstance(body, list):
            for item in cast("list[object]", body):
                self.add_from(item)
        elif isinstance(body, dict):
            for name, value in cast("dict[str, Any]", body).items():
                if name in self._names and isinstance(value, str):
                    self.add(value)
                else:
                    self.add_from(value)

    def clean(self, text: str) -> str:
        """The text in one line, without the secrets."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "[secret]")
        return " ".join(text.split())

    def show(self, value: object) -> str:
        """A JSON value as it may be printed: without the secrets, and cut where it is long."""
        text = self.clean(json.dumps(value, ensure_ascii=False))
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"
