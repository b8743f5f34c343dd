"""Cancelling, closing, forking, and many users of one client at a time."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import httpx
import pytest

from mincloud import AsyncMinCloud, ClientClosed, ConnectionFailed, Job, MinCloud, MinCloudError
from tests.facade.conftest import Action, OpenSide

from .conftest import Serve
from .misbehaving_server import ClientConnection, MisbehavingServer, Received, hang, reply, result

TOKEN = "a-token-of-the-test"


def echo(_: ClientConnection, request: Received) -> bytes:
    return result(request.json["data"])


async def test_a_cancelled_call_ends_at_once_and_leaves_its_connection(serve: Serve) -> None:
    server = serve(hang, result("next"))
    async with AsyncMinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        call = asyncio.create_task(cloud.functions.invoke("greet"))
        while not server.requests:
            await asyncio.sleep(0.005)
        began = time.monotonic()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert time.monotonic() - began < 20
        assert await cloud.functions.invoke("greet") == "next"
    assert server.connections == 2
    assert len(server.requests) == 2


async def test_a_call_can_be_cancelled_while_it_waits_to_be_repeated(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(reply(status=429, raw=b"", headers=[("Retry-After", "50")]))
    async with AsyncMinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        with caplog.at_level(logging.DEBUG, logger="mincloud"):
            call = asyncio.create_task(cloud.functions.get("greet"))
            while "answered 429" not in caplog.text:
                await asyncio.sleep(0.005)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert len(server.requests) == 1


async def test_no_task_is_left_behind(serve: Serve) -> None:
    server = serve(hang)
    before = asyncio.all_tasks()
    async with AsyncMinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        calls = [asyncio.create_task(cloud.functions.invoke("greet")) for _ in range(5)]
        while len(server.requests) < 5:
            await asyncio.sleep(0.005)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert asyncio.all_tasks() == before


def test_a_closed_client_says_so(open_side: OpenSide, serve: Serve) -> None:
    server = serve(result(1))
    side = open_side(base_url=server.url, access_token=TOKEN)
    side.run(lambda cloud: cloud.functions.invoke("greet"))
    copy = side.cloud.with_options(timeout=3)
    side.run(lambda cloud: cloud.aclose() if hasattr(cloud, "aclose") else cloud.close())
    actions: list[Action] = [
        lambda cloud: cloud.functions.invoke("greet"),
        lambda cloud: cloud.functions.list(),
        lambda _: copy.functions.get("greet"),
    ]
    for action in actions:
        with pytest.raises(ClientClosed, match="this client is closed: make another one") as caught:
            side.run(action)
        assert isinstance(caught.value, MinCloudError)
    assert len(server.requests) == 1


def test_a_client_can_be_closed_twice(open_side: OpenSide) -> None:
    side = open_side(base_url="http://127.0.0.1:9", access_token=TOKEN)
    for _ in range(2):
        side.run(lambda cloud: cloud.aclose() if hasattr(cloud, "aclose") else cloud.close())


def test_closing_during_a_call_lets_it_end_and_keeps_no_connection(serve: Serve) -> None:
    answered = threading.Event()

    def late(_connection: ClientConnection, _: Received) -> bytes:
        answered.wait(30)
        return result("late")

    server = serve(late)
    cloud = MinCloud(base_url=server.url, access_token=TOKEN)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(cloud.functions.invoke, "greet")
        while not server.requests:
            time.sleep(0.005)
        cloud.close()
        answered.set()
        assert call.result() == "late"
    del cloud, call
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a socket that was not closed would warn
        gc.collect()


async def test_the_async_client_closes_during_a_call_as_well(serve: Serve) -> None:
    closed = threading.Event()

    def late(_connection: ClientConnection, _: Received) -> bytes:
        closed.wait(30)
        return result("late")

    server = serve(late)
    cloud = AsyncMinCloud(base_url=server.url, access_token=TOKEN)
    call = asyncio.create_task(cloud.functions.invoke("greet"))
    while not server.requests:
        await asyncio.sleep(0.005)
    await cloud.aclose()
    closed.set()
    assert await call == "late"
    del cloud, call
    gc.collect()


def test_a_client_works_in_a_second_event_loop(serve: Serve) -> None:
    server = serve(echo)
    cloud = AsyncMinCloud(base_url=server.url, access_token=TOKEN)

    async def some() -> list[Any]:
        return await asyncio.gather(*(cloud.functions.invoke("greet", {"n": n}) for n in range(4)))

    for _ in range(3):
        assert asyncio.run(some()) == [{"n": n} for n in range(4)]
    asyncio.run(cloud.aclose())
    gc.collect()


def test_a_client_works_in_event_loops_of_two_threads_at_once(serve: Serve) -> None:
    server = serve(echo)
    cloud = AsyncMinCloud(base_url=server.url, access_token=TOKEN)

    async def some() -> list[Any]:
        return [await cloud.functions.invoke("greet", {"n": n}) for n in range(10)]

    def in_a_loop(_: int) -> list[Any]:
        return asyncio.run(some())

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(in_a_loop, range(4)))
    assert results == [[{"n": n} for n in range(10)]] * 4


def test_a_client_that_was_never_closed_warns_of_nothing(serve: Serve) -> None:
    """A script may end without closing; what its loop held is closed with the loop."""
    server = serve(echo)

    async def main() -> Any:
        return await AsyncMinCloud(base_url=server.url, access_token=TOKEN).functions.invoke("greet")

    assert asyncio.run(main()) == {}
    gc.collect()


@pytest.mark.usefixtures("kept_connections")
def test_32_threads_use_one_client_and_get_their_own_answers(serve: Serve) -> None:
    server = serve(echo)
    inputs = [{"n": n} for n in range(640)]
    with MinCloud(base_url=server.url, access_token=TOKEN) as cloud, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(cloud.functions.invoke, ["greet"] * 640, inputs))
    assert answers == [{"n": n} for n in range(640)]
    assert server.connections <= 32


async def test_200_tasks_use_one_client_and_get_their_own_answers(serve: Serve) -> None:
    server = serve(echo)
    async with AsyncMinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        answers = await asyncio.gather(*(cloud.functions.invoke("greet", {"n": n}) for n in range(200)))
    assert answers == [{"n": n} for n in range(200)]


def _exit_with(holds: Callable[[], bool]) -> NoReturn:
    """Ends a forked child: 0 if something holds, whatever happens without running on in the tests."""
    signal.alarm(40)
    status = 2
    try:
        status = 0 if holds() else 1
    finally:
        os._exit(status)


@pytest.mark.usefixtures("kept_connections")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_client_works_on_both_sides_of_a_fork() -> None:
    """The child takes a connection of its own; the parent's goes on, and no answer gets to the wrong one."""
    with MisbehavingServer([echo]) as server, MinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        assert cloud.functions.invoke("greet", {"who": "parent"}) == {"who": "parent"}
        child = os.fork()
        if child == 0:
            _exit_with(lambda: all(cloud.functions.invoke("greet", {"n": n}) == {"n": n} for n in range(20)))
        answers = [cloud.functions.invoke("greet", {"n": -n}) for n in range(20)]
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert answers == [{"n": -n} for n in range(20)]
        assert server.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_while_another_thread_obtains_the_token_does_not_hang_the_child() -> None:
    forked = threading.Event()

    def token_or_result(_: ClientConnection, request: Received) -> bytes:
        if request.path.startswith("/api/"):
            forked.wait(30)
            return reply({"code": "c" * 20, "access_token": "t" * 20})
        return result(1)

    with MisbehavingServer([token_or_result]) as server:
        cloud = MinCloud(base_url=server.url, client_id="id", client_secret="secret-of-the-client")
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(cloud.functions.invoke, "greet")
            while not server.requests:
                time.sleep(0.005)
            child = os.fork()
            if child == 0:
                _exit_with(lambda: cloud.functions.invoke("greet") == 1)
            forked.set()
            assert call.result() == 1
        _, status = os.waitpid(child, 0)
        cloud.close()
        assert os.waitstatus_to_exitcode(status) == 0


def test_a_failed_call_leaves_no_socket_open(serve: Serve, refused: str) -> None:
    server = serve(hang)
    cloud = MinCloud(base_url=server.url, access_token=TOKEN, timeout=0.1, max_retries=1)
    with pytest.raises(MinCloudError):
        cloud.functions.get("greet")
    with pytest.raises(ConnectionFailed):
        cloud.jobs.log(_job(f"{refused}/x"), timeout=30)
    cloud.close()
    del cloud
    gc.collect()


def _job(url: str) -> Any:
    return Job(id=1, status="fulfilled", user_log_url=url)


_LEFT_IN_THE_MIDDLE = """
import sys
from mincloud import MinCloud

cloud = MinCloud(base_url=sys.argv[1], access_token="t")
outcomes = cloud.functions.map("greet", [{}] * 100, concurrency=4)
print(next(outcomes).data, flush=True)
"""


def test_a_program_ends_that_leaves_an_iteration_in_the_middle(serve: Serve) -> None:
    server = serve(result(1))
    ended = subprocess.run(
        [sys.executable, "-c", _LEFT_IN_THE_MIDDLE, server.url],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n", "")


@pytest.mark.parametrize("own_client", [False, True])
def test_a_call_needs_no_thread_where_none_can_be_started(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, own_client: bool
) -> None:
    """As in a function of `atexit`, from Python 3.12 on, or in a container that has as many as it may have."""
    server = serve(result("bye"))
    start = threading.Thread.start

    def refused(thread: threading.Thread) -> None:
        if threading.current_thread() is threading.main_thread():
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    with (
        httpx.Client() as own,
        MinCloud(
            base_url=f"http://localhost:{server.port}", access_token=TOKEN, http_client=own if own_client else None
        ) as cloud,
        monkeypatch.context() as patched,
    ):
        patched.setattr(threading.Thread, "start", refused)
        assert cloud.functions.invoke("greet") == "bye"
