"""Calls: waiting or not, debugged, and run by stubs or by Node."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincloud_emulator import Emulator, EmulatorError, Limits
from mincloud_emulator.runtime import find_node
from tests.emulator.conftest import API, FUNCTIONS, WEB

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


def test_a_call_that_waits_answers_code_data_and_error(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda event: f"你好 {event['data']['username']}")
    answer = api.invoke("greet", {"username": "爱范儿"})
    assert answer.status_code == 200
    assert answer.json() == {"code": 0, "data": "你好 爱范儿", "error": {}}
    assert api.invoke("greet", {"username": 1}, sync=True).json()["data"] == "你好 1"


def test_a_call_that_does_not_wait_is_accepted_before_it_ends(emulator: Emulator, api: API) -> None:
    go_on = threading.Event()
    emulator.stub("slow", lambda _event: go_on.wait(50))
    answer = api.invoke("slow", sync=False)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert emulator.calls_of("slow")[0].result is None
    go_on.set()
    emulator.settle()
    assert emulator.calls_of("slow")[0].result == {"code": 0, "data": True, "error": {}}


def test_the_older_way_to_call_takes_the_name_from_the_body_and_needs_no_data(emulator: Emulator, api: API) -> None:
    emulator.stub("测试", lambda event: event["data"])
    assert api.trigger(function_name="测试", data={"a": 1}).json() == {"code": 0, "data": {"a": 1}, "error": {}}
    assert api.trigger(function_name="测试").json()["data"] == {}
    assert api.trigger(function_name="测试", sync=False).json() == {"status": "ok"}
    assert api.trigger(function_name="nobody").status_code == 404


def test_debug_answers_what_it_used_and_logged_too(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: "hello world")
    answer = api.debug("greet", data={}, function_name="ignored", sync=False).json()
    assert set(answer) == {
        "billing_time",
        "code",
        "data",
        "error",
        "execution_time",
        "job_id",
        "log",
        "mem_usage",
    }
    assert (answer["code"], answer["data"], answer["error"]) == (0, "hello world", {})
    assert isinstance(answer["execution_time"], float)
    assert answer["billing_time"] % 100 == 0
    assert answer["billing_time"] - 100 <= answer["execution_time"] <= answer["billing_time"]
    assert len(bytes.fromhex(answer["job_id"])) == 16
    first, last = answer["log"].splitlines()
    assert first.endswith(" LOG event.data:  {}")
    assert last.endswith(" LOG return:  { error: {}, code: 0, data: 'hello world' }")


def test_debug_is_recorded_as_a_job_of_its_subject_but_under_another_id(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda event: event)
    default = api.debug("greet", data={}).json()
    timer = api.debug("greet", data={}, subject="timer", schema_id=1).json()["data"]
    changed = api.debug("greet", data={}, subject="flex_schema", schema_id=1).json()["data"]
    jobs = api.jobs("greet").json()["objects"]
    assert [job["source"] for job in jobs] == ["flex_schema", "timer", "sdk"]
    assert [job["id"] for job in jobs] == [changed["jobId"], timer["jobId"], default["data"]["jobId"]]
    assert default["job_id"] != default["data"]["jobId"]
    assert changed["flex_schema_name"] == "schema_1"
    assert "flex_schema_name" not in timer


@pytest.mark.parametrize("raised", [ValueError(), KeyError("x")])
def test_the_error_of_debug_always_has_its_three_keys(emulator: Emulator, api: API, raised: Exception) -> None:
    def broken(_event: dict[str, Any]) -> None:
        raise raised

    emulator.stub("broken", broken)
    emulator.stub("odd", lambda _event: math.nan)
    emulator.deploy("text", "exports.main = (event, callback) => callback('no name')")
    for name in ("broken", "odd", "text"):
        error = api.debug(name, data={}).json()["error"]
        assert set(error) == {"message", "stack", "type"}
        assert error["message"] != ""
    assert error == {"message": "no name", "stack": "", "type": ""}
    assert api.invoke("text").json()["error"] == {"message": "no name"}


@pytest.mark.parametrize("data", [None, True, 0, -1.5, "text", [], [[{"a": None}]], {"键": "值"}, 10**30])
def test_debug_passes_any_json_value_on(emulator: Emulator, api: API, data: Any) -> None:
    emulator.stub("echo", lambda event: event["data"])
    assert api.debug("echo", data=data).json()["data"] == data


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "data 是必填项"),
        ({"data": {}, "subject": "moon"}, "subject must be one of sdk, open_api"),
        ({"data": {}, "subject": 1}, "subject must be a string"),
        ({"data": {}, "subject": "flex_schema"}, "schema_id is required"),
        ({"data": {}, "schema_id": "1"}, "schema_id must be an integer"),
        ({"data": {}, "schema_id": True}, "schema_id must be an integer"),
    ],
)
def test_a_debug_call_that_means_nothing_is_refused(
    emulator: Emulator, api: API, body: dict[str, Any], complaint: str
) -> None:
    emulator.stub("greet", lambda _event: 1)
    answer = api.debug("greet", **body)
    assert (answer.status_code, complaint in answer.json()["error_msg"]) == (400, True)
    assert emulator.calls == []


@pytest.mark.parametrize("data", [None, [], "text", 1, True])
def test_what_is_sent_to_a_function_is_an_object(emulator: Emulator, api: API, data: Any) -> None:
    emulator.stub("greet", lambda _event: 1)
    for answer in (
        api.http.post(f"{FUNCTIONS}greet/job/", json={"data": data}),
        api.trigger(function_name="greet", data=data),
    ):
        assert answer.status_code == 400
        assert "data must be an object" in answer.json()["error_msg"]
    assert "data 是必填项" in api.http.post(f"{FUNCTIONS}greet/job/", json={}).json()["error_msg"]
    assert emulator.calls == []


@pytest.mark.parametrize("sync", [None, 0, 1, "true", []])
def test_sync_is_true_or_false(emulator: Emulator, api: API, sync: Any) -> None:
    emulator.stub("greet", lambda _event: 1)
    answer = api.invoke("greet", sync=sync)
    assert (answer.status_code, "sync must be true or false" in answer.json()["error_msg"]) == (400, True)
    assert emulator.calls == []


def test_the_event_has_all_its_fields(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: None)
    api.http.headers["User-Agent"] = "tests/1"
    api.invoke("greet", {"a": 1})
    api.invoke("greet", {}, sync=False)
    emulator.settle()
    api.update("greet", plan_circle="P_PERSONAL")
    api.invoke("greet")
    first, second, third = (call.event for call in emulator.calls)
    assert list(first) == [
        "data",
        "eventType",
        "jobId",
        "memoryLimitInMB",
        "miniappId",
        "request",
        "signKey",
        "timeLimitInMS",
        "timezone",
    ]
    assert first["data"] == {"a": 1}
    assert first["eventType"] == "open_api"
    assert first["request"] == {"meta": {"ip_address": "127.0.0.1", "user_agent": "tests/1"}, "user": None}
    assert (first["memoryLimitInMB"], third["memoryLimitInMB"]) == (128, 256)
    assert (first["timeLimitInMS"], second["timeLimitInMS"]) == (5000, 300_000)
    assert first["timezone"] == "Asia/Shanghai"
    assert first["jobId"] != second["jobId"]
    assert [event["jobId"] for event in (third, second, first)] == [
        job["id"] for job in api.jobs("greet").json()["objects"]
    ]
    for of_the_application in ("miniappId", "signKey"):
        assert first[of_the_application] == second[of_the_application] != ""


def test_what_a_stub_raises_is_the_functions_error(emulator: Emulator, api: API) -> None:
    def broken(_event: dict[str, Any]) -> None:
        message = "no username"
        raise LookupError(message)

    emulator.stub("broken", broken)
    result = api.invoke("broken").json()
    assert (result["code"], result["data"]) == (1, None)
    assert result["error"]["message"] == "no username"
    assert result["error"]["type"] == "LookupError"
    assert "in broken" in result["error"]["stack"]
    assert "stubs.py" not in result["error"]["stack"]


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), StopIteration(), TimeoutError()])
def test_nothing_that_a_stub_raises_reaches_the_emulator(emulator: Emulator, api: API, raised: BaseException) -> None:
    def broken(_event: dict[str, Any]) -> None:
        raise raised

    emulator.stub("broken", broken)
    assert api.invoke("broken").json()["error"]["type"] == type(raised).__name__
    assert api.jobs("broken").json()["objects"][0]["status"] == "execution_failed"
    emulator.stub("fine", lambda _event: 1)
    assert api.invoke("fine").json()["data"] == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1, 2}, b"bytes", 1j])
def test_a_stub_that_returns_no_json_fails(emulator: Emulator, api: API, value: Any) -> None:
    emulator.stub("odd", lambda _event: value)
    result = api.invoke("odd").json()
    assert result["code"] == 1
    assert "JSON" in result["error"]["message"]


def test_what_json_makes_of_a_stubs_value_is_what_arrives(emulator: Emulator, api: API) -> None:
    emulator.stub("tuple", lambda _event: {"pair": (1, 2), 3: "\ud800"})
    answer = api.invoke("tuple")
    assert answer.json()["data"] == {"pair": [1, 2], "3": "\ud800"}
    loop: list[Any] = []
    loop.append(loop)
    emulator.stub("loop", lambda _event: loop)
    assert api.invoke("loop").json()["code"] == 1


def test_a_stub_may_be_a_coroutine_function_and_may_call_the_emulator(emulator: Emulator, api: API) -> None:
    async def patient(event: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        emulator.stub("made", lambda _event: "made on the way")
        return event["data"]

    def calling(_event: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {emulator.access_token}"}
        url = f"{emulator.url}{FUNCTIONS}made/job/"
        return WEB.post(url, json={"data": {}}, headers=headers).json()["data"]

    emulator.stub("patient", patient)
    emulator.stub("calling", calling)
    assert api.invoke("patient", {"a": 1}).json()["data"] == {"a": 1}
    assert api.invoke("calling").json()["data"] == "made on the way"


def test_a_stub_gets_an_event_of_its_own(emulator: Emulator, api: API) -> None:
    emulator.stub("greedy", lambda event: event["data"].clear())
    api.invoke("greedy", {"a": 1})
    assert emulator.calls[0].data == {"a": 1}


def test_a_stub_plays_a_function_until_the_function_is_deleted(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: "stub")
    assert "Emulator.stub" in api.get("greet").json()["function_code"]
    api.update("greet", function_code="exports.main = (event, callback) => callback(null, 'code')")
    assert api.invoke("greet").json()["data"] == "stub"
    emulator.stub("greet", lambda _event: "another")
    assert api.invoke("greet").json()["data"] == "another"
    api.delete("greet")
    api.create("greet", "exports.main = (event, callback) => callback(null, 'code')")
    assert api.invoke("greet").json()["data"] == "code"


def test_calls_are_recorded_with_what_was_sent_and_returned(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda event: event["data"]["n"])
    emulator.stub("other", lambda _event: None)
    api.invoke("greet", {"n": 1})
    api.invoke("other")
    api.http.headers["X-Hydrogen-Env-ID"] = "test"
    emulator.stub("greet", lambda _event: None, environment="test")
    api.invoke("greet", {"n": 3}, sync=False)
    emulator.settle()
    (call,) = emulator.calls_of("greet")
    assert (call.function, call.data, call.sync, call.source) == ("greet", {"n": 1}, True, "open_api")
    assert call.event["data"] == {"n": 1}
    assert (call.status, call.result) == ("fulfilled", {"code": 0, "data": 1, "error": {}})
    (in_test,) = emulator.calls_of("greet", environment="test")
    assert (in_test.sync, in_test.environment, in_test.event["env"]["id"]) == (False, "test", "test")
    assert [call.function for call in emulator.calls] == ["greet", "other", "greet"]


def test_a_function_that_was_deleted_while_it_runs_still_ends(emulator: Emulator, api: API) -> None:
    go_on = threading.Event()
    emulator.stub("slow", lambda _event: go_on.wait(50))
    api.invoke("slow", sync=False)
    assert api.delete("slow").status_code == 204
    go_on.set()
    emulator.settle()
    assert emulator.calls_of("slow")[0].status == "fulfilled"


def test_a_stub_that_would_wait_for_itself_is_told_so(emulator: Emulator, api: API) -> None:
    async def coroutine(_event: dict[str, Any]) -> None:
        emulator.settle()

    emulator.stub("coroutine", coroutine)
    emulator.stub("plain", lambda _event: emulator.reset())
    for name in ("coroutine", "plain"):
        assert "a stub can't wait until the emulator" in api.invoke(name).json()["error"]["message"]


def test_a_coroutine_may_call_the_emulator_without_awaiting(emulator: Emulator, api: API) -> None:
    async def inner(event: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return event["data"]

    async def outer(event: dict[str, Any]) -> Any:
        return api.invoke("inner", event["data"]).json()["data"]

    emulator.stub("inner", inner)
    emulator.stub("outer", outer)
    assert api.invoke("outer", {"a": 1}).json()["data"] == {"a": 1}


def test_a_coroutine_that_cancels_itself_fails(emulator: Emulator, api: API) -> None:
    async def cancelled(_event: dict[str, Any]) -> None:
        message = "changed my mind"
        raise asyncio.CancelledError(message)

    async def cancelling(_event: dict[str, Any]) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(50)

    for stub in (cancelled, cancelling):
        emulator.stub("stub", stub)
        result = api.debug("stub", data={}).json()
        assert (result["code"], result["error"]["type"]) == (1, "CancelledError")
        assert "stopped" not in result["log"]
    assert api.jobs("stub").json()["objects"][0]["status"] == "execution_failed"


def test_an_exception_that_can_not_be_printed_is_a_failure_like_any(emulator: Emulator, api: API) -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def broken(_event: dict[str, Any]) -> None:
        raise UnprintableError

    emulator.stub("broken", broken)
    error = api.invoke("broken").json()["error"]
    assert error["type"] == "UnprintableError"
    assert error["message"] == "<exception str() failed>"
    assert "in broken" in error["stack"]


def test_a_coroutine_that_takes_too_long_is_cancelled() -> None:
    cancelled = threading.Event()

    async def endless(_event: dict[str, Any]) -> None:
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with Emulator(limits=Limits(sync_seconds=0.3)) as emulator:
        emulator.stub("endless", endless)
        api = API(emulator.url, emulator.access_token)
        assert api.invoke("endless").json()["error"]["type"] == "TimeoutError"
        assert cancelled.wait(50)
        api.http.close()


def test_settling_takes_no_longer_than_asked(emulator: Emulator, api: API) -> None:
    go_on = threading.Event()
    emulator.stub("slow", lambda _event: go_on.wait(50))
    api.invoke("slow", sync=False)
    with pytest.raises(TimeoutError):
        emulator.settle(timeout=0.1)
    go_on.set()
    emulator.settle()
    assert emulator.calls[0].status == "fulfilled"


def test_nothing_can_be_asked_of_an_emulator_that_does_not_run() -> None:
    emulator = Emulator()
    for use in (lambda: emulator.url, lambda: emulator.stub("a", print), lambda: emulator.calls):
        with pytest.raises(EmulatorError, match="start it with `with Emulator"):
            use()
    with emulator, pytest.raises(EmulatorError, match="is running already"):
        emulator.start()
    emulator.close()


def test_the_limits_are_the_documented_ones() -> None:
    limits = Limits()
    assert (limits.sync_seconds, limits.async_seconds) == (5, 300)
    assert (limits.free_concurrency, limits.personal_concurrency) == (100, 10)
    assert (limits.sync_scheduling_seconds, limits.async_scheduling_seconds) == (2, 300)


class TestWithSmallLimits:
    """Limits on time and on concurrent calls that are small enough to be reached.

    Whatever a test does not mean to run into stays large: that no machine is too slow for it.
    """

    @staticmethod
    @contextlib.contextmanager
    def limited(**limits: Any) -> Generator[tuple[Emulator, API]]:
        limits.setdefault("sync_seconds", 60.0)
        with Emulator(limits=Limits(**limits)) as emulator:
            api = API(emulator.url, emulator.access_token)
            yield emulator, api
            api.http.close()

    def test_a_call_that_takes_too_long_is_ended(self) -> None:
        with self.limited(sync_seconds=0.3) as (emulator, api):
            emulator.stub("slow", lambda _event: time.sleep(0.6))
            emulator.stub("endless", lambda _event: threading.Event().wait(50))
            result = api.invoke("endless").json()
            assert (result["code"], result["data"], result["error"]["type"]) == (1, None, "TimeoutError")
            # The limit of a call that is not waited for is another one.
            api.invoke("slow", sync=False)
            emulator.settle(50)
            assert [call.status for call in emulator.calls] == ["deadline_exceeded", "fulfilled"]
            assert api.jobs("endless").json()["objects"][0]["status"] == "deadline_exceeded"
            assert api.jobs("slow").json()["objects"][0]["status"] == "fulfilled"
        with self.limited(async_seconds=0.3) as (emulator, api):
            emulator.stub("endless", lambda _event: threading.Event().wait(50))
            api.invoke("endless", sync=False)
            emulator.settle(50)
            assert api.jobs("endless").json()["objects"][0]["status"] == "deadline_exceeded"

    def test_a_call_above_the_limit_waits_for_its_turn_and_then_is_not_scheduled(self) -> None:
        go_on = threading.Event()
        with self.limited(personal_concurrency=1, sync_scheduling_seconds=0.2) as (emulator, api):
            emulator.stub("slow", lambda _event: go_on.wait(50))
            api.update("slow", plan_circle="P_PERSONAL")
            api.invoke("slow", sync=False)
            refused = api.invoke("slow")
            assert refused.status_code == 400
            assert "任务调度失败" in refused.json()["error_msg"]
            (job, _) = api.jobs("slow").json()["objects"]
            assert (job["status"], job["started_at"], job["user_log_url"]) == ("schedule_failed", None, None)
            assert job["finished_at"] is not None
            api.invoke("slow", sync=False)
            assert api.jobs("slow", status="waiting").json()["meta"]["total_count"] == 1
            go_on.set()
            emulator.settle(50)
            assert api.jobs("slow", status="fulfilled").json()["meta"]["total_count"] == 2

    def test_an_asynchronous_call_gives_up_waiting_too(self) -> None:
        go_on = threading.Event()
        with self.limited(personal_concurrency=1, async_scheduling_seconds=0.4) as (emulator, api):
            emulator.stub("slow", lambda _event: go_on.wait(50))
            api.update("slow", plan_circle="P_PERSONAL")
            for _ in range(2):
                api.invoke("slow", sync=False)
            while emulator.calls[1].status == "waiting":
                time.sleep(0.01)
            go_on.set()
            emulator.settle(50)
            later, first = api.jobs("slow").json()["objects"]
            assert (first["status"], later["status"]) == ("fulfilled", "schedule_failed")

    def test_each_plan_has_a_limit_of_its_own(self) -> None:
        go_on = threading.Event()
        with self.limited(free_concurrency=2, personal_concurrency=1, sync_scheduling_seconds=0.2) as (emulator, api):
            emulator.stub("free", lambda _event: go_on.wait(50))
            emulator.stub("personal", lambda _event: 1)
            api.update("personal", plan_circle="P_PERSONAL")
            for _ in range(2):
                api.invoke("free", sync=False)
            assert api.invoke("free").status_code == 400
            assert api.invoke("personal").json()["data"] == 1
            go_on.set()

    @pytest.fixture
    def node_that_starts_late(self, tmp_path: Path) -> tuple[str, Path]:
        """A Node that starts once a file is there, and that file."""
        program, file = tmp_path / "node", tmp_path / "start"
        node = find_node().path
        waiting = f"while [ ! -e {file} ]; do sleep 0.02; done; exec {node}"
        program.write_text(f'#!/bin/sh\ncase $1 in -e) echo "Node v12.22.12 $0";; *) {waiting} "$@";; esac\n')
        program.chmod(0o755)
        return str(program), file

    def test_a_call_above_the_limit_is_refused_in_time_while_containers_start(
        self, node_that_starts_late: tuple[str, Path]
    ) -> None:
        node, start = node_that_starts_late
        limits = Limits(free_concurrency=2, sync_scheduling_seconds=0.2, sync_seconds=60)
        with Emulator(limits=limits, node=node) as emulator:
            api = API(emulator.url, emulator.access_token)
            api.create("greet")
            for _ in range(2):
                api.invoke("greet", sync=False)
            assert "任务调度失败" in api.invoke("greet").json()["error_msg"]
            # A job runs from when its call has a container.
            assert [job["status"] for job in api.jobs("greet").json()["objects"]][1:] == ["waiting", "waiting"]
            start.touch()
            emulator.settle(50)
            first = api.jobs("greet").json()["objects"][-1]
            assert first["status"] == "fulfilled"
            assert first["started_at"] > first["created_at"] + 0.2
            api.http.close()

    def test_functions_that_call_each_other_for_ever_come_to_an_end(self) -> None:
        with self.limited(free_concurrency=2, sync_scheduling_seconds=0.2) as (emulator, api):
            emulator.deploy("again", "exports.main = () => BaaS.invoke('again', {}, true)")
            api.invoke("again")
            emulator.settle(50)
            # The third has no room, which the second is told, and it tells the first.
            assert [call.status for call in emulator.calls] == ["fulfilled", "fulfilled", "schedule_failed"]


class TestWithNode:
    """Real code, through the runtime."""

    @pytest.fixture
    def pragma(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """Sets a PRAGMA of the emulator's database."""
        opened: list[sqlite3.Connection] = []
        connect = sqlite3.connect

        def kept(*args: Any, **options: Any) -> sqlite3.Connection:
            opened.append(connect(*args, **options))
            return opened[-1]

        monkeypatch.setattr(sqlite3, "connect", kept)

        def set_pragma(setting: str) -> None:
            opened[-1].execute(f"PRAGMA {setting}")

        return set_pragma

    def test_deployed_code_runs(self, emulator: Emulator, api: API) -> None:
        api.create("测试", "exports.main = async event => ({'你好': event.data, t: event.eventType})")
        answer = api.invoke("%E6%B5%8B%E8%AF%95", {"a": "\u2028"})
        assert answer.json() == {"code": 0, "data": {"你好": {"a": "\u2028"}, "t": "open_api"}, "error": {}}
        tried = api.debug("%E6%B5%8B%E8%AF%95", data={}).json()
        assert tried["mem_usage"] > 1_000_000
        job = api.jobs("%E6%B5%8B%E8%AF%95").json()["objects"][0]
        assert job["mem_usage"] == tried["mem_usage"]
        assert WEB.get(job["user_log_url"]).text == tried["log"]
        assert emulator.calls[0].result == answer.json()

    def test_new_code_is_what_runs_next(self, api: API) -> None:
        api.create("greet", "exports.main = async () => 'one'")
        assert api.invoke("greet").json()["data"] == "one"
        api.update("greet", function_code="exports.main = async () => 'two'")
        assert api.invoke("greet").json()["data"] == "two"
        api.delete("greet")
        api.create("greet", "exports.main = async () => 'three'")
        assert api.invoke("greet").json()["data"] == "three"

    def test_a_failure_has_message_stack_and_type(self, api: API) -> None:
        api.create("broken", "exports.main = (event, callback) => { callback(null, 1)  fot debug }")
        result = api.debug("broken", data={}).json()
        assert (result["code"], result["error"]["type"]) == (1, "SyntaxError")
        assert "ERROR" in result["log"]

    def test_one_function_calls_another_of_its_environment(self, emulator: Emulator, api: API) -> None:
        emulator.deploy("outer", "exports.main = async e => BaaS.invoke('inner', e.data, e.data.sync)")
        emulator.stub("inner", lambda event: event["eventType"])
        assert api.invoke("outer", {"sync": True}).json()["data"] == {
            "code": 0,
            "data": "cloud_function",
            "error": {},
        }
        assert api.invoke("outer", {"sync": False}).json()["data"] == {"status": "ok"}
        emulator.settle()
        jobs = api.jobs("inner").json()["objects"]
        assert [(job["source"], job["service_type"]) for job in jobs] == [
            ("cloud_function", "batch"),
            ("cloud_function", "time_sensitive"),
        ]
        api.delete("inner")
        missing = api.invoke("outer", {"sync": True}).json()
        assert missing["code"] == 1
        assert "no function named 'inner'" in missing["error"]["message"]

    def test_code_comes_from_a_file_or_a_folder(self, emulator: Emulator, api: API, tmp_path: Any) -> None:
        (tmp_path / "index.js").write_text("exports.main = async () => 1", "utf-8")
        emulator.deploy("file", tmp_path / "index.js", remark="from a file")
        emulator.deploy("folder", tmp_path, plan_circle="P_PERSONAL")
        assert [api.invoke(name).json()["data"] for name in ("file", "folder")] == [1, 1]
        assert api.get("file").json()["remark"] == "from a file"
        assert api.get("folder").json()["plan_circle"] == "P_PERSONAL"
        for source in ("", tmp_path / "missing.js", str(tmp_path / "index.js")):
            complaint = (
                r"'none' is not deployed: (the code must not be empty|there is no file .*missing\.js|.*pass Path\()"
            )
            with pytest.raises(EmulatorError, match=complaint):
                emulator.deploy("none", source)

    def test_a_job_whose_outcome_cannot_be_stored_has_failed(self, pragma: Callable[[str], None]) -> None:
        with Emulator() as emulator:
            api = API(emulator.url, emulator.access_token)
            emulator.deploy("loud", "exports.main = async () => { console.log('x'.repeat(9e5)); return 'done' }")

            async def fill(_event: object) -> None:
                pragma("max_page_count = 60")

            emulator.stub("fill", fill)
            api.invoke("fill")
            result = api.invoke("loud").json()
            assert (result["code"], result["data"]) == (1, None)
            said = "the emulator could not store how the call ended: database or disk is full"
            assert result["error"]["message"] == said
            (job,) = api.jobs("loud").json()["objects"]
            assert (job["status"], job["user_log_url"]) == ("execution_failed", None)
            assert emulator.calls_of("loud")[0].status == "execution_failed"
            api.http.close()

    def test_a_job_is_marked_failed_as_soon_as_there_is_room(
        self, pragma: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mincloud_emulator.core.invocations._RECORD_AGAIN_SECONDS", 0.3)
        with Emulator() as emulator:
            api = API(emulator.url, emulator.access_token)

            def fill(_event: object) -> None:
                pragma("query_only = 1")
                threading.Timer(0.6, pragma, ["query_only = 0"]).start()

            emulator.stub("fill", fill)
            assert "could not store" in api.invoke("fill").json()["error"]["message"]
            while api.jobs("fill").json()["objects"][0]["status"] == "executing":
                time.sleep(0.01)
            assert api.jobs("fill").json()["objects"][0]["status"] == "execution_failed"
            api.http.close()

    def test_what_is_brought_as_baas_is_there_in_functions(self, tmp_path: Path) -> None:
        file = tmp_path / "baas.js"
        file.write_text("exports.request = async options => ({data: options.url})")
        with Emulator(baas=file, strict=True) as emulator:
            api = API(emulator.url, emulator.access_token)
            api.create("fetching", "exports.main = async () => (await BaaS.request({url: 'a'})).data")
            assert api.invoke("fetching").json()["data"] == "a"
            api.create("connecting", "exports.main = (e, callback) => require('net').connect(1).on('error', callback)")
            assert "no network but BaaS.request" in api.invoke("connecting").json()["error"]["message"]
            api.http.close()
        with pytest.raises(EmulatorError, match=r"there is no file .*/none\.js to stand in for BaaS"):
            Emulator(baas=tmp_path / "none.js").start()

    def test_without_node_a_call_says_what_to_do_and_stubs_work(self) -> None:
        with Emulator(node="/nonexistent/node") as emulator:
            api = API(emulator.url, emulator.access_token)
            api.create("greet")
            result = api.invoke("greet").json()
            assert result["code"] == 1
            assert "install Node" in result["error"]["message"]
            assert api.jobs("greet").json()["objects"][0]["status"] == "execution_rejected"
            emulator.stub("stub", lambda _event: 1)
            assert api.invoke("stub").json()["data"] == 1
            api.http.close()


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


def test_any_json_goes_through_a_call_unchanged(emulator: Emulator, api: API) -> None:
    emulator.stub("echo", lambda event: event["data"])

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(_JSON)
    def echoed(value: Any) -> None:
        assert api.debug("echo", data=value).json()["data"] == value
        assert api.invoke("echo", {"value": value}).json()["data"] == {"value": value}

    echoed()
