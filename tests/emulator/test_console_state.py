"""What a console page that is opened in the middle of things is told, and what its files come with."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.emulator.conftest import API, HELLO, WEB

if TYPE_CHECKING:
    from mincloud_emulator import Emulator


def test_the_log_of_a_running_job_is_read_as_far_as_it_has_come(emulator: Emulator, console: httpx.Client) -> None:
    running, release = threading.Event(), threading.Event()

    def wait(_event: object) -> str:
        running.set()
        assert release.wait(50)
        return "done"

    emulator.stub("slow", wait)
    number = console.post("/functions/slow/call", json={"data": {"a": 1}, "sync": False}).json()["job"]["id"]
    log = f"/jobs/{number}/log"
    assert running.wait(50)
    so_far = console.get(log)
    assert so_far.text.endswith(" LOG event.data:  { a: 1 }\n")
    assert "return:" not in so_far.text
    release.set()
    emulator.settle()
    whole = console.get(log)
    assert whole.text.startswith(so_far.text)
    assert "LOG return:  { error: {}, code: 0, data: 'done' }" in whole.text
    assert int(whole.headers["Emulator-Event"]) > int(so_far.headers["Emulator-Event"]) > 0


def test_requests_from_before_the_page_was_opened_are_told(emulator: Emulator, console: httpx.Client, api: API) -> None:
    api.list()
    api.http.get("/oserve/v1.3/cloud-function/nobody/?secret=1", headers={"X-Hydrogen-Env-ID": "test"})
    console.get("/info")
    answer = console.get("/requests").json()
    told = [(request["path"], request["status"], request["environment"]) for request in answer["requests"]]
    assert told == [
        ("/oserve/v1.3/cloud-function/", 200, ""),
        ("/oserve/v1.3/cloud-function/nobody/", 404, "test"),
    ]
    # What came with the list's number is in it, so that the page takes nothing from the stream twice.
    assert answer["event"] >= 2
    assert all(request["at"] > 0 and request["milliseconds"] >= 0 for request in answer["requests"])
    for _ in range(210):
        api.get("nobody")
    assert len(console.get("/requests").json()["requests"]) == 200
    emulator.reset()
    assert console.get("/requests").json()["requests"] == []


def test_events_carry_their_number_and_a_reset_is_one(emulator: Emulator, console: httpx.Client) -> None:
    with console.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": connected"
        emulator.deploy("greet", HELLO)
        emulator.reset()
        told: list[str] = []
        while "event: reset" not in told:
            told.append(next(lines))
    numbers = [int(line.removeprefix("id: ")) for line in told if line.startswith("id: ")]
    assert numbers == [numbers[0], numbers[0] + 1]


def test_a_new_function_never_replaces_one(emulator: Emulator, console: httpx.Client) -> None:
    address = "/functions/greet"
    assert console.put(address, json={"function_code": HELLO, "new": True}).json()["action"] == "created"
    refused = console.put(address, json={"function_code": "// other", "new": True})
    assert refused.status_code == 409
    assert refused.json()["error_msg"] == "there is a function named 'greet' already: choose another name"
    assert console.get(address).json()["function_code"] == HELLO


def test_a_call_has_the_source_that_was_asked_for(emulator: Emulator, console: httpx.Client) -> None:
    emulator.stub("greet", lambda event: event["eventType"])
    address = "/functions/greet/call"
    called = console.post(address, json={"data": [1], "source": "timer"}).json()
    assert (called["result"]["data"], called["job"]["source"]) == ("timer", "timer")
    refused = console.post(address, json={"data": {}, "source": "nobody"})
    assert refused.status_code == 400
    assert "source must be one of sdk, open_api" in refused.json()["error_msg"]


def test_the_list_of_functions_leaves_out_their_code(emulator: Emulator, console: httpx.Client) -> None:
    emulator.deploy("greet", HELLO)
    [listed] = console.get("/functions").json()["functions"]
    assert "function_code" not in listed
    one = console.get("/functions/greet").json()
    assert one == {**listed, "function_code": HELLO, "syntax": None}


@pytest.mark.parametrize("path", ["/", "/console/console.js", "/console/base.css"])
def test_the_pages_files_allow_no_foreign_code_and_no_frame(emulator: Emulator, path: str) -> None:
    for answer in (WEB.get(emulator.url + path), WEB.head(emulator.url + path)):
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert len(answer.headers.get_list("date")) == 1


def test_the_page_is_no_way_around_a_fault_and_no_end_of_it(
    emulator: Emulator, console: httpx.Client, api: API
) -> None:
    emulator.fail_next(status=503)
    assert WEB.get(emulator.url).status_code == 200
    assert console.get("/info").status_code == 200
    assert api.list().status_code == 503
    emulator.fail_next(status=500, path="/_emulator/info")
    assert api.list().status_code == 200
    assert json.loads(console.get("/info").text)["error_msg"]


def test_code_that_does_not_parse_is_said_where_it_is_deployed_and_read(
    emulator: Emulator, console: httpx.Client
) -> None:
    address = "/functions/greet"
    broken = console.put(address, json={"function_code": "exports.main = ("}).json()
    assert broken["syntax"].startswith("line 1: SyntaxError: Unexpected")
    assert console.get(address).json()["syntax"] == broken["syntax"]
    assert "needs Node 14" in console.put(address, json={"function_code": "a?.b"}).json()["syntax"]
    assert console.put(address, json={"function_code": HELLO}).json()["syntax"] is None
    emulator.deploy("greet", "exports.main = )")
    assert "SyntaxError" in console.get(address).json()["syntax"]
