"""One deadline for all of an attempt: each address, each part that is sent, each part that is read."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpcore
import pytest

from mincloud import MinCloud, Request, RequestTimeout
from mincloud._concurrency import threads
from tests.facade.conftest import OpenSide

from .conftest import Serve
from .misbehaving_server import MisbehavingServer, result

TOKEN = "a-token-of-the-test"
NAME = "service.example"


@pytest.fixture
def dead() -> Iterator[Callable[[int], int]]:
    """Has a port of several addresses of this machine take no more connections, as one behind a firewall that drops all: `dead(4)`."""
    with ExitStack() as stack:

        def make(count: int) -> int:
            port = 0
            for number in range(count):
                listener = stack.enter_context(socket.socket())
                listener.bind((f"127.0.0.{number + 2}", port))
                listener.listen(0)
                port = listener.getsockname()[1]
                for _ in range(3):  # more than wait
                    waiting = stack.enter_context(socket.socket())
                    waiting.setblocking(False)
                    waiting.connect_ex(listener.getsockname())
            return port

        yield make


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Has the name of the service stand for these addresses."""
    look_up = socket.getaddrinfo

    def looked_up(host: Any, *args: Any, **options: Any) -> Any:
        if host not in (NAME, NAME.encode()):
            return look_up(host, *args, **options)
        return [found for address in addresses for found in look_up(address, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


def test_several_dead_addresses_share_the_timeout(monkeypatch: pytest.MonkeyPatch, dead: Callable[[int], int]) -> None:
    port = dead(4)
    _resolve_to(monkeypatch, *(f"127.0.0.{number + 2}" for number in range(4)))
    with MinCloud(base_url=f"http://{NAME}:{port}", access_token=TOKEN, timeout=0.8, max_retries=0) as cloud:
        started = time.monotonic()
        with pytest.raises(RequestTimeout, match=r"no connection was made within 0\.8 s") as caught:
            cloud.functions.invoke("greet")
        # Four times the timeout would be 3.2 s.
        assert time.monotonic() - started < 2.4
    assert caught.value.may_have_run is False


def test_a_dead_address_delays_the_next_by_little(monkeypatch: pytest.MonkeyPatch, dead: Callable[[int], int]) -> None:
    """As for a host with an address of IPv6 that leads nowhere."""
    port = dead(1)
    _resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    listener = socket.create_server(("127.0.0.1", port))
    with (
        MisbehavingServer([result(7)], bound=listener),
        MinCloud(base_url=f"http://{NAME}:{port}", access_token=TOKEN) as cloud,
    ):
        started = time.monotonic()
        assert cloud.functions.invoke("greet", timeout=30) == 7
        # Half of the timeout, or all of it, would go to the first address otherwise.
        assert time.monotonic() - started < 10


def test_an_address_that_refuses_is_followed_by_the_next_at_once(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    server = serve(result(7))
    _resolve_to(monkeypatch, "127.0.0.9", "127.0.0.1")
    with MinCloud(base_url=f"http://{NAME}:{server.port}", access_token=TOKEN) as cloud:
        assert cloud.functions.invoke("greet") == 7


def test_a_slow_resolver_counts_into_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def look_up(*_: object, **__: object) -> bool:
        return done.wait(30)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    cloud = MinCloud(base_url=f"http://{NAME}", access_token=TOKEN, timeout=0.5, max_retries=0)
    with cloud, pytest.raises(RequestTimeout, match=r"no connection was made within 0\.5 s"):
        cloud.functions.invoke("greet")
    done.set()


def test_a_name_that_the_resolver_cannot_take_is_an_error_and_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UnicodeError, match="label too long"):
        threads.network_backend().connect_tcp(NAME, 80)


def test_addresses_of_both_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, "2001:db8::1", "2001:db8::2", "127.0.0.1", "127.0.0.1", "127.0.0.2")
    assert threads.addresses_of(NAME, 80) == ["2001:db8::1", "127.0.0.1", "2001:db8::2", "127.0.0.2"]


def test_a_connection_that_loses_the_race_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both addresses answer, the first one later."""
    second_is_there, both_are_there = threading.Event(), threading.Event()
    streams: dict[str, httpcore.NetworkStream] = {}
    closed = threading.Event()

    class _Stream(httpcore.NetworkStream):
        def close(self) -> None:
            closed.set()

    def connect(_: object, host: str, *__: object) -> httpcore.NetworkStream:
        if host == "127.0.0.2":
            second_is_there.wait(30)
            both_are_there.wait(30)
        streams[host] = _Stream()
        second_is_there.set()
        return streams[host]

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    _resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    assert threads.network_backend().connect_tcp(NAME, 80) is streams["127.0.0.1"]
    assert not closed.is_set()
    both_are_there.set()
    assert closed.wait(30)


def test_an_upload_to_a_slow_reader_keeps_to_the_timeout(open_side: OpenSide) -> None:
    """The reader takes a little of it again and again, so that no single send waits for long."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopped = threading.Event()

        def read_slowly() -> None:
            connection, _ = listener.accept()
            with connection:
                while not stopped.wait(0.02):
                    connection.recv(200_000)

        server = threading.Thread(target=read_slowly)
        server.start()
        side = open_side(base_url="http://127.0.0.1:9", access_token=TOKEN)
        request = Request(
            "POST", f"http://127.0.0.1:{listener.getsockname()[1]}/", ((b"Host", b"x"),), bytes(60_000_000)
        )
        started = time.monotonic()
        with pytest.raises(RequestTimeout, match="within 1 s"):
            side.run(lambda cloud: cloud._pipeline.sender.transport.send(request, 1.0))
        # Reading all of it takes the server 6 s at least.
        assert time.monotonic() - started < 4
        stopped.set()
        server.join()
