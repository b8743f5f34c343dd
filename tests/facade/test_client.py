"""The client as such: what copies share, and what closing does."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mincloud import (
    AsyncMinCloud,
    ClientClosed,
    ConfigurationError,
    Job,
    JobError,
    MinCloud,
    RequestTimeout,
    ServerError,
)

from .conftest import Action, OpenSide, Side
from .scripted_service import Reply, ScriptedService, a_function, serving


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    with serving() as started:
        started.functions = [a_function("f")]
        yield started


def get_with(cloud: Any) -> Action:
    return lambda _: cloud.functions.get("f")


def close(cloud: Any) -> Any:
    return cloud.aclose() if isinstance(cloud, AsyncMinCloud) else cloud.close()


@pytest.mark.usefixtures("kept_connections")
def test_a_copy_shares_the_connections(side: Side, service: ScriptedService) -> None:
    side.run(lambda cloud: cloud.functions.get("f"))
    side.run(lambda cloud: cloud.with_options(timeout=5).functions.get("f"))
    side.run(lambda cloud: cloud.with_options(environment="e").with_options(max_retries=1).functions.get("f"))
    side.run(lambda cloud: cloud.with_options(access_token="other").functions.get("f"))
    side.run(lambda cloud: cloud.functions.get("f"))
    assert service.connections == 1
    assert len(service.received) == 5


def test_a_copy_changes_only_what_is_named(open_side: OpenSide, service: ScriptedService) -> None:
    side = open_side(base_url=service.url, access_token="t", environment="e", max_retries=1, timeout=20)
    copies = {
        "nothing": side.cloud.with_options(),
        "token": side.cloud.with_options(access_token="other"),
        "environment": side.cloud.with_options(environment="f"),
        "both": side.cloud.with_options(access_token="other").with_options(environment="f"),
    }
    seen: dict[str, tuple[str, str]] = {}
    for name, cloud in {**copies, "parent": side.cloud}.items():
        service.received.clear()
        side.run(get_with(cloud))
        headers = service.received[0].headers
        seen[name] = headers["authorization"], headers["x-hydrogen-env-id"]
    assert seen == {
        "nothing": ("Bearer t", "e"),
        "token": ("Bearer other", "e"),
        "environment": ("Bearer t", "f"),
        "both": ("Bearer other", "f"),
        "parent": ("Bearer t", "e"),
    }


def test_a_copy_has_its_own_retries_and_timeout(open_side: OpenSide, service: ScriptedService) -> None:
    service.before = lambda _: Reply(503, "", {"Retry-After": "0"})
    side = open_side(base_url=service.url, access_token="t", max_retries=0)
    for retries in (0, 1, 3):
        service.received.clear()
        with pytest.raises(ServerError):
            side.run(get_with(side.cloud.with_options(max_retries=retries)))
        assert len(service.received) == retries + 1
    over = threading.Event()
    service.delay = lambda _: over.wait(20)
    try:
        with pytest.raises(RequestTimeout):
            side.run(lambda cloud: cloud.with_options(timeout=0.05).functions.get("f"))
    finally:
        over.set()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": -1}, "timeout must be a number of seconds above 0, not -1"),
        ({"timeout": "5"}, "timeout must be a number of seconds above 0, not '5'"),
        ({"max_retries": -1}, "max_retries must be an integer of 0 or more, not -1"),
        ({"max_retries": 1.0}, "max_retries must be an integer of 0 or more, not 1.0"),
        ({"environment": "a\nb"}, "environment must be printable ASCII without blanks or line breaks"),
        ({"access_token": "a\nb"}, "access_token must be printable ASCII without blanks or line breaks"),
        ({"access_token": ""}, "access_token must not be empty"),
    ],
)
def test_an_impossible_option_of_a_copy_is_refused(side: Side, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        side.cloud.with_options(**options)
    assert str(refused.value).startswith(message)


@pytest.mark.usefixtures("kept_connections")
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_made_by_the_language_keeps_token_and_connections(
    side: Side, service: ScriptedService, duplicate: Callable[[Any], Any]
) -> None:
    other = duplicate(side.cloud)
    side.run(lambda cloud: cloud.functions.get("f"))
    side.run(get_with(other))
    assert [received.headers["authorization"] for received in service.received] == ["Bearer t", "Bearer t"]
    assert service.connections == 1
    side.run(lambda _: close(other))
    assert side.run(lambda cloud: cloud.functions.get("f")).name == "f"


@pytest.mark.usefixtures("kept_connections")
def test_closing_a_copy_leaves_the_client_usable(side: Side, service: ScriptedService) -> None:
    side.run(lambda cloud: cloud.functions.get("f"))
    other = side.cloud.with_options(timeout=5)
    side.run(lambda _: close(other))
    assert side.run(lambda cloud: cloud.functions.get("f")).name == "f"
    assert service.connections == 1
    with pytest.raises(ClientClosed):
        side.run(get_with(other))


def test_closing_the_client_closes_its_copies(side: Side, service: ScriptedService) -> None:
    other = side.cloud.with_options(timeout=5).with_options(environment="e")
    side.run(close)
    with pytest.raises(ClientClosed):
        side.run(get_with(other))
    assert service.received == []


def test_every_call_of_a_closed_client_says_what_to_do(side: Side, service: ScriptedService) -> None:
    side.run(close)
    side.run(close)  # a second time is none too many
    calls: list[Action] = [
        lambda cloud: cloud.functions.invoke("f"),
        lambda cloud: cloud.functions.trigger("f"),
        lambda cloud: cloud.functions.debug("f"),
        lambda cloud: cloud.functions.create("g", "code"),
        lambda cloud: cloud.functions.get("f"),
        lambda cloud: cloud.functions.update("f", remark=""),
        lambda cloud: cloud.functions.deploy("f", "code"),
        lambda cloud: cloud.functions.delete("f"),
        lambda cloud: cloud.functions.map("f", [{}]),
        lambda cloud: cloud.functions.list(),
        lambda cloud: cloud.functions.list().pages(),
        lambda cloud: cloud.functions.list().total,
        lambda cloud: cloud.jobs.list("f"),
    ]
    for call in calls:
        with pytest.raises(ClientClosed) as closed:
            side.run(call)
        assert str(closed.value) == "this client is closed: make another one, or use it inside of its `with` block"
        assert isinstance(closed.value, ConfigurationError)
    assert service.received == []


def test_a_client_closes_at_the_end_of_its_block(service: ScriptedService) -> None:
    with MinCloud(base_url=service.url, access_token="t") as cloud:
        assert cloud.functions.get("f").name == "f"
    with pytest.raises(ClientClosed):
        cloud.functions.get("f")


async def test_an_asynchronous_client_closes_at_the_end_of_its_block(service: ScriptedService) -> None:
    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
        assert (await cloud.functions.get("f")).name == "f"
    with pytest.raises(ClientClosed):
        await cloud.functions.get("f")


async def test_an_asynchronous_client_closes_with_aclose(service: ScriptedService) -> None:
    cloud = AsyncMinCloud(base_url=service.url, access_token="t")
    assert await asyncio.gather(*(cloud.functions.get("f") for _ in range(3)))
    await cloud.aclose()
    with pytest.raises(ClientClosed):
        await cloud.functions.get("f")


def test_a_client_shows_where_it_works_and_no_token(open_side: OpenSide, service: ScriptedService) -> None:
    side = open_side(base_url=service.url + "/", access_token="secret", environment="e")
    kind = type(side.cloud).__name__
    assert repr(side.cloud) == f"{kind}(base_url={service.url!r}, environment='e')"
    assert repr(side.cloud.with_options()) == repr(side.cloud)


def test_every_resource_is_the_same_object_each_time(side: Side) -> None:
    cloud = side.cloud
    assert cloud.functions is cloud.functions
    assert cloud.jobs is cloud.jobs
    assert cloud.credentials is cloud.credentials
    assert cloud.with_options(timeout=5).credentials is cloud.credentials


def test_a_log_is_fetched_from_the_other_host_without_the_token(open_side: OpenSide, service: ScriptedService) -> None:
    with serving() as elsewhere:
        elsewhere.before = lambda _: Reply(200, "2018-09-21T03:46:26.026Z LOG 你好\n")
        side = open_side(base_url=service.url, access_token="t", environment="e")
        job = _job(user_log_url=f"{elsewhere.url}/ticket.log?X-Amz-Signature=abc%2F%3D&x=1")
        assert side.run(lambda cloud: cloud.jobs.log(job)) == "2018-09-21T03:46:26.026Z LOG 你好\n"
        (received,) = elsewhere.received
        assert received.query == {"X-Amz-Signature": "abc/=", "x": "1"}
        assert not {"authorization", "x-hydrogen-env-id", "cookie"} & received.headers.keys()
        assert service.received == []


def test_a_job_without_a_log_says_so(side: Side) -> None:
    with pytest.raises(JobError) as missing:
        side.run(lambda cloud: cloud.jobs.log(_job(status="executing")))
    assert str(missing.value) == "job 7 has no log yet: it is executing; list it again when it has ended"
    assert missing.value.job is not None
    assert missing.value.job.id == 7


def _job(*, status: str = "fulfilled", user_log_url: str | None = None) -> Job:
    return Job(id=7, status=status, user_log_url=user_log_url)
