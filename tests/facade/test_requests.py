"""What of a caller's names and data arrives at the service, and what is refused before."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mincloud import InvalidResponse, MinCloud, Request, Response, Transport
from tests.facade.conftest import Action, OpenSide
from tests.transport.misbehaving_server import FUNCTION, MisbehavingServer, reply, result

PREFIX = "/oserve/v1.3/cloud-function/"
NOWHERE = {"base_url": "http://127.0.0.1:9", "access_token": "a-token", "max_retries": 0}
quick = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("greet", "greet"),
        ("测试", "%E6%B5%8B%E8%AF%95"),
        ("a/b", "a%2Fb"),
        ("%2F", "%252F"),
        ("x?y=1", "x%3Fy%3D1"),
        ("x#y", "x%23y"),
        ("...", "..."),
        (" ", "%20"),
        ("a;b&c=d+e", "a%3Bb%26c%3Dd%2Be"),
        ("../../api", "..%2F..%2Fapi"),
        ("\\", "%5C"),
        ("🎈", "%F0%9F%8E%88"),
    ],
)
def test_a_name_arrives_as_one_encoded_segment(open_side: OpenSide, name: str, segment: str) -> None:
    with MisbehavingServer([reply(FUNCTION), result(1), reply({"meta": {}, "objects": []})]) as server:
        side = open_side(base_url=server.url, access_token="a-token")
        side.run(lambda cloud: cloud.functions.get(name))
        side.run(lambda cloud: cloud.functions.invoke(name))
        side.run(lambda cloud: cloud.jobs.list(name))
    assert server.paths() == [f"{PREFIX}{segment}/", f"{PREFIX}{segment}/job/", f"{PREFIX}{segment}/job/"]


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "invoke": lambda cloud, name: cloud.functions.invoke(name),
    "trigger": lambda cloud, name: cloud.functions.trigger(name),
    "debug": lambda cloud, name: cloud.functions.debug(name),
    "map": lambda cloud, name: cloud.functions.map(name, [{}]),
    "create": lambda cloud, name: cloud.functions.create(name, "code"),
    "get": lambda cloud, name: cloud.functions.get(name),
    "update": lambda cloud, name: cloud.functions.update(name, remark="x"),
    "rename": lambda cloud, name: cloud.functions.update("greet", new_name=name),
    "deploy": lambda cloud, name: cloud.functions.deploy(name, "code"),
    "delete": lambda cloud, name: cloud.functions.delete(name),
    "jobs": lambda cloud, name: cloud.jobs.list(name),
}


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("", ValueError, "a function's name must not be empty"),
        (".", ValueError, "a function cannot be named '.'"),
        ("..", ValueError, "a function cannot be named '..'"),
        ("a\nb", ValueError, "a function's name must have no control characters: 'a\\nb'"),
        ("\0", ValueError, "no control characters"),
        ("a\x7f", ValueError, "no control characters"),
        ("a\x85", ValueError, "no control characters"),
        ("\ud800", ValueError, "without lone surrogates: '\\ud800'"),
        (7, TypeError, "a function's name must be a string, not int"),
        (b"greet", TypeError, "not bytes"),
        (["greet"], TypeError, "not list"),
    ],
)
def test_a_name_that_cannot_be_addressed_is_refused_before_any_request(
    open_side: OpenSide, name: Any, kind: type[Exception], message: str
) -> None:
    side = open_side(**NOWHERE)
    for call in CALLS.values():
        with pytest.raises(kind) as caught:
            side.run(named(call, name))
        assert message in str(caught.value)


def named(call: Callable[[Any, Any], Any], name: object) -> Action:
    return lambda cloud: call(cloud, name)


class Kept(Transport):
    """Keeps the request and answers with a function."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def send(self, request: Request, timeout: float) -> Response:
        self.requests.append(request)
        return Response(200, (), json.dumps(FUNCTION).encode())

    def close(self) -> None:
        """Has nothing to close."""


@quick
@given(name=st.text() | st.text(alphabet="./%?#\\\x00é测", max_size=4))
def test_any_text_is_refused_or_arrives_as_one_segment_equal_after_decoding(name: str) -> None:
    transport = Kept()
    with MinCloud(access_token="a-token", base_url="http://127.0.0.1:9", transport=transport) as cloud:
        try:
            cloud.functions.get(name)
        except ValueError:
            assert transport.requests == []
            return
    (request,) = transport.requests
    assert request.url.isascii()
    path = request.url.removeprefix("http://127.0.0.1:9" + PREFIX)
    segment, slash, rest = path.partition("/")
    assert (unquote(segment, errors="strict"), slash, rest) == (name, "/", "")
    assert segment not in ("", ".", "..")
    assert not set("?#\\ ") & set(segment)


# Data


def test_data_arrives_in_raw_utf8_and_no_data_as_an_empty_object(open_side: OpenSide) -> None:
    with MisbehavingServer([result(1)]) as server:
        side = open_side(base_url=server.url, access_token="a-token")
        side.run(lambda cloud: cloud.functions.invoke("greet"))
        side.run(
            lambda cloud: cloud.functions.invoke("greet", OrderedDict(username="爱范儿", nested={"a": (1, None, 2.5)}))
        )
        side.run(lambda cloud: cloud.functions.debug("greet", {"x": True}, subject="timer"))
    bare, full, debug = server.requests
    assert bare.json == {"data": {}, "sync": True}
    assert full.json == {"data": {"username": "爱范儿", "nested": {"a": [1, None, 2.5]}}, "sync": True}
    assert "爱范儿".encode() in full.body
    assert full.headers["content-type"] == "application/json"
    assert debug.json == {"data": {"x": True}, "subject": "timer"}


cycle: dict[str, Any] = {"inner": []}
cycle["inner"].append(cycle)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"x": value}
    return value


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ({"when": datetime.now(UTC)}, TypeError, "data['when'] is of type datetime, which JSON does not know"),
        ({"a": [1, {2}]}, TypeError, "data['a'][1] is of type set"),
        ({"a": {"b": b"x"}}, TypeError, "data['a']['b'] is of type bytes"),
        ({"a": Decimal(1)}, TypeError, "data['a'] is of type Decimal"),
        ({("a", "b"): 1}, TypeError, "data has the key ('a', 'b'): JSON knows only strings as keys"),
        ({1: "a", "1": "b"}, TypeError, "data has the key 1: JSON knows only strings as keys"),
        ({True: 1}, TypeError, "data has the key True: JSON knows only strings as keys"),
        ({None: 1}, TypeError, "data has the key None: JSON knows only strings as keys"),
        (
            {"a": [{"b": ({2.5: 1},)}]},
            TypeError,
            "data['a'][0]['b'][0] has the key 2.5: JSON knows only strings as keys",
        ),
        ({"a": float("nan")}, ValueError, "data['a'] is nan: JSON knows no such number"),
        ({"a": [0.0, float("-inf")]}, ValueError, "data['a'][1] is -inf"),
        ({"a": "\ud800"}, ValueError, "data['a'] is not valid Unicode: it has a lone surrogate"),
        ({"\ud800": 1}, ValueError, "is not valid Unicode"),
        (cycle, ValueError, "holds itself, which JSON cannot express"),
        # Whatever the interpreter itself could write: 3.13 writes thousands.
        (nested(500), ValueError, "nested more than 500 levels deep"),
        (nested(5000), ValueError, "nested more than 500 levels deep"),
        ([1], TypeError, "data must be a dict, which the function receives as event.data, not list"),
        ("text", TypeError, "data must be a dict"),
        (7, TypeError, "data must be a dict"),
    ],
)
def test_data_that_is_not_json_is_refused_before_any_request_and_says_where(
    open_side: OpenSide, data: Any, kind: type[Exception], message: str
) -> None:
    side = open_side(**NOWHERE)
    calls: tuple[Action, ...] = (
        lambda cloud: cloud.functions.invoke("greet", data),
        lambda cloud: cloud.functions.trigger("greet", data),
        lambda cloud: cloud.functions.debug("greet", data),
    )
    for call in calls:
        with pytest.raises(kind) as caught:
            side.run(call)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
odd_values = json_values | st.recursive(
    st.floats() | st.text(alphabet=st.characters()) | st.binary() | st.datetimes() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.sets(st.integers(), max_size=2)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.binary(), inner, max_size=3)
    ),
)


@quick
@given(data=st.dictionaries(st.text(alphabet=st.characters()), odd_values, max_size=4))
def test_any_data_arrives_or_is_refused_with_its_place(data: dict[str, Any]) -> None:
    transport = Kept()
    with MinCloud(access_token="a-token", base_url="http://127.0.0.1:9", transport=transport) as cloud:
        try:
            with pytest.raises(InvalidResponse):  # the answer is a function, not a result
                cloud.functions.debug("greet", data)
            refusal = None
        except (TypeError, ValueError) as error:
            refusal = str(error)
    if refusal is not None:
        assert transport.requests == []
        assert "data" in refusal
    else:
        (request,) = transport.requests
        assert json.loads(request.content)["data"] == json.loads(json.dumps(data))
        assert only_string_keys(data)


def only_string_keys(data: Any) -> bool:
    if isinstance(data, dict):
        items = cast("dict[object, object]", data)
        return all(isinstance(key, str) for key in items) and all(map(only_string_keys, items.values()))
    return not isinstance(data, list) or all(map(only_string_keys, cast("list[object]", data)))


# Values that JSON does not know


@dataclass
class Order:
    item: str
    price: Decimal


def plain(value: object) -> object:
    if isinstance(value, Order):
        return asdict(value)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{value!r} has no plain form")


WITH_DATA: list[Callable[[Any, Any], Any]] = [
    lambda cloud, data: cloud.functions.invoke("greet", data),
    lambda cloud, data: cloud.functions.debug("greet", data),
    lambda cloud, data: cloud.functions.map("greet", [data]),
]


@pytest.mark.parametrize("call", WITH_DATA)
def test_a_default_converts_what_json_does_not_know(open_side: OpenSide, call: Callable[[Any, Any], Any]) -> None:
    data = {"orders": [Order("茶", Decimal("9.50"))]}
    with MisbehavingServer([result(1)]) as server:
        side = open_side(base_url=server.url, access_token="a-token", default=plain)
        side.run(lambda cloud: call(cloud, data))
        side.run(lambda cloud: call(cloud.with_options(max_retries=0), data))
    assert [request.json["data"] for request in server.requests] == [{"orders": [{"item": "茶", "price": "9.50"}]}] * 2


def test_what_a_default_raises_reaches_the_caller(open_side: OpenSide) -> None:
    side = open_side(**NOWHERE, default=plain)
    with pytest.raises(TypeError, match=r"^\{2\} has no plain form$"):
        side.run(lambda cloud: cloud.functions.invoke("greet", {"a": {2}}))
    with pytest.raises(
        TypeError, match=r"data\['a'\] is of type set, which JSON does not know: .* give the client a `default`"
    ):
        side.run(lambda cloud: cloud.with_options(default=None).functions.invoke("greet", {"a": {2}}))


@pytest.mark.parametrize(
    ("converted", "kind", "message"),
    [
        ({1: 2}, TypeError, "data['a'] has the key 1: JSON knows only strings as keys"),
        ([{"b": {None: 2}}], TypeError, "data['a'][0]['b'] has the key None: JSON knows only strings as keys"),
        (float("inf"), ValueError, "data['a'] is inf: JSON knows no such number"),
        ("\ud800", ValueError, "data['a'] is not valid Unicode: it has a lone surrogate"),
        (cycle, ValueError, "holds itself, which JSON cannot express"),
    ],
)
def test_what_a_default_gives_has_to_be_json_too(
    open_side: OpenSide, converted: Any, kind: type[Exception], message: str
) -> None:
    def convert(_: object) -> Any:
        return converted

    side = open_side(**NOWHERE, default=convert)
    with pytest.raises(kind) as caught:
        side.run(lambda cloud: cloud.functions.invoke("greet", {"a": {2}}))
    assert message in str(caught.value)


def test_a_default_that_converts_nothing_is_an_error_and_no_endless_loop(open_side: OpenSide) -> None:
    def convert(value: object) -> object:
        return value

    side = open_side(**NOWHERE, default=convert)
    with pytest.raises(ValueError, match="holds itself, which JSON cannot express"):
        side.run(lambda cloud: cloud.functions.invoke("greet", {"a": {2}}))


def test_headers_are_the_apis_own(open_side: OpenSide) -> None:
    with MisbehavingServer([reply(FUNCTION)]) as server:
        side = open_side(base_url=server.url + "/some/prefix/", access_token="a-token", environment="an-environment")
        side.run(lambda cloud: cloud.functions.get("greet"))
    (request,) = server.requests
    assert request.path == f"/some/prefix{PREFIX}greet/"
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["x-hydrogen-env-id"] == "an-environment"
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert request.headers["user-agent"].startswith("mincloud")
    assert "content-length" not in request.headers


def test_a_delete_and_a_get_carry_no_body_and_a_post_its_length(open_side: OpenSide) -> None:
    with MisbehavingServer([reply(status=204, raw=b""), result(1)]) as server:
        side = open_side(base_url=server.url, access_token="a-token")
        side.run(lambda cloud: cloud.functions.delete("greet"))
        side.run(lambda cloud: cloud.functions.invoke("greet"))
    delete, invoke = server.requests
    assert (delete.method, delete.body) == ("DELETE", b"")
    assert "content-type" not in delete.headers
    assert int(invoke.headers["content-length"]) == len(invoke.body)
