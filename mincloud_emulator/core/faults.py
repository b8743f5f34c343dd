"""The faults that a test asks for: answers with an error, dropped connections, delays."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OWN_HEADERS = {
    "content-length": "it follows from the body",
    "transfer-encoding": "it follows from the body",
    "date": "the emulator's clock says it",
}
_NO_BODY = frozenset({204, 205, 304})
# What the gateways in front of the service answer with.
_GATEWAY_STATUSES = frozenset({502, 503, 504})


@dataclass(slots=True)
class Fault:
    """A fault for the next requests that it is meant for; see `Emulator.fail_next`. Without a status the connection is dropped."""

    status: int | None
    body: bytes
    headers: Mapping[str, str]
    times: int
    path: str | None
    method: str | None
    after: bool

    def __post_init__(self) -> None:
        """Checks what was asked for.

        Raises:
            TypeError: If something is of a wrong type.
            ValueError: If the fault is meant for no request.
        """
        if isinstance(self.times, bool) or not isinstance(cast("object", self.times), int):
            message = f"times is {self.times!r}: give a whole number"
            raise TypeError(message)
        if self.times < 1:
            message = f"times is {self.times}: give how many requests are to fail, 1 or more"
            raise ValueError(message)
        _check_path(self.path)
        if self.method is not None:
            self.method = self.method.upper()
            if self.method not in _METHODS:
                message = f"method is {self.method!r}: give one of {', '.join(_METHODS)}"
                raise ValueError(message)

    def matches(self, method: str, path: str, *, api: bool) -> bool:
        """Returns whether the fault is meant for a request; `api` says whether it came to the API's origin."""
        # Browsers send OPTIONS by themselves.
        if method != self.method and (self.method is not None or method == "OPTIONS"):
            return False
        return api if self.path is None else fnmatchcase(path, self.path)


class Faults:
    """The faults and delays that were asked for and are still to come."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self._delays: dict[str | None, float] = {}

    def take(self, method: str, path: str, *, api: bool) -> Fault | None:
        """Returns the first fault that is meant for a request, and counts it."""
        for index, fault in enumerate(self.waiting):
            if fault.matches(method, path, api=api):
                fault.times -= 1
                if fault.times <= 0:
                    del self.waiting[index]
                return fault
        return None

    def delay(self, seconds: float, path: str | None) -> None:
        """Delays requests instead of an earlier delay for the same path.

        Raises:
            TypeError: If the pattern is no text.
            ValueError: If it is no number of seconds, or no path matches.
        """
        if not (seconds >= 0 and math.isfinite(seconds)):
            message = f"a delay of {seconds!r} s is not possible: give a number of seconds from 0 on"
            raise ValueError(message)
        _check_path(path)
        self._delays.pop(path, None)
        self._delays[path] = seconds

    def delay_of(self, path: str, *, api: bool) -> float:
        """Returns how many seconds a request has to wait; the latest delay that is meant for it counts."""
        fitting = [
            seconds
            for pattern, seconds in self._delays.items()
            if (api if pattern is None else fnmatchcase(path, pattern))
        ]
        return fitting[-1] if fitting else 0.0

    def clear(self) -> None:
        """Removes all of them."""
        self.waiting.clear()
        self._delays.clear()


def _check_path(path: object) -> None:
    """Checks a pattern for paths."""
    if path is None:
        return
    if not isinstance(path, str):
        message = f"path is {path!r}: give a pattern as text"
        raise TypeError(message)
    if not path.startswith(("/", "*", "?", "[")):
        message = f"no path matches {path!r}: each begins with a slash, so begin with / or *"
        raise ValueError(message)


def fault_answer(status: int, body: Any, headers: Mapping[str, str] | None) -> tuple[bytes, dict[str, str]]:
    """Returns the body and the headers of an answer with an error.

    Bytes and text are sent as they are, anything else as JSON; None is what the service would send: HTML from a gateway for 502, 503
    and 504, otherwise an `error_msg`.

    Raises:
        TypeError: If the status is no whole number, a header no text, or the body nothing that JSON has a form for.
        ValueError: If an answer can't have that status, body or header.
    """
    if isinstance(status, bool) or not isinstance(cast("object", status), int):
        message = f"status is {status!r}: give a whole number"
        raise TypeError(message)
    if not 200 <= status <= 599:  # noqa: PLR2004 - those that an answer can end with
        message = f"status is {status}: an answer has one from 200 to 599"
        raise ValueError(message)
    checked = _checked_headers({} if headers is None else headers)
    if status in _NO_BODY:
        if body is not None:
            message = f"an answer with status {status} has no body: leave it out"
            raise ValueError(message)
        return b"", checked
    content, content_type = _content(status, body)
    if not any(name.lower() == "content-type" for name in checked):
        checked["Content-Type"] = content_type
    return content, checked


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    seen: set[str] = set()
    for name, value in headers.items():
        if not (isinstance(cast("object", name), str) and isinstance(cast("object", value), str)):
            message = f"the header {name!r} is {value!r}: give name and value as text, {str(value)!r}"
            raise TypeError(message)
        if not _HEADER_NAME.fullmatch(name):
            message = f"{name!r} is no name of a header"
            raise ValueError(message)
        if not _HEADER_VALUE.fullmatch(value):
            message = f"the header {name} can't carry {value!r}: give one line of Latin-1 text"
            raise ValueError(message)
        if name.lower() in _OWN_HEADERS:
            message = f"the header {name} can't be chosen: {_OWN_HEADERS[name.lower()]}"
            raise ValueError(message)
        if name.lower() in seen:
            message = f"the header {name} is there twice, in different letters"
            raise ValueError(message)
        seen.add(name.lower())
    return dict(headers)


def _content(status: int, body: Any) -> tuple[bytes, str]:
    """Returns the bytes of a body and their content type."""
    if body is None:
        if status in _GATEWAY_STATUSES:
            head, text = f"<head><title>{status}</title></head>", f"<body><h1>{status}</h1></body>"
            return f"<html>\r\n{head}\r\n{text}\r\n</html>\r\n".encode(), "text/html"
        body = {"error_msg": f"the emulator was told to answer {status}"}
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        kind = "text/html" if body.lstrip().startswith("<") else "text/plain"
        return body.encode(), f"{kind}; charset=utf-8"
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode(), "application/json"
