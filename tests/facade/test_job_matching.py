"""Which job is which call's: held to the truth of a service whose lists lag, whose logs get lost, and which others call, too."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincloud import AsyncMinCloud, JobTimeout
from mincloud._job_logs import logged_form
from mincloud_emulator.core.node_inspect import log_text

from .conftest import AsyncSide, SyncSide
from .scripted_service import LONG_AGO, Received, ScriptedService, serving
from .skipped_time import SkippedTime, skipping

STAMP = "2001-09-09T01:46:40.000Z"


def log_of(data: object, result: object = None) -> str:
    """A log as the runtime writes it."""
    answer: dict[str, Any] = {"error": {}, "code": 0, "data": result}
    return f"{STAMP} LOG {log_text('event.data: ', data)}\n{STAMP} LOG {log_text('return: ', answer)}\n"


@dataclass
class Made:
    """A call as it is in truth.

    Attributes:
        data: What was sent.
        pause: The seconds from the call before to this one.
        lag: The seconds after which its job is listed.
        duration: The seconds that it runs.
        keeps_log: Whether its log can be had.
        is_ours: Whether this client makes it.
        number: The id of its job.
        created_at: When it was accepted, by the service's clock.
    """

    data: dict[str, Any]
    pause: float
    lag: float
    duration: float
    keeps_log: bool
    is_ours: bool
    number: int = 0
    created_at: float = 0.0


@dataclass
class World:
    """The service with its calls, at the time that it is for the client."""

    service: ScriptedService
    time: SkippedTime
    calls: list[Made] = field(default_factory=list[Made])

    def now(self) -> float:
        return LONG_AGO + self.time.monotonic() - self.time.began

    def accept(self, call: Made) -> None:
        """Accepts a call, at this moment."""
        call.number = len(self.calls) + 1
        call.created_at = self.now()
        self.calls.append(call)
        if call.keeps_log:
            self.service.logs[call.number] = log_of(call.data, call.data)

    def list(self, received: Received) -> None:
        """Has the service list what it would by now."""
        if received.is_list:
            listed = [call for call in self.calls if self.now() >= call.created_at + call.lag]
            self.service.jobs = [self._job(call) for call in reversed(listed)]

    def _job(self, call: Made) -> dict[str, Any]:
        ended_at = call.created_at + call.duration
        ended = self.now() >= ended_at
        return {
            "id": call.number,
            "function": "greet",
            "source": "open_api",
            "service_type": "batch",
            "status": "fulfilled" if ended else "executing",
            "created_at": call.created_at,
            "finished_at": ended_at if ended else None,
            "user_log_url": self.service.log_url(call.number) if ended else None,
        }


# Few values, so that calls are often of equal data; the last two differ below what a log shows.
DATA: list[dict[str, Any]] = [{}, {"n": 1}, {"n": 2}, {"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": {"d": 2}}}}]
TIMES = st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.5])


def calls(data: st.SearchStrategy[dict[str, Any]], *, is_ours: bool, lags: Any = TIMES) -> st.SearchStrategy[Made]:
    return st.builds(
        Made,
        data=data,
        pause=st.sampled_from([0.0, 0.0, 0.2, 4.0]),
        lag=lags,
        duration=st.sampled_from([0.0, 0.2, 1.0, 2.5]),
        keeps_log=st.sampled_from([True, True, True, False]) if lags is not TIMES or is_ours else st.just(True),
        is_ours=st.just(is_ours),
    )


OURS = calls(st.sampled_from(DATA), is_ours=True)
# By its time alone a job is told from others only where this client's is listed first.
OTHERS = calls(st.sampled_from(DATA), is_ours=False) | calls(
    st.sampled_from(DATA), is_ours=False, lags=st.sampled_from([2.0, 3.0])
)


def follow(side: SyncSide | AsyncSide, world: World, made: list[Made]) -> tuple[list[Any], list[Any]]:
    """Makes calls and follows this client's; gives its runs, and those of them that ended, in order."""
    runs: list[Any] = []
    for call in made:
        world.time.slept.append(call.pause)
        if call.is_ours:
            world.service.triggered = lambda _, call=call: world.accept(call)  # type: ignore[misc]
            runs.append(side.run(lambda cloud, data=call.data: cloud.functions.trigger("greet", data)))  # type: ignore[misc]
        else:
            world.accept(call)
    ended: list[Any] = []

    def completed(cloud: Any) -> Any:
        iterator = cloud.functions.as_completed(runs, timeout=30)
        if isinstance(cloud, AsyncMinCloud):

            async def gather() -> None:
                async for run in iterator:
                    ended.append(run)  # noqa: PERF401 - those before an error count

            return gather()
        ended.extend(iterator)
        return None

    with suppress(JobTimeout):
        side.run(completed)
    return runs, ended


@pytest.mark.parametrize("kind", [SyncSide, AsyncSide])
@given(made=st.lists(OURS | OURS | OTHERS, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_no_run_is_given_the_job_of_another_call(kind: type[SyncSide | AsyncSide], made: list[Made]) -> None:
    with serving() as service, skipping() as time:
        world = World(service, time)
        service.before = world.list
        service.date = world.now
        side = kind(base_url=service.url, access_token="t")
        try:
            runs, ended = follow(side, world, [*made])
        finally:
            side.close()
    ours = [call for call in made if call.is_ours]
    by_number = {call.number: call for call in made}
    taken = [run.job.id for run in runs if run.job is not None]
    assert len(taken) == len(set(taken))
    assert set(map(id, ended)) <= set(map(id, runs))
    for run, call in zip(runs, ours, strict=True):
        if run.job is not None:
            assert logged_form(by_number[run.job.id].data) == logged_form(call.data), (run, call)
    shown = [json.dumps(logged_form(call.data), default=repr, sort_keys=True) for call in made if not call.is_ours]
    is_clear = all(call.keeps_log for call in made) and not {
        json.dumps(logged_form(call.data), default=repr, sort_keys=True) for call in ours
    } & set(shown)
    if is_clear:
        assert set(map(id, ended)) == set(map(id, runs))
        assert all(run.done for run in runs)
        times = [run.job.finished_at for run in ended]
        assert times == sorted(times)
