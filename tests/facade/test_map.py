"""Calling a function for each of many inputs."""

from __future__ import annotations

import asyncio
import datetime
import gc
import itertools
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from mincloud import (
    AsyncMinCloud,
    ClientClosed,
    ConfigurationError,
    FunctionError,
    MinCloud,
    NotFound,
    Outcome,
    RequestTimeout,
    ServerError,
)
from mincloud_emulator import Emulator

from .conftest import OpenSide, Side
from .scripted_service import Received, Reply, ScriptedService


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"number": number} for number in range(count)]


def number_of(received: Received) -> int:
    number: int = received.body["data"]["number"]
    return number


def test_each_input_has_its_outcome_on_the_emulator(open_side: OpenSide, emulator: Emulator) -> None:
    emulator.stub("greet", lambda event: f"hi {event['data']['username']}")
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    inputs = [{"username": "爱范儿"}, {}, {"username": "x"}]
    first, second, third = side.run(lambda cloud: cloud.functions.map("greet", inputs))
    assert first == Outcome(0, {"username": "爱范儿"}, "hi 爱范儿", None)
    assert (second.index, second.input, second.data) == (1, {}, None)
    assert isinstance(second.error, FunctionError)
    assert third == Outcome(2, {"username": "x"}, "hi x", None)


@pytest.mark.parametrize("concurrency", [1, 2, 3, 50])
def test_outcomes_come_in_the_order_of_the_inputs(side: Side, service: ScriptedService, concurrency: int) -> None:
    service.delay = lambda received: time.sleep(0.03 if number_of(received) % 3 == 0 else 0)
    outcomes = side.run(lambda cloud: cloud.functions.map("f", numbered(20), concurrency=concurrency))
    assert [outcome.index for outcome in outcomes] == list(range(20))
    assert [outcome.input for outcome in outcomes] == [outcome.data for outcome in outcomes] == numbered(20)
    assert service.busiest <= concurrency


def test_calls_are_made_in_the_context_of_the_caller(open_side: OpenSide, service: ScriptedService) -> None:
    """So spans have their parent, and log lines what was bound to them."""
    current: ContextVar[str] = ContextVar("current", default="lost")
    seen: list[str] = []

    def note(_: object) -> None:
        seen.append(current.get())

    side = open_side(base_url=service.url, access_token="t", on_attempt=note)

    def within(cloud: Any) -> Any:
        current.set("the caller's")
        return cloud.functions.map("f", numbered(6), concurrency=3)

    side.run(within)
    assert seen == ["the caller's"] * 6


def test_outcomes_come_as_they_are_ready_if_order_does_not_matter(side: Side, service: ScriptedService) -> None:
    last_came = threading.Event()

    def hold_the_first(received: Received) -> None:
        if number_of(received) == 0:
            last_came.wait(10)
        elif number_of(received) == 5:
            last_came.set()

    service.delay = hold_the_first
    outcomes = side.run(lambda cloud: cloud.functions.map("f", numbered(6), concurrency=2, ordered=False))
    assert sorted(outcome.index for outcome in outcomes) == list(range(6))
    assert [outcome.index for outcome in outcomes].index(0) >= 3
    assert all(outcome.data == outcome.input for outcome in outcomes)


def test_as_many_calls_are_under_way_as_said_and_never_more(side: Side, service: ScriptedService) -> None:
    together = threading.Barrier(4)
    service.delay = lambda _: together.wait(timeout=10)
    outcomes = side.run(lambda cloud: cloud.functions.map("f", numbered(16), concurrency=4))
    assert [outcome.error for outcome in outcomes] == [None] * 16
    assert service.busiest == 4


def test_eight_calls_are_under_way_if_nothing_is_said(side: Side, service: ScriptedService) -> None:
    together = threading.Barrier(8)
    service.delay = lambda _: together.wait(timeout=10)
    assert len(side.run(lambda cloud: cloud.functions.map("f", numbered(16)))) == 16
    assert service.busiest == 8


@pytest.mark.parametrize("ordered", [True, False])
def test_inputs_are_taken_as_they_are_needed(side: Side, service: ScriptedService, ordered: bool) -> None:
    taken = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for taken in itertools.count(1):
            yield {"number": taken}

    most_ahead = 0

    def few(cloud: Any) -> Any:
        nonlocal most_ahead
        outcomes = cloud.functions.map("f", endless(), concurrency=3, ordered=ordered)
        assert taken == 0
        if isinstance(cloud, AsyncMinCloud):

            async def first_ones() -> None:
                nonlocal most_ahead
                for delivered in range(1, 31):
                    await anext(outcomes)
                    most_ahead = max(most_ahead, taken - delivered)
                await outcomes.aclose()

            return first_ones()
        for delivered in range(1, 31):
            next(outcomes)
            most_ahead = max(most_ahead, taken - delivered)
        outcomes.close()
        return None

    side.run(few)
    assert most_ahead <= 3 * 3


def test_one_failure_stops_nothing(side: Side, service: ScriptedService) -> None:
    def answer(received: Received) -> Reply | None:
        return {
            1: Reply(200, {"code": 1, "data": None, "error": {"message": "no", "type": "Error"}}),
            2: Reply(500, "broken"),
            3: Reply(404, {"error_msg": "没有"}),
            4: Reply(200, "<html>"),
            5: Reply(cut=True),
        }.get(number_of(received))

    service.before = answer
    outcomes = side.run(lambda cloud: cloud.functions.map("f", numbered(8), concurrency=2))
    assert [type(outcome.error).__name__ for outcome in outcomes] == [
        "NoneType",
        "FunctionError",
        "ServerError",
        "NotFound",
        "InvalidResponse",
        "ConnectionFailed",
        "NoneType",
        "NoneType",
    ]
    assert [outcome.data for outcome in outcomes if outcome.error] == [None] * 5
    assert service.count("POST") == 8  # none is sent twice


def test_an_input_that_is_not_json_is_an_error_of_its_own(side: Side, service: ScriptedService) -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    inputs: list[Any] = [
        {"at": datetime.date(2024, 1, 1)},
        {"x": {1, 2}},
        {"x": float("nan")},
        circle,
        [1, 2],
        "text",
        {"number": 1},
        None,
    ]
    outcomes = side.run(lambda cloud: cloud.functions.map("f", inputs))
    assert [type(outcome.error) for outcome in outcomes] == [
        TypeError,
        TypeError,
        ValueError,
        ValueError,
        TypeError,
        TypeError,
        type(None),
        type(None),
    ]
    assert "data['at'] is of type date" in str(outcomes[0].error)
    assert [outcome.data for outcome in outcomes[-2:]] == [{"number": 1}, {}]
    assert service.count("POST") == 2


@pytest.mark.parametrize("concurrency", [1, 2, 8])
@pytest.mark.parametrize("ordered", [True, False])
def test_what_the_inputs_raise_comes_after_the_outcomes_before_it(side: Side, concurrency: int, ordered: bool) -> None:
    got: list[int] = []

    def inputs() -> Iterator[dict[str, Any]]:
        yield from numbered(5)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        side.run(
            lambda cloud: _gathered(cloud.functions.map("f", inputs(), concurrency=concurrency, ordered=ordered), got)
        )
    assert sorted(got) == [0, 1, 2, 3, 4]


def _gathered(outcomes: Any, got: list[int]) -> Any:
    if hasattr(outcomes, "__aiter__"):

        async def gather() -> None:
            async for outcome in outcomes:
                got.append(outcome.index)  # noqa: PERF401 - those before an error are wanted too

        return gather()
    got.extend(outcome.index for outcome in outcomes)
    return None


def test_no_inputs_have_no_outcomes(side: Side, service: ScriptedService) -> None:
    assert side.run(lambda cloud: cloud.functions.map("f", [])) == []
    assert service.received == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"concurrency": 0}, ValueError, "concurrency must be an integer of 1 or more, not 0"),
        ({"concurrency": -3}, ValueError, "concurrency must be an integer of 1 or more, not -3"),
        ({"concurrency": 1.5}, TypeError, "concurrency must be an integer, not 1.5"),
        ({"timeout": -1}, ConfigurationError, "timeout must be a number of seconds above 0, not -1"),
        ({"name": ""}, ValueError, "a function's name must not be empty"),
        ({"inputs": 5}, TypeError, "'int' object is not iterable"),
    ],
)
def test_what_is_impossible_is_refused_before_the_iteration(
    side: Side, service: ScriptedService, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    calling: Any = side.cloud.functions.map
    with pytest.raises(error) as refused:
        calling(**{"name": "f", "inputs": numbered(2), **options})
    assert str(refused.value) == message
    assert service.received == []


def test_a_timeout_bounds_each_call(side: Side, service: ScriptedService) -> None:
    over = threading.Event()
    service.delay = lambda received: over.wait(20) if number_of(received) == 1 else None
    try:
        outcomes = side.run(lambda cloud: cloud.functions.map("f", numbered(3), timeout=3))
    finally:
        over.set()
    assert isinstance(outcomes[1].error, RequestTimeout)
    assert outcomes[1].error.may_have_run
    assert [outcome.error for outcome in (outcomes[0], outcomes[2])] == [None, None]


def test_outcomes_can_be_pickled(side: Side, service: ScriptedService) -> None:
    service.before = lambda received: (
        Reply(200, {"code": 1, "error": {"message": "no", "stack": "at x"}}) if number_of(received) == 1 else None
    )
    outcomes = side.run(lambda cloud: cloud.functions.map("f", [*numbered(2), {"number": {1}}]))
    restored = pickle.loads(pickle.dumps(outcomes))
    assert restored[0] == outcomes[0]
    assert [(each.index, each.input, each.data) for each in restored] == [
        (each.index, each.input, each.data) for each in outcomes
    ]
    assert isinstance(restored[1].error, FunctionError)
    assert vars(restored[1].error) == vars(outcomes[1].error)
    assert str(restored[2].error) == str(outcomes[2].error)


def test_leaving_early_starts_no_more_calls_and_leaves_no_thread(service: ScriptedService) -> None:
    with MinCloud(base_url=service.url, access_token="t") as cloud:
        for outcome in cloud.functions.map("f", numbered(1000), concurrency=4):
            if outcome.index == 3:
                break
        assert [thread for thread in threading.enumerate() if thread.name.startswith("mincloud_")] == []
        sent = len(service.received)
        assert sent <= 4 + 2 * 4
        time.sleep(0.05)
        assert len(service.received) == sent


async def test_leaving_early_cancels_the_calls_under_way_and_leaves_no_task(service: ScriptedService) -> None:
    over = threading.Event()
    service.delay = lambda received: over.wait(30) if number_of(received) > 3 else None
    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
        async for outcome in cloud.functions.map("f", numbered(1000), concurrency=4):
            if outcome.index == 3:
                break
        gc.collect()
        started = time.monotonic()
        while len(asyncio.all_tasks()) > 1:
            assert time.monotonic() - started < 20  # not as long as the calls would take
            await asyncio.sleep(0.01)
        assert len(service.received) <= 4 + 2 * 4
    over.set()


@pytest.mark.parametrize("ordered", [True, False])
async def test_cancelling_the_task_that_maps_is_prompt_and_leaves_no_task(
    service: ScriptedService, ordered: bool
) -> None:
    over = threading.Event()
    service.delay = lambda _: over.wait(30)

    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:

        async def everything() -> list[Outcome]:
            return [each async for each in cloud.functions.map("f", numbered(100), ordered=ordered)]

        task = asyncio.create_task(everything())
        while service.busy < 8:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
        assert asyncio.all_tasks() == {asyncio.current_task()}
    over.set()


INTERRUPTED = """
import signal, sys
from mincloud import MinCloud

def interrupt(*_):
    print("interrupted", flush=True)
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)
with MinCloud(base_url=sys.argv[1], access_token="t", timeout=600) as cloud:
    for _ in cloud.functions.map("f", [{}] * 20):
        pass
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_a_second_interrupt_does_not_wait_for_the_calls_under_way(service: ScriptedService) -> None:
    over = threading.Event()
    service.delay = lambda _: over.wait(60)
    command = [sys.executable, "-c", INTERRUPTED, service.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while service.busy < 8:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        with pytest.raises(subprocess.TimeoutExpired):  # it waits for the calls
            process.wait(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
    over.set()


def test_several_maps_run_at_once(service: ScriptedService) -> None:
    with MinCloud(base_url=service.url, access_token="t") as cloud:
        pairs = zip(
            cloud.functions.map("f", numbered(20), concurrency=2),
            cloud.functions.map("g", numbered(20), concurrency=2),
            strict=True,
        )
        assert all(one.data == other.data for one, other in pairs)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_map_of_a_closed_client_ends(side: Side, service: ScriptedService, concurrency: int) -> None:
    side.run(lambda cloud: cloud.aclose() if isinstance(cloud, AsyncMinCloud) else cloud.close())
    endless = ({"number": number} for number in itertools.count())
    with pytest.raises(ClientClosed, match="this client is closed"):
        side.run(lambda cloud: cloud.functions.map("f", endless, concurrency=concurrency))
    assert service.received == []


async def test_no_error_of_a_call_under_way_is_left_unseen(service: ScriptedService) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    cloud = AsyncMinCloud(base_url=service.url, access_token="t")
    await cloud.aclose()
    with pytest.raises(ClientClosed):
        async for _ in cloud.functions.map("f", numbered(20), ordered=False):
            pass
    gc.collect()
    await asyncio.sleep(0)
    assert reported == []


def test_a_map_of_a_function_that_does_not_exist_says_so_in_each_outcome(side: Side, service: ScriptedService) -> None:
    service.before = lambda _: Reply(404, {"error_msg": "没有找到对应的云函数"})
    outcomes = side.run(lambda cloud: cloud.functions.map("f", numbered(3)))
    assert [type(outcome.error) for outcome in outcomes] == [NotFound] * 3


def test_a_failed_gateway_is_not_asked_twice(open_side: OpenSide, service: ScriptedService) -> None:
    service.before = lambda _: Reply(503, "<html>")
    side = open_side(base_url=service.url, access_token="t", max_retries=3)
    outcomes = side.run(lambda cloud: cloud.functions.map("f", numbered(3)))
    assert [type(outcome.error) for outcome in outcomes] == [ServerError] * 3
    assert len(service.received) == 3
