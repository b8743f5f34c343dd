"""Seeing each request, and limiting how many there are."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mincloud import (
    AsyncMinCloud,
    Attempt,
    ClientClosed,
    ConfigurationError,
    ConnectionFailed,
    JobNotFound,
    MinCloud,
    NotFound,
    RequestTimeout,
    ServerError,
)
from mincloud._retries import RateLimiter
from mincloud_emulator import Emulator

from .conftest import Action, OpenSide, Side
from .scripted_service import Reply, ScriptedService

ROOT = Path(__file__).resolve().parents[2]


# Attempts


def test_each_request_is_told_with_its_operation(open_side: OpenSide, emulator: Emulator) -> None:
    seen: list[Attempt] = []
    side = open_side(base_url=emulator.url, access_token=emulator.access_token, on_attempt=seen.append)
    emulator.stub("greet", lambda event: "hi")
    actions: dict[str, Action] = {
        "invokeFunction": lambda cloud: cloud.functions.invoke("greet"),
        "debugFunction": lambda cloud: cloud.functions.debug("greet"),
        "getFunction": lambda cloud: cloud.functions.get("greet"),
        "listFunctions": lambda cloud: cloud.functions.list(),
        "listJobs": lambda cloud: cloud.jobs.list("greet"),
        "createFunction": lambda cloud: cloud.functions.create("f", "code"),
        "updateFunction": lambda cloud: cloud.functions.update("f", remark="x"),
        "deleteFunction": lambda cloud: cloud.functions.delete("f"),
    }
    for action in actions.values():
        side.run(action)
    assert [attempt.operation for attempt in seen] == list(actions)
    jobs = side.run(lambda cloud: cloud.jobs.list("greet"))
    side.run(lambda cloud: cloud.jobs.log(jobs[0]))
    *_, log = seen
    assert (log.operation, log.method, log.status, log.number, log.error) == ("log", "GET", 200, 1, None)
    assert log.seconds > 0
    assert "?" not in log.url
    document = yaml.safe_load((ROOT / "openapi" / "mincloud.yaml").read_text(encoding="utf-8"))
    assert all(f"'operationId': '{name}'" in str(document["paths"]) for name in actions)


def test_the_exchange_for_a_token_is_told_too(open_side: OpenSide) -> None:
    seen: list[Attempt] = []
    with Emulator(client_id="an-id", client_secret="a-long-secret") as emulator:
        side = open_side(
            base_url=emulator.url, client_id="an-id", client_secret="a-long-secret", on_attempt=seen.append
        )
        side.run(lambda cloud: cloud.functions.list())
    names = [attempt.operation for attempt in seen]
    assert (names[0], names[-2:]) == ("authorize", ["createAccessToken", "listFunctions"])
    assert "a-long-secret" not in repr(seen)


def test_retries_are_counted_and_an_error_has_all_attempts(open_side: OpenSide, service: ScriptedService) -> None:
    service.before = lambda _: Reply(503, "away", headers={"Retry-After": "0"})
    seen: list[Attempt] = []
    side = open_side(base_url=service.url, access_token="t", max_retries=2, on_attempt=seen.append)
    with pytest.raises(ServerError) as caught:
        side.run(lambda cloud: cloud.functions.get("f"))
    assert [(attempt.number, attempt.status) for attempt in seen] == [(1, 503), (2, 503), (3, 503)]
    assert caught.value.attempts == tuple(seen)


def test_an_attempt_without_a_response_has_its_error_and_can_be_pickled(open_side: OpenSide, refused: str) -> None:
    seen: list[Attempt] = []
    side = open_side(base_url=refused, access_token="t", max_retries=1, on_attempt=seen.append)
    with pytest.raises(ConnectionFailed) as caught:
        side.run(lambda cloud: cloud.functions.get("f"))
    first, last = seen
    assert (first.number, first.status, last.number) == (1, None, 2)
    assert isinstance(first.error, ConnectionFailed)
    assert last.error is caught.value
    assert caught.value.attempts == (first, last)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.attempts[-1].error is again
    assert [attempt.number for attempt in again.attempts] == [1, 2]
    assert copy.copy(caught.value).attempts == caught.value.attempts
    with pytest.raises(AttributeError):
        first.number = 7  # type: ignore[misc]


def test_what_a_watcher_raises_is_logged_and_breaks_nothing(
    open_side: OpenSide, service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(attempt: Attempt) -> None:
        raise RuntimeError("no space left for spans")

    side = open_side(base_url=service.url, access_token="t", on_attempt=broken)
    assert side.run(lambda cloud: cloud.functions.invoke("f")) == {}
    (record,) = [record for record in caplog.records if record.name == "mincloud" and record.levelno >= logging.ERROR]
    assert record.getMessage() == "on_attempt raised"
    assert "no space left for spans" in str(record.exc_info)


def test_a_copy_has_the_watcher_of_its_parent_or_its_own(open_side: OpenSide, service: ScriptedService) -> None:
    first: list[Attempt] = []
    second: list[Attempt] = []
    side = open_side(base_url=service.url, access_token="t", on_attempt=first.append)
    side.run(lambda cloud: cloud.with_options(timeout=5).functions.invoke("f"))
    side.run(lambda cloud: cloud.with_options(on_attempt=second.append).functions.invoke("f"))
    side.run(lambda cloud: cloud.with_options(on_attempt=None).functions.invoke("f"))
    assert (len(first), len(second)) == (1, 1)


async def _coroutine(attempt: Attempt) -> None:
    """What cannot be called as it is."""


class _Coroutine:
    async def __call__(self, attempt: Attempt) -> None:
        """What cannot be called as it is, either."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_attempt": 1}, "on_attempt must be a plain function that takes an Attempt, not 1"),
        (
            {"on_attempt": _coroutine},
            "on_attempt must be a plain function that takes an Attempt, not <function _coroutine",
        ),
        ({"on_attempt": _Coroutine()}, "on_attempt must be a plain function that takes an Attempt, not <"),
        (
            {"requests_per_minute": 0},
            "requests_per_minute must be an integer of 1 or more, or None for no limit, not 0",
        ),
        ({"requests_per_minute": True}, "requests_per_minute must be an integer of 1 or more"),
        ({"requests_per_minute": 1.5}, "requests_per_minute must be an integer of 1 or more"),
    ],
)
@pytest.mark.parametrize("kind", [MinCloud, AsyncMinCloud])
def test_what_cannot_watch_or_limit_is_refused(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        kind(access_token="t", **options)
    assert message in str(refused.value)
    with pytest.raises(ConfigurationError):
        kind(access_token="t").with_options(**options)


# The rate


@pytest.fixture
def short_minute(monkeypatch: pytest.MonkeyPatch) -> float:
    """A minute in which a test can wait."""
    monkeypatch.setattr("mincloud._retries._MINUTE", 0.6)
    return 0.6


def starts(seen: list[tuple[float, Attempt]]) -> list[float]:
    return sorted(ended - attempt.seconds for ended, attempt in seen)


def spread(times: list[float], began: float, rate: int, minute: float) -> bool:
    """Whether each of some times has waited for its turn: `rate` of them at once, and as many a minute later."""
    return all(time - began >= number // rate * minute for number, time in enumerate(times))


def test_threads_and_copies_share_one_rate(service: ScriptedService, short_minute: float) -> None:
    seen: list[tuple[float, Attempt]] = []
    began = time.monotonic()
    with MinCloud(
        base_url=service.url,
        access_token="t",
        requests_per_minute=3,
        on_attempt=lambda attempt: seen.append((time.monotonic(), attempt)),
    ) as cloud:
        clients = [cloud, cloud.with_options(environment="e"), cloud.with_options(timeout=9)] * 3
        threads = [threading.Thread(target=client.functions.invoke, args=("f",)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 9
    assert spread(starts(seen), began, 3, short_minute)


async def test_tasks_share_one_rate_and_waiting_costs_no_timeout(service: ScriptedService, short_minute: float) -> None:
    seen: list[tuple[float, Attempt]] = []
    began = time.monotonic()
    async with AsyncMinCloud(
        base_url=service.url,
        access_token="t",
        timeout=0.5,
        requests_per_minute=2,
        on_attempt=lambda attempt: seen.append((time.monotonic(), attempt)),
    ) as cloud:
        await asyncio.gather(*(cloud.functions.invoke("f") for _ in range(5)))
    assert len(seen) == 5
    assert spread(starts(seen), began, 2, short_minute)


def test_a_copy_with_a_rate_of_its_own_does_not_wait_for_the_others(side: Side, service: ScriptedService) -> None:
    limited: Callable[[Any], Any] = lambda cloud: cloud.with_options(requests_per_minute=1)  # noqa: E731
    side.run(lambda cloud: limited(cloud).functions.invoke("f"))
    side.run(lambda cloud: limited(cloud).functions.invoke("f"))
    side.run(lambda cloud: limited(cloud).with_options(requests_per_minute=None).functions.invoke("f"))
    assert len(service.received) == 3


def test_what_would_begin_after_the_time_is_up_is_a_timeout_at_once(open_side: OpenSide, emulator: Emulator) -> None:
    emulator.stub("greet", lambda event: "hi")
    side = open_side(base_url=emulator.url, access_token=emulator.access_token, requests_per_minute=1)
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    with pytest.raises((JobNotFound, RequestTimeout)):  # there is no turn for another request within a second
        side.run(lambda cloud: run.wait(timeout=1))


def test_a_limiter_reserves_nothing_that_would_be_too_late() -> None:
    limiter = RateLimiter(2)
    now = time.monotonic()
    first, second = limiter.reserve(now + 10), limiter.reserve(now + 10)
    assert first is not None
    assert second is not None
    assert now <= first <= second < now + 10
    assert limiter.reserve(now + 10) is None
    assert limiter.reserve() == first + 60
    assert limiter.reserve(now + 100) == second + 60
    assert limiter.reserve() == first + 120


@given(st.integers(1, 4), st.lists(st.integers(0, 20), max_size=60))
def test_no_minute_has_more_requests_than_said_whichever_are_given_back(rate: int, choices: list[int]) -> None:
    limiter = RateLimiter(rate)
    kept: list[float] = []
    for choice in choices:
        if choice < len(kept) and choice % 2:
            limiter.release(kept.pop(choice))
        else:
            start = limiter.reserve()
            assert start is not None
            kept.append(start)
    kept.sort()
    assert all(later - earlier > 59.9 for earlier, later in zip(kept, kept[rate:], strict=False))


async def test_a_task_that_is_cancelled_while_it_waits_gives_its_turn_back(service: ScriptedService) -> None:
    async with AsyncMinCloud(base_url=service.url, access_token="t", requests_per_minute=2) as cloud:
        for _ in range(2):
            await cloud.functions.invoke("f")
        waiting = [asyncio.create_task(cloud.functions.invoke("f")) for _ in range(6)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        private: Any = cloud
        assert (
            private._pipeline.sender.rate_limiter.reserve() <= time.monotonic() + 60
        )  # not in four minutes, behind those that will never be sent
    assert len(service.received) == 2


def test_a_closed_client_does_not_wait_for_its_turn_to_say_so(open_side: OpenSide, service: ScriptedService) -> None:
    side = open_side(base_url=service.url, access_token="t", requests_per_minute=1)
    side.run(lambda cloud: cloud.functions.invoke("f"))
    side.run(lambda cloud: cloud.close() if isinstance(cloud, MinCloud) else cloud.aclose())
    began = time.monotonic()
    with pytest.raises(ClientClosed):
        side.run(lambda cloud: cloud.functions.invoke("f"))
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("rate", [10**9, 10**30])
def test_a_rate_may_be_as_high_as_one_likes(open_side: OpenSide, service: ScriptedService, rate: int) -> None:
    side = open_side(base_url=service.url, access_token="t", requests_per_minute=rate)
    assert side.run(lambda cloud: cloud.functions.invoke("f")) == {}


def test_a_pickled_client_keeps_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", "t")
    again: Any = pickle.loads(pickle.dumps(MinCloud(requests_per_minute=7, on_attempt=print)))
    assert again._pipeline.options.requests_per_minute == 7
    assert again._pipeline.options.on_attempt is print


def test_an_error_that_came_of_no_request_has_no_attempts() -> None:
    assert NotFound("no", status=404).attempts == ()
    assert RequestTimeout("no", may_have_run=False).attempts == ()
