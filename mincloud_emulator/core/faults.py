"""Faults that a test asks for: answers that are replaced, connections that are dropped, latency."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the gateways in front of the service answer with.
_GATEWAY_STATUSES = frozenset({502, 503, 504})


@dataclass(slots=True)
class Fault:
    """One fault, waiting for the requests that it is meant for.

    Attributes:
        status: The status of the answer; None to drop the connection.
        body: The body of the answer.
        headers: The headers of the answer.
        times: How many requests are still to meet it.
        path: A pattern for the decoded path, as in `fnmatch`; None for every path of the API.
        method: The request's method; None for any.
        after: Whether the request is served first, so that only its answer is lost.
    """

    status: int | None
    body: bytes
    headers: Mapping[str, str]
    times: int
    path: str | None
    method: str | None
    after: bool

    def matches(self, method: str, path: str, *, api: bool) -> bool:
        """Returns whether a request is to meet this fault; `api` says whether it came to the API's origin."""
        if self.method is not None and self.method != method:
            return False
        return api if self.path is None else fnmatchcase(path, self.path)


@dataclass(slots=True)
class Latency:
    """A delay before requests are served."""

    seconds: float
    path: str | None


@dataclass(slots=True)
class Faults:
    """What was asked for and not met yet."""

    waiting: list[Fault] = field(default_factory=list[Fault])
    latencies: list[Latency] = field(default_factory=list[Latency])

    def take(self, method: str, path: str, *, api: bool) -> Fault | None:
        """Returns the first fault that is meant for a request, one time less of it left."""
        for index, fault in enumerate(self.waiting):
            if fault.matches(method, path, api=api):
                fault.times -= 1
                if fault.times <= 0:
                    del self.waiting[index]
                return fault
        return None

    def delay(self, seconds: float, path: str | None) -> None:
        """Has requests wait; takes the place of an earlier delay for the same path."""
        self.latencies = [latency for latency in self.latencies if latency.path != path]
        self.latencies.append(Latency(seconds, path))

    def latency(self, path: str, *, api: bool) -> float:
        """Returns how many seconds a request has to wait; the latest delay that is meant for it counts."""
        for latency in reversed(self.latencies):
            if api if latency.path is None else fnmatchcase(path, latency.path):
                return latency.seconds
        return 0.0

    def clear(self) -> None:
        """Forgets all of them."""
        self.waiting.clear()
        self.latencies.clear()


def fault_body(status: int, body: Any) -> tuple[bytes, str]:
    """Returns the bytes and the content type of a faulty answer.

    Args:
        status: Its status.
        body: Bytes and text are taken as they are, anything else as JSON; None for what the service would
            say: HTML from a gateway for 502, 503 and 504, otherwise an `error_msg`.

    Raises:
        TypeError: If the body is not JSON.
    """
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
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"
