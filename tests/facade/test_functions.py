"""Functions: calling them, and their code."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

import pytest

from mincloud import (
    BadRequest,
    ConnectionFailed,
    EventSource,
    FunctionError,
    InvalidResponse,
    NotFound,
    Plan,
    RequestTimeout,
    ServerError,
)
from mincloud_emulator import Emulator

from .conftest import Action, OpenSide, Side
from .scripted_service import Received, Reply, ScriptedService, a_function

# invoke


@pytest.mark.parametrize(
    "value", ["hi 爱范儿", 0, -1.5, True, None, [], [1, [2]], {}, {"你": {"好": None}}, "", "\x00\u2028😀"]
)
def test_an_invocation_gives_what_the_function_returned(emulated: Side, emulator: Emulator, value: Any) -> None:
    emulator.stub("echo", lambda event: event["data"]["value"])
    result = emulated.run(lambda cloud: cloud.functions.invoke("echo", {"value": value}))
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("arguments", [(), (None,), ({},)])
def test_an_invocation_without_data_sends_an_empty_object(
    side: Side, service: ScriptedService, arguments: tuple[Any, ...]
) -> None:
    assert side.run(lambda cloud: cloud.functions.invoke("f", *arguments)) == {}
    assert service.received[0].body == {"data": {}, "sync": True}


def test_any_mapping_is_data(side: Side) -> None:
    data: Mapping[str, Any] = MappingProxyType({"x": (1, 2)})
    assert side.run(lambda cloud: cloud.functions.invoke("f", data)) == {"x": [1, 2]}


def test_what_a_function_returned_is_made_into_what_the_caller_asks_for(emulated: Side, emulator: Emulator) -> None:
    emulator.stub("price", lambda event: "9.50")
    assert emulated.run(lambda cloud: cloud.functions.invoke("price", returns=Decimal)) == Decimal("9.50")
    emulator.stub("price", lambda event: "dear")
    with pytest.raises(InvalidOperation):  # what it raised, as it is
        emulated.run(lambda cloud: cloud.functions.invoke("price", returns=Decimal))
    emulator.stub("price", lambda event: None)
    assert emulated.run(lambda cloud: cloud.functions.invoke("price", returns=repr)) == "None"


@pytest.mark.parametrize("returns", [int | None, "int", [int], 0])
def test_what_cannot_make_a_result_is_refused_before_anything_is_sent(
    side: Side, service: ScriptedService, returns: Any
) -> None:
    with pytest.raises(TypeError, match="returns must be a class or a function that makes the result, as TypeAdapter"):
        side.run(lambda cloud: cloud.functions.invoke("f", returns=returns))
    assert service.received == []


@pytest.mark.parametrize("data", [[1], "text", 5])
def test_data_that_is_no_object_is_refused(side: Side, service: ScriptedService, data: Any) -> None:
    with pytest.raises(TypeError) as refused:
        side.run(lambda cloud: cloud.functions.invoke("f", data))
    assert str(refused.value) == (
        f"data must be a dict, which the function receives as event.data, not {type(data).__name__}"
    )
    assert service.received == []


@pytest.mark.parametrize(
    ("error", "shown", "fields"),
    [
        (
            {"message": "no", "type": "TypeError", "stack": "at x"},
            "TypeError: no",
            {"message": "no", "type": "TypeError", "stack": "at x"},
        ),
        ({"message": "no"}, "no", {"message": "no", "type": None, "stack": None}),
        ({"type": "TypeError"}, "TypeError", {"message": None, "type": "TypeError", "stack": None}),
        ({}, "code 1, without a message", {"message": None, "type": None, "stack": None}),
        (None, "code 1, without a message", {"message": None, "type": None, "stack": None}),
        ("boom", "boom", {"message": "boom", "type": None, "stack": None}),
        ({"message": {"a": 1}}, '{"a": 1}', {"message": '{"a": 1}', "type": None, "stack": None}),
    ],
)
def test_a_failed_invocation_is_a_function_error_whatever_its_error_is(
    side: Side, service: ScriptedService, error: Any, shown: str, fields: dict[str, Any]
) -> None:
    service.invoked = lambda _: {"code": 1, "data": None, "error": error}
    with pytest.raises(FunctionError) as failed:
        side.run(lambda cloud: cloud.functions.invoke("测试", {}))
    assert str(failed.value) == f"the function '测试' failed: {shown}"
    for each in (failed.value, pickle.loads(pickle.dumps(failed.value)), copy.deepcopy(failed.value)):
        assert vars(each) == {"function": "测试", "code": 1, **fields}


def test_a_failed_invocation_may_lack_its_error(side: Side, service: ScriptedService) -> None:
    service.invoked = lambda _: {"code": 3}
    with pytest.raises(FunctionError, match="the function 'f' failed: code 3, without a message") as failed:
        side.run(lambda cloud: cloud.functions.invoke("f"))
    assert failed.value.code == 3


def test_an_invocation_is_sent_once(open_side: OpenSide, service: ScriptedService) -> None:
    service.before = lambda _: Reply(502, "<html>")
    side = open_side(base_url=service.url, access_token="t", max_retries=5)
    with pytest.raises(ServerError):
        side.run(lambda cloud: cloud.functions.invoke("f"))
    with pytest.raises(ServerError):
        side.run(lambda cloud: cloud.functions.trigger("f"))
    with pytest.raises(ServerError):
        side.run(lambda cloud: cloud.functions.debug("f"))
    with pytest.raises(ServerError):
        side.run(lambda cloud: cloud.functions.create("f", "code"))
    assert [received.method for received in service.received] == ["POST"] * 4


def test_a_timeout_of_a_call_is_its_own(side: Side, service: ScriptedService) -> None:
    side.run(lambda cloud: cloud.functions.invoke("f"))  # connects, which takes its time as well
    over = threading.Event()
    service.delay = lambda _: over.wait(20)
    try:
        with pytest.raises(RequestTimeout) as late:
            side.run(lambda cloud: cloud.functions.invoke("f", timeout=1))
    finally:
        over.set()
    assert late.value.may_have_run
    assert side.run(lambda cloud: cloud.functions.invoke("f", {"x": 1}, timeout=30)) == {"x": 1}


def test_a_result_is_not_taken_for_an_acceptance_nor_the_other_way_round(side: Side, service: ScriptedService) -> None:
    service.before = lambda received: (
        Reply(200, {"status": "ok"}) if received.body["sync"] else Reply(200, {"code": 0, "data": 1, "error": {}})
    )
    with pytest.raises(
        InvalidResponse, match="it says that the call was accepted, although its result was to be waited"
    ):
        side.run(lambda cloud: cloud.functions.invoke("f"))
    with pytest.raises(InvalidResponse, match="it is a result, although the call was not to be waited for"):
        side.run(lambda cloud: cloud.functions.trigger("f"))


# debug


def test_debugging_gives_the_result_with_its_log_times_memory_and_id(emulated: Side, emulator: Emulator) -> None:
    emulator.stub("greet", lambda event: [event["data"], event["eventType"]])
    result = emulated.run(lambda cloud: cloud.functions.debug("greet", {"x": 1}, subject="timer"))
    assert result.code == 0
    assert result.data == [{"x": 1}, "timer"]
    assert "LOG event.data:" in result.log
    assert result.billing_time % 100 == 0
    assert result.execution_time >= 0
    assert result.mem_usage is not None
    assert result.job_id


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"message": "no", "stack": "at x", "type": "Error"}, "no"),
        ("boom", "boom"),
        ({}, None),
        (None, None),
    ],
)
def test_debugging_a_function_that_fails_raises_nothing(
    side: Side, service: ScriptedService, error: Any, message: str | None
) -> None:
    service.invoked = lambda _: {"code": 1, "data": None, "error": error, "log": "2018 ERROR", "job_id": "a1"}
    result = side.run(lambda cloud: cloud.functions.debug("f"))
    assert (result.code, result.data, result.log, result.job_id) == (1, None, "2018 ERROR", "a1")
    assert (result.error.message if result.error else None) == message


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, {"data": {}}),
        ({"data": {"x": 1}}, {"data": {"x": 1}}),
        ({"subject": "timer"}, {"data": {}, "subject": "timer"}),
        ({"subject": EventSource.WECHAT_PAY_SUCCESS}, {"data": {}, "subject": "wechat_pay_success"}),
        ({"subject": "flex_schema", "schema_id": 7}, {"data": {}, "subject": "flex_schema", "schema_id": 7}),
    ],
)
def test_debugging_sends_only_what_is_named(
    side: Side, service: ScriptedService, options: dict[str, Any], sent: dict[str, Any]
) -> None:
    side.run(lambda cloud: cloud.functions.debug("f", **options))
    assert service.received[0].body == sent
    assert service.received[0].path == "/oserve/v1.3/cloud-function/f/debug/"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"subject": "flex_schema"},
            ValueError,
            "the subject flex_schema needs schema_id, the id of the table",
        ),
        ({"subject": "flex_schema", "schema_id": "7"}, TypeError, "schema_id must be an integer, not '7'"),
        (
            {"subject": "cron"},
            ValueError,
            "subject must be one of cloud_function, file_operation, flex_schema, open_api, sdk, timer, wechat_pay_success, not 'cron'",
        ),
    ],
)
def test_an_impossible_event_is_refused(
    side: Side, service: ScriptedService, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        side.run(lambda cloud: cloud.functions.debug("f", **options))
    assert str(refused.value) == message
    assert service.received == []


# create, get, update, delete


def test_a_function_is_created_read_changed_and_deleted_on_the_emulator(emulated: Side) -> None:
    code = "exports.main = async () => '你好'\n"
    created = emulated.run(lambda cloud: cloud.functions.create("测试/a b", code, remark="第一"))
    assert (created.name, created.function_code, created.remark, created.plan_circle) == (
        "测试/a b",
        code,
        "第一",
        "P_FREE",
    )
    assert emulated.run(lambda cloud: cloud.functions.get("测试/a b")).id == created.id
    changed = emulated.run(
        lambda cloud: cloud.functions.update("测试/a b", new_name="x", plan=Plan.P_PERSONAL, remark="")
    )
    assert (changed.id, changed.name, changed.function_code, changed.plan_circle, changed.remark) == (
        created.id,
        "x",
        code,
        "P_PERSONAL",
        "",
    )
    with pytest.raises(NotFound):
        emulated.run(lambda cloud: cloud.functions.get("测试/a b"))
    assert emulated.run(lambda cloud: cloud.functions.delete("x")) is None
    with pytest.raises(NotFound):
        emulated.run(lambda cloud: cloud.functions.delete("x"))


def test_a_name_that_is_taken_is_a_bad_request(emulated: Side) -> None:
    emulated.run(lambda cloud: cloud.functions.create("f", "exports.main = async () => 1"))
    with pytest.raises(BadRequest):
        emulated.run(lambda cloud: cloud.functions.create("f", "exports.main = async () => 2"))


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"code": "new"}, {"function_code": "new"}),
        ({"new_name": "g"}, {"name": "g"}),
        ({"plan": "P_PERSONAL"}, {"plan_circle": "P_PERSONAL"}),
        ({"remark": ""}, {"remark": ""}),
        (
            {"code": "new", "new_name": "g", "plan": Plan.P_FREE, "remark": "r"},
            {"function_code": "new", "name": "g", "plan_circle": "P_FREE", "remark": "r"},
        ),
    ],
)
def test_an_update_sends_only_the_fields_named(
    side: Side, service: ScriptedService, options: dict[str, Any], sent: dict[str, Any]
) -> None:
    service.functions = [a_function("f")]
    side.run(lambda cloud: cloud.functions.update("f", **options))
    assert [(received.method, received.body) for received in service.received] == [("PATCH", sent)]


def test_a_creation_without_a_remark_sends_none(side: Side, service: ScriptedService) -> None:
    side.run(lambda cloud: cloud.functions.create("f", "code"))
    assert service.received[0].body == {"name": "f", "function_code": "code"}


REFUSED: list[tuple[Action, type[Exception], str]] = [
        (lambda f: f.create("", "code"), ValueError, "a function's name must not be empty"),
        (lambda f: f.create("f", ""), ValueError, "code must not be empty"),
        (lambda f: f.create("f", " \n"), ValueError, "code must not be empty"),
        (lambda f: f.create("f", b"code"), TypeError, "code must be a string, not bytes"),
        (lambda f: f.create("f", "code", remark=5), TypeError, "remark must be a string, not int"),
        (lambda f: f.update("f"), ValueError, "nothing to update: name at least one of code, new_name, plan and remark"),
        (lambda f: f.update("f", code=""), ValueError, "code must not be empty"),
        (lambda f: f.update("f", new_name=""), ValueError, "a function's name must not be empty"),
        (lambda f: f.update("f", new_name=".."), ValueError, "a function cannot be named '..': a path with it means another address"),
        (lambda f: f.update("f", plan="P_GOLD"), ValueError, "plan must be one of P_FREE, P_PERSONAL, not 'P_GOLD'"),
        (lambda f: f.update("f", remark=["x"]), TypeError, "remark must be a string, not list"),
        (lambda f: f.get(None), TypeError, "a function's name must be a string, not NoneType"),
        (lambda f: f.delete("."), ValueError, "a function cannot be named '.': a path with it means another address"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_impossible_fields_are_refused(
    side: Side, service: ScriptedService, call: Action, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        side.run(lambda cloud: call(cloud.functions))
    assert str(refused.value) == message
    assert service.received == []


# What was sent again


def lose_the_first_answer(service: ScriptedService) -> None:
    """The first request does what it should, but its answer never comes."""

    def lose(received: Received) -> Reply | None:
        if received.number == 0:
            service.answer(received)
            return Reply(cut=True)
        return None

    service.before = lose


@pytest.fixture
def persistent(open_side: OpenSide, service: ScriptedService) -> Side:
    return open_side(base_url=service.url, access_token="t", max_retries=1)


def test_a_deletion_whose_answer_was_lost_has_succeeded(persistent: Side, service: ScriptedService) -> None:
    service.functions = [a_function("f")]
    lose_the_first_answer(service)
    assert persistent.run(lambda cloud: cloud.functions.delete("f")) is None
    assert service.count("DELETE") == 2
    assert service.functions == []


def test_a_deletion_after_a_gateway_error_has_succeeded_too(persistent: Side, service: ScriptedService) -> None:
    service.functions = [a_function("f")]

    def fail_after(received: Received) -> Reply | None:
        return Reply(504, "<html>", {"Retry-After": "0"}) if service.answer(received).status == 204 else None

    service.before = fail_after
    assert persistent.run(lambda cloud: cloud.functions.delete("f")) is None


def test_a_deletion_that_was_turned_away_before_has_not_succeeded(persistent: Side, service: ScriptedService) -> None:
    service.before = lambda received: Reply(429, "", {"Retry-After": "0"}) if received.number == 0 else None
    with pytest.raises(NotFound):
        persistent.run(lambda cloud: cloud.functions.delete("f"))
    assert service.count("DELETE") == 2


def test_a_renaming_whose_answer_was_lost_has_succeeded(persistent: Side, service: ScriptedService) -> None:
    service.functions = [a_function("f", 7)]
    lose_the_first_answer(service)
    renamed = persistent.run(lambda cloud: cloud.functions.update("f", new_name="测试", remark="r"))
    assert (renamed.id, renamed.name, renamed.remark) == (7, "测试", "r")
    assert [received.method for received in service.received] == ["PATCH", "PATCH", "GET"]


def test_a_renaming_of_what_never_was_is_not_found(persistent: Side, service: ScriptedService) -> None:
    service.before = lambda received: Reply(cut=True) if received.number == 0 else None
    with pytest.raises(NotFound) as missing:
        persistent.run(lambda cloud: cloud.functions.update("f", new_name="g"))
    assert missing.value.method == "PATCH"


def test_an_update_that_renames_nothing_is_not_found_when_there_is_no_such_function(
    persistent: Side, service: ScriptedService
) -> None:
    service.before = lambda received: Reply(cut=True) if received.number == 0 else None
    with pytest.raises(NotFound):
        persistent.run(lambda cloud: cloud.functions.update("f", new_name="f", remark="r"))
    assert service.count("GET") == 0


def test_a_creation_whose_answer_was_lost_says_that_it_may_have_run(persistent: Side, service: ScriptedService) -> None:
    lose_the_first_answer(service)
    with pytest.raises(ConnectionFailed) as lost:
        persistent.run(lambda cloud: cloud.functions.create("f", "code"))
    assert lost.value.may_have_run
    assert service.count("POST") == 1
