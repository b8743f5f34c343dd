"""The contract's examples fit their schemas, and the documentation's own examples are among them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from mincloud_emulator import Emulator
from scripts.contract.document import operations, resolved
from tests.contract.mutations import JSON, value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Messages = list[str]

HELLO = 'exports.main = function functionName(event, callback) {\n  callback(null, "hello world")\n}'
BROKEN = 'exports.main = function functionName(event, callback) {\n  callback(null, "hello world")  fot debug\n}'
TRACE = (
    ':2\n  callback(null, "hello world")  fot debug\n                                 ^^^\n\n'
    "SyntaxError: Unexpected identifier\n    at createScript (vm.js:80:10)\n"
    "    at Object.runInThisContext (vm.js:139:10)\n    at Module._compile (module.js:607:28)\n"
    "    at loadUserFunction (/opt/hydrogen/worker.js:37:11)\n"
    "    at IncomingMessage.request.on.on (/opt/hydrogen/worker.js:82:18)\n"
    "    at emitNone (events.js:106:13)\n"
    "    at IncomingMessage.emit (events.js:208:7)\n    at endReadableNT (_stream_readable.js:1055:12)\n"
    "    at _combinedTickCallback (internal/process/next_tick.js:138:11)\n"
    "    at process._tickCallback (internal/process/next_tick.js:180:9)"
)

# The service's own, typed from its page: (operation, "request" or the status, the example).
DOCUMENTED: list[tuple[str, str, Any]] = [
    ("debugFunction", "request", {"data": {}}),
    (
        "debugFunction",
        "200",
        {
            "billing_time": 100,
            "code": 0,
            "data": "hello world",
            "error": {},
            "execution_time": 13.46,
            "job_id": "490f08ff9b2e4a6b874581de53950e54",
            "log": "2018-09-21T03:46:26.026Z LOG event.data:  {}\n2018-09-21T03:46:26.029Z LOG return:  hello world\n",
            "mem_usage": 78340096,
        },
    ),
    (
        "debugFunction",
        "200",
        {
            "billing_time": 100,
            "code": 1,
            "data": None,
            "error": {"message": "Unexpected identifier", "stack": TRACE, "type": "SyntaxError"},
            "execution_time": 18.46,
            "job_id": "9f9fe6f08be94888b8b56e981a5a041e",
            "log": f"2018-09-21T07:49:54.792Z LOG event.data:  {{}}\n2018-09-21T07:49:54.799Z ERROR {TRACE}\n",
            "mem_usage": 78528512,
        },
    ),
    (
        "listJobs",
        "200",
        {
            "meta": {
                "limit": 20,
                "next": "/oserve/v1.3/cloud-function/test/job/?limit=20&offset=20",
                "offset": 0,
                "previous": None,
                "total_count": 1525,
            },
            "objects": [
                {
                    "created_at": 1537505171.419368,
                    "finished_at": 1537505171.605735,
                    "id": 779734,
                    "mem_usage": 78336000,
                    "service_type": "batch",
                    "source": "flex_schema",
                    "started_at": 1537505171.5807,
                    "status": "fulfilled",
                    # Without the query, which holds a credential.
                    "user_log_url": "https://hydrogen-faas-logs.s3.cn-north-1.amazonaws.com.cn/ticket_778289.log",
                }
            ],
        },
    ),
    ("invokeFunction", "request", {"data": {}}),
    (
        "invokeFunction",
        "200",
        {"code": 1, "data": None, "error": {"message": "Unexpected identifier", "type": "SyntaxError"}},
    ),
    ("invokeFunction", "200", {"status": "ok"}),
    # The page's sample has no name; the contract's says why it has one.
    (
        "createFunction",
        "request",
        {"name": "come_from_open_api", "function_code": HELLO, "remark": "你好,云函数"},
    ),
    (
        "createFunction",
        "201",
        {
            "audit_status": "approved",
            "created_at": 1537704381,
            "created_by": "",
            "function_code": HELLO,
            "id": 1105,
            "name": "come_from_open_api",
            "plan_circle": "P_FREE",
            "remark": "你好,云函数",
            "updated_at": 1537704381,
            "updated_by": "",
        },
    ),
    (
        "listFunctions",
        "200",
        {
            "meta": {"limit": 20, "next": None, "offset": 0, "previous": None, "total_count": 2},
            "objects": [
                {
                    "audit_status": "approved",
                    "created_at": 1537924886,
                    "created_by": "somebody",
                    "function_code": HELLO,
                    "id": 1121,
                    "name": "come_from_open_API_v1.3",
                    "plan_circle": "P_FREE",
                    "remark": "你好,云函数",
                    "updated_at": 1537924886,
                    "updated_by": "",
                },
                {
                    "audit_status": "approved",
                    "created_at": 1537704269,
                    "created_by": "somebody",
                    "function_code": HELLO,
                    "id": 1102,
                    "name": "测试",
                    "plan_circle": "P_FREE",
                    "remark": "你好,云函数",
                    "updated_at": 1537704426,
                    "updated_by": "somebody",
                },
            ],
        },
    ),
    (
        "getFunction",
        "200",
        {
            "audit_status": "approved",
            "created_at": 1535903214,
            "created_by": "somebody",
            "function_code": BROKEN,
            "id": 847,
            "name": "test",
            "plan_circle": "P_FREE",
            "remark": "",
            "updated_at": 1537516164,
            "updated_by": "somebody",
        },
    ),
    ("updateFunction", "request", {"function_code": HELLO, "remark": "你好,云函数"}),
    ("updateFunction", "request", {"remark": "你好,云函数"}),
    (
        "updateFunction",
        "202",
        {
            "audit_status": "approved",
            "created_at": 1535903214,
            "created_by": "somebody",
            "function_code": HELLO,
            "id": 847,
            "name": "modify_from_open_api",
            "plan_circle": "P_FREE",
            "remark": "",
            "updated_at": 1537710962,
            "updated_by": "somebody",
        },
    ),
]


@pytest.fixture(scope="session")
def media(contract: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The schema and the examples of each operation's request and answers."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for _, _, operation in operations(contract):
        name = operation["operationId"]
        if "requestBody" in operation:
            found[name, "request"] = value_at(operation, "requestBody", "content", JSON)
        for status, response in operation["responses"].items():
            for kind, content in resolved(contract, response).get("content", {}).items():
                found[name, status if kind == JSON else f"{status} {kind}"] = content
    return found


@pytest.fixture(scope="session")
def problems(contract: dict[str, Any]) -> Callable[[dict[str, Any], object], Messages]:
    """What keeps a value from fitting a schema of the contract."""
    validator = OAS30Validator(contract, format_checker=oas30_format_checker)
    return lambda schema, value: [error.message for error in validator.evolve(schema=schema).iter_errors(value)]


@pytest.fixture
def emulator_with_node() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def without_queries(value: object) -> Any:
    """The value with each address in it cut off before its query."""
    return json.loads(re.sub(r'(https://[^"?]*)\?[^"]*', r"\1", json.dumps(value)))


@pytest.mark.parametrize(
    ("operation", "part", "example"), DOCUMENTED, ids=lambda value: value if type(value) is str else ""
)
def test_the_documentations_own_example_is_in_the_contract_and_fits(
    operation: str,
    part: str,
    example: object,
    media: dict[tuple[str, str], dict[str, Any]],
    problems: Callable[[dict[str, Any], object], Messages],
) -> None:
    shown = [without_queries(named["value"]) for named in media[operation, part]["examples"].values()]

    assert example in shown
    assert problems(media[operation, part]["schema"], example) == []


def test_every_request_and_every_answer_with_a_body_has_an_example_that_fits(
    contract: dict[str, Any],
    media: dict[tuple[str, str], dict[str, Any]],
    problems: Callable[[dict[str, Any], object], Messages],
) -> None:
    for part, content in media.items():
        assert content["examples"], part
        for name, example in content["examples"].items():
            assert problems(content["schema"], resolved(contract, example)["value"]) == [], (part, name)


def test_every_required_parameter_has_an_example_that_fits(
    contract: dict[str, Any], problems: Callable[[dict[str, Any], object], Messages]
) -> None:
    for _, _, operation in operations(contract):
        for parameter in (resolved(contract, each) for each in operation.get("parameters", [])):
            if parameter.get("required"):
                assert problems(parameter["schema"], parameter["example"]) == [], parameter["name"]


def test_the_examples_in_order_meet_no_error(contract: dict[str, Any], emulator_with_node: Emulator) -> None:
    # As the collections that Postman, Bruno and Swagger UI make of the contract send them, but for the credentials.
    with httpx.Client(
        base_url=emulator_with_node.url, headers={"Authorization": f"Bearer {emulator_with_node.access_token}"}
    ) as client:
        for template, method, operation in operations(contract):
            if not operation["security"]:
                continue
            path = template
            for parameter in (resolved(contract, each) for each in operation.get("parameters", [])):
                if parameter.get("required"):
                    path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
            content: dict[str, Any] = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
            body = next((example["value"] for example in content.get("examples", {}).values()), None)
            answer = client.request(method, path, json=body)
            assert answer.is_success, (operation["operationId"], answer.status_code, answer.text)


def test_the_example_of_a_refusal_speaks_of_what_its_operation_has(contract: dict[str, Any]) -> None:
    for _, _, operation in operations(contract):
        if "400" not in operation["responses"]:
            continue
        fields = {resolved(contract, each)["name"] for each in operation.get("parameters", [])}
        required: set[str] = set()
        if "requestBody" in operation:
            schema = resolved(contract, operation["requestBody"]["content"][JSON]["schema"])
            for one in (resolved(contract, each) for each in schema.get("oneOf", [schema])):
                fields |= one["properties"].keys()
                required |= set(one.get("required", []))
        refusal = resolved(contract, operation["responses"]["400"])
        for example in refusal["content"][JSON]["examples"].values():
            name, _, why = example["value"]["error_msg"].partition(": ")
            assert name in (required if "required" in why else fields), (operation["operationId"], example)


def test_an_answer_that_was_waited_for_never_reads_as_one_that_was_not(
    contract: dict[str, Any],
    media: dict[tuple[str, str], dict[str, Any]],
    problems: Callable[[dict[str, Any], object], Messages],
) -> None:
    result = value_at(contract, "components", "schemas", "InvocationResult")
    accepted = value_at(contract, "components", "schemas", "InvocationAccepted")
    examples = [
        example["value"]
        for operation in ("invokeFunction", "triggerFunction")
        for example in media[operation, "200"]["examples"].values()
    ]

    assert {bool(problems(result, example)) for example in examples} == {True, False}
    for example in examples:
        assert bool(problems(result, example)) != bool(problems(accepted, example)), example


@pytest.mark.parametrize("data", [None, True, 0, 1.5, "text", "爱范儿", [], [1, None], {}, {"a": {"b": None}}])
def test_what_a_function_returns_may_be_any_json(
    data: object, contract: dict[str, Any], problems: Callable[[dict[str, Any], object], Messages]
) -> None:
    for name in ("InvocationResult", "DebugResult"):
        assert problems(value_at(contract, "components", "schemas", name), {"code": 0, "data": data, "error": {}}) == []


@pytest.mark.parametrize("data", [None, True, 1, "text", []])
def test_what_is_sent_to_a_function_is_an_object(
    data: object, contract: dict[str, Any], problems: Callable[[dict[str, Any], object], Messages]
) -> None:
    for name in ("InvokeRequest", "DebugRequest", "TriggerRequest"):
        schema = value_at(contract, "components", "schemas", name)
        assert problems(schema, {"function_name": "greet", "data": data}) != []
        assert problems(schema, {"function_name": "greet", "data": {"month": 9}}) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (
            "CloudFunction",
            {"name": "greet", "audit_status": "frozen", "plan_circle": "P_TEAM", "region": "cn"},
        ),
        ("Job", {"id": 1, "status": "paused", "source": "webhook", "service_type": "realtime", "retries": 0}),
        ("InvocationResult", {"code": 7, "retry": True}),
        ("InvocationAccepted", {"status": "queued", "position": 3}),
        ("DebugResult", {"code": -1, "cost": {}}),
        ("JobPage", {"meta": {"cursor": "x"}, "objects": [], "warnings": []}),
        ("AccessToken", {"access_token": "t", "token_type": "mac", "id_token": "x"}),
        ("ErrorObject", {"error_msg": "no", "status": 404, "code": 1}),
    ],
)
def test_an_answer_with_an_unknown_value_or_field_is_still_an_answer(
    schema: str,
    value: object,
    contract: dict[str, Any],
    problems: Callable[[dict[str, Any], object], Messages],
) -> None:
    assert problems(value_at(contract, "components", "schemas", schema), value) == []


@pytest.mark.parametrize("body", [{"error_msg": "wrong"}, {"error_msg": "wrong", "status": 400}, {}, "wrong", ""])
def test_an_error_body_is_an_object_or_a_bare_string(
    body: object, contract: dict[str, Any], problems: Callable[[dict[str, Any], object], Messages]
) -> None:
    assert problems(value_at(contract, "components", "schemas", "ErrorBody"), body) == []


def test_no_example_holds_a_credential_of_the_documentation(contract: dict[str, Any]) -> None:
    text = str(contract)

    assert "X-Amz-Security-Token" not in text
    assert "X-Amz-Credential" not in text
