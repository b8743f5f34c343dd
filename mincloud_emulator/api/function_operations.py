"""The contract's operations on functions and their jobs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from ..core.invocation_result import FINAL_STATUSES
from ..core.invocations import Caller
from ..core.json_text import encode_json
from ..core.store import MEMORY_MB, NameTakenError
from .access import requested_host, sender_address
from .requests import (
    HTTPError,
    bad_request,
    boolean_field,
    choice_parameter,
    integer_parameter,
    is_integer,
    object_field,
    page_parameters,
    query_parameters,
    read_json_object,
    required_text,
    text_field,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from ..core.invocation_result import InvocationResult
    from ..core.invocations import Invocation
    from ..core.service import Service
    from ..core.store import Function, Job

SOURCES = (
    "sdk",
    "open_api",
    "cloud_function",
    "flex_schema",
    "wechat_pay_success",
    "timer",
    "file_operation",
)
STATUSES = ("waiting", "executing", *FINAL_STATUSES)
SERVICE_TYPES = ("time_sensitive", "batch")

_FUNCTION_FIELDS = ("created_at", "function_code", "id", "name", "plan_circle", "remark", "updated_at")
_JOB_FIELDS = ("created_at", "finished_at", "id", "mem_usage", "service_type", "source", "started_at", "status")
_FUNCTIONS_PATH = "/oserve/v1.3/cloud-function/"


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a response with a value as JSON."""
    return Response(encode_json(value), status, headers, media_type="application/json")


def json_text_response(text: bytes) -> Response:
    """Returns a successful response with JSON text."""
    return Response(text, media_type="application/json")


class FunctionOperations:
    """Handlers of the operations. Each takes the request and the function's name in its path, `""` if there is none."""

    def __init__(self, service: Service) -> None:
        self._service = service

    # Functions

    async def list_functions(self, request: Request, _name: str) -> Response:
        """`listFunctions`: a page of functions, newest first."""
        environment = environment_of(request)
        limit, offset = page_parameters(query_parameters(request))
        functions, total = self._service.store.functions(environment, limit, offset)
        objects = [function_body(function) for function in functions]
        return json_response(200, _page(_FUNCTIONS_PATH, {}, limit, offset, total=total, objects=objects))

    async def create_function(self, request: Request, _name: str) -> Response:
        """`createFunction`."""
        environment = environment_of(request)
        fields = await read_json_object(request, self._service.limits)
        name = _new_name(required_text(fields, "name"))
        code = required_text(fields, "function_code")
        remark = text_field(fields, "remark", empty=True) or ""
        try:
            function = self._service.create_function(environment, name, code, remark=remark)
        except NameTakenError as error:
            raise _name_taken(name) from error
        return json_response(201, function_body(function))

    async def get_function(self, request: Request, name: str) -> Response:
        """`getFunction`."""
        return json_response(200, function_body(self._function(request, name)))

    async def update_function(self, request: Request, name: str) -> Response:
        """`updateFunction`: what the body does not name stays as it is."""
        fields = await read_json_object(request, self._service.limits)
        function = self._function(request, name)
        changes: dict[str, str] = {}
        for field in ("name", "function_code"):
            value = text_field(fields, field)
            if value is not None:
                changes[field] = _new_name(value) if field == "name" else value
        remark = text_field(fields, "remark", empty=True)
        if remark is not None:
            changes["remark"] = remark
        plan = text_field(fields, "plan_circle")
        if plan is not None:
            if plan not in MEMORY_MB:
                raise bad_request(f"plan_circle must be one of {', '.join(MEMORY_MB)}, not {plan[:40]!r}")
            changes["plan_circle"] = plan
        try:
            function = self._service.update_function(function, changes)
        except NameTakenError as error:
            raise _name_taken(changes["name"]) from error
        return json_response(202, function_body(function))

    async def delete_function(self, request: Request, name: str) -> Response:
        """`deleteFunction`: the answer has no body."""
        self._service.delete_function(self._function(request, name))
        return Response(status_code=204)

    # Calls

    async def invoke_function(self, request: Request, name: str) -> Response:
        """`invokeFunction`: waits for the result unless `sync` is false."""
        fields = await read_json_object(request, self._service.limits)
        function = self._function(request, name)
        _require_data(fields)
        return await self._call(request, function, fields)

    async def trigger_function(self, request: Request, _name: str) -> Response:
        """`triggerFunction`, the older way to invoke: the name is in the body and `data` may be missing."""
        fields = await read_json_object(request, self._service.limits)
        function = self._function(request, required_text(fields, "function_name"))
        return await self._call(request, function, fields)

    async def debug_function(self, request: Request, name: str) -> Response:
        """`debugFunction`: waits, and answers with log, time and memory too.

        `data` may be any JSON value, since the service's own Node tool sends any. The call is recorded as a
        job whose source is `subject`.
        """
        fields = await read_json_object(request, self._service.limits)
        function = self._function(request, name)
        _require_data(fields)
        subject = text_field(fields, "subject") or "sdk"
        if subject not in SOURCES:
            raise bad_request(f"subject must be one of {', '.join(SOURCES)}, not {subject[:40]!r}")
        if "schema_id" in fields:
            if not is_integer(fields["schema_id"]):
                raise bad_request("schema_id must be an integer")
        elif subject == "flex_schema":
            raise bad_request("schema_id is required when subject is flex_schema")
        caller = caller_of(request, subject, schema_id=fields.get("schema_id") if subject == "flex_schema" else None)
        invocation = self._service.invocations.start(function, fields["data"], caller, sync=True)
        result = await await_result(invocation)
        if result.error:
            # The documentation has three keys, and does not say what the service writes into those that are not known.
            result = replace(result, error={"message": "", "stack": "", "type": "", **result.error})
        body = {
            "billing_time": result.billing_time,
            "execution_time": result.execution_time,
            "job_id": invocation.job.ticket,
            "log": result.log,
            "mem_usage": result.mem_usage or 0,
        }
        return json_text_response(b"%b,%b" % (result.result_json[:-1], encode_json(body)[1:]))

    async def _call(self, request: Request, function: Function, fields: Mapping[str, Any]) -> Response:
        data = object_field(fields, "data") or {}
        sync = boolean_field(fields, "sync", default=True)
        invocation = self._service.invocations.start(function, data, caller_of(request, "open_api"), sync=sync)
        if not sync:
            return json_response(200, {"status": "ok"})
        return json_text_response((await await_result(invocation)).result_json)

    # Jobs

    async def list_jobs(self, request: Request, name: str) -> Response:
        """`listJobs`: a page of a function's jobs, newest first."""
        function = self._function(request, name)
        parameters = query_parameters(request)
        limit, offset = page_parameters(parameters)
        filters: dict[str, str | int | None] = {
            "source": choice_parameter(parameters, "source", SOURCES),
            "status": choice_parameter(parameters, "status", STATUSES),
            "service_type": choice_parameter(parameters, "service_type", SERVICE_TYPES),
            "created_at__gte": integer_parameter(parameters, "created_at__gte"),
            "created_at__lte": integer_parameter(parameters, "created_at__lte"),
        }
        given = {field: value for field, value in filters.items() if value is not None}
        unlisted = self._service.invocations.recorder.unlisted()
        jobs, total = self._service.store.jobs(function.id, given, limit, offset, without=unlisted)
        path = f"{_FUNCTIONS_PATH}{quote(name, safe='')}/job/"
        objects = [self._job_body(job, host=requested_host(request)) for job in jobs]
        return json_response(200, _page(path, given, limit, offset, total=total, objects=objects))

    def _job_body(self, job: Job, *, host: str = "") -> dict[str, Any]:
        """Returns a job as in the contract; `host` is the name by which the caller reaches this machine."""
        log_url = self._service.logs.address(job.id, host=host) if self._service.shows_log(job) else None
        return {**{name: getattr(job, name) for name in _JOB_FIELDS}, "user_log_url": log_url}

    def _function(self, request: Request, name: str) -> Function:
        environment = environment_of(request)
        function = self._service.store.function(environment, name)
        if function is None:
            where = f"environment {environment[:80]!r}" if environment else "production"
            raise HTTPError(404, f"不存在。There is no function named {name[:80]!r} in {where}.")
        return function


def environment_of(request: Request) -> str:
    """Returns the id of the environment that a request names, `""` for production.

    Raises:
        HTTPError: 400 if the header is not UTF-8.
    """
    value = request.headers.get("x-hydrogen-env-id", "")
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise bad_request("X-Hydrogen-Env-ID is not UTF-8") from error


def function_body(function: Function) -> dict[str, Any]:
    """Returns a function as in the contract. The emulator has no review and no user names."""
    own = {name: getattr(function, name) for name in _FUNCTION_FIELDS}
    return {**own, "audit_status": "approved", "created_by": "", "updated_by": ""}


def _page(
    path: str,
    filters: Mapping[str, str | int],
    limit: int,
    offset: int,
    *,
    total: int,
    objects: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    def address(at: int) -> str:
        return f"{path}?{urlencode({**filters, 'limit': limit, 'offset': at})}"

    meta = {
        "limit": limit,
        "next": address(offset + limit) if offset + limit < total else None,
        "offset": offset,
        "previous": address(max(0, offset - limit)) if offset else None,
        "total_count": total,
    }
    return {"meta": meta, "objects": objects}


async def await_result(invocation: Invocation) -> InvocationResult:
    """Waits for the result of a call.

    Raises:
        HTTPError: 400 if it was never scheduled.
    """
    # Shielded, so that the call goes on when the client closes its connection.
    result = await asyncio.shield(invocation.result)
    if result.status == "schedule_failed":
        raise HTTPError(400, f"任务调度失败:{result.error['message']}")
    return result


def caller_of(request: Request, source: str, *, schema_id: int | None = None) -> Caller:
    """Returns the caller of a function that a request calls."""
    return Caller(source, sender_address(request), request.headers.get("user-agent", ""), schema_id)


def _require_data(fields: Mapping[str, Any]) -> None:
    if "data" not in fields:
        raise bad_request("data 是必填项 (data is required, {} if there is nothing to pass)")


def _new_name(name: str) -> str:
    if "\0" in name:
        raise bad_request("name must not contain the character NUL")
    return name


def _name_taken(name: str) -> HTTPError:
    return bad_request(f"云函数 {name[:80]!r} 已存在 (a function of that name exists)")
