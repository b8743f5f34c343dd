"""The console's interface, and its access rules."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mincloud_emulator import Emulator
from tests.emulator.conftest import HELLO, WEB, console_client

if TYPE_CHECKING:
    pass


def test_functions_are_deployed_read_listed_and_deleted(emulator: Emulator, console: httpx.Client) -> None:
    created = console.put("/functions/a%2Fb", json={"function_code": HELLO})
    assert (created.status_code, created.json()["action"]) == (200, "created")
    again = console.put("/functions/a%2Fb", json={"function_code": HELLO})
    assert again.json()["action"] == "unchanged"
    changed = console.put("/functions/a%2Fb", json={"function_code": HELLO + "//", "remark": "r"})
    assert (changed.json()["action"], changed.json()["remark"]) == ("updated", "r")
    emulator.stub("stub", lambda _event: 1)
    listed = console.get("/functions").json()
    assert listed["total"] == 2
    assert [(function["name"], function["stub"]) for function in listed["functions"]] == [
        ("stub", True),
        ("a/b", False),
    ]
    assert console.get("/functions/a%2Fb").json()["function_code"] == HELLO + "//"
    assert console.delete("/functions/a%2Fb").status_code == 204
    assert console.get("/functions/a%2Fb").status_code == 404


def test_a_function_is_called_and_its_job_and_log_are_read(emulator: Emulator, console: httpx.Client) -> None:
    emulator.stub("greet", lambda event: event["data"])
    called = console.post("/functions/greet/call", json={"data": {"a": "爱"}}).json()
    assert called["result"] == {"code": 0, "data": {"a": "爱"}, "error": {}}
    assert called["job"]["status"] == "fulfilled"
    assert "LOG return:" in called["log"]
    assert called["execution_time"] > 0
    number = called["job"]["id"]
    assert console.get(f"/jobs/{number}").json() == called["job"]
    assert console.get(f"/jobs/{number}/log").text == called["log"]
    started = console.post("/functions/greet/call", json={"data": {}, "sync": False}).json()
    assert set(started) == {"job"}
    emulator.settle()
    assert console.get("/jobs", params={"function": "greet"}).json()["total"] == 2
    assert [job["id"] for job in console.get("/jobs", params={"limit": 1}).json()["jobs"]] == [number + 1]


def test_each_environment_is_shown_by_itself(emulator: Emulator, console: httpx.Client) -> None:
    emulator.stub("greet", lambda event: event["env"]["id"], environment="test")
    assert console.get("/functions").json()["total"] == 0
    in_test = {"environment": "test"}
    assert console.get("/functions", params=in_test).json()["total"] == 1
    called = console.post("/functions/greet/call", params=in_test, json={"data": {}}).json()
    assert called["result"]["data"] == "test"
    info = console.get("/info").json()
    assert info["environments"] == ["", "test"]
    assert info["log_origin"] == emulator.log_url
    assert emulator.client_secret not in json.dumps(info)
    assert emulator.access_token not in json.dumps(info)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jobs/9", 404),
        ("GET", "/jobs/x", 404),
        ("GET", "/jobs/99999999999999999999", 404),
        ("GET", "/jobs/9/log", 404),
        ("GET", "/jobs?function=nobody", 404),
        ("POST", "/functions/nobody/call", 404),
        ("PUT", "/functions/a", 400),
        ("POST", "/info", 405),
        ("GET", "/functions?limit=0", 400),
    ],
)
def test_mistakes_are_answered_with_a_reason(console: httpx.Client, method: str, path: str, status: int) -> None:
    body: dict[str, Any] = {"json": {}} if method in {"POST", "PUT"} else {}
    answer = console.request(method, path, **body)
    assert answer.status_code == status
    assert answer.json()["error_msg"]


def test_events_come_as_things_happen(emulator: Emulator, console: httpx.Client) -> None:
    emulator.stub("greet", lambda _event: 1)
    events: list[tuple[str, dict[str, Any]]] = []
    connected = threading.Event()

    def listen() -> None:
        with console.stream("GET", "/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            kind = ""
            for line in stream.iter_lines():
                if line.startswith(":"):
                    connected.set()
                elif line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    events.append((kind, json.loads(line.removeprefix("data: "))))
                    if kind == "request":
                        return

    listener = threading.Thread(target=listen)
    listener.start()
    assert connected.wait(50)
    emulator.deploy("other", HELLO)
    console.post("/functions/greet/call", json={"data": {}})
    WEB.get(f"{emulator.url}/nothing")
    listener.join(50)
    assert events[0] == ("function", {"environment": "", "name": "other", "action": "created"})
    statuses = [data["status"] for kind, data in events if kind == "job"]
    assert statuses == ["waiting", "executing", "fulfilled"]
    assert any("LOG return:  { error: {}, code: 0, data: 1 }" in data["line"] for kind, data in events if kind == "log")
    assert events[-1][1]["path"] == "/nothing"


def test_the_end_of_the_emulator_ends_the_stream_of_events() -> None:
    with Emulator() as emulator, console_client(emulator) as console, console.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": connected"
        emulator.close()
        assert [line for line in lines if line] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8900"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_are_kept_out(emulator: Emulator, console: httpx.Client, headers: dict[str, str]) -> None:
    emulator.stub("greet", lambda _event: 1)
    for method, path in [
        ("GET", "/functions"),
        ("GET", "/events"),
        ("PUT", "/functions/greet"),
        ("POST", "/functions/greet/call"),
        ("DELETE", "/functions/greet"),
    ]:
        answer = console.request(method, path, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error_msg"]
    assert emulator.calls == []


def test_a_form_can_not_call_a_function(emulator: Emulator, console: httpx.Client) -> None:
    emulator.stub("greet", lambda _event: 1)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        sent = console.post("/functions/greet/call", content=b'{"data": {}}', headers={"Content-Type": kind})
        assert sent.status_code == 415
    assert emulator.calls == []


def test_no_other_site_is_allowed_in_by_an_answer(emulator: Emulator) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in ("/_emulator/functions/greet/call", "/oserve/v1.3/cloud-function/"):
        answer = WEB.options(emulator.url + path, headers=headers)
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/../clock.py",
        "/%2e%2e/clock.py",
        "/..%2fclock.py",
        "/console_api.py",
        "/console/../console_api.py",
        "/console/",
    ],
)
def test_no_file_outside_the_console_is_served(emulator: Emulator, path: str) -> None:
    url = httpx.URL(emulator.url).copy_with(raw_path=path.encode())
    assert WEB.get(url).status_code == 404
