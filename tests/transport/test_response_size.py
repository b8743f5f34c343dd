"""How large a response may be: as it comes, and with its content encoding undone."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincloud import ConfigurationError, InvalidResponse, Job, MinCloud, ServerError
from mincloud._content_encoding import TooLarge, decompress
from tests.facade.conftest import Action, OpenSide

from .conftest import Serve
from .misbehaving_server import FUNCTION, ClientConnection, Received, reply, result

TOKEN = "a-token-of-the-test"
READ: Action = lambda cloud: cloud.functions.get("greet")  # noqa: E731
_job = Job(id=1, status="fulfilled")
LOG: Action = lambda cloud: cloud.jobs.log(_job)  # noqa: E731
INVOKE: Action = lambda cloud: cloud.functions.invoke("greet")  # noqa: E731


def _endless(head: bytes, part: bytes) -> Any:
    def answer(connection: ClientConnection, _: Received) -> None:
        connection.send(head)
        while True:
            connection.send(part)

    return answer


BOMB = gzip.compress(bytes(60_000_000), 1)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


@pytest.mark.parametrize("action", [READ, INVOKE])
@pytest.mark.parametrize(
    "answer",
    [_endless(CHUNKED, CHUNK), _endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), reply(raw=b"x" * 1_000_001)],
    ids=["chunks", "until it closes", "a byte too long"],
)
def test_a_body_that_is_too_large_is_not_read_to_its_end(
    open_side: OpenSide, serve: Serve, answer: Any, action: Action
) -> None:
    server = serve(answer)
    side = open_side(base_url=server.url, access_token=TOKEN, max_response_bytes=1_000_000)
    with pytest.raises(InvalidResponse, match="it is larger than max_response_bytes, 1000000 bytes") as caught:
        side.run(action)
    assert (caught.value.status, caught.value.body, len(server.requests)) == (200, "", 1)


def test_a_body_of_just_the_size_is_read(open_side: OpenSide, serve: Serve) -> None:
    body = result("x" * 1000)
    size = len(body.partition(b"\r\n\r\n")[2])
    side = open_side(base_url=serve(body).url, access_token=TOKEN, max_response_bytes=size)
    assert side.run(INVOKE) == "x" * 1000


@pytest.mark.parametrize("encodings", [1, 2])
@pytest.mark.parametrize("action", [READ, INVOKE, LOG])
def test_a_little_that_unpacks_to_a_lot_is_not_unpacked(
    open_side: OpenSide, serve: Serve, action: Action, encodings: int
) -> None:
    content = BOMB
    for _ in range(encodings - 1):
        content = gzip.compress(content)
    server = serve(reply(raw=content, headers=[("Content-Encoding", ", ".join(["gzip"] * encodings))]))
    _job.user_log_url = f"{server.url}/log"
    side = open_side(base_url=server.url, access_token=TOKEN, max_response_bytes=2_000_000)
    tracemalloc.start()
    with pytest.raises(InvalidResponse, match="larger than max_response_bytes, 2000000 bytes"):
        side.run(action)
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


def test_an_error_whose_body_is_too_large_is_still_that_error(open_side: OpenSide, serve: Serve) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    server = serve(reply(raw=bomb, status=500, headers=[("Content-Encoding", "gzip")]))
    side = open_side(base_url=server.url, access_token=TOKEN, max_response_bytes=1_000_000)
    with pytest.raises(ServerError, match=r"500 \(larger than max_response_bytes\)") as caught:
        side.run(INVOKE)
    assert caught.value.body == "(larger than max_response_bytes)"


@pytest.mark.parametrize(
    "part", [b"X-More: and more\r\n", b"X", b"HTTP/1.1 103 Early Hints\r\n\r\n"], ids=["headers", "a name", "hints"]
)
def test_headers_without_end_are_cut_off(open_side: OpenSide, serve: Serve, part: bytes) -> None:
    head = b"" if part.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n"
    server = serve(_endless(head, part * 100))
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=0, timeout=1.5)
    with pytest.raises(Exception, match=r"the answer was not complete|broke before the answer") as caught:
        side.run(INVOKE)
    assert getattr(caught.value, "may_have_run", None) is True


def _raw_deflate(content: bytes) -> bytes:
    return zlib.compress(content)[2:-4]


def _deflate_of_gzip(content: bytes) -> bytes:
    return zlib.compress(gzip.compress(content))


def _gzip_in_two_members(content: bytes) -> bytes:
    return gzip.compress(content[:9]) + gzip.compress(content[9:])


def _padded_gzip(content: bytes) -> bytes:
    return gzip.compress(content) + bytes(8)


ENCODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("gzip", _gzip_in_two_members),
    ("gzip", _padded_gzip),
    ("deflate", zlib.compress),
    ("deflate", _raw_deflate),
    ("identity", bytes),
    ("gzip, deflate", _deflate_of_gzip),
]


@pytest.mark.parametrize(("encoding", "encode"), ENCODINGS)
def test_each_encoding_that_is_asked_for_is_undone(
    open_side: OpenSide, serve: Serve, encoding: str, encode: Any
) -> None:
    content = encode(json.dumps(FUNCTION).encode())
    server = serve(reply(raw=content, headers=[("Content-Encoding", encoding)]))
    assert open_side(base_url=server.url, access_token=TOKEN).run(READ).name == "greet"


@pytest.mark.parametrize(
    ("encoding", "content", "problem"),
    [
        ("br", b"\x0b\x02", "its content encoding is one that was not asked for"),
        ("gzip", b"not gzip", "its content encoding is broken"),
        ("gzip", gzip.compress(b"{}" * 1000)[:-9], "its content encoding is broken: the end is missing"),
    ],
    ids=["another encoding", "no gzip", "half of it"],
)
def test_an_encoding_that_is_none_is_an_invalid_response(
    open_side: OpenSide, serve: Serve, encoding: str, content: bytes, problem: str
) -> None:
    server = serve(reply(raw=content, headers=[("Content-Encoding", encoding)]))
    with pytest.raises(InvalidResponse, match=problem):
        open_side(base_url=server.url, access_token=TOKEN).run(READ)


@given(st.binary(max_size=300), st.integers(1, 300), st.lists(st.sampled_from(["gzip", "deflate"]), max_size=3))
def test_what_is_unpacked_is_what_was_packed_or_too_large(content: bytes, limit: int, encodings: list[str]) -> None:
    packed = content
    for name in encodings:
        packed = gzip.compress(packed) if name == "gzip" else zlib.compress(packed)
    try:
        assert decompress(packed, ",".join(encodings), limit) == content
    except TooLarge:
        assert encodings


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_body_and_any_encoding_give_bytes_or_a_value_error(content: bytes, encoding: str) -> None:
    with suppress(ValueError):
        assert len(decompress(content, encoding, 1000)) <= 1000


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "1"])
def test_an_impossible_limit_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"max_response_bytes must be an integer of 1 or more, not "):
        MinCloud(access_token=TOKEN, max_response_bytes=wrong)
    with MinCloud(access_token=TOKEN) as cloud, pytest.raises(ConfigurationError, match="max_response_bytes"):
        cloud.with_options(max_response_bytes=wrong)


def test_a_transport_of_ones_own_is_held_to_it_too() -> None:
    from mincloud import Request, Response

    class _Transport:
        def send(self, request: Request, timeout: float) -> Response:
            return Response(200, (), b"x" * (request.max_response_bytes + 1))

        def close(self) -> None: ...

    cloud = MinCloud(access_token=TOKEN, transport=_Transport(), max_response_bytes=10)
    with pytest.raises(InvalidResponse, match="larger than max_response_bytes, 10 bytes"):
        cloud.functions.get("greet")


def test_a_connection_with_more_to_come_is_not_used_again(open_side: OpenSide, serve: Serve) -> None:
    server = serve(reply(raw=b"x" * 2000), reply(FUNCTION))
    side = open_side(base_url=server.url, access_token=TOKEN, max_response_bytes=1000)
    with pytest.raises(InvalidResponse):
        side.run(READ)
    assert side.run(READ).name == "greet"
    assert server.connections == 2
