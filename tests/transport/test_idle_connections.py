"""Connections that wait for another call, and what the server does with them meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincloud import AsyncMinCloud, ConnectionFailed
from mincloud._async.connections import keep_alive_of
from tests.facade.conftest import Action, OpenSide

from .conftest import Serve, connected_to
from .misbehaving_server import FUNCTION, ClientConnection, Received, empty, reply, reset, result

TOKEN = "a-token-of-the-test"
INVOKE: Action = lambda cloud: cloud.functions.invoke("greet")  # noqa: E731
READ: Action = lambda cloud: cloud.functions.get("greet")  # noqa: E731


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Has the clock of the idle connections go ahead by some seconds, of which the server knows nothing."""
    ahead = 0.0
    clock = time.monotonic

    def go_ahead(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    for side in ("_async", "_sync"):
        module = __import__(f"mincloud.{side}.connections", fromlist=["time"])
        monkeypatch.setattr(module, "time", type("Clock", (), {"monotonic": staticmethod(lambda: clock() + ahead)}))
    return go_ahead


def _function(keep_alive: str | None) -> bytes:
    return reply({**FUNCTION, "code": 0}, headers=[("Keep-Alive", keep_alive)] if keep_alive else [])


@pytest.mark.parametrize(
    ("keep_alive", "idle", "action", "connections"),
    [
        # What may be repeated: until a second before the server closes it.
        ("timeout=30", 28.5, READ, 1),
        ("timeout=30", 29.5, READ, 2),
        ("timeout=5", 3.9, READ, 1),
        ("timeout=5", 4.5, READ, 2),
        ("timeout=2", 0.9, READ, 1),
        ("timeout=2", 1.2, READ, 2),
        ("max=100, timeout=20", 15, READ, 1),
        # Nothing said: as Node and uvicorn have it, 5 s.
        (None, 3.5, READ, 1),
        (None, 4.99, READ, 2),
        ("max=100", 3.5, READ, 1),
        ("timeout=soon", 4.5, READ, 2),
        # What must not be repeated: not in the second half of that time.
        ("timeout=30", 14, INVOKE, 1),
        ("timeout=30", 15, INVOKE, 2),
        (None, 1.9, INVOKE, 1),
        (None, 2.5, INVOKE, 2),
        ("timeout=0", 0, READ, 2),
    ],
)
def test_how_long_an_idle_connection_is_used_again(
    open_side: OpenSide,
    serve: Serve,
    pass_time: Callable[[float], None],
    keep_alive: str | None,
    idle: float,
    action: Action,
    connections: int,
) -> None:
    server = serve(_function(keep_alive))
    side = open_side(base_url=server.url, access_token=TOKEN)
    side.run(action)
    pass_time(idle)
    side.run(action)
    assert server.connections == connections


@pytest.mark.usefixtures("kept_connections")
def test_a_connection_too_doubtful_for_an_invocation_still_serves_a_read(
    open_side: OpenSide, serve: Serve, pass_time: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(_function("timeout=30"))
    side = open_side(base_url=server.url, access_token=TOKEN)
    side.run(READ)
    pass_time(20)
    side.run(INVOKE)
    side.run(READ)
    side.run(READ)
    assert [request.connection for request in server.requests] == [1, 2, 2, 2]


@given(st.binary(max_size=30))
def test_any_keep_alive_is_a_number_of_seconds_or_nothing(value: bytes) -> None:
    found = keep_alive_of([(b"keep-Alive", b"timeout=" + value)])
    assert found is None or found >= 0


@pytest.mark.parametrize(
    "value", [b"timeout=7", b"max=2,timeout=7", b"Timeout = 7", b'timeout="7"', b"timeout=7.9", b"timeout=7; max=2"]
)
def test_a_keep_alive_in_each_spelling_is_read(value: bytes) -> None:
    assert keep_alive_of([(b"Content-Type", b"x"), (b"KEEP-ALIVE", value)]) == 7


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_call_that_is_cancelled_while_it_closes_expired_connections_leaves_none_of_them_open(
    serve: Serve, pass_time: Callable[[float], None], steps: int
) -> None:
    together = threading.Barrier(4)

    def all_at_once(_connection: ClientConnection, request: Received) -> bytes:
        if len(server.requests) <= 4:
            together.wait(30)
        return _function("timeout=600" if request.connection == 1 else "timeout=2")

    server = serve(all_at_once)
    async with AsyncMinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        await asyncio.gather(*(cloud.functions.invoke("greet") for _ in range(4)))
        pass_time(5)
        call = asyncio.create_task(cloud.functions.invoke("greet"))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.01)
        assert len(connected_to(server.port)) <= 1
        await cloud.functions.invoke("greet")
        assert server.requests[-1].connection == 1


async def test_a_close_that_is_cancelled_closes_all_connections(serve: Serve) -> None:
    together = threading.Barrier(4)

    def all_at_once(_connection: ClientConnection, _: Received) -> bytes:
        together.wait(30)
        return result(1)

    server = serve(all_at_once)
    cloud = AsyncMinCloud(base_url=server.url, access_token=TOKEN)
    await asyncio.gather(*(cloud.functions.invoke("greet") for _ in range(4)))
    closing = asyncio.create_task(cloud.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await asyncio.sleep(0.01)
    assert connected_to(server.port) == []


@pytest.fixture
def unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server did to idle connections comes too late to be noticed before they are used."""
    for side in ("_async", "_sync"):
        monkeypatch.setattr(f"mincloud.{side}.connections.Connection.is_reusable", _is_reusable)


def _is_reusable(*_: object) -> bool:
    return True


@pytest.mark.usefixtures("unnoticed")
@pytest.mark.parametrize("idle", [1, 3])
def test_an_idle_connection_that_was_reset_just_before_never_fails_a_call(
    open_side: OpenSide, serve: Serve, idle: int
) -> None:
    """The system takes no byte of the request, so that it is sent on another connection, even with `max_retries=0`."""
    together = threading.Barrier(idle)
    resets = threading.Event()

    def answer_and_reset(connection: ClientConnection, _: Received) -> bytes | None:
        if len(server.requests) > idle:
            return result("fresh")
        together.wait(30)
        connection.send(result("first"))
        resets.wait(30)
        connection.reset()
        return None

    server = serve(answer_and_reset)
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=0)
    assert side.run(lambda cloud: cloud.functions.map("greet", [{}] * idle, concurrency=idle)) is not None
    resets.set()
    while connected_to(server.port):  # a socket that was reset is connected to nothing
        time.sleep(0.005)
    assert side.run(INVOKE) == "fresh"
    assert len(server.requests) == idle + 1


@pytest.mark.parametrize("end", [reset, empty], ids=["reset", "closed"])
def test_a_connection_that_ends_during_an_invocation_says_so_and_runs_nothing_twice(
    open_side: OpenSide, serve: Serve, end: Callable[[ClientConnection, Received], None]
) -> None:
    server = serve(result(1), end, result("twice"))
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=3)
    side.run(INVOKE)
    with pytest.raises(ConnectionFailed, match="broke before the answer was complete") as caught:
        side.run(INVOKE)
    assert caught.value.may_have_run is True
    assert len(server.requests) == 2


def test_a_server_that_refuses_each_fresh_connection_has_run_nothing(
    open_side: OpenSide, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpcore

    server = serve(result(1))

    async def refuse(*_: Any) -> None:
        raise httpcore.WriteError("connection reset by peer")

    def refuse_too(*_: Any) -> None:
        raise httpcore.WriteError("connection reset by peer")

    from httpcore._backends.anyio import AnyIOStream  # the streams that the backends make
    from httpcore._backends.sync import SyncStream

    monkeypatch.setattr(AnyIOStream, "write", refuse)
    monkeypatch.setattr(SyncStream, "write", refuse_too)
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=0)
    with pytest.raises(ConnectionFailed, match="the connection was closed at once: connection reset by peer") as caught:
        side.run(INVOKE)
    assert caught.value.may_have_run is False


@pytest.mark.parametrize("respond", [200, 404])
def test_a_mock_that_answers_without_anything_being_written_is_the_answer(open_side: OpenSide, respond: int) -> None:
    """respx, which takes the place of httpcore's connections."""
    import httpx
    import respx

    from mincloud import NotFound

    with respx.mock(using="httpcore") as router:
        route = router.get(url__startswith="http://service.example/").mock(
            httpx.Response(respond, json=FUNCTION if respond == 200 else {"error_msg": "none"})
        )
        side = open_side(base_url="http://service.example", access_token=TOKEN)
        for _ in range(3):
            if respond == 200:
                assert side.run(READ).name == "greet"
            else:
                with pytest.raises(NotFound):
                    side.run(READ)
        assert route.call_count == 3


def test_a_mock_behind_a_proxy_is_the_answer_too(open_side: OpenSide, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    import respx

    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with respx.mock(using="httpcore") as router:
        route = router.get(url__startswith="http://service.example/").mock(httpx.Response(200, json=FUNCTION))
        side = open_side(base_url="http://service.example", access_token=TOKEN)
        assert [side.run(READ).name for _ in range(3)] == ["greet"] * 3
        assert route.call_count >= 3
