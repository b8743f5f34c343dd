"""How the generated client behaves when it is used directly: what it does with answers that are not as they should be, and its defaults."""

from __future__ import annotations

import asyncio
import inspect
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mincloud_api import AuthenticatedClient, Client, models
from mincloud_api.errors import UnexpectedStatus
from mincloud_api.types import InvalidValue

from tests.generated.test_operations import BODIES, DOCUMENT, OPERATIONS, module_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

HTML = "<html><body>Bad Gateway</body></html>"


class Server:
    """Answers every request in the way that it was told to."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.status = 200
        self.kind = "text/plain"
        self.body = ""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = told.body.encode()
            self.send_response(told.status)
            self.send_header("Content-Type", told.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None: ...

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Server(listening)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield told
    listening.shutdown()
    thread.join()
    listening.server_close()


def call(server: Server, operation_id: str, *, strict: bool = False) -> list[Any]:
    """The answer as each of the two ways gives it."""
    module = module_of(operation_id)
    arguments: dict[str, Any] = {"function_name": "greet"} if "{function_name}" in OPERATIONS[operation_id][0] else {}
    if "requestBody" in OPERATIONS[operation_id][2]:
        arguments["body"] = BODIES[operation_id]

    def client() -> AuthenticatedClient:
        return AuthenticatedClient(base_url=server.url, token="a token", raise_on_unexpected_status=strict)

    async def later() -> Any:
        async with client() as used:
            return await module.asyncio_detailed(client=used, **arguments)

    with client() as used:
        return [module.sync_detailed(client=used, **arguments), asyncio.run(later())]


@pytest.mark.parametrize(
    ("kind", "body"), [("text/plain", "no such token"), ("application/json", HTML), ("text/html", HTML), ("text/plain", "")]
)
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_error_that_is_not_json_is_its_text(server: Server, operation_id: str, kind: str, body: str) -> None:
    server.status, server.kind, server.body = 401, kind, body
    for answer in call(server, operation_id):
        assert (answer.status_code, answer.parsed) == (401, body)


@pytest.mark.parametrize("status", [499, 520, 502])
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_a_status_that_the_contract_does_not_list_raises_unless_told_otherwise(
    server: Server, operation_id: str, status: int
) -> None:
    server.status, server.kind, server.body = status, "text/html", HTML
    for answer in call(server, operation_id):
        assert (answer.status_code, answer.parsed) == (status, HTML)
    with pytest.raises(UnexpectedStatus) as caught:
        call(server, operation_id, strict=True)
    assert (caught.value.status_code, caught.value.content.decode()) == (status, HTML)
    assert str(caught.value) == f"the answer has the status {status}, which the contract does not list; its body is in `content`"


@pytest.mark.parametrize("body", [HTML, "[]", "3"])
def test_a_success_that_is_not_what_the_contract_says_is_an_invalid_value(server: Server, body: str) -> None:
    server.status, server.kind, server.body = 200, "application/json", body
    with pytest.raises(InvalidValue):
        call(server, "getFunction")


def test_a_deletion_gives_none_and_a_gateway_s_error_does_not(server: Server) -> None:
    server.status, server.body = 204, ""
    assert [answer.parsed for answer in call(server, "deleteFunction", strict=True)] == [None, None]


@pytest.mark.parametrize("kind", [Client, AuthenticatedClient])
def test_a_client_means_the_service_and_waits_for_half_a_minute(kind: Any) -> None:
    client = kind(**({"token": "a token"} if "token" in inspect.signature(kind).parameters else {}))
    with client as used:
        http = used.get_httpx_client()
        assert str(http.base_url).rstrip("/") == DOCUMENT["servers"][0]["url"]
        assert http.timeout == httpx.Timeout(30.0)


@pytest.mark.parametrize("data", [{"x": 1}, {}, {"data": {"x": None}}])
def test_an_object_without_fields_of_its_own_may_be_a_dict(data: dict[str, Any]) -> None:
    assert models.InvokeRequest(data=data).to_dict() == {"data": data, "sync": True}
    assert models.TriggerRequest(function_name="greet", data=data).to_dict()["data"] == data
    assert models.DebugRequest(data=data).to_dict()["data"] == data
    assert models.InvokeRequest.from_dict({"data": data}).to_dict()["data"] == data
