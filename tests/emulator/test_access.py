"""Access: other accounts, other machines and other sites can't run code."""

from __future__ import annotations

import contextlib
import json
import socket
import tracemalloc
from typing import Any

import httpx
import pytest

from mincloud_emulator import Clock, Emulator, Limits
from mincloud_emulator.api import application
from mincloud_emulator.core.json_text import JSONTextError, decode_json
from mincloud_emulator.core.service import Service
from mincloud_emulator.core.settings import Settings
from tests.emulator.conftest import API, FUNCTIONS, HELLO, TIMEOUT, WEB, console_client, raw_exchange

INTERFACE = [
    ("GET", "/_emulator/info"),
    ("GET", "/_emulator/functions"),
    ("GET", "/_emulator/functions/greet"),
    ("PUT", "/_emulator/functions/greet"),
    ("DELETE", "/_emulator/functions/greet"),
    ("POST", "/_emulator/functions/greet/call"),
    ("GET", "/_emulator/jobs"),
    ("GET", "/_emulator/jobs/1"),
    ("GET", "/_emulator/jobs/1/log"),
    ("GET", "/_emulator/requests"),
    ("GET", "/_emulator/events"),
    ("GET", "/%5Femulator/info"),
    ("OPTIONS", "/_emulator/info"),
    ("HEAD", "/_emulator/info"),
    ("GET", "/_emulator"),
    ("GET", "/_emulator/nothing"),
]
TOKENS = ["/api/oauth2/hydrogen/openapi/authorize/", "/api/oauth2/access_token/"]


@pytest.mark.parametrize(("method", "path"), INTERFACE)
def test_all_of_the_interface_needs_the_key(emulator: Emulator, method: str, path: str) -> None:
    emulator.stub("greet", lambda _event: 1)
    key = emulator.console_key
    for headers in (
        {},
        {"Emulator-Key": ""},
        {"Emulator-Key": key[:-1]},
        {"Emulator-Key": key + " x"},
        {"Emulator-Key": "é"},
        {"Cookie": f"key={key}; Emulator-Key={key}"},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"Bearer {emulator.access_token}"},
    ):
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = WEB.request(method, f"{emulator.url}{path}?key={key}", headers=encoded, json={"data": {}})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Emulator-Key")
        if method != "HEAD":
            assert "the address that the emulator printed" in answer.json()["error_msg"]
    assert emulator.calls == []


def test_the_page_and_its_files_need_no_key_and_do_not_have_it(emulator: Emulator) -> None:
    page = WEB.get(emulator.url)
    assert page.status_code == 200
    assert WEB.get(f"{emulator.url}/console/console.js").status_code == 200
    assert emulator.console_key not in page.text + str(page.headers)


def test_each_start_has_a_key_of_its_own_which_a_reset_keeps() -> None:
    with Emulator() as one, Emulator() as other:
        assert len(one.console_key) >= 32
        assert one.console_key != other.console_key
        assert one.console_url == f"{one.url}/#key={one.console_key}"
        assert one.console_key not in repr(one)
        one.reset()
        with console_client(one) as console:
            assert console.get("/info").status_code == 200


OWN_NAMES = [
    "127.0.0.1",
    "localhost:1",
    "LocalHost",
    "127.9.8.7",
    "[::1]:8900",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]:1",
]
FOREIGN_NAMES = [
    "evil.example",
    "127.0.0.1.evil.example:8900",
    "localhost.evil.example",
    "evil-localhost",
    "localhost.",
    "0.0.0.0:8900",
    "[::]:8900",
    "[::ffff:192.0.2.1]",
    "192.168.0.1",
    "2130706433",
    "127.1",
    "0x7f.0.0.1",
    "",
]
NO_NAMES = [
    "[",
    "]",
    "[::1",
    "[::1]x",
    "[nonsense]",
    "[::1]:80:80",
    "127.0.0.1@evil.example",
    "localhost/x",
    "a b",
    "h:99999999",
    "é",
]


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "::", "::1"])
def test_a_page_whose_name_was_bound_to_this_machine_is_kept_out_whatever_the_emulator_listens_on(bound: str) -> None:
    with Emulator(host=bound) as emulator, console_client(emulator) as console:
        body = {"function_code": HELLO}
        for name in FOREIGN_NAMES:
            answer = console.put("/functions/greet", json=body, headers={"Host": name})
            assert (name, answer.status_code) == (name, 403)
            assert "open the console at 127.0.0.1 or localhost" in answer.json()["error_msg"]
            token = {"Host": name, "Authorization": f"Bearer {emulator.access_token}"}
            assert console.get("/info", headers=token).status_code == 200
        for name in OWN_NAMES:
            origin = {"Host": name, "Origin": f"http://{name}"}
            assert (name, console.get("/info", headers=origin).status_code) == (name, 200)


def test_a_caller_through_a_mapped_address_is_this_machine() -> None:
    with Emulator(host="::") as emulator, console_client(emulator) as console:
        emulator.stub("greet", lambda event: event["request"]["meta"]["ip_address"])
        address = str(console.base_url).replace("[::1]", "127.0.0.1")
        called = console.post(f"{address}functions/greet/call", json={"data": {}})
        assert called.json()["result"]["data"] == "127.0.0.1"
        api = API(emulator.url.replace("[::1]", "127.0.0.1"), emulator.access_token)
        assert api.invoke("greet").json()["data"] == "127.0.0.1"
        api.http.close()


@pytest.mark.parametrize(
    ("sender", "token", "status"),
    [
        ("192.0.2.7", False, 401),
        ("::ffff:192.0.2.7", False, 401),
        ("fe80::1", False, 401),
        ("", False, 401),
        ("192.0.2.7", True, 200),
        ("127.0.0.5", False, 200),
        ("::ffff:127.0.0.1", False, 200),
    ],
)
async def test_another_machine_needs_the_access_token_besides(sender: str, token: bool, status: int) -> None:
    service = Service(Settings(access_token="token"), Clock(), Limits())
    app = application.OriginApp(service, api=True, respond=application.API(service, console_key="key").respond)
    transport = httpx.ASGITransport(app, client=(sender, 1))
    headers = {"Emulator-Key": "key", **({"Authorization": "Bearer token"} if token else {})}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/_emulator/info", headers=headers)
        assert answer.status_code == status
        if status == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
        headers.pop("Emulator-Key")
        assert (await client.get("/_emulator/info", headers=headers)).status_code == 401
    await service.aclose()


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_host_that_is_none_is_a_bad_request_everywhere(emulator: Emulator, name: str) -> None:
    emulator.stub("greet", lambda _event: 1)
    for origin, path in (
        (emulator.url, "/_emulator/info"),
        (emulator.url, "/"),
        (emulator.url, f"{FUNCTIONS}greet/job/"),
        (emulator.log_url, "/ticket_1.log"),
    ):
        head = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n"
        head += f"Authorization: Bearer {emulator.access_token}\r\nEmulator-Key: {emulator.console_key}\r\n\r\n"
        answer = raw_exchange(origin, head.encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"Host header" in answer


def test_two_hosts_are_a_bad_request(emulator: Emulator) -> None:
    head = f"GET /_emulator/info HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nEmulator-Key: {emulator.console_key}\r\n"
    assert raw_exchange(emulator.url, f"{head}Connection: close\r\n\r\n".encode()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", TOKENS)
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_page_of_another_site_can_not_try_credentials(emulator: Emulator, path: str, headers: dict[str, str]) -> None:
    fields = {"client_id": emulator.client_id, "client_secret": emulator.client_secret}
    answer = WEB.post(emulator.url + path, data=fields, headers=headers)
    assert answer.status_code == 403
    assert "pages of other sites" in answer.json()["error_msg"]


@pytest.mark.parametrize("path", TOKENS)
def test_a_token_operation_takes_64_kilobytes(emulator: Emulator, path: str) -> None:
    url = emulator.url + path

    def chunks() -> Any:
        yield b"x" * 40_000
        yield b"x" * 40_000

    for content in (b"[" * 70_000, chunks()):
        answer = WEB.post(url, content=content)
        assert (answer.status_code, answer.json()["error_msg"]) == (413, "the body is larger than 65536 bytes")
    assert WEB.post(url, content=b"[" * 60_000).status_code == 400


@pytest.mark.parametrize("path", TOKENS)
def test_a_form_has_a_bounded_number_of_fields(emulator: Emulator, path: str) -> None:
    url = emulator.url + path
    many = {f"field{number}": "" for number in range(51)}
    urlencoded = WEB.post(url, data=many)
    assert (urlencoded.status_code, "more than 50 fields" in urlencoded.json()["error_msg"]) == (400, True)
    for parts in (dict.fromkeys(many, (None, "")), {name: (name, b"") for name in many}):
        multipart = WEB.post(url, files=parts)
        assert multipart.status_code == 400
        assert "multipart form" in multipart.json()["error_msg"]


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b"a" * 4_000_000 + b'"',
        b'["' + b'\\"' * 2_000_000 + b'"]',
        b"[" + b'"",' * 1_000_000 + b'""]',
        b"[" * 4_000_000,
    ],
)
def test_how_deeply_json_is_nested_is_found_with_little_memory(text: bytes) -> None:
    tracemalloc.start()
    try:
        value = None
        with contextlib.suppress(JSONTextError):
            value = decode_json(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The text itself, decoded; what it says; and a copy on the way.
    assert peak < 12 * len(text)
    assert value == (None if text.startswith(b"[[") else json.loads(text))


def test_trailers_are_bounded_and_no_headers(emulator: Emulator) -> None:
    head = (
        b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        % FUNCTIONS.encode()
    )
    token = f"Authorization: Bearer {emulator.access_token}\r\n".encode()
    url = httpx.URL(emulator.url)
    assert raw_exchange(emulator.url, head + b"0\r\n" + token + b"\r\n").startswith(b"HTTP/1.1 401 ")
    head = b"POST /api/oauth2/access_token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
    # Each of these would go on for as long as somebody sends. No byte more, which the closed connection would not take.
    for endless in (b"0\r\n" + b"a: b\r\n" * 20_000, b"0\r\na: " + b"b" * 70_000, b"1;" + b"x" * 70_000):
        with socket.create_connection((url.host, url.port or 80), timeout=TIMEOUT) as connection:
            connection.sendall(head + b"Expect: 100-continue\r\n\r\n")
            assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(endless[:65_537])
            answer = connection.recv(1024)
            assert answer.startswith(b"HTTP/1.1 431 ")
            assert b"chunk extensions or trailers are larger than 65536 bytes" in answer


def test_a_body_in_many_small_chunks_is_taken(emulator: Emulator, api: API) -> None:
    body = json.dumps({"name": "greet", "function_code": "x" * 40_000}).encode()
    answer = api.http.post(FUNCTIONS, content=(body[at : at + 3] for at in range(0, len(body), 3)), timeout=TIMEOUT)
    assert answer.status_code == 201
