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
    drop,
    put,
    rename_path,
    value_at,
)

SCHEMAS = ("components", "schemas")
LIMIT = ("components", "parameters", "Limit")
JOB = (*SCHEMAS, "Job", "properties")
PAGE = (*SCHEMAS, "PageMeta", "properties")
NO_SCOPES: list[str] = []
TOKEN = {"accessToken": NO_SCOPES}


def rename_schema(old: str, new: str) -> Change:
    return rename_component("schemas", old, new)


def rename_component(kind: str, old: str, new: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        components = document["components"][kind]
        components[new] = components.pop(old)
        follow(document, f"#/components/{kind}/{old}", f"#/components/{kind}/{new}")

    return change


def follow(document: dict[str, Any], old: str, new: str) -> None:
    for _, node in mappings(document):
        if node.get("$ref") == old:
            node["$ref"] = new


def remove(*keys: str, value: object) -> Change:
    def change(document: dict[str, Any]) -> None:
        value_at(document, *keys).remove(value)

    return change


BREAKING: dict[str, tuple[Change, str, str]] = {
    "an operation is gone": (
        drop("paths", DEBUG, "post"),
        "paths > /oserve/v1.3/cloud-function/{function_name}/debug/ > post",
        "Operation `POST /oserve/v1.3/cloud-function/{function_name}/debug/` was removed",
    ),
    "a path has another name": (
        rename_path(DEBUG, f"{FUNCTION}try/"),
        "paths > /oserve/v1.3/cloud-function/{function_name}/try/",
        "Path `/oserve/v1.3/cloud-function/{function_name}/debug/` was renamed to `/oserve/v1.3/cloud-function/{function_name}/try/`",
    ),
    "a method has another name": (
        all_of(
            put("paths", FUNCTION, "put", value={"operationId": "updateFunction", "responses": {}}),
            drop("paths", FUNCTION, "patch"),
        ),
        "paths > /oserve/v1.3/cloud-function/{function_name}/ > patch",
        "Operation `PATCH /oserve/v1.3/cloud-function/{function_name}/` was removed",
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
        "parameters > 0 > name",
        "is `name` now instead of `function_name`",
    ),
    "an operation has another name": (
        put("paths", FUNCTIONS, "get", "operationId", value="functions"),
        "/oserve/v1.3/cloud-function/ > get > operationId",
        "`operationId` of operation `GET /oserve/v1.3/cloud-function/` changed from 'listFunctions' to 'functions'",
    ),
    "an operation has another tag": (
        put("paths", JOBS, "get", "tags", value=["functions"]),
        "/oserve/v1.3/cloud-function/{function_name}/job/ > get > tags",
        "is `['functions']` now instead of `['jobs']`",
    ),
    "the server has another address": (
        put("servers", 0, "url", value="https://cloud.example.com"),
        "servers > 0 > url",
        "Server `https://cloud.minapp.com` became `https://cloud.example.com`",
    ),
    "another server comes first": (
        put("servers", value=[{"url": "https://cloud.example.com"}, {"url": "https://cloud.minapp.com"}]),
        "servers > 0",
        "the server is new",
    ),
    "a parameter is gone": (
        remove("paths", FUNCTIONS, "get", "parameters", value={"$ref": "#/components/parameters/Offset"}),
        "get > parameters > 2",
        "`offset` query parameter was removed",
    ),
    "a parameter is required now": (
        put(*LIMIT, "required", value=True),
        "parameters > Limit > required",
        "`limit` query parameter became required",
    ),
    "a new parameter is required": (
        add(
            "paths",
            FUNCTIONS,
            "get",
            "parameters",
            value={"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
        ),
        "get > parameters > 3",
        "Required `q` query parameter was added",
    ),
    "a parameter is written in another way": (
        put("paths", JOBS, "get", "parameters", 2, "explode", value=False),
        "parameters > 2 > explode",
        "`explode` of `source` query parameter was set to 'false'",
    ),
    "a default is another": (
        put(*LIMIT, "schema", "default", value=50),
        "Limit > schema > default",
        "is `50` now instead of `20`",
    ),
    "a default is gone": (
        drop(*SCHEMAS, "DebugRequest", "properties", "subject", "default"),
        "DebugRequest > properties > subject > default",
        "is unset now instead of `sdk`",
    ),
    "a maximum is lower": (
        put(*LIMIT, "schema", "maximum", value=100),
        "Limit > schema > maximum",
        "Upper bound changed from '<= 1000' to '<= 100'",
    ),
    "a limit excludes itself": (
        put(*LIMIT, "schema", "exclusiveMinimum", value=True),
        "Limit > schema > exclusiveMinimum",
        "Lower bound changed from '>= 1' to '> 1'",
    ),
    "a maximum where there was none": (
        put(*SCHEMAS, "CreateFunctionRequest", "properties", "remark", "maxLength", value=100),
        "properties > remark > maxLength",
        "`maxLength` of `remark` was set to '100'",
    ),
    "a pattern where there was none": (
        put(*SCHEMAS, "CreateFunctionRequest", "properties", "name", "pattern", value="^[a-z]+$"),
        "properties > name > pattern",
        "`pattern` of `name` was set to '^[a-z]+$'",
    ),
    "a new field of a request is required": (
        all_of(
            put(*SCHEMAS, "InvokeRequest", "properties", "caller", value={"type": "string"}),
            add(*SCHEMAS, "InvokeRequest", "required", value="caller"),
        ),
        "schemas > InvokeRequest > required",
        "Properties of `InvokeRequest` became required: `caller`",
    ),
    "a field of a request is required now": (
        add(*SCHEMAS, "CreateFunctionRequest", "required", value="remark"),
        "schemas > CreateFunctionRequest > required",
        "Properties of `CreateFunctionRequest` became required: `remark`",
    ),
    "a field of a request is gone": (
        drop(*SCHEMAS, "DebugRequest", "properties", "schema_id"),
        "DebugRequest > properties > schema_id",
        "the schema is gone, or has another name",
    ),
    "a request takes no other fields": (
        put(*SCHEMAS, "InvokeRequest", "additionalProperties", value=False),
        "schemas > InvokeRequest > additionalProperties",
        "`additionalProperties` of `InvokeRequest` was set to 'false'",
    ),
    "a value that could be sent is gone": (
        remove(*SCHEMAS, "JobSource", "enum", value="timer"),
        "schemas > JobSource > enum",
        "Enum of `JobSource` lost values: 'timer'",
    ),
    "any text could be sent, and now only some": (
        put(*SCHEMAS, "CreateFunctionRequest", "properties", "remark", "enum", value=["a", "b"]),
        "properties > remark > enum",
        "Enum of `remark` was set to 'a', 'b'",
    ),
    "the type of what is sent": (
        put(*SCHEMAS, "DebugRequest", "properties", "schema_id", value={"type": "string"}),
        "properties > schema_id > type",
        "Type of `schema_id` narrowed from 'integer' to 'string'",
    ),
    "null where there was none": (
        put(*PAGE, "limit", "nullable", value=True),
        "properties > limit > nullable",
        "Type of `limit` widened from 'integer' to 'integer | null'",
    ),
    "a grant is gone": (
        all_of(
            remove(*SCHEMAS, "TokenRequest", "oneOf", value={"$ref": "#/components/schemas/RefreshTokenGrant"}),
            drop(*SCHEMAS, "TokenRequest", "discriminator", "mapping", "refresh_token"),
        ),
        "TokenRequest > oneOf > 1",
        "`oneOf` subschema of `TokenRequest` was removed",
    ),
    "the body is sent in another form": (
        put("paths", FUNCTIONS, "post", "requestBody", "content", value={"text/plain": {"schema": {"type": "string"}}}),
        "requestBody > content > application/json",
        "Media type `application/json` was removed",
    ),
    "an operation has no body any more": (
        drop("paths", FUNCTION, "patch", "requestBody"),
        "/oserve/v1.3/cloud-function/{function_name}/ > patch > requestBody",
        "Request body was removed",
    ),
    "an operation needs a body": (
        put(
            "paths",
            FUNCTION,
            "delete",
            "requestBody",
            value={"required": True, "content": {JSON: {"schema": {"type": "object"}}}},
        ),
        "/oserve/v1.3/cloud-function/{function_name}/ > delete > requestBody",
        "the request body is new",
    ),
    "an operation needs credentials": (
        put("paths", "/api/oauth2/access_token/", "post", "security", value=[TOKEN]),
        "post > security > 0",
        "Authentication became required",
    ),
    "an operation needs more credentials": (
        put("paths", FUNCTION, "delete", "security", value=[{**TOKEN, "applicationKey": NO_SCOPES}]),
        "delete > security > 0",
        "Security requirement `accessToken` is no longer accepted",
    ),
    "credentials are sent in another way": (
        put("components", "securitySchemes", "accessToken", "scheme", value="basic"),
        "securitySchemes > accessToken > scheme",
        "`scheme` of security scheme `accessToken` changed from 'bearer' to 'basic'",
    ),
    "a field of an answer is gone": (
        drop(*SCHEMAS, "Job", "properties", "mem_usage"),
        "Job > properties > mem_usage",
        "Property `mem_usage` of `Job` was removed",
    ),
    "the type of what is answered": (
        put(*SCHEMAS, "CloudFunction", "properties", "id", "type", value="string"),
        "properties > id > type",
        "Type of `id` widened from 'integer' to 'string'",
    ),
    "the size of what is answered": (
        drop(*SCHEMAS, "CloudFunction", "properties", "id", "format"),
        "properties > id > format",
        "`format` of `id` was removed",
    ),
    "what was any value has a type": (
        put(*SCHEMAS, "InvocationResult", "properties", "data", "type", value="object"),
        "properties > data > type",
        "is `object` now instead of unset",
    ),
    "a field of an answer may be missing": (
        put(*SCHEMAS, "Job", "required", value=["id"]),
        "schemas > Job > required",
        "Properties of `Job` are no longer required: `status`",
    ),
    "a known value is gone": (
        remove(*SCHEMAS, "Job", "properties", "status", "x-extensible-enum", value="waiting"),
        "properties > status > x-extensible-enum",
        "the value `waiting` is gone, and generated code has a name for it",
    ),
    "the known values are gone": (
        drop(*SCHEMAS, "InvocationAccepted", "properties", "status", "x-extensible-enum"),
        "properties > status > x-extensible-enum",
        "the value `ok` is gone, and generated code has a name for it",
    ),
    "a secret is no longer marked": (
        drop(*SCHEMAS, "Job", "properties", "user_log_url", "x-secret"),
        "properties > user_log_url > x-secret",
        "is unset now instead of `true`",
    ),
    "a status is gone": (
        drop("paths", FUNCTION, "get", "responses", "404"),
        "get > responses > 404",
        "Response `404` was removed",
    ),
    "a success that nobody knew": (
        put("paths", FUNCTIONS, "post", "responses", "202", value={"description": "Later."}),
        "post > responses > 202",
        "the response is new",
    ),
    "an answer has no body any more": (
        drop("paths", FUNCTIONS, "post", "responses", "201", "content"),
        "responses > 201 > content",
        "All media types were removed",
    ),
    "an answer comes in another form": (
        put(
            "paths", FUNCTION, "get", "responses", "200", "content", "text/plain", value={"schema": {"type": "string"}}
        ),
        "200 > content > text/plain",
        "the media type is new",
    ),
    "an answer of a third kind": (
        all_of(
            put(*SCHEMAS, "InvocationQueued", value={"type": "object", "properties": {"place": {"type": "integer"}}}),
            add(*SCHEMAS, "InvocationAnswer", "oneOf", value={"$ref": "#/components/schemas/InvocationQueued"}),
        ),
        "InvocationAnswer > oneOf > 2",
        "`oneOf` subschema of `InvocationAnswer` was added",
    ),
    "a schema has another name": (
        rename_schema("CloudFunction", "Function"),
        "components > schemas > Function",
        "the schema is gone, or has another name",
    ),
    "a response that operations share has another name": (
        rename_component("responses", "Unauthorized", "NotAuthorized"),
        "components > responses > NotAuthorized",
        "is `NotAuthorized` now instead of `Unauthorized`",
    ),
    "an answer is of another schema, alike": (
        all_of(
            lambda document: value_at(document, *SCHEMAS).update(
                NewFunction=deepcopy(value_at(document, *SCHEMAS, "CloudFunction"))
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
        "content > application/json > schema",
        "the schema is `NewFunction` now instead of `CloudFunction`, and generated types are called after it",
    ),
    "two parameters change places": (
        put(
            *("paths", FUNCTIONS, "get", "parameters"),
            value=[{"$ref": f"#/components/parameters/{name}"} for name in ("EnvironmentId", "Offset", "Limit")],
        ),
        "/oserve/v1.3/cloud-function/ > get > parameters",
        "the parameters are in another order, and generated calls take them by place: put new ones last",
    ),
    "a new parameter stands before others": (
        lambda document: value_at(document, "paths", FUNCTIONS, "get", "parameters").insert(
            1, {"name": "q", "in": "query", "schema": {"type": "string"}}
        ),
        "/oserve/v1.3/cloud-function/ > get > parameters",
        "the parameters are in another order, and generated calls take them by place: put new ones last",
    ),
    "a required parameter comes first once it is optional no longer": (
        put(*LIMIT, "required", value=True),
        "get > parameters",
        "the parameters are in another order, and generated calls take them by place: put new ones last",
    ),
    "two required fields of a request change places": (
        lambda document: value_at(document, *SCHEMAS, "CreateFunctionRequest").update(
            properties=dict(reversed(value_at(document, *SCHEMAS, "CreateFunctionRequest", "properties").items()))
        ),
        "schemas > CreateFunctionRequest > properties",
        "the required fields are in another order, and constructors in Go and Rust take them by place",
    ),
    "the document has another title": (
        put("info", "title", value="MinCloud"),
        "info > title",
        "is `MinCloud` now instead of `MinCloud cloud functions`",
    ),
    "an answer of success may be something else than JSON": (
        put(
            "paths", FUNCTIONS, "get", "responses", "200", "content", "text/plain", value={"schema": {"type": "string"}}
        ),
        "200 > content > text/plain",
        "the media type is new",
    ),
    "something that this check does not know": (
        put("paths", FUNCTIONS, "get", "callbacks", value={"done": {}}),
        "/oserve/v1.3/cloud-function/ > get > callbacks",
        "the callbacks map is new",
    ),
}

COMPATIBLE: dict[str, tuple[Change, str, str]] = {
    "a new operation": (
        put("paths", FUNCTION, "head", value={"operationId": "hasFunction", "tags": ["functions"], "responses": {}}),
        "paths > /oserve/v1.3/cloud-function/{function_name}/ > head",
        "the operation is new",
    ),
    "a new path": (
        put("paths", "/oserve/v1.4/cloud-function/", value={"get": {"operationId": "list14", "responses": {}}}),
        "paths > /oserve/v1.4/cloud-function/",
        "the path item is new",
    ),
    "a new parameter may be left out": (
        add("paths", FUNCTIONS, "get", "parameters", value={"name": "q", "in": "query", "schema": {"type": "string"}}),
        "get > parameters > 3",
        "the parameter is new",
    ),
    "a new field of a request may be left out": (
        put(*SCHEMAS, "InvokeRequest", "properties", "caller", value={"type": "string"}),
        "InvokeRequest > properties > caller",
        "the schema is new",
    ),
    "a field of a request may be left out now": (
        put(*SCHEMAS, "CreateFunctionRequest", "required", value=["name"]),
        "schemas > CreateFunctionRequest > required",
        "is `['name']` now instead of `['name', 'function_code']`",
    ),
    "one more value can be sent": (
        add(*SCHEMAS, "Plan", "enum", value="P_TEAM"),
        "schemas > Plan > enum",
        "is `['P_FREE', 'P_PERSONAL', 'P_TEAM']` now instead of `['P_FREE', 'P_PERSONAL']`",
    ),
    "a maximum is higher": (
        put(*LIMIT, "schema", "maximum", value=5000),
        "Limit > schema > maximum",
        "is `5000` now instead of `1000`",
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
        "TokenRequest > oneOf > 2",
        "the schema is new",
    ),
    "fewer credentials are enough": (
        add("paths", FUNCTIONS, "get", "security", value={}),
        "get > security > 1",
        "the security requirement is new",
    ),
    "a new field of an answer": (
        put(*PAGE, "has_more", value={"type": "boolean"}),
        "PageMeta > properties > has_more",
        "the schema is new",
    ),
    "a field of an answer is always there now": (
        put(*SCHEMAS, "PageMeta", "required", value=["total_count"]),
        "schemas > PageMeta > required",
        "is `['total_count']` now instead of unset",
    ),
    "null no longer comes": (
        drop(*SCHEMAS, "Job", "properties", "started_at", "nullable"),
        "properties > started_at > nullable",
        "is unset now instead of `true`",
    ),
    "one more known value": (
        add(*SCHEMAS, "Job", "properties", "status", "x-extensible-enum", value="cancelled"),
        "properties > status > x-extensible-enum",
        "new known values: `cancelled`",
    ),
    "one more secret": (
        put(*SCHEMAS, "CloudFunction", "properties", "function_code", "x-secret", value=True),
        "properties > function_code > x-secret",
        "is `true` now instead of unset",
    ),
    "one more status of an error": (
        put("paths", FUNCTIONS, "get", "responses", "503", value={"description": "Busy."}),
        "get > responses > 503",
        "the response is new",
    ),
    "an error may be something else than JSON": (
        put("components", "responses", "Unauthorized", "content", "text/plain", value={"schema": {"type": "string"}}),
        "Unauthorized > content > text/plain",
        "the media type is new",
    ),
    "a class of errors": (
        put("paths", FUNCTIONS, "get", "responses", "4XX", value={"description": "Any error."}),
        "get > responses > 4XX",
        "the response is new",
    ),
    "a redirect": (
        put("paths", FUNCTIONS, "get", "responses", "302", value={"description": "Elsewhere."}),
        "get > responses > 302",
        "the response is new",
    ),
    "a new header of an answer": (
        put(
            "paths", FUNCTIONS, "get", "responses", "200", "headers", value={"X-Total": {"schema": {"type": "integer"}}}
        ),
        "responses > 200 > headers",
        "the headers map is new",
    ),
    "an operation is superseded": (
        put("paths", DEBUG, "post", "deprecated", value=True),
        "/oserve/v1.3/cloud-function/{function_name}/debug/ > post > deprecated",
        "is `true` now instead of unset",
    ),
    "one more server": (
        add("servers", value={"url": "https://cloud.example.com"}),
        "servers > 1",
        "the server is new",
    ),
}

WORDS: dict[str, Change] = {
    "a description": put("paths", FUNCTIONS, "get", "description", value="Other words."),
    "a summary": put("paths", FUNCTIONS, "get", "summary", value="Other words"),
    "an example": put("paths", FUNCTIONS, "get", "responses", "200", "content", JSON, "examples", value={"none": {"value": {}}}),
    "where a statement comes from": drop("paths", FUNCTIONS, "get", "x-provenance"),
    "the order of known values": lambda document: value_at(document, *JOB, "status", "x-extensible-enum").reverse(),
    "a tag's description": put("tags", 0, "description", value="Other words."),
    "an answer that stands in another place": all_of(
        lambda document: value_at(document, "paths", FUNCTION, "get", "responses").update(
            {"401": deepcopy(value_at(document, "components", "responses", "Unauthorized"))}
        )
    ),
    "a reference beside which something is said": put(
        *SCHEMAS, "UpdateFunctionRequest", "properties", "plan_circle",
        value={"allOf": [{"$ref": "#/components/schemas/Plan"}], "description": "The plan."},
    ),
}  # fmt: skip
