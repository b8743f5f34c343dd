"""Many calls that are not waited for: each with its own job, followed together, with what they returned."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mincloud import (
    AmbiguousJob,
    AsyncMinCloud,
    BadRequest,
    ConfigurationError,
    Forbidden,
    JobFailed,
    JobNotFound,
    JobTimeout,
    MinCloud,
    NotFound,
    ResultUnavailable,
    Run,
    Unauthorized,
)
from mincloud_emulator import Emulator

from .conftest import Action, OpenSide, Side
from .scripted_service import LONG_AGO, Received, Reply, ScriptedService
from .skipped_time import skipping
from .test_job_matching import STAMP, log_of


def record(service: ScriptedService, data: object = None, log: str | None = None, **fields: Any) -> int:
    """Lists a job with its log; gives its id."""
    number = 1 + max((job["id"] for job in service.jobs), default=0)
    service.logs[number] = log_of({} if data is None else data, data) if log is None else log
    made: dict[str, Any] = {"created_at": LONG_AGO + 0.5, "user_log_url": service.log_url(number), **fields}
    service.add_jobs(1, **made)
    return number


def trigger(side: Side, data: Any = None, name: str = "greet") -> Any:
    return side.run(lambda cloud: cloud.functions.trigger(name, data))


def result_of(run: Any, timeout: float = 30) -> Action:
    return lambda _: run.result(timeout=timeout)


def wait_for(run: Any) -> Action:
    return lambda _: run.wait(timeout=30)


def log_text_of(run: Any) -> Action:
    return lambda _: run.log(timeout=30)


def resuming(saved: Any) -> Action:
    return lambda cloud: cloud.functions.resume(saved)


def lists(service: ScriptedService) -> list[Received]:
    return [received for received in service.received if received.is_list]


def logs_read(service: ScriptedService) -> list[int]:
    return [received.log for received in service.received if received.is_log]


# Each its own


def test_calls_at_once_have_each_their_own_job_and_result(emulated: Side, emulator: Emulator) -> None:
    def greet(event: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.05 * (event["data"]["n"] % 4))
        return {"n": event["data"]["n"], "名": "爱范儿"}

    emulator.stub("greet", greet)
    runs = [trigger(emulated, {"n": n}) for n in range(12)]
    copies = emulated.run(lambda cloud: cloud.with_options(timeout=9))
    for n in range(12, 16):
        data = {"n": n}
        runs.append(emulated.run(lambda _: copies.functions.trigger("greet", data)))  # noqa: B023 - run at once
    for n, run in reversed([*enumerate(runs)]):
        assert emulated.run(result_of(run)) == {"n": n, "名": "爱范儿"}
    assert len({run.job.id for run in runs}) == 16
    assert all(run.done and not run.failed for run in runs)


@pytest.mark.parametrize("is_listed_first", [True, False])
def test_another_programs_call_is_never_taken(side: Side, service: ScriptedService, is_listed_first: bool) -> None:
    record(service, {"who": "another"})
    ours: list[int] = []

    def come(received: Received) -> None:
        if received.is_list and len(lists(service)) == (1 if is_listed_first else 4):
            ours.append(record(service, {"who": "we"}))

    service.before = come
    run = trigger(side, {"who": "we"})
    assert side.run(lambda _: run.wait(timeout=30, poll_interval=0.01)).id == ours[0]


def test_another_programs_call_that_runs_does_not_hold_up_ours_for_long(side: Side, service: ScriptedService) -> None:
    service.add_jobs(1, status="executing", created_at=LONG_AGO + 0.2)
    service.triggered = lambda received: record(service, received.body["data"])
    run = trigger(side, {"who": "we"})
    assert side.run(wait_for(run)).id == 2


def test_a_running_job_is_not_taken_before_its_log_tells(side: Side, service: ScriptedService) -> None:
    service.add_jobs(1, status="executing", created_at=LONG_AGO + 0.2)
    run = trigger(side, {"who": "we"})
    with skipping(), pytest.raises(JobTimeout, match="job 1 of 'greet', which may be this call, is still executing"):
        side.run(wait_for(run))
    assert run.job is None
    assert not run.done


def test_a_running_job_is_taken_once_its_log_tells(side: Side, service: ScriptedService) -> None:
    number = record(service, {"who": "we"}, status="executing")
    run = trigger(side, {"who": "we"})
    with skipping():
        with pytest.raises(JobTimeout, match=r"^job 1 of 'greet' is still executing after 30 s$"):
            side.run(wait_for(run))
        assert run.job.id == number
        service.jobs[0]["status"] = "fulfilled"
        assert side.run(result_of(run)) == {"who": "we"}


def test_runs_of_equal_data_are_interchangeable(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    runs = [trigger(side, {"n": 1}) for _ in range(5)]
    assert {side.run(wait_for(run)).id for run in runs} == {1, 2, 3, 4, 5}


def test_more_jobs_than_runs_of_equal_data_are_ambiguous(side: Side, service: ScriptedService) -> None:
    for data in ({"n": 1}, {"n": 1}, {"n": 2}):
        record(service, data)
    run = trigger(side, {"n": 1})
    with pytest.raises(AmbiguousJob) as ambiguous:
        side.run(wait_for(run))
    assert str(ambiguous.value) == (
        "2 jobs of 'greet' could be this call, and nothing tells which: job 2 (fulfilled), 1 (fulfilled); put an id of your own into "
        "the data of each call, which its log will show"
    )
    assert run.job is None


@pytest.mark.parametrize(
    "log",
    [
        None,
        "",
        f"{STAMP} LOG event.data:  {{ n: 1, t: 'cut",
        f"{STAMP} LOG hello\n{STAMP} LOG event.data:  {{ n: 2 }}\n",
    ],
)
def test_a_job_whose_log_tells_nothing_is_found_alone_and_not_among_others(
    side: Side, service: ScriptedService, log: str | None
) -> None:
    for attempt in (1, 2):
        number = record(service, log=log or "")
        if log is None:
            del service.logs[number]
        if attempt == 1:
            run = trigger(side, {"n": 1})
            assert side.run(wait_for(run)).id == number
    record(service, log="")
    with pytest.raises(AmbiguousJob):
        side.run(lambda _: trigger_and_wait(side))


def trigger_and_wait(side: Side) -> Any:
    cloud: Any = side.cloud
    if isinstance(cloud, AsyncMinCloud):

        async def both() -> Any:
            return await (await cloud.functions.trigger("greet", {"n": 1})).wait(timeout=30)

        return both()
    return cloud.functions.trigger("greet", {"n": 1}).wait(timeout=30)


def test_data_that_no_log_shows_neither_proves_nor_excludes(side: Side, service: ScriptedService) -> None:
    record(service, {"__proto__": 1})
    run = trigger(side, {"__proto__": 1})
    assert side.run(wait_for(run)).id == 1


def test_a_log_is_read_once_and_without_the_token(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    runs = [trigger(side, {"n": n}) for n in range(5)]
    for n, run in enumerate(runs):
        assert side.run(result_of(run)) == {"n": n}
        assert log_of({"n": n}, {"n": n}) == side.run(log_text_of(run))
    assert sorted(logs_read(service)) == [1, 2, 3, 4, 5]
    assert all("authorization" not in received.headers for received in service.received if received.is_log)


# One look for all


async def test_fifty_tasks_that_wait_share_their_looks(service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"], status="executing")
    service.log_url = lambda number: f"{service.url}/logs/{number}"  # type: ignore[method-assign]
    with skipping() as skipped:
        async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
            runs = [await cloud.functions.trigger("greet", {"n": n}) for n in range(50)]
            for job in service.jobs:
                job["user_log_url"] = None

            def end(received: Received) -> None:
                if received.is_list and skipped.monotonic() - skipped.began > 60:
                    for job in service.jobs:
                        job.update(status="fulfilled", user_log_url=service.log_url(job["id"]))

            service.before = end
            jobs = await asyncio.gather(*(run.wait(timeout=300) for run in runs))
    assert [run.job for run in runs] == jobs
    assert sorted(logs_read(service)) == list(range(1, 51))
    assert len(lists(service)) <= 21


def test_fifty_threads_that_wait_share_their_looks(service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    with MinCloud(base_url=service.url, access_token="t") as cloud, ThreadPoolExecutor(50) as pool:
        runs = [cloud.functions.trigger("greet", {"n": n}) for n in range(50)]
        results = [each.result() for each in [pool.submit(run.result, 30) for run in runs]]
    assert results == [{"n": n} for n in range(50)]
    assert sorted(logs_read(service)) == list(range(1, 51))
    assert len(lists(service)) <= 4


def test_following_hundreds_of_calls_takes_little_processor_time(service: ScriptedService) -> None:
    service.triggered = lambda received: record(
        service, received.body["data"], status="executing", user_log_url=None, finished_at=None
    )
    still = [*range(300)]

    def end_some(received: Received) -> None:
        if received.is_list:
            for _ in range(min(30, len(still))):
                job = service.jobs[still.pop()]
                job.update(
                    status="fulfilled", user_log_url=service.log_url(job["id"]), finished_at=LONG_AGO + 300 - len(still)
                )

    with MinCloud(base_url=service.url, access_token="t") as cloud, skipping():
        runs = [cloud.functions.trigger("greet", {"n": n}) for n in range(300)]
        service.before = end_some
        began = time.thread_time()
        ended = [*cloud.functions.as_completed(runs, timeout=3600)]
        assert time.thread_time() - began < 8
    assert len(ended) == 300
    assert all(run.done for run in runs)


def test_a_list_of_more_than_a_page_is_read_whole(side: Side, service: ScriptedService) -> None:
    service.longest_page = 7
    service.triggered = lambda received: record(service, received.body["data"])
    runs = [trigger(side, {"n": n}) for n in range(30)]
    assert [side.run(result_of(run)) for run in runs] == [{"n": n} for n in range(30)]


def test_runs_whose_jobs_have_ended_are_waited_for_without_more_looks(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    runs = [trigger(side, {"n": n % 3}) for n in range(12)]
    side.run(lambda cloud: cloud.functions.as_completed(runs))
    looks = len(lists(service))
    assert [side.run(result_of(run)) for run in runs] == [{"n": n % 3} for n in range(12)]
    assert len(lists(service)) == looks


@pytest.mark.parametrize("reply", [Reply(429), Reply(502, "<html>"), Reply(503), Reply(504), Reply(cut=True)])
def test_a_look_that_fails_for_a_while_is_a_missed_look(side: Side, service: ScriptedService, reply: Reply) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    service.before = lambda received: reply if received.is_list and len(lists(service)) < 4 else None
    run = trigger(side, {"n": 1})
    with skipping():
        assert side.run(result_of(run)) == {"n": 1}
    assert len(lists(service)) == 4


@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequest), (401, Unauthorized), (403, Forbidden), (404, NotFound)]
)
def test_a_look_that_fails_for_good_ends_the_wait(
    side: Side, service: ScriptedService, status: int, error: type[Exception]
) -> None:
    service.before = lambda received: Reply(status) if received.is_list else None
    run = trigger(side)
    with pytest.raises(error):
        side.run(wait_for(run))
    assert len(lists(service)) == 1


def test_a_service_that_never_lists_is_waited_for_to_the_end(side: Side, service: ScriptedService) -> None:
    service.before = lambda received: Reply(503) if received.is_list else None
    run = trigger(side)
    with skipping(), pytest.raises(JobNotFound, match="no job of 'greet' appeared within 30 s"):
        side.run(wait_for(run))


def test_what_the_service_asks_to_wait_for_is_honoured_by_all(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    with skipping() as skipped:
        times: list[float] = []

        def refuse_at_first(received: Received) -> Reply | None:
            if not received.is_list:
                return None
            times.append(skipped.monotonic())
            return Reply(429, headers={"Retry-After": "20"}) if len(times) == 1 else None

        service.before = refuse_at_first
        runs = [trigger(side, {"n": n}) for n in range(3)]
        assert len(side.run(lambda cloud: cloud.functions.as_completed(runs, timeout=60))) == 3
    assert len(times) == 2
    assert 20 <= times[1] - times[0] < 22


async def test_a_waiter_that_is_cancelled_in_a_look_disturbs_no_other(service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    is_asked, over = threading.Event(), threading.Event()

    def hold(received: Received) -> None:
        if received.is_list and len(lists(service)) == 1:
            is_asked.set()
            over.wait(30)

    service.delay = hold
    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
        runs = [await cloud.functions.trigger("greet", {"n": n}) for n in range(3)]
        waits = [asyncio.create_task(run.result(timeout=30)) for run in runs]
        while not is_asked.is_set():
            await asyncio.sleep(0.01)
        waits[0].cancel()
        results = await asyncio.gather(*waits, return_exceptions=True)
        over.set()
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1:] == [{"n": 1}, {"n": 2}]
        assert await runs[0].result(timeout=30) == {"n": 0}


def test_a_waiter_that_runs_out_of_time_in_a_look_disturbs_no_other(service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"])
    over = threading.Event()
    service.delay = lambda received: over.wait(30) if received.is_list and len(lists(service)) == 1 else None
    with MinCloud(base_url=service.url, access_token="t") as cloud, ThreadPoolExecutor(2) as pool:
        runs = [cloud.functions.trigger("greet", {"n": n}) for n in range(2)]
        short = pool.submit(runs[0].result, 1)
        while not lists(service):
            time.sleep(0.01)
        long = pool.submit(runs[1].result, 30)
        with pytest.raises(JobNotFound):
            short.result()
        over.set()
        assert long.result() == {"n": 1}


# What it returned


VALUES: list[Any] = [None, 0, "1.0", "it's\n", [], {"a": [1, True, {}]}, "x" * 9000, -0.5, 1e300]


@pytest.mark.parametrize("value", VALUES)
def test_a_result_is_exactly_what_was_returned(emulated: Side, emulator: Emulator, value: Any) -> None:
    emulator.stub("greet", lambda _: value)
    run = trigger(emulated)
    result = emulated.run(result_of(run))
    assert (type(result), result) == (type(value), value)


def test_a_result_that_the_log_does_not_show_whole_is_said_with_the_way_out(
    side: Side, service: ScriptedService
) -> None:
    service.triggered = lambda received: record(service, {"a": {"b": {"c": {"d": {}}}}})
    run = trigger(side, {"a": {"b": {"c": {"d": {}}}}})
    with pytest.raises(ResultUnavailable) as unavailable:
        side.run(result_of(run))
    error = unavailable.value
    assert str(error).startswith("what job 1 of 'greet' returned cannot be told: the log shows only a part")
    assert "have the function log a line `mincloud.result <JSON>`" in str(error)
    assert error.job == run.job
    assert error.log == service.logs[1]
    for same in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert (str(same), same.job, same.log) == (str(error), error.job, error.log)


def test_a_result_that_the_function_logs_is_read_whatever_its_size(side: Side, service: ScriptedService) -> None:
    big = {"rows": [{"n": n, "in": {"a": {"b": [n]}}} for n in range(300)]}
    shown = f"{STAMP} LOG event.data:  {{}}\n{STAMP} LOG mincloud.result {json.dumps(big)}\n"
    service.triggered = lambda _: record(service, log=shown)
    assert side.run(result_of(trigger(side))) == big


def test_a_result_without_a_log_is_unavailable(side: Side, service: ScriptedService) -> None:
    service.add_jobs(1, created_at=LONG_AGO + 0.5)
    run = trigger(side)
    with pytest.raises(ResultUnavailable) as unavailable:
        side.run(result_of(run))
    assert str(unavailable.value) == (
        "what job 1 of 'greet' returned cannot be told, since its log is not to be had (job 1 has no log yet: it is fulfilled; list it "
        "again when it has ended): have the function keep what it returns"
    )
    assert unavailable.value.log is None


def test_a_failure_says_why_and_has_its_log(emulated: Side, emulator: Emulator) -> None:
    def fail(event: dict[str, Any]) -> None:
        raise ValueError(f"no month {event['data']['month']}")

    emulator.stub("fail", fail)
    run = trigger(emulated, {"month": 13}, "fail")
    for ask in (wait_for(run), result_of(run)):
        with pytest.raises(JobFailed, match=r"ended as execution_failed: ValueError: no month 13$"):
            emulated.run(ask)
    assert run.done
    assert run.failed
    assert "no month 13" in emulated.run(lambda _: run.log())


def test_a_log_whose_address_has_expired_is_read_at_its_new_one(side: Side, service: ScriptedService) -> None:
    record(service, {"n": 1}, status="executing")
    run = trigger(side, {"n": 1})
    with skipping():
        with pytest.raises(JobTimeout):
            side.run(wait_for(run))
        service.jobs[0]["status"] = "fulfilled"
        side.run(wait_for(run))
    expired = service.jobs[0]["user_log_url"]
    service.jobs[0]["user_log_url"] = f"{service.url}/logs/1?new=1"
    service.before = lambda received: (
        Reply(403) if received.is_log and not received.query and expired.endswith(received.path) else None
    )
    service.logs[1] = log_of({"n": 1}, "later")
    assert side.run(result_of(run)) == "later"


@pytest.mark.parametrize("ask", ["result", "log"])
def test_an_impossible_timeout_is_refused(side: Side, service: ScriptedService, ask: str) -> None:
    run = trigger(side)
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds above 0, not -1"):
        side.run(lambda _: getattr(run, ask)(timeout=-1))
    assert lists(service) == []


# Taken up again


def test_a_call_goes_on_in_another_process_from_its_json(
    open_side: OpenSide, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.stub("greet", lambda event: event["data"]["n"])
    options = {"base_url": emulator.url, "access_token": emulator.access_token}
    here, there = open_side(**options), open_side(**options)
    runs = [trigger(here, {"n": n}) for n in range(4)]
    here.run(lambda _: runs[0].wait(timeout=30))  # one is known already
    text = json.dumps([run.to_dict() for run in runs])
    assert "Signature" not in text
    assert "http" not in text
    saved = json.loads(text)
    assert saved[1]["data"] == {"n": 1}
    resumed = [there.run(resuming(one)) for one in saved]
    assert resumed[0].job.id == runs[0].job.id
    assert [there.run(result_of(run)) for run in resumed] == [0, 1, 2, 3]


def test_a_call_that_is_taken_up_twice_is_one_call(side: Side, service: ScriptedService) -> None:
    record(service, {"n": 1})
    run = trigger(side, {"n": 1})
    again = side.run(lambda cloud: cloud.functions.resume(run.to_dict()))
    assert side.run(result_of(again)) == {"n": 1}
    assert run.job is again.job
    assert copy.deepcopy(run) is copy.copy(run) is run


def test_a_call_that_nobody_has_any_more_can_be_taken_up(side: Side, service: ScriptedService) -> None:
    for number in (1, 2):
        record(service, {"n": number})
    run = trigger(side, {"n": 1})
    saved = run.to_dict()
    side.run(wait_for(run))
    call = weakref.ref(run._call)
    del run
    gc.collect()
    assert call() is None  # with it went its log
    again = side.run(resuming(saved))
    assert side.run(result_of(again)) == {"n": 1}


def test_a_call_is_taken_up_in_its_own_environment(open_side: OpenSide, service: ScriptedService) -> None:
    record(service, {"n": 1})
    run = trigger(open_side(base_url=service.url, access_token="t", environment="staging"), {"n": 1})
    other = open_side(base_url=service.url, access_token="t")
    resumed = other.run(lambda cloud: cloud.functions.resume(run.to_dict()))
    other.run(result_of(resumed))
    assert {received.headers.get("x-hydrogen-env-id") for received in lists(service)} == {"staging"}


def test_a_run_is_pickled_without_secrets(
    open_side: OpenSide, service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(service, {"n": 1})

    def note(_: object) -> None:
        """What is defined within a function cannot be pickled."""

    side = open_side(base_url=service.url, access_token="t", on_attempt=note)
    run = trigger(side, {"n": 1})
    side.run(wait_for(run))
    pickled = pickle.dumps(run)
    assert b"/logs/" not in pickled
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", "another-token")
    loaded, same = pickle.loads(pickled), pickle.loads(pickled)
    assert loaded.job.id == 1
    assert loaded.job is same.job
    assert side.run(result_of(loaded)) == {"n": 1}
    client = loaded._watched.pipeline
    side.run(lambda _: client.close() if isinstance(loaded, Run) else client.aclose())


@pytest.mark.parametrize(
    ("saved", "error", "message"),
    [
        ("text", TypeError, "saved must be the dict that run.to_dict() gave, not str"),
        ({}, ValueError, "saved is not what run.to_dict() gave: 'function' is missing"),
        ({"function": ""}, ValueError, "saved is not what run.to_dict() gave: a function's name must not be empty"),
        (
            {"function": "f", "data": {}, "since": "1", "until": 2},
            ValueError,
            "saved is not what run.to_dict() gave: '1' is no time",
        ),
        (
            {"function": "f", "data": {}, "since": 1, "until": 2, "key": "k", "environment": None, "job": {"id": 1}},
            ValueError,
            "saved is not what run.to_dict() gave: status: is missing",
        ),
        (
            {"function": "f", "data": {}, "since": 1, "until": 2, "key": 5, "environment": None, "job": None},
            ValueError,
            "saved is not what run.to_dict() gave: its key or environment is no string",
        ),
    ],
)
def test_what_cannot_be_taken_up_is_said(side: Side, saved: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as refused:
        side.run(lambda cloud: cloud.functions.resume(saved))
    assert str(refused.value).startswith(message)


# In the order in which they end


def test_runs_come_in_the_order_in_which_they_end(open_side: OpenSide, emulator: Emulator) -> None:
    def wait(event: dict[str, Any]) -> int:
        time.sleep(event["data"]["seconds"])
        if event["data"]["seconds"] == 0.3:
            raise ValueError("no")
        return 1

    emulator.stub("one", wait)
    emulator.stub("other", wait)
    options = {"base_url": emulator.url, "access_token": emulator.access_token}
    side = open_side(**options)
    staging = side.run(lambda cloud: cloud.with_options(environment="staging"))
    side.run(lambda _: staging.functions.create("there", "exports.main = async () => 1"))
    emulator.stub("there", wait, environment="staging")
    seconds = [0.9, 0.1, 0.6, 0.3, 1.2, 0.0]
    runs = [trigger(side, {"seconds": each}, "one" if n % 2 else "other") for n, each in enumerate(seconds)]
    runs.append(side.run(lambda _: staging.functions.trigger("there", {"seconds": 0.45})))
    ended = side.run(lambda cloud: cloud.functions.as_completed(runs, timeout=30))
    assert {id(run) for run in ended} == {id(run) for run in runs}
    assert len(ended) == len(runs)
    times = [run.job.finished_at for run in ended]
    assert times == sorted(times)
    assert [run.failed for run in runs] == [each == 0.3 for each in seconds] + [False]


def test_runs_that_have_ended_long_ago_come_in_their_order_too(side: Side, service: ScriptedService) -> None:
    runs: list[Any] = []
    for n, finished_at in enumerate((3.0, 1.0, 2.0)):
        record(service, {"n": n}, finished_at=LONG_AGO + finished_at)
        runs.append(trigger(side, {"n": n}))
    side.run(lambda _: runs[0].wait(timeout=30))
    ended = side.run(lambda cloud: cloud.functions.as_completed(iter(runs)))
    assert ended == [runs[1], runs[2], runs[0]]
    assert side.run(lambda cloud: cloud.functions.as_completed(runs)) == ended
    assert side.run(lambda cloud: cloud.functions.as_completed([])) == []


def test_a_run_that_cannot_be_told_from_another_comes_too(side: Side, service: ScriptedService) -> None:
    for _ in range(2):
        record(service, {"n": 1})
    record(service, {"n": 2})
    runs = [trigger(side, {"n": n}) for n in (1, 2)]
    ended = side.run(lambda cloud: cloud.functions.as_completed(runs))
    assert set(ended) == set(runs)
    with pytest.raises(AmbiguousJob):
        side.run(result_of(runs[0]))


def test_runs_that_do_not_end_in_time_are_counted(side: Side, service: ScriptedService) -> None:
    record(service, {"n": 1})
    service.add_jobs(1, status="executing", created_at=LONG_AGO + 0.5)
    runs = [trigger(side, {"n": n}) for n in (1, 2, 3)]
    ended: list[Any] = []
    with skipping(), pytest.raises(JobTimeout) as late:
        side.run(lambda cloud: _gathered(cloud.functions.as_completed(runs, timeout=60), ended))
    assert str(late.value) == "2 of 3 runs have not ended within 60 s"
    assert ended == [runs[0]]


def _gathered(iterator: Any, into: list[Any]) -> Any:
    if hasattr(iterator, "__aiter__"):

        async def gather() -> None:
            async for each in iterator:
                into.append(each)  # noqa: PERF401 - those before an error count

        return gather()
    into.extend(iterator)
    return None


def test_only_runs_can_be_waited_for(side: Side, service: ScriptedService) -> None:
    with pytest.raises(TypeError, match=r"runs must be what functions\.trigger or functions\.resume gave, not str"):
        side.run(lambda cloud: cloud.functions.as_completed(["greet"]))
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds above 0"):
        side.run(lambda cloud: cloud.functions.as_completed([], timeout=0))


def test_leaving_early_leaves_no_thread_and_asks_no_more(service: ScriptedService) -> None:
    for n in range(2):
        record(service, {"n": n}, status=("fulfilled", "executing")[n])
    with MinCloud(base_url=service.url, access_token="t") as cloud:
        runs = [cloud.functions.trigger("greet", {"n": n}) for n in range(2)]
        for run in cloud.functions.as_completed(runs):
            assert run is runs[0]
            break
        asked = len(service.received)
        assert not [each for each in threading.enumerate() if each.name.startswith("mincloud_")]
        time.sleep(0.7)
        assert len(service.received) == asked


async def test_leaving_early_leaves_no_task(service: ScriptedService) -> None:
    for n in range(2):
        record(service, {"n": n}, status=("fulfilled", "executing")[n])
    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
        runs = [await cloud.functions.trigger("greet", {"n": n}) for n in range(2)]
        async for run in cloud.functions.as_completed(runs):
            assert run is runs[0]
            break
        assert asyncio.all_tasks() == {asyncio.current_task()}


# Many inputs


def test_a_map_of_calls_that_are_not_waited_for_gives_what_each_returned(emulated: Side, emulator: Emulator) -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def work(event: dict[str, Any]) -> Any:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.1)
        with lock:
            busy -= 1
        n = event["data"]["n"]
        if n == 3:
            raise ValueError("three")
        return [[[[[n]]]]] if n == 5 else n

    emulator.stub("work", work)
    inputs: list[Any] = [{"n": n} for n in range(12)] + [{"n": {1}}]
    outcomes = emulated.run(lambda cloud: cloud.functions.map("work", iter(inputs), concurrency=4, sync=False))
    assert [outcome.index for outcome in outcomes] == list(range(13))
    assert [outcome.data for outcome in outcomes] == [*range(3), None, 4, None, *range(6, 12), None]
    assert isinstance(outcomes[3].error, JobFailed)
    assert isinstance(outcomes[5].error, ResultUnavailable)
    assert isinstance(outcomes[12].error, TypeError)
    assert outcomes[12].run is None
    assert all(outcome.run.done for outcome in outcomes[:12])
    assert 2 <= most <= 4


@pytest.mark.parametrize("ordered", [True, False])
def test_a_call_that_has_not_ended_in_time_keeps_its_place(side: Side, service: ScriptedService, ordered: bool) -> None:
    begun: list[float] = []

    with skipping() as skipped:

        def accept(received: Received) -> None:
            begun.append(skipped.monotonic() - skipped.began)
            record(service, received.body["data"], status="executing", user_log_url=None)

        def end(received: Received) -> None:
            for job in service.jobs:
                if skipped.monotonic() - skipped.began > begun[job["id"] - 1] + 100:
                    job.update(status="fulfilled", user_log_url=service.log_url(job["id"]))

        service.triggered = accept
        service.before = end
        outcomes = side.run(
            lambda cloud: cloud.functions.map(
                "greet", ({"n": n} for n in range(3)), concurrency=1, sync=False, timeout=20, ordered=ordered
            )
        )
    assert [type(outcome.error) for outcome in outcomes] == [JobTimeout] * 3
    assert begun[1] - begun[0] > 100
    assert begun[2] - begun[1] > 100


def test_leaving_a_map_of_such_calls_early_is_prompt(service: ScriptedService) -> None:
    service.triggered = lambda received: record(
        service, received.body["data"], status="executing" if received.body["data"]["n"] else "fulfilled"
    )
    with MinCloud(base_url=service.url, access_token="t") as cloud:
        started = time.monotonic()
        for outcome in cloud.functions.map("greet", ({"n": n} for n in range(99)), concurrency=3, sync=False):
            assert outcome.data == {"n": 0}
            break
        assert time.monotonic() - started < 20
        assert service.count("POST") <= 7


_INTERRUPTED = """
import sys
from mincloud import MinCloud

with MinCloud(base_url=sys.argv[1], access_token="t") as cloud:
    for _ in cloud.functions.map("greet", [{"n": n} for n in range(9)], concurrency=3, sync=False):
        pass
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_an_interrupt_of_a_map_of_such_calls_does_not_wait_for_their_jobs(service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, received.body["data"], status="executing")
    command = [sys.executable, "-c", _INTERRUPTED, service.url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not any(received.is_list for received in service.received):  # they are waited for
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == -signal.SIGINT
        finally:
            process.kill()
    assert service.count("POST") == 3


# Found again


def test_a_job_is_found_by_its_id(side: Side, service: ScriptedService) -> None:
    service.add_jobs(2500)
    assert side.run(lambda cloud: cloud.jobs.get("greet", 3)).id == 3
    with pytest.raises(JobNotFound, match=r"^'greet' has no job 3000: look at cloud\.jobs\.list\(\)$"):
        side.run(lambda cloud: cloud.jobs.get("greet", 3000))
    with pytest.raises(TypeError, match="job_id must be an integer, not '3'"):
        side.run(lambda cloud: cloud.jobs.get("greet", "3"))


@pytest.mark.parametrize("sync", [True, False])
def test_a_lost_call_is_looked_for_by_its_data(side: Side, service: ScriptedService, sync: bool) -> None:
    kind = "time_sensitive" if sync else "batch"
    record(service, {"n": 1}, service_type=kind)
    record(service, {"n": 2}, service_type=kind, created_at=LONG_AGO + 500)
    record(service, {"n": 3}, service_type=kind, log="", created_at=LONG_AGO + 1000)
    service.date = lambda: LONG_AGO + 5000

    def look(cloud: Any) -> Any:
        times = [(1, 0), (2, 0), (2, 500), (3, 1000), (4, 6000)]
        return cloud.functions.find_calls(
            "greet", [({"n": n}, LONG_AGO + at - 5, LONG_AGO + at + 5) for n, at in times], sync=sync
        )

    found = side.run(look)
    assert [each.state for each in found] == ["found", "absent", "found", "unknown", "unknown"]
    assert [run.job.id for each in found for run in each.runs] == [1, 2]
    assert [job.id for job in found[3].doubtful] == [3]
    assert [each.is_covered for each in found] == [True, True, True, True, False]
    assert side.run(result_of(found[0].runs[0])) == {"n": 1}


def test_the_run_of_a_lost_call_is_the_one_there_is(side: Side, service: ScriptedService) -> None:
    record(service, {"n": 1})
    run = trigger(side, {"n": 1})
    side.run(wait_for(run))
    found = side.run(
        lambda cloud: cloud.functions.find_calls("greet", [({"n": 1}, LONG_AGO, LONG_AGO + 1)], sync=False)
    )
    assert found[0].runs[0].job is run.job
