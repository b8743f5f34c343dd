"""The state that a console page reads when it is opened, and the headers of its files."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from mincloud_emulator import Clock
from mincloud_emulator.core.store import Store
from mincloud_emulator.core.syntax_checks import SyntaxChecks
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


def test_what_a_job_was_called_with_is_kept_as_it_was_sent(emulator: Emulator, console: httpx.Client, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    api.invoke("greet", {"a": {"b": {"c": {"d": ["爱", 2**63]}}}})
    api.debug("greet", data="text")
    assert console.get("/jobs/1/data").json() == {"a": {"b": {"c": {"d": ["爱", 2**63]}}}}
    assert console.get("/jobs/2/data").json() == "text"
    api.invoke("greet", {"long": "x" * 2_000_000})
    refused = console.get("/jobs/3/data")
    assert (refused.status_code, "too large to be kept" in refused.json()["error_msg"]) == (404, True)
    assert console.get("/jobs/9/data").status_code == 404


def test_jobs_are_found_by_their_status_and_by_a_text_in_their_log(
    emulator: Emulator, console: httpx.Client, api: API
) -> None:
    emulator.stub("half", lambda event: 1 / event["data"]["by"])
    api.invoke("half", {"by": 2})
    api.invoke("half", {"by": 0})
    api.invoke("half", {"by": 4, "name": "It's 100%_"})

    def found(**parameters: str) -> list[int]:
        answer = console.get("/jobs", params={"function": "half", **parameters}).json()
        assert answer["total"] == len(answer["jobs"])
        return [job["id"] for job in answer["jobs"]]

    assert found(status="execution_failed") == [2]
    assert found(status="fulfilled") == [3, 1]
    assert found(status="waiting") == []
    assert found(log="zerodivision") == [2]
    assert found(log="it's 100%_") == [3]
    assert found(log="%") == [3]
    assert found(log="by: 2", status="fulfilled") == [1]
    assert found(log="", status="") == [3, 2, 1]
    assert console.get("/jobs", params={"status": "odd"}).status_code == 400


def test_a_request_is_kept_with_what_it_sent_and_was_answered(
    emulator: Emulator, console: httpx.Client, api: API
) -> None:
    emulator.stub("greet", lambda event: event["data"])
    api.invoke("greet", {"a": "爱"}, sync=True)
    api.jobs("greet", limit=5)
    api.invoke("greet", {"a": "x" * 40_000})
    numbers = [request["number"] for request in console.get("/requests").json()["requests"]]
    call, jobs, large = (console.get(f"/requests/{number}").json() for number in numbers)
    assert json.loads(call["request_body"]) == {"data": {"a": "爱"}, "sync": True}
    assert json.loads(call["response_body"])["data"] == {"a": "爱"}
    assert ["content-type", "application/json"] in call["response_headers"]
    assert jobs["query"] == "limit=5"
    assert len(large["request_body"]) == len(large["response_body"]) == 16 * 1024 + 1
    assert large["request_body"].endswith("x…")
    assert emulator.access_token not in json.dumps([call, jobs, large])
    log = api.jobs("greet").json()["objects"][0]["user_log_url"]
    WEB.get(log)
    WEB.post(f"{emulator.url}/api/oauth2/access_token/", data={"client_secret": "s"})
    for request in console.get("/requests").json()["requests"][-2:]:
        refused = console.get(f"/requests/{request['number']}")
        assert (refused.status_code, "may hold secrets" in refused.json()["error_msg"]) == (404, True)


def test_a_token_is_given_to_the_page_for_a_client(emulator: Emulator, console: httpx.Client) -> None:
    assert console.get("/token").json() == {"access_token": emulator.access_token}


async def test_whoever_waits_for_a_check_when_everything_is_closed_gets_no_note() -> None:
    store = Store(None, Clock())
    function = store.create_function("", "greet", "exports.main = (")
    checks = SyntaxChecks(None)
    notes = [asyncio.create_task(checks.note(function)) for _ in range(2)]
    await asyncio.sleep(0)
    await checks.aclose()
    assert await asyncio.gather(*notes) == [None, None]
    store.close()
