"""Requests that are malformed, oversized, slow, or many."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mincloud_emulator import Emulator, Limits
from tests.emulator.conftest import API, FUNCTIONS, HELLO, TIMEOUT, raw_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "is empty"),
        (b"{", "not JSON"),
        (b"nonsense", "not JSON"),
        (b"[]", "not an object"),
        (b'"text"', "not an object"),
        (b"null", "not an object"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b'{"name": "\\ud800", "function_code": "x"}', "half a surrogate pair"),
        (b'{"name": "a", "function_code": "x\\uDFFF"}', "half a surrogate pair"),
        (b'{"data": NaN}', "NaN is not JSON"),
        (b'{"data": -Infinity}', "-Infinity is not JSON"),
        (b'{"data": 1e999}', "out of range"),
        (b'{"data": ' + b"9" * 5000 + b"}", "can't be used"),
        (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested more than 256"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nested more than 256"),
        (b"[" * 100_000, "nested more than 256"),
    ],
)
def test_a_body_that_is_no_usable_json_is_refused(api: API, body: bytes, complaint: str) -> None:
    api.create("greet")
    for method, path in [
        ("POST", FUNCTIONS),
        ("PATCH", f"{FUNCTIONS}greet/"),
        ("POST", f"{FUNCTIONS}greet/job/"),
        ("POST", f"{FUNCTIONS}greet/debug/"),
        ("POST", "/oserve/v1/cloud-function/job/"),
    ]:
        answer = api.http.request(method, path, content=body)
        assert answer.status_code == 400
        assert complaint in answer.json()["error_msg"]


def test_brackets_in_text_are_not_nesting(emulator: Emulator, api: API) -> None:
    emulator.stub("echo", lambda event: event["data"])
    text = '[{"\\' * 5000
    assert api.debug("echo", data=text).json()["data"] == text
    wide: list[list[int]] = [[]] * 1000
    assert api.debug("echo", data=wide).json()["data"] == wide


def test_a_pair_of_surrogate_escapes_is_one_character(emulator: Emulator, api: API) -> None:
    emulator.stub("echo", lambda event: event["data"])
    answer = api.http.post(f"{FUNCTIONS}echo/debug/", content=b'{"data": "\\ud83d\\ude00"}')
    assert answer.json()["data"] == "😀"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "", "nonsense"])
def test_json_is_json_whatever_it_is_called(api: API, content_type: str) -> None:
    body = json.dumps({"name": "greet", "function_code": HELLO})
    answer = api.http.post(FUNCTIONS, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 201


def test_a_byte_order_mark_is_no_obstacle(api: API) -> None:
    body = json.dumps({"name": "greet", "function_code": HELLO}).encode("utf-8-sig")
    assert api.http.post(FUNCTIONS, content=body).status_code == 201


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (FUNCTIONS, "GET, HEAD, OPTIONS, POST"),
        (f"{FUNCTIONS}a/", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        (f"{FUNCTIONS}a/debug/", "OPTIONS, POST"),
        (f"{FUNCTIONS}a/job/", "GET, HEAD, OPTIONS, POST"),
        ("/oserve/v1/cloud-function/job/", "OPTIONS, POST"),
        ("/api/oauth2/access_token/", "OPTIONS, POST"),
        ("/api/oauth2/hydrogen/openapi/authorize/", "OPTIONS, POST"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(api: API, path: str, allowed: str) -> None:
    for method in ("PUT", "TRACE"):
        refused = api.http.request(method, path)
        assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
        assert refused.json()["error_msg"]
    options = api.http.options(path)
    assert (options.status_code, options.headers["allow"]) == (204, allowed)


def test_head_answers_like_get_without_a_body(api: API) -> None:
    api.create("greet")
    got, headed = api.get("greet"), api.http.head(f"{FUNCTIONS}greet/")
    assert headed.status_code == 200
    assert headed.content == b""
    assert headed.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing/",
        "/oserve/v1.3/",
        "/oserve/v1.3/cloud-function/a/b/",
        "/oserve/v1.3/cloud-function/a/job/1/",
        "/oserve/v1.3/cloud-function//",
        "/oserve/v1.3/cloud-function/%ff/",
        "/oserve/v1.3/cloud-function/%00/",
        "//oserve/v1.3/cloud-function/",
        "/oserve/v1/cloud-function/",
        "/console/nothing",
    ],
)
def test_where_nothing_is_404_says_so_in_json(api: API, path: str) -> None:
    answer = api.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error_msg"]


def test_a_query_that_is_not_utf8_is_refused(api: API) -> None:
    assert api.http.get(f"{FUNCTIONS}?limit=%ff").status_code == 400


def test_an_environment_that_is_not_utf8_is_refused(api: API) -> None:
    assert api.http.get(FUNCTIONS, headers=[(b"X-Hydrogen-Env-ID", b"\xff")]).status_code == 400


def test_a_bearer_with_nothing_behind_it_is_no_token(emulator: Emulator) -> None:
    def answer(method: bytes, path: bytes, body: bytes) -> bytes:
        head = b"%b %b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \r\nConnection: close\r\n" % (method, path)
        return raw_exchange(emulator.url, head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    assert answer(b"GET", FUNCTIONS.encode(), b"").startswith(b"HTTP/1.1 401 ")
    application = {"client_id": emulator.client_id, "client_secret": emulator.client_secret}
    login = answer(b"POST", b"/api/oauth2/hydrogen/openapi/authorize/", json.dumps(application).encode())
    assert login.startswith(b"HTTP/1.1 302 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xe6\xb5\x8b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_is_refused_and_harms_nobody(emulator: Emulator, api: API, request_bytes: bytes) -> None:
    answer = raw_exchange(emulator.url, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 ")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nDate: " in head
    assert json.loads(body)["error_msg"]
    assert api.list().status_code == 200


def test_a_head_without_end_is_cut_off(emulator: Emulator) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + (b"X-Padding: " + b"a" * 8000 + b"\r\n") * 7 + b"X-Last: "
    # The last byte is the one too many: what a server has not read when it closes would reset the connection.
    answer = raw_exchange(emulator.url, head + b"a" * (64 * 1024 + 1 - len(head)))
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_requests_on_one_connection_are_answered_in_turn(emulator: Emulator, api: API) -> None:
    api.create("greet")
    token = emulator.access_token.encode()
    one = b"GET /oserve/v1.3/cloud-function/greet/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n%b\r\n"
    answer = raw_exchange(emulator.url, one % (token, b"") * 3 + one % (token, b"Connection: close\r\n"))
    assert answer.count(b"HTTP/1.1 200 ") == 4


class TestWithSmallLimits:
    """Limits on the size and the time of a request that are small enough to be reached."""

    @pytest.fixture
    def emulator(self) -> Iterator[Emulator]:
        with Emulator(limits=Limits(body_bytes=1000)) as emulator:
            yield emulator

    @pytest.mark.parametrize("path", [FUNCTIONS, "/api/oauth2/access_token/"])
    def test_a_body_that_is_too_large_is_refused(self, api: API, path: str) -> None:
        body = b'{"name": "%b"}' % (b"a" * 2000)
        answer = api.http.post(path, content=body)
        assert answer.status_code == 413
        assert "larger than 1000 bytes" in answer.json()["error_msg"]

        def chunks() -> Iterator[bytes]:
            for _ in range(20):
                yield b"a" * 100

        assert api.http.post(path, content=chunks()).status_code == 413
        assert api.list().status_code == 200

    @pytest.mark.parametrize(
        "start",
        [
            b"",
            b"G",
            b"GET / HTTP/1.1\r\nHost:",
            b"POST /api/oauth2/access_token/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
        ],
    )
    def test_a_request_that_never_ends_is_given_up(self, start: bytes) -> None:
        with Emulator(limits=Limits(request_seconds=0.4)) as emulator:
            started = time.monotonic()
            assert raw_exchange(emulator.url, start).startswith(b"HTTP/1.1 408 ")
            assert time.monotonic() - started >= 0.3

    def test_slow_clients_do_not_keep_others_waiting(self, emulator: Emulator, api: API) -> None:
        url = httpx.URL(emulator.url)
        slow = [socket.create_connection((url.host, url.port or 80)) for _ in range(100)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nX:")
        assert api.list().status_code == 200
        for connection in slow:
            connection.close()


@pytest.fixture
def patient() -> Iterator[Emulator]:
    """An emulator on which calls may wait and run for longer than any machine needs."""
    with Emulator(limits=Limits(sync_seconds=60, sync_scheduling_seconds=60)) as emulator:
        yield emulator


async def test_a_few_hundred_connections_at_once_are_served(patient: Emulator) -> None:
    patient.stub("greet", lambda event: event["data"]["n"])
    url = httpx.URL(patient.url)
    opened = 0
    all_are_open = asyncio.Event()

    async def call(number: int) -> Any:
        nonlocal opened
        reader, writer = await asyncio.open_connection(url.host, url.port)
        opened += 1
        if opened == 300:
            all_are_open.set()
        await all_are_open.wait()
        body = b'{"data": {"n": %d}}' % number
        writer.write(
            b"POST /oserve/v1.3/cloud-function/greet/job/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (patient.access_token.encode(), len(body), body)
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return json.loads(answer.partition(b"\r\n\r\n")[2])["data"]

    assert await asyncio.gather(*(call(number) for number in range(300))) == list(range(300))


def test_a_client_that_goes_away_does_not_end_what_it_started(patient: Emulator) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slow(_event: dict[str, Any]) -> bool:
        running.set()
        return go_on.wait(50)

    patient.stub("slow", slow)
    url = httpx.URL(patient.url)
    with socket.create_connection((url.host, url.port or 80), timeout=TIMEOUT) as connection:
        head = f"POST {FUNCTIONS}slow/job/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {patient.access_token}\r\n"
        connection.sendall(f'{head}Content-Length: 12\r\n\r\n{{"data": {{}}}}'.encode())
        assert running.wait(50)
    api = API(patient.url, patient.access_token)
    # Once it answers a client that came later it has noticed that this one is gone.
    assert api.list().status_code == 200
    api.http.close()
    go_on.set()
    patient.settle()
    assert patient.calls_of("slow")[0].result == {"code": 0, "data": True, "error": {}}
