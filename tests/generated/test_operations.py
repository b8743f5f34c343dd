"""Every operation of the generated client gives its request, and reads the body of its answer, without sending anything."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from mincloud_api import models
from mincloud_api.types import InvalidValue

from scripts.contract.document import CONTRACT, read_document
from scripts.contract.document import operations, resolved

if TYPE_CHECKING:
    from types import ModuleType

DOCUMENT = read_document(CONTRACT)[0]
OPERATIONS = {operation["operationId"]: (path, method, operation) for path, method, operation in operations(DOCUMENT)}
BODIES: dict[str, Any] = {
    "triggerFunction": models.TriggerRequest(function_name="greet", sync=False),
    "createFunction": models.CreateFunctionRequest(name="测试", function_code="exports.main = () => {}"),
    "updateFunction": models.UpdateFunctionRequest(plan_circle=models.Plan.P_PERSONAL),
    "debugFunction": models.DebugRequest.from_dict({"data": {"month": 9}, "subject": "timer"}),
    "invokeFunction": models.InvokeRequest.from_dict({"data": {"name": "爱范儿", "none": None}, "sync": True}),
    "authorize": models.AuthorizeRequest(client_id="id", client_secret="not-a-real-secret"),
    "createAccessToken": models.RefreshTokenGrant.from_dict(
        {
            "client_id": "id",
            "client_secret": "not-a-real-secret",
            "grant_type": "refresh_token",
            "refresh_token": "not-a-real-token",
        }
    ),
}
WITHOUT_BODY = {"deleteFunction"}


def module_of(operation_id: str) -> ModuleType:
    [tag] = OPERATIONS[operation_id][2]["tags"]
    name = re.sub("([A-Z])", r"_\1", operation_id).lower()
    return importlib.import_module(f"mincloud_api.api.{tag}.{name}")


def success_of(operation_id: str) -> tuple[str, dict[str, Any]]:
    responses = OPERATIONS[operation_id][2]["responses"]
    [status] = [status for status in responses if status.startswith("2")]
    return status, resolved(DOCUMENT, responses[status])


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_operation_builds_its_request(operation_id: str) -> None:
    path, method, operation = OPERATIONS[operation_id]
    module = module_of(operation_id)
    arguments: dict[str, Any] = {}
    if "{function_name}" in path:
        arguments["function_name"] = "测试/a b"
    if "requestBody" in operation:
        arguments["body"] = BODIES[operation_id]

    request = module.build_request(**arguments)

    assert request["method"] == method
    assert request["url"] == path.replace("{function_name}", "%E6%B5%8B%E8%AF%95%2Fa%20b")
    assert request.get("json") == (BODIES[operation_id].to_dict() if "requestBody" in operation else None)
    assert set(request) <= {"method", "url", "params", "headers", "json"}


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_function_operation_takes_an_environment(operation_id: str) -> None:
    module = module_of(operation_id)
    takes = "x_hydrogen_env_id" in inspect.signature(module.build_request).parameters

    assert takes == (operation_id not in ("authorize", "createAccessToken"))


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_operation_with_an_answer_reads_each_example_of_it(operation_id: str) -> None:
    module = module_of(operation_id)
    status, response = success_of(operation_id)

    assert hasattr(module, "parse_success") == (operation_id not in WITHOUT_BODY)
    if operation_id in WITHOUT_BODY:
        assert (status, "content" in response) == ("204", False)
        return
    for example in response["content"]["application/json"]["examples"].values():
        answer = module.parse_success(example["value"])
        assert answer.additional_properties == {}


@pytest.mark.parametrize("operation_id", sorted(set(OPERATIONS) - WITHOUT_BODY))
@pytest.mark.parametrize("body", [None, [], "text", 3, {}, {"error_msg": "no"}], ids=repr)
def test_a_body_that_is_not_the_answer_is_an_invalid_value(operation_id: str, body: object) -> None:
    with pytest.raises(InvalidValue):
        module_of(operation_id).parse_success(body)


def test_the_filters_and_the_page_of_a_list_are_sent() -> None:
    from mincloud_api.api.jobs.list_jobs import build_request

    request = build_request(
        "greet",
        source=models.EventSource.OPEN_API,
        status=models.JobStatus.EXECUTION_FAILED,
        service_type=models.ServiceType.BATCH,
        created_at_gte=1537505171,
        created_at_lte=1537505172,
        limit=50,
        offset=100,
        x_hydrogen_env_id="5f2a4c",
    )

    assert request["params"] == {
        "source": "open_api",
        "status": "execution_failed",
        "service_type": "batch",
        "created_at__gte": 1537505171,
        "created_at__lte": 1537505172,
        "limit": 50,
        "offset": 100,
    }
    assert request["headers"] == {"X-Hydrogen-Env-ID": "5f2a4c"}


@pytest.mark.parametrize("operation_id", ["invokeFunction", "triggerFunction"])
def test_the_two_answers_of_a_call_are_told_apart(operation_id: str) -> None:
    parse = module_of(operation_id).parse_success

    assert type(parse({"code": 0, "data": None, "error": {}})) is models.InvocationResult
    assert type(parse({"code": 7})) is models.InvocationResult
    assert type(parse({"status": "ok"})) is models.InvocationAccepted
    assert type(parse({"status": "queued", "position": 3})) is models.InvocationAccepted
    with pytest.raises(InvalidValue) as caught:
        parse({"code": "0"})
    assert str(caught.value) == (
        "fits none of its forms (InvocationResult: code: expected an integer, not a string; "
        "InvocationAccepted: status: is missing)"
    )
