"""Calls that are not waited for: how their job is found, followed, and given up."""

from __future__ import annotations

import asyncio
import copy
import itertools
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from mincloud import (
    AmbiguousJob,
    AsyncMinCloud,
    ConfigurationError,
    JobError,
    JobFailed,
    JobNotFound,
    JobTimeout,
    MinCloud,
    MinCloudError,
    NotFound,
    ServerError,
)
from mincloud_emulator import Emulator

from .conftest import Action, OpenSide, Side
from .scripted_service import LONG_AGO, Received, Reply, ScriptedService
from .skipped_time import SkippedTime, skipping


@pytest.fixture
def skipped() -> Iterator[SkippedTime]:
    """Has waits skip their sleeps, so that their timeouts are long for the service and short for the test."""
    with skipping() as time_of_waits:
        yield time_of_waits


@pytest.fixture
def accepted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has triggers take no time by the client's clock: one that took long may have been accepted as long before it was answered."""
    for side in ("_sync", "_async"):
        monkeypatch.setattr(f"mincloud.{side}.functions.time", SimpleNamespace(monotonic=lambda: 0.0))


def record(service: ScriptedService, *, at: float = LONG_AGO + 0.5, **fields: Any) -> None:
    """A job of the call that was just accepted, unless its fields say otherwise."""
    service.add_jobs(1, created_at=at, **fields)


def trigger_and_wait(
    side: Side, *, timeout: float = 30, poll_interval: float | None = 0.01, name: str = "greet"
) -> Any:
    run = side.run(lambda cloud: cloud.functions.trigger(name, {"month": 9}))
    return side.run(lambda _: run.wait(timeout=timeout, poll_interval=poll_interval))


def waiting(run: Any, *, timeout: float = 30, poll_interval: float = 0.01) -> Action:
    return lambda _: run.wait(timeout=timeout, poll_interval=poll_interval)


def looks(service: ScriptedService) -> list[Received]:
    return [received for received in service.received if received.is_list]


def test_a_trigger_is_sent_as_a_call_that_is_not_waited_for(side: Side, service: ScriptedService) -> None:
    run = side.run(lambda cloud: cloud.functions.trigger("greet", {"month": 9}))
    assert service.received[0].body == {"data": {"month": 9}, "sync": False}
    assert run.function == "greet"
    assert repr(run).endswith("Run of 'greet'>")
    assert looks(service) == []


def test_a_trigger_without_data_sends_an_empty_object(side: Side, service: ScriptedService) -> None:
    side.run(lambda cloud: cloud.functions.trigger("greet"))
    assert service.received[0].body == {"data": {}, "sync": False}


def test_a_run_is_followed_to_its_end_on_the_emulator(open_side: OpenSide, emulator: Emulator) -> None:
    def slow(event: dict[str, Any]) -> str:
        time.sleep(0.3)
        return f"hi {event['data']['username']}"

    emulator.stub("slow", slow)
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    run = side.run(lambda cloud: cloud.functions.trigger("slow", {"username": "爱范儿"}))
    assert run.job is None
    job = side.run(lambda _: run.wait(timeout=30))
    assert run.job == job
    assert job.status == "fulfilled"
    assert job.source == "open_api"
    assert job.service_type == "batch"
    assert repr(run).endswith(f"Run of 'slow', job {job.id}>")
    assert "hi 爱范儿" in side.run(lambda cloud: cloud.jobs.log(job))


def test_runs_one_after_another_have_a_job_each_on_the_emulator(open_side: OpenSide, emulator: Emulator) -> None:
    emulator.stub("greet", lambda _: None)
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    jobs = [trigger_and_wait(side) for _ in range(5)]
    assert len({job.id for job in jobs}) == 5
    assert [job.id for job in jobs] == sorted(job.id for job in jobs)


def test_a_failed_run_on_the_emulator_carries_its_job_and_log(open_side: OpenSide, emulator: Emulator) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise ValueError("no such month")

    emulator.stub("fail", fail)
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    with pytest.raises(
        JobFailed, match=r"job \d+ of 'fail' ended as execution_failed: ValueError: no such month$"
    ) as failed:
        trigger_and_wait(side, name="fail")
    assert "no such month" in side.run(lambda cloud: cloud.jobs.log(failed.value.job))


def test_the_error_of_a_failed_run_does_not_show_a_token_that_the_function_logged(
    open_side: OpenSide, emulator: Emulator
) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise ValueError(f"refused {emulator.access_token}")

    emulator.stub("fail", fail)
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    with pytest.raises(JobFailed, match=r"ValueError: refused \*\*\*$"):
        trigger_and_wait(side, name="fail")


@pytest.mark.usefixtures("accepted_at_once")
def test_a_job_is_looked_for_by_function_source_service_type_and_the_servers_clock(
    side: Side, service: ScriptedService
) -> None:
    def accept(_: Received) -> None:
        record(service, at=LONG_AGO - 30, status="execution_failed")  # before
        record(service, at=LONG_AGO + 30, status="execution_failed")  # after
        record(service, function="other", status="execution_failed")
        record(service, source="timer", status="execution_failed")
        record(service, service_type="time_sensitive", status="execution_failed")
        record(service, id=77)

    service.triggered = accept
    assert trigger_and_wait(side).id == 77
    query = looks(service)[0].query
    assert (query["source"], query["service_type"]) == ("open_api", "batch")
    assert abs(int(query["created_at__gte"]) - LONG_AGO) <= 2
    assert abs(int(query["created_at__lte"]) - LONG_AGO) <= 4


def test_the_local_clock_is_never_used(side: Side, service: ScriptedService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.triggered = lambda _: record(service)
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert trigger_and_wait(side).created_at == LONG_AGO + 0.5


def test_a_job_that_is_recorded_late_is_found(side: Side, service: ScriptedService) -> None:
    service.before = lambda received: (
        record(service, at=LONG_AGO + 2.5) if received.is_list and len(looks(service)) == 4 else None
    )
    assert trigger_and_wait(side).created_at == LONG_AGO + 2.5
    assert len(looks(service)) == 4


def test_a_job_is_followed_through_every_status_on_its_way(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service, status="waiting")
    course = iter(["waiting", "executing", "executing", "archived", "fulfilled"])

    def go_on(received: Received) -> None:
        if received.is_list:
            service.jobs[0]["status"] = next(course)

    service.before = go_on
    assert trigger_and_wait(side).status == "fulfilled"
    assert next(course, None) is None


@pytest.mark.parametrize("status", ["schedule_failed", "execution_rejected", "deadline_exceeded", "execution_failed"])
def test_any_other_final_status_is_a_failure_with_the_job(side: Side, service: ScriptedService, status: str) -> None:
    service.triggered = lambda _: record(service, status=status, id=7)
    with pytest.raises(JobFailed) as failed:
        trigger_and_wait(side)
    assert str(failed.value) == f"job 7 of 'greet' ended as {status}: its log says why"
    assert (failed.value.job.id, failed.value.job.status) == (7, status)
    for restored in (pickle.loads(pickle.dumps(failed.value)), copy.deepcopy(failed.value)):
        assert isinstance(restored, JobFailed)
        assert restored.job == failed.value.job


@pytest.mark.usefixtures("skipped")
def test_a_status_that_is_not_known_is_unfinished_until_the_timeout(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service, status="hibernating", id=7)
    with pytest.raises(JobTimeout) as late:
        trigger_and_wait(side, timeout=30.5, poll_interval=5)
    assert str(late.value) == (
        "job 7 of 'greet', which may be this call, is still hibernating after 30.5 s: its log will tell"
    )
    assert late.value.job is not None
    assert late.value.job.id == 7
    assert [job.id for job in late.value.candidates] == [7]
    assert isinstance(late.value, JobError)
    assert isinstance(late.value, TimeoutError)


def test_a_wait_lasts_as_long_as_its_timeout_says_however_rarely_it_looks(
    side: Side, service: ScriptedService, skipped: SkippedTime
) -> None:
    service.triggered = lambda _: record(service, status="executing")

    def end(received: Received) -> None:
        if received.is_list and sum(skipped.slept) > 15:
            service.jobs[0]["status"] = "fulfilled"

    service.before = end
    # It looks at the end of its time, though the interval does not fit into it.
    assert trigger_and_wait(side, timeout=30, poll_interval=100).status == "fulfilled"
    assert len(looks(service)) == 1
    assert sum(skipped.slept) < 30


def test_no_job_in_time_is_said(side: Side, service: ScriptedService) -> None:
    started = time.monotonic()
    with pytest.raises(JobNotFound) as missing:
        trigger_and_wait(side, timeout=0.3, poll_interval=0.1)
    assert 0.2 < time.monotonic() - started < 20
    assert len(looks(service)) <= 4  # fewer where they take long
    assert str(missing.value) == (
        "no job of 'greet' appeared within 0.3 s that could be this call: look at cloud.jobs.list()"
    )
    assert missing.value.job is None


def test_two_jobs_that_could_be_the_one_are_said_and_not_guessed(side: Side, service: ScriptedService) -> None:
    def accept(_: Received) -> None:
        record(service, at=LONG_AGO + 0.2)
        record(service, at=LONG_AGO + 0.3)

    service.triggered = accept
    with pytest.raises(AmbiguousJob) as ambiguous:
        trigger_and_wait(side)
    assert str(ambiguous.value) == (
        "2 jobs of 'greet' could be this call, and nothing tells which: job 2 (fulfilled), 1 (fulfilled); put an id of your own into "
        "the data of each call, which its log will show"
    )
    assert [job.id for job in ambiguous.value.candidates] == [2, 1]
    assert pickle.loads(pickle.dumps(ambiguous.value)).candidates == ambiguous.value.candidates


def test_a_job_that_was_matched_is_not_matched_again(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service)
    assert [trigger_and_wait(side).id for _ in range(4)] == [1, 2, 3, 4]


def test_a_copy_of_the_client_knows_what_was_matched(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service)
    first = trigger_and_wait(side)
    run = side.run(lambda cloud: cloud.with_options(timeout=9).functions.trigger("greet"))
    second = side.run(lambda _: run.wait(timeout=30))
    assert (first.id, second.id) == (1, 2)


def test_another_client_does_not_know_what_was_matched(open_side: OpenSide, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service)
    trigger_and_wait(open_side(base_url=service.url, access_token="t"))
    with pytest.raises(AmbiguousJob):
        trigger_and_wait(open_side(base_url=service.url, access_token="t"))


def test_waiting_again_gives_the_same_job_without_a_request(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service)
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    job = side.run(lambda _: run.wait())
    asked = len(service.received)
    assert side.run(lambda _: run.wait()) is job
    assert len(service.received) == asked


@pytest.mark.usefixtures("skipped")
def test_a_wait_that_ran_out_can_be_taken_up_again(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service, status="executing")
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    with pytest.raises(JobTimeout):
        side.run(lambda _: run.wait(timeout=30))
    service.jobs[0]["status"] = "fulfilled"
    assert side.run(lambda _: run.wait(timeout=30)).id == 1


def test_a_server_without_a_clock_leaves_one_job_that_could_be_it(side: Side, service: ScriptedService) -> None:
    service.date = None
    service.triggered = lambda _: record(service, at=1234.5)
    assert trigger_and_wait(side).created_at == 1234.5
    assert "created_at__gte" not in looks(service)[0].query
    # The job before is matched already, so that the next one is alone again.
    assert trigger_and_wait(side).id == 2


def test_a_server_without_a_clock_leaves_every_job_that_could_be_it(side: Side, service: ScriptedService) -> None:
    service.date = None
    record(service, at=1234.5)
    service.triggered = lambda _: record(service, at=99_999.5)
    with pytest.raises(AmbiguousJob):
        trigger_and_wait(side)


def test_a_job_without_a_time_is_found_and_followed(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: service.add_jobs(1, status="executing", created_at=None)

    def end(received: Received) -> None:
        if received.is_list and len(looks(service)) > 2:
            service.jobs[0]["status"] = "fulfilled"

    service.before = end
    assert trigger_and_wait(side).created_at is None


# Time


def times_of_looks(service: ScriptedService, skipped: SkippedTime) -> list[float]:
    """Notes how long the waits have slept at each look."""
    times: list[float] = []

    def note(received: Received) -> None:
        if received.is_list:
            times.append(sum(skipped.slept))

    service.before = note
    return times


def test_looks_are_quick_at_first_and_then_back_off(side: Side, service: ScriptedService, skipped: SkippedTime) -> None:
    service.triggered = lambda _: record(service, status="executing")
    times = times_of_looks(service, skipped)
    with pytest.raises(JobTimeout):
        trigger_and_wait(side, timeout=60, poll_interval=None)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 0.2 <= times[0] <= 0.3
    assert pauses[0] < 0.5
    assert all(later > earlier - 0.05 for earlier, later in itertools.pairwise(pauses[1:-1]))
    assert 4.9 <= pauses[-2] <= 5
    assert 15 < len(times) <= 20  # the free plan guarantees 50 requests a minute


def test_a_given_poll_interval_is_kept(side: Side, service: ScriptedService, skipped: SkippedTime) -> None:
    service.triggered = lambda _: record(service, status="executing")
    times = times_of_looks(service, skipped)
    with pytest.raises(JobTimeout):
        trigger_and_wait(side, timeout=30, poll_interval=10)
    assert times == pytest.approx([10, 20, 29.95], abs=0.5)
    assert sum(skipped.slept) < 30


def test_a_wait_sleeps_between_its_looks(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service, status="executing")
    _finish_later(service)
    started = time.monotonic()
    trigger_and_wait(side, poll_interval=0.1)
    assert time.monotonic() - started >= 0.1 * (len(looks(service)) - 1) >= 0.5


@pytest.mark.parametrize("poll_interval", [-1, float("nan"), float("inf"), "1", True])
def test_an_impossible_poll_interval_is_refused(side: Side, service: ScriptedService, poll_interval: Any) -> None:
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    with pytest.raises(ConfigurationError) as refused:
        side.run(lambda _: run.wait(poll_interval=poll_interval))
    assert str(refused.value) == (
        f"poll_interval must be a finite number of seconds of 0 or more, not {poll_interval!r}"
    )
    assert looks(service) == []


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
def test_an_impossible_timeout_is_refused(side: Side, service: ScriptedService, timeout: Any) -> None:
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds"):
        side.run(lambda _: run.wait(timeout=timeout))
    assert looks(service) == []


@pytest.mark.parametrize("recorded", [True, False])
def test_the_timeout_holds_when_the_server_hangs(open_side: OpenSide, service: ScriptedService, recorded: bool) -> None:
    over = threading.Event()
    if recorded:
        service.triggered = lambda _: record(service, status="executing", id=7)
    side = open_side(base_url=service.url, access_token="t", max_retries=5)
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    # A first wait that the service ends, at its second look: the job was seen then, if there is one.
    service.before = lambda received: Reply(500) if received.is_list and len(looks(service)) > 1 else None
    with pytest.raises(ServerError):
        side.run(waiting(run))

    service.delay = lambda _: over.wait(30)
    started = time.monotonic()
    try:
        with pytest.raises(JobTimeout if recorded else JobNotFound):
            side.run(waiting(run, timeout=0.7))
        assert time.monotonic() - started < 20
    finally:
        over.set()


def test_an_error_of_the_service_ends_the_wait_with_it(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service, status="executing")
    service.before = lambda received: Reply(500, "broken") if received.is_list else None
    with pytest.raises(ServerError, match="500 broken"):
        trigger_and_wait(side)


def test_a_look_is_repeated_as_any_read_is(open_side: OpenSide, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service)
    service.before = lambda received: (
        Reply(503, headers={"Retry-After": "0"}) if received.is_list and len(looks(service)) < 3 else None
    )
    assert trigger_and_wait(open_side(base_url=service.url, access_token="t", max_retries=2)).id == 1
    assert service.count("POST") == 1


def test_a_trigger_of_a_function_that_does_not_exist_is_not_found(side: Side, service: ScriptedService) -> None:
    service.before = lambda _: Reply(404, {"error_msg": "没有找到对应的云函数"})
    with pytest.raises(NotFound, match="没有找到对应的云函数"):
        side.run(lambda cloud: cloud.functions.trigger("nobody"))


# At once


def test_two_runs_of_two_functions_are_waited_for_at_once_in_threads(service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, function=received.function, status="executing")
    _finish_later(service)
    with MinCloud(base_url=service.url, access_token="t") as cloud, ThreadPoolExecutor(2) as pool:
        runs = [cloud.functions.trigger(name) for name in ("a", "b")]
        waits = [pool.submit(run.wait, 30, poll_interval=0.01) for run in runs]
        jobs = [wait.result() for wait in waits]
    assert [job.id for job in jobs] == [1, 2]


async def test_two_runs_of_two_functions_are_waited_for_at_once_in_tasks(service: ScriptedService) -> None:
    service.triggered = lambda received: record(service, function=received.function, status="executing")
    _finish_later(service)
    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
        runs = [await cloud.functions.trigger(name) for name in ("a", "b")]
        jobs = await asyncio.gather(*(run.wait(timeout=30, poll_interval=0.01) for run in runs))
    assert [job.id for job in jobs] == [1, 2]


@pytest.mark.usefixtures("skipped")
def test_a_job_that_could_be_either_of_two_calls_is_not_given_to_any(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda received: record(service) if received.body["data"] else None  # the other is not recorded
    first = side.run(lambda cloud: cloud.functions.trigger("greet", {"x": 1}))
    second = side.run(lambda cloud: cloud.functions.trigger("greet", {}))
    for run in (first, second):
        with pytest.raises(AmbiguousJob) as ambiguous:
            side.run(waiting(run, timeout=30, poll_interval=10))
        assert str(ambiguous.value) == (
            "a job of 'greet' could be this call or another of this client, and nothing tells whose: job 1 (fulfilled); put an id of "
            "your own into the data of each call, which its log will show"
        )
        assert [job.id for job in ambiguous.value.candidates] == [1]


def test_two_calls_at_once_are_told_to_be_so_when_both_are_recorded(side: Side, service: ScriptedService) -> None:
    service.triggered = lambda _: record(service)
    runs = [side.run(lambda cloud: cloud.functions.trigger("greet")) for _ in range(2)]
    for run in runs:
        with pytest.raises(AmbiguousJob) as ambiguous:
            side.run(waiting(run))
        assert len(ambiguous.value.candidates) == 2


@pytest.mark.usefixtures("accepted_at_once")
def test_calls_some_seconds_apart_are_told_apart_though_neither_was_waited_for(
    side: Side, service: ScriptedService
) -> None:
    now = [LONG_AGO]
    service.date = lambda: now[0]
    service.triggered = lambda _: record(service, at=now[0] + 0.5)
    first = side.run(lambda cloud: cloud.functions.trigger("greet"))
    now[0] += 2
    second = side.run(lambda cloud: cloud.functions.trigger("greet"))
    assert side.run(lambda _: second.wait(timeout=30)).id == 2
    assert side.run(lambda _: first.wait(timeout=30)).id == 1


async def test_a_wait_can_be_cancelled_and_taken_up_again(service: ScriptedService) -> None:
    service.triggered = lambda _: record(service, status="executing")
    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
        run = await cloud.functions.trigger("greet")
        task = asyncio.create_task(run.wait(poll_interval=3))
        while not looks(service):  # then it sleeps until the next look
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
        service.jobs[0]["status"] = "fulfilled"
        assert (await run.wait(timeout=30, poll_interval=0.01)).id == 1


def test_a_run_of_a_closed_client_says_so(side: Side, service: ScriptedService) -> None:
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    side.run(lambda cloud: cloud.aclose() if isinstance(cloud, AsyncMinCloud) else cloud.close())
    with pytest.raises(MinCloudError, match="this client is closed"):
        side.run(lambda _: run.wait())


def _finish_later(service: ScriptedService) -> None:
    def finish(received: Received) -> None:
        if received.is_list and len(looks(service)) > 5:
            for job in service.jobs:
                job["status"] = "fulfilled"

    service.before = finish
