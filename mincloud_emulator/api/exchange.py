"""Records the beginning of what a request sent and was answered, for the console page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message, Receive

_MOST_BYTES = 16 * 1024
_HIDDEN_HEADERS = frozenset({b"authorization", b"cookie"})


class Exchange:
    """A request and its answer, with the beginning of each body."""

    def __init__(self) -> None:
        self.status = 0
        """The answer's status; 0 until there is one."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._sent = bytearray()
        self._answered = bytearray()

    def receiving(self, receive: Receive) -> Receive:
        """Wraps an ASGI `receive` so that the beginning of the body is kept."""

        async def receive_and_keep() -> Message:
            message = await receive()
            _keep(self._sent, message)
            return message

        return receive_and_keep

    def take_response(self, message: Message) -> None:
        """Takes a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = list(message["headers"])
        _keep(self._answered, message)

    def details(self, request: Request) -> dict[str, Any]:
        """Returns the exchange without secret headers, as a JSON value."""
        query: bytes = request.scope["query_string"]
        return {
            "query": query.decode("latin-1"),
            "request_headers": _shown(request.scope["headers"]),
            "request_body": _text(self._sent),
            "response_headers": _shown(self._headers),
            "response_body": _text(self._answered),
        }


def _keep(kept: bytearray, message: Message) -> None:
    # One byte more than is shown, so that it is known whether there was more.
    kept += message.get("body", b"")[: _MOST_BYTES + 1 - len(kept)]


def _shown(headers: list[tuple[bytes, bytes]]) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers if name not in _HIDDEN_HEADERS]


def _text(kept: bytearray) -> str:
    text = kept[:_MOST_BYTES].decode("utf-8", "replace")
    return f"{text}…" if len(kept) > _MOST_BYTES else text
