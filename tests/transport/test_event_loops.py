"""Event loops other than asyncio's own, and event loops that come and go."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest
import trio
import uvloop

from mincloud import AsyncMinCloud, ConfigurationError
from tests.facade.conftest import NewLoop

from .conftest import Serve, connected_to
from .misbehaving_server import result

TOKEN = "a-token-of-the-test"


@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # who closes a loop without more leaves its sockets to the collector
@pytest.mark.parametrize("shut_down", [True, False], ids=["shut down", "only closed"])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_loop_for_each_task_goes_with_its_sockets(serve: Serve, new_loop: NewLoop, shut_down: bool) -> None:
    """As wrappers of Celery and Flask do: one client, and a loop for each task."""
    server = serve(result(1))
    cloud = AsyncMinCloud(base_url=server.url, access_token=TOKEN)
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    def task() -> None:
        loop = new_loop()
        loops.append(weakref.ref(loop))
        try:
            assert loop.run_until_complete(cloud.functions.invoke("greet")) == 1
            if shut_down:
                loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    for _ in range(20):
        task()
    gc.collect()
    assert [loop() for loop in loops] == [None] * 20
    assert connected_to(server.port) == []


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_loop_that_nobody_closed_goes_with_its_sockets(serve: Serve) -> None:
    cloud = AsyncMinCloud(base_url=serve(result(1)).url, access_token=TOKEN)
    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)
    assert loop.run_until_complete(cloud.functions.invoke("greet")) == 1
    del loop
    gc.collect()
    assert gone() is None


async def test_calls_of_a_loop_share_its_connection(serve: Serve) -> None:
    server = serve(result(1))
    async with AsyncMinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        for _ in range(5):
            await cloud.functions.invoke("greet")
            gc.collect()
    assert (len(server.requests), server.connections) == (5, 1)


USES: dict[str, Callable[[AsyncMinCloud], Awaitable[Any]]] = {
    "a call": lambda cloud: cloud.functions.invoke("greet"),
    "a list": lambda cloud: anext(aiter(cloud.functions.list(prefetch=4))),
    "a batch": lambda cloud: anext(aiter(cloud.functions.map("greet", [{}, {}], concurrency=2))),
    "a token": lambda cloud: cloud.credentials.token(),
    "closing": lambda cloud: cloud.aclose(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("run", [trio.run, partial(anyio.run, backend="trio")], ids=["trio", "anyio on trio"])
def test_trio_is_refused_by_one_clear_error(run: Callable[[Any], None], use: str) -> None:
    async def main() -> None:
        cloud = AsyncMinCloud(base_url="http://127.0.0.1:9", client_id="me", client_secret="a-secret-of-the-test")
        with pytest.raises(ConfigurationError) as raised:
            await USES[use](cloud)
        assert str(raised.value) == (
            "AsyncMinCloud needs a running event loop of asyncio (uvloop is one); under trio, use MinCloud in trio.to_thread.run_sync"
        )
        assert raised.value.__cause__ is None

    run(main)


def test_a_client_of_threads_works_under_trio(serve: Serve) -> None:
    from mincloud import MinCloud

    with MinCloud(base_url=serve(result(7)).url, access_token=TOKEN) as cloud:

        async def main() -> Any:
            return await trio.to_thread.run_sync(cloud.functions.invoke, "greet")

        assert trio.run(main) == 7
