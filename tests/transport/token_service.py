"""The service's side of obtaining a token, as it is documented; each step can be replaced by one that misbehaves."""

from __future__ import annotations

from typing import Any

from .misbehaving_server import (
    ClientConnection,
    MisbehavingServer,
    Received,
    Reply,
    redirect,
    reply,
    result,
)

AUTHORIZE = "/api/oauth2/hydrogen/openapi/authorize/"
TOKEN = "/api/oauth2/access_token/"
ID = "the-client-id"
SECRET = 'the-"client"-secret/ß'
CODE = "the-code-of-the-exchange"


class Service:
    """The service's exchange as it is documented, with two redirects and cookies; each step can be replaced."""

    def __init__(self, **steps: Reply) -> None:
        self.steps: dict[str, Reply] = steps
        self.issued = 0
        self.rejected: set[str] = set()
        self.expires_in: object = 3600
        self.server = MisbehavingServer([self])

    def __enter__(self) -> Service:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    @property
    def url(self) -> str:
        return self.server.url

    def __call__(self, connection: ClientConnection, request: Received) -> bytes | None:
        name = {AUTHORIZE: "authorize", "/hop/1": "first", "/hop/2": "second", TOKEN: "token"}.get(request.path, "call")
        step = self.steps.get(name) or getattr(self, name)
        return step if isinstance(step, bytes) else step(connection, request)

    def authorize(self, _connection: ClientConnection, request: Received) -> bytes:
        if request.json != {"client_id": ID, "client_secret": SECRET}:
            return reply({"error_msg": "no such client"}, status=401)
        return redirect("/hop/1?a=1", cookie="session=one-two-three; Path=/")

    def first(self, _connection: ClientConnection, request: Received) -> bytes:
        assert request.headers.get("cookie") == "session=one-two-three", request.headers
        return redirect("2?b=%2F", cookie="hop=four-five-six; Path=/")

    def second(self, _connection: ClientConnection, request: Received) -> bytes:
        assert sorted(request.headers.get("cookie", "").split("; ")) == ["hop=four-five-six", "session=one-two-three"]
        assert request.target == "/hop/2?b=%2F"
        return reply({"code": CODE, "expires_in": 300})

    def token(self, _connection: ClientConnection, request: Received) -> bytes:
        assert request.json["client_secret"] == SECRET
        self.issued += 1
        return reply(
            {
                "access_token": f"token-number-{self.issued}",
                "refresh_token": f"refresh-number-{self.issued}",
                "token_type": "Bearer",
                "expires_in": self.expires_in,
            }
        )

    def call(self, _connection: ClientConnection, request: Received) -> bytes:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.rejected or not token:
            return reply({"error_msg": f"{token} is no good"}, status=401)
        return result(token)

    def count(self, path: str) -> int:
        return self.server.paths().count(path)

    def options(self, **more: Any) -> dict[str, Any]:
        return {"base_url": self.url, "client_id": ID, "client_secret": SECRET, **more}


def invoke(cloud: Any) -> Any:
    return cloud.functions.invoke("greet")
