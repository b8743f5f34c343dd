"""Each kind of change of the contract once: those that break its users, those that do not, and those of its words."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from scripts.contract.document import mappings
from tests.contract.mutations import (
    DEBUG,
    FUNCTION,
    FUNCTIONS,
    JOBS,
    JSON,
    Change,
    add,
    all_of,
    at,
    drop,
    put,
    rename_path,
)

SCHEMAS = ("components", "schemas")
LIMIT = ("components", "parameters", "Limit")
PAGE = (*SCHEMAS, "PageMeta", "properties")
NO_SCOPES: list[str] = []
TOKEN = {"accessToken": NO_SCOPES}


def rename_schema(old: str, new: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        schemas[new] = schemas.pop(old)
        follow(document, f"#/components/schemas/{old}", f"#/components/schemas/{new}")

    return change


def follow(document: dict[str, Any], old: str, new: str) -> None:
    for _, node in mappings(document):
        if node.get("$ref") == old:
            node["$ref"] = new


def remove(*keys: str, value: object) -> Change:
    def change(document: dict[str, Any]) -> None:
        at(document, *keys).remove(value)

    return change


BREAKING: dict[str, tuple[Change, str, str]] = {
    "an operation is gone": (drop("paths", DEBUG, "post"), f"{DEBUG} > post", "the operation is gone"),
    "a path has another name": (
        rename_path(DEBUG, f"{FUNCTION}try/"),
        f"{DEBUG} > post",
        f"the operation is at {FUNCTION}try/ now",
    ),
    "a method has another name": (
        all_of(
            put("paths", FUNCTION, "put", value={"operationId": "updateFunction", "responses": {}}),
            drop("paths", FUNCTION, "patch"),
        ),
        f"{FUNCTION} > patch",
        f"the operation is at {FUNCTION} now",
    ),
    "a path's parameter has another name": (
        all_of(
            rename_path(DEBUG, DEBUG.replace("function_name", "name")),
            put(
                "paths",
                DEBUG.replace("function_name", "name"),
                "post",
                "parameters",
                0,
                value={"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
            ),
        ),
        DEBUG,
        "the path's parameter `function_name` is called `name` now, and generated code after it",
    ),
    "an operation has another name": (
        put("paths", FUNCTIONS, "get", "operationId", value="functions"),
        "get > operationId",
        "the operation is called `functions` now instead of `listFunctions`, and generated methods after it",
    ),
    "an operation has another tag": (
        put("paths", JOBS, "get", "tags", value=["functions"]),
        "get > tags",
        "its tag is another now, and so is where generated code puts it",
    ),
    "the server has another address": (
        put("servers", 0, "url", value="https://cloud.example.com"),
        "servers",
        "the server https://cloud.minapp.com is gone",
    ),
    "another server comes first": (
        put("servers", value=[{"url": "https://cloud.example.com"}, {"url": "https://cloud.minapp.com"}]),
        "servers > 0",
        "https://cloud.example.com is the first server now, and the base URL of generated clients",
    ),
    "a parameter is gone": (
        remove("paths", FUNCTIONS, "get", "parameters", value={"$ref": "#/components/parameters/Offset"}),
        "parameters > offset",
        "the parameter is gone",
    ),
    "a parameter is required now": (
        put(*LIMIT, "required", value=True),
        "parameters > limit",
        "the parameter is required now",
    ),
    "a new parameter is required": (
        add(
            "paths",
            FUNCTIONS,
            "get",
            "parameters",
            value={"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
        ),
        "parameters > q",
        "a new required parameter",
    ),
    "a parameter is written in another way": (
        put("paths", JOBS, "get", "parameters", 2, "explode", value=False),
        "source > explode",
        "`explode` is `false` now instead of `true`",
    ),
    "a default is another": (
        put(*LIMIT, "schema", "default", value=50),
        "limit > schema > default",
        "the default is `50` now instead of `20`",
    ),
    "a default is gone": (
        drop(*SCHEMAS, "DebugRequest", "properties", "subject", "default"),
        "subject > default",
        "the default is unset now instead of `sdk`",
    ),
    "a maximum is lower": (
        put(*LIMIT, "schema", "maximum", value=100),
        "limit > schema > maximum",
        "`maximum` is 100 now instead of 1000 in a request",
    ),
    "a limit excludes itself": (
        put(*LIMIT, "schema", "exclusiveMinimum", value=True),
        "limit > schema > minimum",
        "`minimum` is 1 (itself excluded) now instead of 1 in a request",
    ),
    "a maximum where there was none": (
        put(*SCHEMAS, "CreateFunctionRequest", "properties", "remark", "maxLength", value=100),
        "remark > maxLength",
        "`maxLength` is 100 now instead of unset in a request",
    ),
    "a pattern where there was none": (
        put(*SCHEMAS, "CreateFunctionRequest", "properties", "name", "pattern", value="^[a-z]+$"),
        "name > pattern",
        "`pattern` is `^[a-z]+$` now instead of unset in a request",
    ),
    "a new field of a request is required": (
        all_of(
            put(*SCHEMAS, "InvokeRequest", "properties", "caller", value={"type": "string"}),
            add(*SCHEMAS, "InvokeRequest", "required", value="caller"),
        ),
        "InvokeRequest > properties > caller",
        "a new required field of a request",
    ),
    "a field of a request is required now": (
        add(*SCHEMAS, "CreateFunctionRequest", "required", value="remark"),
        "CreateFunctionRequest > required",
        "`remark` is required in a request",
    ),
    "a field of a request is gone": (
        drop(*SCHEMAS, "DebugRequest", "properties", "schema_id"),
        "DebugRequest > properties > schema_id",
        "the field is gone from a request",
    ),
    "a request takes no other fields": (
        put(*SCHEMAS, "InvokeRequest", "additionalProperties", value=False),
        "InvokeRequest > additionalProperties",
        "beside its fields a request may have nothing now instead of anything",
    ),
    "a value that could be sent is gone": (
        remove(*SCHEMAS, "JobSource", "enum", value="timer"),
        "JobSource > enum",
        "the value `timer` is gone, and generated code has a name for it",
    ),
    "any text could be sent, and now only some": (
        put(*SCHEMAS, "CreateFunctionRequest", "properties", "remark", "enum", value=["a", "b"]),
        "remark > enum",
        "only these values are left: `a`, `b`",
    ),
    "the type of what is sent": (
        put(*SCHEMAS, "DebugRequest", "properties", "schema_id", value={"type": "string"}),
        "schema_id > type",
        "the type is string now instead of integer",
    ),
    "null where there was none": (
        put(*PAGE, "limit", "nullable", value=True),
        "limit > nullable",
        "null is possible in an answer",
    ),
    "a grant is gone": (
        all_of(
            remove(*SCHEMAS, "TokenRequest", "oneOf", value={"$ref": "#/components/schemas/RefreshTokenGrant"}),
            drop(*SCHEMAS, "TokenRequest", "discriminator", "mapping", "refresh_token"),
        ),
        "TokenRequest > oneOf",
        "`RefreshTokenGrant` is no longer one of the alternatives of a request",
    ),
    "the body is sent in another form": (
        put("paths", FUNCTIONS, "post", "requestBody", "content", value={"text/plain": {"schema": {"type": "string"}}}),
        "requestBody > content > application/json",
        "a request is no longer application/json",
    ),
    "an operation has no body any more": (
        drop("paths", FUNCTION, "patch", "requestBody"),
        "patch > requestBody",
        "the request has no body any more",
    ),
    "an operation needs a body": (
        put(
            "paths",
            FUNCTION,
            "delete",
            "requestBody",
            value={"required": True, "content": {JSON: {"schema": {"type": "object"}}}},
        ),
        "delete > requestBody",
        "the request has a required body now",
    ),
    "an operation needs credentials": (
        put("paths", "/api/oauth2/access_token/", "post", "security", value=[TOKEN]),
        "post > security",
        "a request without credentials is not enough any more: `accessToken` is needed",
    ),
    "an operation needs more credentials": (
        put("paths", FUNCTION, "delete", "security", value=[{**TOKEN, "applicationKey": NO_SCOPES}]),
        "delete > security",
        "`accessToken` is not enough any more: `accessToken` with `applicationKey` is needed",
    ),
    "credentials are sent in another way": (
        put("components", "securitySchemes", "accessToken", "scheme", value="basic"),
        "accessToken > scheme",
        "`scheme` is `basic` now instead of `bearer`",
    ),
    "a field of an answer is gone": (
        drop(*SCHEMAS, "Job", "properties", "mem_usage"),
        "Job > properties > mem_usage",
        "the field is gone from an answer",
    ),
    "the type of what is answered": (
        put(*SCHEMAS, "CloudFunction", "properties", "id", "type", value="string"),
        "CloudFunction > properties > id > type",
        "the type is string now instead of integer",
    ),
    "the size of what is answered": (
        drop(*SCHEMAS, "CloudFunction", "properties", "id", "format"),
        "id > format",
        "the format is unset now instead of `int64`",
    ),
    "what was any value has a type": (
        put(*SCHEMAS, "InvocationResult", "properties", "data", "type", value="object"),
        "data > type",
        "the type is object now instead of any",
    ),
    "a field of an answer may be missing": (
        put(*SCHEMAS, "Job", "required", value=["id"]),
        "Job > required",
        "`status` is no longer required in an answer",
    ),
    "a known value is gone": (
        remove(*SCHEMAS, "Job", "properties", "status", "x-extensible-enum", value="waiting"),
        "status > x-extensible-enum",
        "the value `waiting` is gone, and generated code has a name for it",
    ),
    "the known values are gone": (
        drop(*SCHEMAS, "InvocationAccepted", "properties", "status", "x-extensible-enum"),
        "status > x-extensible-enum",
        "the value `ok` is gone, and generated code has a name for it",
    ),
    "a secret is no longer marked": (
        drop(*SCHEMAS, "Job", "properties", "user_log_url", "x-secret"),
        "user_log_url > x-secret",
        "is no longer marked as a secret, so clients may show it",
    ),
    "a status is gone": (
        drop("paths", FUNCTION, "get", "responses", "404"),
        "get > responses > 404",
        "the status 404 is gone",
    ),
    "a success that nobody knew": (
        put("paths", FUNCTIONS, "post", "responses", "202", value={"description": "Later."}),
        "post > responses > 202",
        "the status 202 is new",
    ),
    "an answer has no body any more": (
        drop("paths", FUNCTIONS, "post", "responses", "201", "content"),
        "responses > 201 > content",
        "the answer has no body any more",
    ),
    "an answer comes in another form": (
        put(
            "paths", FUNCTION, "get", "responses", "200", "content", "text/plain", value={"schema": {"type": "string"}}
        ),
        "200 > content > text/plain",
        "an answer may be text/plain now",
    ),
    "an answer of a third kind": (
        all_of(
            put(*SCHEMAS, "InvocationQueued", value={"type": "object", "properties": {"place": {"type": "integer"}}}),
            add(*SCHEMAS, "InvocationAnswer", "oneOf", value={"$ref": "#/components/schemas/InvocationQueued"}),
        ),
        "InvocationAnswer > oneOf",
        "`InvocationQueued` is a new alternative of an answer",
    ),
    "a schema has another name": (
        rename_schema("CloudFunction", "Function"),
        "schemas > CloudFunction",
        "the schema is gone, or has another name, and generated types are called after it",
    ),
    "an answer is of another schema, alike": (
        all_of(
            lambda document: at(document, *SCHEMAS).update(
                NewFunction=deepcopy(at(document, *SCHEMAS, "CloudFunction"))
            ),
            put(
                "paths",
                FUNCTIONS,
                "post",
                "responses",
                "201",
                "content",
                JSON,
                "schema",
                "$ref",
                value="#/components/schemas/NewFunction",
            ),
        ),
        "201 > content > application/json > schema",
        "the schema is `NewFunction` now instead of `CloudFunction`, and generated types are called after it",
    ),
    "two parameters change places": (
        put(
            *("paths", FUNCTIONS, "get", "parameters"),
            value=[{"$ref": f"#/components/parameters/{name}"} for name in ("EnvironmentId", "Offset", "Limit")],
        ),
        "get > parameters",
        "the parameters are in another order, and generated calls take them by place",
    ),
    "a new parameter stands before others": (
        lambda document: at(document, "paths", FUNCTIONS, "get", "parameters").insert(
            1, {"name": "q", "in": "query", "schema": {"type": "string"}}
        ),
        "parameters > q",
        "the new parameter stands before others, and generated calls take them by place: put it last",
    ),
    "a required parameter comes first once it is optional no longer": (
        put(*LIMIT, "required", value=True),
        "get > parameters",
        "the parameters are in another order, and generated calls take them by place",
    ),
    "two required fields of a request change places": (
        lambda document: at(document, *SCHEMAS, "CreateFunctionRequest").update(
            properties=dict(reversed(at(document, *SCHEMAS, "CreateFunctionRequest", "properties").items()))
        ),
        "CreateFunctionRequest > properties",
        "the required fields are in another order, and constructors in Go and Rust take them by place",
    ),
    "the document has another title": (
        put("info", "title", value="MinCloud"),
        "info > title",
        "the title is another, and openapi-python-client names its package after it",
    ),
    "an answer of success may be something else than JSON": (
        put(
            "paths", FUNCTIONS, "get", "responses", "200", "content", "text/plain", value={"schema": {"type": "string"}}
        ),
        "200 > content > text/plain",
        "an answer may be text/plain now",
    ),
    "something that this check does not know": (
        put("paths", FUNCTIONS, "get", "callbacks", value={"done": {}}),
        "get > callbacks",
        "`callbacks` is `{'done': {}}` now instead of unset",
    ),
}

COMPATIBLE: dict[str, tuple[Change, str, str]] = {
    "a new operation": (
        put("paths", FUNCTION, "head", value={"operationId": "hasFunction", "tags": ["functions"], "responses": {}}),
        f"{FUNCTION} > head",
        "the operation is new",
    ),
    "a new path": (
        put("paths", "/oserve/v1.4/cloud-function/", value={"get": {"operationId": "list14", "responses": {}}}),
        "/oserve/v1.4/cloud-function/ > get",
        "the operation is new",
    ),
    "a new parameter may be left out": (
        add("paths", FUNCTIONS, "get", "parameters", value={"name": "q", "in": "query", "schema": {"type": "string"}}),
        "parameters > q",
        "a new optional parameter",
    ),
    "a new field of a request may be left out": (
        put(*SCHEMAS, "InvokeRequest", "properties", "caller", value={"type": "string"}),
        "InvokeRequest > properties > caller",
        "a new field of a request",
    ),
    "a field of a request may be left out now": (
        put(*SCHEMAS, "CreateFunctionRequest", "required", value=["name"]),
        "CreateFunctionRequest > required",
        "`function_code` is no longer required in a request",
    ),
    "one more value can be sent": (
        add(*SCHEMAS, "Plan", "enum", value="P_TEAM"),
        "Plan > enum",
        "new values in a request: `P_TEAM`",
    ),
    "a maximum is higher": (
        put(*LIMIT, "schema", "maximum", value=5000),
        "limit > schema > maximum",
        "`maximum` is 5000 now instead of 1000 in a request",
    ),
    "one more grant": (
        all_of(
            put(*SCHEMAS, "PasswordGrant", value={"type": "object", "properties": {"password": {"type": "string"}}}),
            add(*SCHEMAS, "TokenRequest", "oneOf", value={"$ref": "#/components/schemas/PasswordGrant"}),
            put(
                *SCHEMAS,
                "TokenRequest",
                "discriminator",
                "mapping",
                "password",
                value="#/components/schemas/PasswordGrant",
            ),
        ),
        "TokenRequest > oneOf",
        "`PasswordGrant` is a new alternative of a request",
    ),
    "fewer credentials are enough": (
        add("paths", FUNCTIONS, "get", "security", value={}),
        "get > security",
        "a request without credentials is enough now",
    ),
    "a new field of an answer": (
        put(*PAGE, "has_more", value={"type": "boolean"}),
        "PageMeta > properties > has_more",
        "a new field of an answer",
    ),
    "a field of an answer is always there now": (
        put(*SCHEMAS, "PageMeta", "required", value=["total_count"]),
        "PageMeta > required",
        "`total_count` is required in an answer",
    ),
    "null no longer comes": (
        drop(*SCHEMAS, "Job", "properties", "started_at", "nullable"),
        "started_at > nullable",
        "null is no longer possible in an answer",
    ),
    "one more known value": (
        add(*SCHEMAS, "Job", "properties", "status", "x-extensible-enum", value="cancelled"),
        "status > x-extensible-enum",
        "new known values: `cancelled`",
    ),
    "one more secret": (
        put(*SCHEMAS, "CloudFunction", "properties", "function_code", "x-secret", value=True),
        "function_code > x-secret",
        "is marked as a secret now",
    ),
    "one more status of an error": (
        put("paths", FUNCTIONS, "get", "responses", "503", value={"description": "Busy."}),
        "get > responses > 503",
        "the status 503 is new",
    ),
    "an error may be something else than JSON": (
        put("components", "responses", "Unauthorized", "content", "text/plain", value={"schema": {"type": "string"}}),
        "401 > content > text/plain",
        "an answer may be text/plain now",
    ),
    "a class of errors": (
        put("paths", FUNCTIONS, "get", "responses", "4XX", value={"description": "Any error."}),
        "get > responses > 4XX",
        "the status 4XX is new",
    ),
    "a redirect": (
        put("paths", FUNCTIONS, "get", "responses", "302", value={"description": "Elsewhere."}),
        "get > responses > 302",
        "the status 302 is new",
    ),
    "a new header of an answer": (
        put(
            "paths", FUNCTIONS, "get", "responses", "200", "headers", value={"X-Total": {"schema": {"type": "integer"}}}
        ),
        "headers > X-Total",
        "the header is new",
    ),
    "an operation is superseded": (
        put("paths", DEBUG, "post", "deprecated", value=True),
        "post > deprecated",
        "is deprecated",
    ),
    "one more server": (
        add("servers", value={"url": "https://cloud.example.com"}),
        "servers",
        "the server https://cloud.example.com is new",
    ),
}

WORDS: dict[str, Change] = {
    "a description": put("paths", FUNCTIONS, "get", "description", value="Other words."),
    "a summary": put("paths", FUNCTIONS, "get", "summary", value="Other words"),
    "an example": put("paths", FUNCTIONS, "get", "responses", "200", "content", JSON, "examples", value={"none": {"value": {}}}),
    "where a statement comes from": drop("paths", FUNCTIONS, "get", "x-provenance"),
    "a tag's description": put("tags", 0, "description", value="Other words."),
    "an answer that stands in another place": all_of(
        lambda document: at(document, "paths", FUNCTION, "get", "responses").update(
            {"401": deepcopy(at(document, "components", "responses", "Unauthorized"))}
        )
    ),
    "a reference beside which something is said": put(
        *SCHEMAS, "UpdateFunctionRequest", "properties", "plan_circle",
        value={"allOf": [{"$ref": "#/components/schemas/Plan"}], "description": "The plan."},
    ),
}  # fmt: skip
