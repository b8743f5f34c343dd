"""Each fact of the service's documentation, and of what else is known of it, at its place in the contract."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scripts import ROOT
from scripts.contract.document import CONTRACT, mappings, operations, resolved
from tests.contract.mutations import AUTHORIZE, DEBUG, FUNCTION, FUNCTIONS, JOBS, JSON, LEGACY, TOKEN, value_at

SOURCES = [
    "sdk",
    "open_api",
    "cloud_function",
    "flex_schema",
    "wechat_pay_success",
    "timer",
    "file_operation",
]
JOB_STATUSES = [
    *("waiting", "executing", "fulfilled", "schedule_failed", "execution_rejected"),
    *("deadline_exceeded", "execution_failed"),
]

OPERATIONS = {
    ("POST", AUTHORIZE): ("authorize", "200 302 400 401"),
    ("POST", TOKEN): ("createAccessToken", "200 400 401"),
    ("POST", FUNCTIONS): ("createFunction", "201 400 401"),
    ("GET", FUNCTIONS): ("listFunctions", "200 400 401"),
    ("POST", JOBS): ("invokeFunction", "200 400 401 404"),
    ("GET", JOBS): ("listJobs", "200 400 401 404"),
    ("POST", LEGACY): ("triggerFunction", "200 400 401 404"),
    ("POST", DEBUG): ("debugFunction", "200 400 401 404"),
    ("GET", FUNCTION): ("getFunction", "200 401 404"),
    ("PATCH", FUNCTION): ("updateFunction", "202 400 401 404"),
    ("DELETE", FUNCTION): ("deleteFunction", "204 401 404"),
}

PARAMETERS = {
    "triggerFunction": {"X-Hydrogen-Env-ID": "header"},
    "listFunctions": {"X-Hydrogen-Env-ID": "header", "limit": "query", "offset": "query"},
    "createFunction": {"X-Hydrogen-Env-ID": "header"},
    "getFunction": {"function_name": "path", "X-Hydrogen-Env-ID": "header"},
    "updateFunction": {"function_name": "path", "X-Hydrogen-Env-ID": "header"},
    "deleteFunction": {"function_name": "path", "X-Hydrogen-Env-ID": "header"},
    "debugFunction": {"function_name": "path", "X-Hydrogen-Env-ID": "header"},
    "listJobs": {
        "function_name": "path",
        "X-Hydrogen-Env-ID": "header",
        **dict.fromkeys(("source", "status", "service_type", "created_at__gte", "created_at__lte"), "query"),
        **dict.fromkeys(("limit", "offset"), "query"),
    },
    "invokeFunction": {"function_name": "path", "X-Hydrogen-Env-ID": "header"},
    "authorize": {},
    "createAccessToken": {},
}

# Required fields, and every field with its type, as the documentation's tables have them.
SCHEMAS: dict[str, tuple[set[str], dict[str, str]]] = {
    "TriggerRequest": ({"function_name"}, {"function_name": "string", "data": "object", "sync": "boolean"}),
    "InvokeRequest": ({"data"}, {"data": "object", "sync": "boolean"}),
    "DebugRequest": ({"data"}, {"data": "object", "subject": "string", "schema_id": "integer"}),
    "CreateFunctionRequest": (
        {"name", "function_code"},
        {"name": "string", "function_code": "string", "remark": "string"},
    ),
    "UpdateFunctionRequest": (
        set(),
        {"name": "string", "function_code": "string", "plan_circle": "string", "remark": "string"},
    ),
    "AuthorizeRequest": ({"client_id", "client_secret"}, {"client_id": "string", "client_secret": "string"}),
    "AuthorizationCodeGrant": (
        {"client_id", "client_secret", "grant_type", "code"},
        dict.fromkeys(("client_id", "client_secret", "grant_type", "code"), "string"),
    ),
    "RefreshTokenGrant": (
        {"client_id", "client_secret", "grant_type", "refresh_token"},
        dict.fromkeys(("client_id", "client_secret", "grant_type", "refresh_token"), "string"),
    ),
    "InvocationResult": ({"code"}, {"code": "integer", "data": "any", "error": "object"}),
    "InvocationAccepted": ({"status"}, {"status": "string"}),
    "InvocationError": (set(), {"message": "string", "stack": "string", "type": "string"}),
    "DebugResult": (
        {"code"},
        {
            "billing_time": "integer",
            "code": "integer",
            "data": "any",
            "error": "object",
            "execution_time": "number",
            "job_id": "string",
            "log": "string",
            "mem_usage": "integer",
        },
    ),
    "Job": (
        {"id", "status"},
        {
            "created_at": "number",
            "finished_at": "number",
            "id": "integer",
            "mem_usage": "integer",
            "service_type": "string",
            "source": "string",
            "started_at": "number",
            "status": "string",
            "user_log_url": "string",
        },
    ),
    "CloudFunction": (
        {"name"},
        {
            "audit_status": "string",
            "created_at": "integer",
            "created_by": "string",
            "function_code": "string",
            "id": "integer",
            "name": "string",
            "plan_circle": "string",
            "remark": "string",
            "updated_at": "integer",
            "updated_by": "string",
        },
    ),
    "PageMeta": (
        set(),
        {
            "limit": "integer",
            "next": "string",
            "offset": "integer",
            "previous": "string",
            "total_count": "integer",
        },
    ),
    "CloudFunctionPage": ({"meta", "objects"}, {"meta": "object", "objects": "array"}),
    "JobPage": ({"meta", "objects"}, {"meta": "object", "objects": "array"}),
    "AuthorizationCode": ({"code"}, {"code": "string", "expires_in": "integer"}),
    "AccessToken": (
        {"access_token"},
        {
            "access_token": "string",
            "token_type": "string",
            "expires_in": "integer",
            "refresh_token": "string",
            "scope": "string",
        },
    ),
    "ErrorObject": (set(), {"error_msg": "string", "status": "any"}),
}

COMPONENTS = ("components", "schemas")
PARAMETER = ("components", "parameters")
REFRESH = "A refresh invalidates every token issued"
AUTHENTICATION, FUNCTIONS_TAG, INVOCATIONS, JOBS_TAG = (("tags", index, "description") for index in range(4))
ANY_ERROR = ("components", "responses", "AnyError", "description")


def field(schema: str, name: str) -> tuple[str, ...]:
    return (*COMPONENTS, schema, "properties", name)


# (fact, where, what stands there)
VALUES: list[tuple[str, tuple[str | int, ...], object]] = [
    ("the service's address", ("servers", 0, "url"), "https://cloud.minapp.com"),
    ("the legacy trigger is superseded", ("paths", LEGACY, "post", "deprecated"), True),
    ("a call waits unless told otherwise", (*field("InvokeRequest", "sync"), "default"), True),
    ("a legacy call waits unless told otherwise", (*field("TriggerRequest", "sync"), "default"), True),
    ("a function is tried as sdk by default", (*field("DebugRequest", "subject"), "default"), "sdk"),
    ("the name of a new function is not empty", (*field("CreateFunctionRequest", "name"), "minLength"), 1),
    (
        "the code of a new function is not empty",
        (*field("CreateFunctionRequest", "function_code"), "minLength"),
        1,
    ),
    ("the changed name is not empty", (*field("UpdateFunctionRequest", "name"), "minLength"), 1),
    ("the changed code is not empty", (*field("UpdateFunctionRequest", "function_code"), "minLength"), 1),
    ("sources to filter by, and subjects", (*COMPONENTS, "JobSource", "enum"), SOURCES),
    ("statuses to filter by", (*COMPONENTS, "JobStatus", "enum"), JOB_STATUSES),
    ("service types to filter by", (*COMPONENTS, "ServiceType", "enum"), ["time_sensitive", "batch"]),
    ("plans to choose", (*COMPONENTS, "Plan", "enum"), ["P_FREE", "P_PERSONAL"]),
    ("known sources of a job", (*field("Job", "source"), "x-extensible-enum"), SOURCES),
    ("known statuses of a job", (*field("Job", "status"), "x-extensible-enum"), JOB_STATUSES),
    (
        "known service types",
        (*field("Job", "service_type"), "x-extensible-enum"),
        ["time_sensitive", "batch"],
    ),
    ("known plans", (*field("CloudFunction", "plan_circle"), "x-extensible-enum"), ["P_FREE", "P_PERSONAL"]),
    (
        "known results of the review",
        (*field("CloudFunction", "audit_status"), "x-extensible-enum"),
        ["approved", "rejected", "waiting"],
    ),
    ("known codes of a call", (*field("InvocationResult", "code"), "x-extensible-enum"), [0, 1]),
    ("known codes of a try", (*field("DebugResult", "code"), "x-extensible-enum"), [0, 1]),
    ("the status of an accepted call", (*field("InvocationAccepted", "status"), "x-extensible-enum"), ["ok"]),
    ("default of limit", (*PARAMETER, "Limit", "schema", "default"), 20),
    ("maximum of limit", (*PARAMETER, "Limit", "schema", "maximum"), 1000),
    ("default of offset", (*PARAMETER, "Offset", "schema", "default"), 0),
    ("limit is an integer", (*PARAMETER, "Limit", "schema", "type"), "integer"),
    ("offset is an integer", (*PARAMETER, "Offset", "schema", "type"), "integer"),
    (
        "the lower bound of creation is an integer",
        ("paths", JOBS, "get", "parameters", 5, "schema", "type"),
        "integer",
    ),
    (
        "the upper bound of creation is an integer",
        ("paths", JOBS, "get", "parameters", 6, "schema", "type"),
        "integer",
    ),
    ("the grant of a code", (*field("AuthorizationCodeGrant", "grant_type"), "enum"), ["authorization_code"]),
    ("the grant of a refresh token", (*field("RefreshTokenGrant", "grant_type"), "enum"), ["refresh_token"]),
    ("the token is a bearer token", ("components", "securitySchemes", "accessToken", "scheme"), "bearer"),
    ("the address of a log is a secret", (*field("Job", "user_log_url"), "x-secret"), True),
]

# (fact, where, what the text there says)
WORDS: list[tuple[str, tuple[str | int, ...], str]] = [
    ("the language", ("info", "description"), "Node.js 12"),
    ("two redirects", AUTHENTICATION, "two 302 redirects"),
    ("cookies are kept", AUTHENTICATION, "keep the cookies"),
    ("a refresh ends older tokens", AUTHENTICATION, f"{REFRESH}\nbefore it, refresh tokens included"),
    ("where a function stands", FUNCTIONS_TAG, "`exports.main`"),
    ("how a function is called", FUNCTIONS_TAG, "`main(event, callback)`"),
    ("an undefined result is no end", FUNCTIONS_TAG, "returns `undefined` has **not** ended"),
    ("the time zone", FUNCTIONS_TAG, "`Asia/Shanghai`"),
    ("the id of the job in the event", FUNCTIONS_TAG, "`jobId` (a\n  number)"),
    ("the environment in the event", FUNCTIONS_TAG, "in a test environment `env` (`id`,\n  `name`)"),
    ("no network", FUNCTIONS_TAG, "It has no network of its own: requests go through `BaaS.request`"),
    ("the ports", FUNCTIONS_TAG, "to the ports 80, 443,\n  8080 and 8443, and no more than 50 at once"),
    ("room on disk", FUNCTIONS_TAG, "`/tmp` in the container holds 64 MB"),
    ("programs", FUNCTIONS_TAG, "gd, ghostscript and imagemagick"),
    ("functions call functions", FUNCTIONS_TAG, "`BaaS.invoke(name, params, sync)`"),
    ("and did so by another name", FUNCTIONS_TAG, "`BaaS.invokeFunction` gives the whole HTTP response"),
    ("plans of a request", ("paths", FUNCTION, "patch", "x-provenance", 1, "note"), "names the possible plans"),
    ("limit of a synchronous call", INVOCATIONS, "| a synchronous call | 5 seconds |"),
    (
        "limit of an asynchronous call",
        INVOCATIONS,
        "| an asynchronous call | 300 seconds by default; the console has a field",
    ),
    ("the free plan", INVOCATIONS, "`P_FREE`: 128 MB of memory, 0.5 CPU | 100 running at once per"),
    ("the personal plan", INVOCATIONS, "`P_PERSONAL`: 256 MB of memory, 0.75 CPU | 10 running at once per"),
    (
        "a synchronous call too many",
        INVOCATIONS,
        "| a synchronous call above that number | is rescheduled for 2 seconds, then fails",
    ),
    (
        "an asynchronous call too many",
        INVOCATIONS,
        "| an asynchronous call above that number | is rescheduled for 5 minutes, then fails",
    ),
    ("billing steps", INVOCATIONS, "in steps of 100 ms"),
    ("no job id for a call not waited for", INVOCATIONS, "**no job id**"),
    *(
        ("requests a minute", INVOCATIONS, f"| {plan} | {count} |")
        for plan, count in {
            "free": "50",
            "education": "500",
            "personal": "5,000",
            "business": "50,000",
            "enterprise": "500,000",
        }.items()
    ),
    ("levels of the log", JOBS_TAG, "LOG, INFO, WARN and ERROR"),
    ("how values are printed", JOBS_TAG, "Node's\n`util.inspect`"),
    ("the log's first line", JOBS_TAG, "The first line is `LOG event.data:  <inspected data>`"),
    ("calls at once are told apart", JOBS_TAG, "It tells jobs apart whose calls were\n  made at the same time"),
    (
        "the log's line on success",
        JOBS_TAG,
        "`LOG return:  { error: {}, code: 0, data: 'hello world' }` (2020)",
    ),
    ("the older line on success", JOBS_TAG, "`LOG return:  hello world` (2018), where a text was printed raw"),
    ("a function can imitate lines", JOBS_TAG, "A function can log lines that look like these"),
    ("an error's body cannot be relied on", ANY_ERROR, "Never rely on a body being there"),
    ("arrears", ANY_ERROR, "| 402 | the application is in arrears |"),
    ("forbidden", ANY_ERROR, "| 403 | forbidden |"),
    ("internal error", ANY_ERROR, "| 500 | internal error |"),
    ("gateways", ANY_ERROR, "| 502, 503, 504 |"),
    ("a try's code", (*field("DebugResult", "code"), "description"), "0 when the function succeeded, 1 when it failed"),
    ("a call's code", (*field("InvocationResult", "code"), "description"), "another number when it failed"),
    ("an accepted call", (*field("InvocationAccepted", "status"), "description"), "`ok` by default."),
    (
        "three keys of an error",
        (*COMPONENTS, "InvocationError", "description"),
        "three keys: `message`, `stack` and `type`",
    ),
    ("the error's stack", (*field("InvocationError", "stack"), "description"), "stack of the error"),
    ("the error's type", (*field("InvocationError", "type"), "description"), "type of the error"),
    ("what a call gives", (*field("InvocationResult", "data"), "description"), "gave to its callback"),
    ("what a try gives", (*field("DebugResult", "data"), "description"), "gave to its callback"),
    ("when a log is there", (*field("Job", "user_log_url"), "description"), "there when a job has ended"),
    ("limits of a call", ("paths", JOBS, "post", "description"), "at most 5 seconds"),
    ("limits of a call not waited for", ("paths", JOBS, "post", "description"), "300 seconds"),
    (
        "limits of a legacy call",
        ("paths", LEGACY, "post", "description"),
        "5 seconds, an\nasynchronous one 300 seconds",
    ),
    ("a refresh ends older tokens", ("paths", TOKEN, "post", "description"), "every token\nissued before it"),
    ("two redirects", ("paths", AUTHORIZE, "post", "description"), "two 302 redirects"),
    ("what a redirect asks", ("paths", AUTHORIZE, "post", "responses", "302", "description"), "send the cookie along"),
    ("no body of a deletion", ("paths", FUNCTION, "delete", "responses", "204", "description"), "no body"),
    (
        "memory of the plans",
        (*COMPONENTS, "Plan", "description"),
        "128 MB of memory and 0.5 CPU, `P_PERSONAL` 256 MB",
    ),
    (
        "the environment",
        (*PARAMETER, "EnvironmentId", "description"),
        "Without it the call is for production",
    ),
    (
        "when a table is required",
        (*field("DebugRequest", "schema_id"), "description"),
        "`subject` is `flex_schema`",
    ),
    ("a log is elsewhere", (*field("Job", "user_log_url"), "description"), "**another host**"),
    (
        "a log's address is good for a day",
        (*field("Job", "user_log_url"), "description"),
        "a day (86,400 seconds)",
    ),
    ("a log gets no token", (*field("Job", "user_log_url"), "description"), "access token must not be sent"),
    (
        "unit of a billed time",
        (*field("DebugResult", "billing_time"), "description"),
        "milliseconds, in steps of 100",
    ),
    ("unit of a duration", (*field("DebugResult", "execution_time"), "description"), "milliseconds"),
    ("unit of memory of a try", (*field("DebugResult", "mem_usage"), "description"), "bytes"),
    ("unit of memory of a job", (*field("Job", "mem_usage"), "description"), "bytes"),
    ("a job's creation", (*field("Job", "created_at"), "description"), "Unix seconds with fractions"),
    ("a job's start", (*field("Job", "started_at"), "description"), "Unix seconds with fractions"),
    ("a job's end", (*field("Job", "finished_at"), "description"), "Unix seconds with fractions"),
    ("a function's creation", (*field("CloudFunction", "created_at"), "description"), "Unix seconds"),
    ("a function's change", (*field("CloudFunction", "updated_at"), "description"), "Unix seconds"),
    ("a code's lifetime", (*field("AuthorizationCode", "expires_in"), "description"), "seconds"),
    ("a token's lifetime", (*field("AccessToken", "expires_in"), "description"), "seconds"),
    ("the lower bound", ("paths", JOBS, "get", "parameters", 5, "description"), "Unix seconds"),
    ("the upper bound", ("paths", JOBS, "get", "parameters", 6, "description"), "Unix seconds"),
]

# (what contradicts itself, where the contract says so)
CONTRADICTIONS: list[tuple[str, tuple[str | int, ...]]] = [
    ("the second 401 of the list", ("paths", FUNCTIONS, "get")),
    ("the trailing comma of the list's example", ("paths", FUNCTIONS, "get")),
    ("the second 401 of a change", ("paths", FUNCTION, "patch")),
    ("the sample of a change and its answer", ("paths", FUNCTION, "patch")),
    ("the sample of a creation without a name", ("paths", FUNCTIONS, "post")),
    ("started_at is in no table", field("Job", "started_at")),
    ("created_at is in no table of a function", field("CloudFunction", "created_at")),
    ("created_at is Float or Integer", field("CloudFunction", "created_at")),
    ("the fields of an error", (*COMPONENTS, "InvocationError")),
    ("job_id and the id of a job", field("DebugResult", "job_id")),
    ("code is Number or Integer", field("InvocationResult", "code")),
    ("FlexSchema and flex_schema", field("DebugRequest", "schema_id")),
    ("later than, or at", ("paths", JOBS, "get", "parameters", 5)),
    ("earlier than, or at", ("paths", JOBS, "get", "parameters", 6)),
    ("whether a container is kept", ("tags", 1)),
]

# What neither page documents: (what, where, standing)
EXAMPLES = ("responses", "200", "content", "application/json", "examples")
READINGS: list[tuple[str, tuple[str | int, ...], str]] = [
    ("statuses of the legacy trigger", ("paths", LEGACY, "post"), "inferred"),
    ("404 of a change", ("paths", FUNCTION, "patch"), "observed"),
    ("404 of a try", ("paths", DEBUG, "post"), "observed"),
    ("404 of the jobs", ("paths", JOBS, "get"), "inferred"),
    ("400 of a call", ("paths", JOBS, "post"), "inferred"),
    ("statuses of authorize", ("paths", AUTHORIZE, "post"), "inferred"),
    ("statuses of the token", ("paths", TOKEN, "post"), "inferred"),
    ("how long a code lasts", ("paths", AUTHORIZE, "post", *EXAMPLES, "code"), "inferred"),
    ("how long a token lasts", ("paths", TOKEN, "post", *EXAMPLES, "token"), "inferred"),
    ("what a client without the cookie gets", ("paths", AUTHORIZE, "post"), "inferred"),
    ("multipart at the token", ("paths", TOKEN, "post"), "observed"),
    ("limit", (*PARAMETER, "Limit"), "observed"),
    ("the bounds of limit", (*PARAMETER, "Limit"), "inferred"),
    ("offset", (*PARAMETER, "Offset"), "observed"),
    ("service_type and sync", (*COMPONENTS, "ServiceType"), "inferred"),
    ("service_type and sync", field("Job", "service_type"), "inferred"),
    ("null in an unfinished job", (*COMPONENTS, "Job"), "inferred"),
    ("error bodies", (*COMPONENTS, "ErrorBody"), "observed"),
    ("media types of errors", ("components", "responses", "AnyError"), "observed"),
    ("statuses of errors", ("components", "responses", "AnyError"), "documented"),
    ("whether a try is a job", ("paths", DEBUG, "post"), "inferred"),
    ("redirects", ("paths", AUTHORIZE, "post"), "documented"),
    ("when a log is there", field("Job", "user_log_url"), "inferred"),
    ("jobId is a number", ("tags", 1), "documented"),
    ("jobId is the id of the list", ("tags", 1), "inferred"),
    ("no network", ("tags", 1), "documented"),
    ("the limit of an asynchronous call", ("tags", 2), "documented"),
    ("requests a minute", ("tags", 2), "documented"),
    ("lines of a log", ("tags", 3), "documented"),
    ("the present form of the return line", ("tags", 3), "inferred"),
]


def test_the_contract_has_the_documented_operations_and_statuses_and_no_other(
    contract: dict[str, Any],
) -> None:
    found = {
        (method.upper(), path): (
            operation["operationId"],
            " ".join(status for status in operation["responses"] if status != "default"),
        )
        for path, method, operation in operations(contract)
    }

    assert found == OPERATIONS


def test_each_operation_has_the_documented_parameters_and_no_other(contract: dict[str, Any]) -> None:
    found = {
        operation["operationId"]: {
            parameter["name"]: parameter["in"]
            for parameter in (resolved(contract, each) for each in operation.get("parameters", []))
        }
        for _, _, operation in operations(contract)
    }

    assert found == PARAMETERS


def test_only_the_name_in_the_path_is_required_of_the_parameters(contract: dict[str, Any]) -> None:
    required = {node["name"] for _, node in mappings(contract) if "in" in node and node.get("required")}

    assert required == {"function_name"}


def test_each_object_has_the_documented_fields_types_and_required_fields(contract: dict[str, Any]) -> None:
    schemas = value_at(contract, *COMPONENTS)
    found = {
        name: (
            set(schema.get("required", [])),
            {key: kind(contract, value) for key, value in schema["properties"].items()},
        )
        for name, schema in schemas.items()
        if "properties" in schema
    }

    assert found == SCHEMAS


def kind(contract: dict[str, Any], schema: dict[str, Any]) -> str:
    whole = resolved(contract, schema)
    return kind(contract, whole["allOf"][0]) if "allOf" in whole else str(whole.get("type", "any"))


@pytest.mark.parametrize(("fact", "place", "value"), VALUES, ids=[fact for fact, _, _ in VALUES])
def test_a_fact_stands_in_the_contract(
    fact: str, place: tuple[str | int, ...], value: object, contract: dict[str, Any]
) -> None:
    assert value_at(contract, *place) == value, fact


@pytest.mark.parametrize(("fact", "place", "words"), WORDS, ids=[fact for fact, _, _ in WORDS])
def test_a_fact_is_told_in_the_contract(
    fact: str, place: tuple[str | int, ...], words: str, contract: dict[str, Any]
) -> None:
    assert words in value_at(contract, *place), fact


def test_every_contradiction_is_recorded_with_the_reading_chosen(contract: dict[str, Any]) -> None:
    recorded = [
        place
        for place, node in mappings(contract)
        for entry in node.get("x-provenance", [])
        if entry["standing"] == "contradiction" and entry["note"]
    ]

    assert sorted(recorded) == sorted(tuple(str(step) for step in place) for _, place in CONTRADICTIONS)


@pytest.mark.parametrize(("what", "place", "standing"), READINGS, ids=[what for what, _, _ in READINGS])
def test_what_is_not_documented_says_so(
    what: str, place: tuple[str | int, ...], standing: str, contract: dict[str, Any]
) -> None:
    assert standing in [entry["standing"] for entry in value_at(contract, *place, "x-provenance")], what


def test_every_operation_but_the_two_that_hand_out_tokens_needs_one(contract: dict[str, Any]) -> None:
    needs = {operation["operationId"]: operation["security"] for _, _, operation in operations(contract)}

    assert needs.pop("authorize") == []
    assert needs.pop("createAccessToken") == []
    assert set(map(str, needs.values())) == {"[{'accessToken': []}]"}


@pytest.mark.parametrize("path", [JOBS, LEGACY])
def test_a_call_answers_in_one_of_two_forms(path: str, contract: dict[str, Any]) -> None:
    response = resolved(contract, value_at(contract, "paths", path, "post", "responses", "200"))
    answer = resolved(contract, value_at(response, "content", JSON, "schema"))

    assert [form["$ref"].rpartition("/")[2] for form in answer["oneOf"]] == [
        "InvocationResult",
        "InvocationAccepted",
    ]


def test_the_redirect_of_authorize_says_where_to_go_and_which_cookie_to_send(contract: dict[str, Any]) -> None:
    headers = value_at(contract, "paths", AUTHORIZE, "post", "responses", "302", "headers")

    assert set(headers) == {"Location", "Set-Cookie"}
    assert headers["Location"]["required"]


def test_every_operation_has_a_place_for_any_other_error_and_any_body_of_one(contract: dict[str, Any]) -> None:
    for _, _, operation in operations(contract):
        for status, response in operation["responses"].items():
            if status == "default" or status[0] in "45":
                content = resolved(contract, response)["content"]
                assert value_at(content, "*/*", "schema") == {"type": "string"}, operation["operationId"]
        assert "default" in operation["responses"]


def test_no_schema_shadows_a_global_of_browsers(contract: dict[str, Any]) -> None:
    # What a TypeScript client is made from imports the schemas by their names.
    declared = (ROOT / "node_modules" / "typescript" / "lib" / "lib.dom.d.ts").read_text(encoding="utf-8")
    globals_of_browsers = set(re.findall(r"^declare (?:var|function) (\w+)", declared, re.MULTILINE))

    assert "EventSource" in globals_of_browsers
    assert globals_of_browsers & value_at(contract, *COMPONENTS).keys() == set()


def test_a_token_request_is_one_of_two_grants(contract: dict[str, Any]) -> None:
    request = value_at(contract, *COMPONENTS, "TokenRequest")

    assert [form["$ref"].rpartition("/")[2] for form in request["oneOf"]] == [
        "AuthorizationCodeGrant",
        "RefreshTokenGrant",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "no trailing slash; survives a redirect",
        "`tokens = <client_id>:<token>,<client_id>:<token>`",
        "body `function_name`, `data`, `sync: true`; `data` may be any JSON value",
        "| the two redirects | the POST becomes a GET without a body; cookies come back |",
    ],
)
def test_what_working_clients_send_is_told_in_the_readme(words: str) -> None:
    assert words in (CONTRACT.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_every_contradiction_and_every_extension(contract: dict[str, Any]) -> None:
    readme = (CONTRACT.parent / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Where the documentation contradicts itself")[2].partition("\n\nWhat is not")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    extensions = {key for _, node in mappings(contract) for key in node if key.startswith("x-")}

    assert len(rows) == len(CONTRADICTIONS)
    assert [name for name in extensions if f"| `{name}" not in readme] == []


def test_the_changelog_has_the_contracts_version(contract: dict[str, Any]) -> None:
    changelog = (CONTRACT.parent / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"\n## [{contract['info']['version']}] - " in changelog
