"""Whatever a service answers, a caller gets a value or an error of this package."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mincloud import (
    APIError,
    AsyncMinCloud,
    AsyncTransport,
    InvalidResponse,
    MinCloud,
    MinCloudError,
    Request,
    Response,
    Transport,
)
from tests.facade.conftest import Action

TOKEN = "a-token-of-the-test"


class Canned(Transport):
    """A transport of one's own, which needs no socket: every request gets the same response."""

    def __init__(self, response: Response) -> None:
        self.response = response

    def send(self, request: Request, timeout: float) -> Response:
        return self.response

    def close(self) -> None:
        """Has nothing to close."""


class AsyncCanned(AsyncTransport):
    """The same for the other client."""

    def __init__(self, response: Response) -> None:
        self.response = response

    async def send(self, request: Request, timeout: float) -> Response:
        return self.response

    async def aclose(self) -> None:
        """Has nothing to close."""


numbers = st.integers() | st.floats()
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(
    [
        "code",
        "data",
        "error",
        "id",
        "name",
        "meta",
        "objects",
        "status",
        "created_at",
        "total_count",
        "message",
        "limit",
    ]
)
objects = st.recursive(
    json_values,
    lambda inner: st.dictionaries(field_names, inner, max_size=8) | st.lists(inner, max_size=3),
    max_leaves=15,
)
bodies = st.binary(max_size=200) | objects.map(lambda value: json.dumps(value).encode())
READERS: tuple[Action, ...] = (
    lambda cloud: cloud.functions.invoke("greet"),
    lambda cloud: cloud.functions.debug("greet"),
    lambda cloud: cloud.functions.get("greet"),
    lambda cloud: cloud.functions.update("greet", remark="x"),
    lambda cloud: list(cloud.functions.list()),
    lambda cloud: next(iter(cloud.jobs.list("greet")), None),
    lambda cloud: cloud.functions.trigger("greet").wait(0.001),
)
# What a body is made of takes as long as the machine is slow.
quick = settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(body=bodies, read=st.sampled_from(READERS))
def test_any_body_gives_a_value_or_an_error_of_this_package(body: bytes, read: Any) -> None:
    with MinCloud(access_token=TOKEN, transport=Canned(Response(200, (), body))) as cloud:
        try:
            read(cloud)
        except MinCloudError as error:
            _comes_back(error)


@quick
@given(value=json_values.filter(lambda value: "NaN" not in json.dumps(value) and "Infinity" not in json.dumps(value)))
def test_whatever_a_function_returns_arrives(value: Any) -> None:
    body = json.dumps({"code": 0, "data": value}).encode()
    with MinCloud(access_token=TOKEN, transport=Canned(Response(200, (), body))) as cloud:
        assert cloud.functions.invoke("greet") == value


@quick
@given(
    status=st.integers(100, 999).filter(lambda status: status // 100 != 2),
    body=bodies,
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"Retry-After", b"Location", b"Date", b"Content-Encoding", b"Content-Type"]),
            st.binary(max_size=30)
            | st.sampled_from([b"0", b"gzip", b"deflate", b"br", b"Tue, 14 Nov 2023 22:13:20 GMT"]),
        )
    ),
)
def test_any_error_status_with_anything_in_it_is_an_api_error_that_pickles(
    status: int, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    transport = Canned(Response(status, tuple(headers), body))
    with MinCloud(access_token=TOKEN, transport=transport, max_retries=0) as cloud:
        with pytest.raises(APIError) as caught:
            cloud.functions.get("greet")
        assert caught.value.status == status
        assert isinstance(caught.value.message, str)
        _comes_back(caught.value)


async def test_the_other_client_reads_answers_with_the_same_code() -> None:
    async with AsyncMinCloud(access_token=TOKEN, transport=AsyncCanned(Response(200, (), b"[]"))) as cloud:
        with pytest.raises(InvalidResponse, match="expected an object, not a list"):
            await cloud.functions.invoke("greet")


def _comes_back(error: MinCloudError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__.keys() == error.__dict__.keys()
