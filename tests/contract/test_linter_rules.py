"""Every rule in `openapi/redocly.yaml` is broken once, in just the way that it forbids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts.contract.check import LINT_RULES, lint
from scripts.contract.document import CONTRACT
from tests.contract.mutations import (
    AUTHORIZE,
    DEBUG,
    FUNCTION,
    FUNCTIONS,
    JOBS,
    JSON,
    LEGACY,
    TOKEN,
    Mutation,
    add,
    all_of,
    broken,
    drop,
    put,
    rename_path,
    value_at,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


LIST = ("paths", FUNCTIONS, "get")
CREATE = ("paths", FUNCTIONS, "post")
SCHEMAS = ("components", "schemas")
JOB = (*SCHEMAS, "Job")
ANY_BODY: dict[str, Any] = {"schema": {"type": "object"}, "examples": {"empty": {"summary": "Nothing.", "value": {}}}}
OTHER_OPERATION: dict[str, dict[str, Any]] = {
    "get": {
        "operationId": "another",
        "tags": ["functions"],
        "summary": "Another",
        "description": "Another operation.",
        "security": [],
        "parameters": [
            {
                "name": "other",
                "in": "path",
                "required": True,
                "description": "It.",
                "schema": {"type": "string"},
            }
        ],
        "responses": {
            "204": {"description": "Done."},
            "401": {"$ref": "#/components/responses/Unauthorized"},
        },
    }
}

MUTATIONS = [
    Mutation("struct", put(*LIST, "sumary", value="List"), "get > sumary", "`sumary`"),
    Mutation(
        "no-unresolved-refs",
        put(*SCHEMAS, "JobPage", "properties", "meta", "$ref", value="#/components/schemas/Meta"),
        "JobPage > properties > meta",
        "resolve",
    ),
    Mutation(
        "no-unused-components",
        put(*SCHEMAS, "Extra", value={"type": "string", "description": "It."}),
        "schemas > Extra",
        "Extra",
    ),
    Mutation("no-empty-servers", put("servers", value=[]), "servers", "empty"),
    Mutation(
        "no-server-trailing-slash",
        put("servers", 0, "url", value="https://cloud.minapp.com/"),
        "servers > 0 > url",
        "trailing slash",
    ),
    Mutation("info-license", drop("info", "license"), "info", "license"),
    Mutation(
        "rule/no-security-for-the-whole-document",
        put("security", value=[{"accessToken": list[str]()}]),
        "security",
        "at each operation",
    ),
    Mutation(
        "rule/paths-end-in-a-slash",
        rename_path(LEGACY, LEGACY.rstrip("/")),
        LEGACY.rstrip("/"),
        "End the path",
    ),
    Mutation("path-not-include-query", rename_path(LEGACY, f"{LEGACY}?a=/"), "?a=/", "query"),
    Mutation("path-declaration-must-exist", rename_path(LEGACY, "/oserve/{}/job/"), "/oserve/{}/job/", "non-empty"),
    Mutation("path-parameters-defined", rename_path(LEGACY, "/oserve/{part}/job/"), "post > parameters", "`{part}`"),
    Mutation(
        "path-parameters-defined",
        add(*LIST, "parameters", value=OTHER_OPERATION["get"]["parameters"][0]),
        "name",
        "`other`",
    ),
    Mutation(
        "no-identical-paths",
        put("paths", FUNCTION.replace("function_name", "other"), value=OTHER_OPERATION),
        "{other}/",
        "already exists",
    ),
    Mutation(
        "no-ambiguous-paths",
        put("paths", "/oserve/v1.3/{other}/test/", value=OTHER_OPERATION),
        "/test/",
        "mbiguous",
    ),
    Mutation("operation-operationId", drop(*LIST, "operationId"), "get > operationId", "operationId"),
    Mutation(
        "operation-operationId-unique",
        put(*LIST, "operationId", value="createFunction"),
        "createFunction",
        "unique",
    ),
    Mutation("operation-operationId-url-safe", put(*LIST, "operationId", value="a list"), "operationId", "URL"),
    Mutation("rule/operation-has-exactly-one-tag", drop(*LIST, "tags"), "get > tags", "exactly one tag"),
    Mutation("rule/operation-has-exactly-one-tag", put(*LIST, "tags", value=[]), "tags", "exactly one tag"),
    Mutation("rule/operation-has-exactly-one-tag", add(*LIST, "tags", value="jobs"), "tags", "exactly one tag"),
    Mutation("operation-tag-defined", put(*LIST, "tags", value=["function"]), "tags > 0", "function"),
    Mutation(
        "no-duplicated-tag-names",
        add("tags", value={"name": "jobs", "description": "Jobs."}),
        "tags > 4",
        "jobs",
    ),
    Mutation("rule/operation-states-security", drop(*LIST, "security"), "get > security", "State `security`"),
    Mutation(
        "rule/operation-states-security",
        drop("paths", TOKEN, "post", "security"),
        "post > security",
        "as `[]`",
    ),
    Mutation(
        "security-defined", put(*LIST, "security", value=[{"token": list[str]()}]), "security > 0 > token", "token"
    ),
    Mutation("rule/operation-has-a-success", drop(*LIST, "responses", "200"), "get > responses", "under 200"),
    Mutation(
        "operation-4xx-response",
        all_of(drop(*LIST, "responses", "400"), drop(*LIST, "responses", "401")),
        "get > responses",
        "4",
    ),
    Mutation(
        "operation-parameters-unique",
        add(*LIST, "parameters", value={"$ref": "#/components/parameters/Limit"}),
        "parameters > 3",
        "limit",
    ),
    Mutation(
        "rule/parameter-has-a-schema",
        all_of(
            put("components", "parameters", "Offset", "content", value={JSON: {"schema": {"type": "integer"}}}),
            drop("components", "parameters", "Offset", "schema"),
        ),
        "Offset > content",
        "not by `content`",
    ),
    Mutation(
        "rule/request-body-is-required",
        drop(*CREATE, "requestBody", "required"),
        "requestBody > required",
        "required",
    ),
    Mutation(
        "rule/request-body-is-required",
        put(*CREATE, "requestBody", "required", value=False),
        "required",
        "required",
    ),
    Mutation("rule/answer-has-a-body", drop(*LIST, "responses", "200", "content"), "200 > content", "only 204 and 302"),
    Mutation(
        "rule/answer-has-a-body",
        drop("components", "responses", "Unauthorized", "content"),
        "Unauthorized > content",
        "only 204 and 302",
    ),
    Mutation(
        "rule/any-other-error-is-described",
        drop(*LIST, "responses", "default"),
        "get > responses",
        "AnyError",
    ),
    Mutation(
        "rule/redirect-has-a-location",
        drop("paths", AUTHORIZE, "post", "responses", "302", "headers"),
        "302 > headers",
        "`Location`",
    ),
    Mutation(
        "rule/introduction-is-a-paragraph",
        put("info", "description", value="A word. " * 100),
        "info > description",
        "at most 700 characters",
    ),
    Mutation(
        "rule/no-format-password",
        put(*SCHEMAS, "AccessToken", "properties", "access_token", "format", value="password"),
        "access_token > format",
        "mark the secret with `x-secret`",
    ),
    Mutation(
        "rule/no-content-has-no-body",
        put(
            *("paths", FUNCTION, "delete", "responses", "204", "content"),
            value={JSON: {"schema": {"type": "string"}, "examples": {"text": {"summary": "Text.", "value": ""}}}},
        ),
        "204 > content",
        "Take `content` away",
    ),
    Mutation(
        "rule/body-has-named-examples",
        drop("components", "responses", "Unauthorized", "content", JSON, "examples"),
        "application/json > examples",
        "named examples",
    ),
    Mutation(
        "rule/body-has-named-examples",
        drop(*CREATE, "requestBody", "content", JSON, "examples"),
        "application/json > examples",
        "named examples",
    ),
    Mutation(
        "rule/examples-are-not-empty",
        put(*CREATE, "requestBody", "content", JSON, "examples", value={}),
        "examples",
        "at least one",
    ),
    Mutation(
        "no-invalid-media-type-examples",
        put(*CREATE, "requestBody", "content", JSON, "examples", "helloWorld", "value", "name", value=3),
        "helloWorld > value > name",
        "string",
    ),
    Mutation(
        "no-invalid-media-type-examples",
        drop("paths", DEBUG, "post", "responses", "200", "content", JSON, "examples", "failed", "value", "code"),
        "failed > value",
        "code",
    ),
    Mutation(
        "no-invalid-parameter-examples",
        put("components", "parameters", "Limit", "example", value=1001),
        "Limit > example",
        "1000",
    ),
    Mutation(
        "no-invalid-schema-examples",
        put(*SCHEMAS, "Plan", "example", value="P_TEAM"),
        "Plan > example",
        "P_FREE",
    ),
    Mutation(
        "rule/no-nullable-beside-enum",
        put(*SCHEMAS, "Plan", "nullable", value=True),
        "Plan",
        "`nullable` or `enum`",
    ),
    Mutation(
        "nullable-type-sibling",
        put(*SCHEMAS, "InvocationResult", "properties", "data", "nullable", value=True),
        "data > nullable",
        "`type`",
    ),
    Mutation("no-enum-type-mismatch", add(*SCHEMAS, "Plan", "enum", value=3), "Plan > enum > 2", "type"),
    Mutation("no-schema-type-mismatch", put(*SCHEMAS, "Plan", "properties", value={}), "Plan > properties", "type"),
    Mutation(
        "no-required-schema-properties-undefined",
        add(*JOB, "required", value="state"),
        "Job > required > 2",
        "state",
    ),
    Mutation("operation-description", drop(*LIST, "description"), "get > description", "description"),
    Mutation("operation-summary", drop(*LIST, "summary"), "get > summary", "summary"),
    Mutation(
        "parameter-description",
        drop("components", "parameters", "Limit", "description"),
        "Limit",
        "description",
    ),
    Mutation("tag-description", drop("tags", 0, "description"), "tags > 0 > description", "description"),
    Mutation("rule/schema-is-described", drop(*JOB, "description"), "Job > description", "Describe the schema"),
    Mutation("rule/schema-is-described", put(*JOB, "description", value=""), "description", "Describe the schema"),
    Mutation(
        "rule/property-is-described",
        drop(*JOB, "properties", "id", "description"),
        "id > description",
        "Describe the property",
    ),
    Mutation(
        "rule/property-is-described",
        drop(*SCHEMAS, "InvokeRequest", "properties", "data", "description"),
        "data > description",
        "Describe the property",
    ),
    Mutation(
        "rule/response-is-described",
        put(*LIST, "responses", "200", "description", value=""),
        "description",
        "Describe",
    ),
    Mutation(
        "rule/example-has-a-summary",
        drop("paths", JOBS, "post", "requestBody", "content", JSON, "examples", "waiting", "summary"),
        "waiting > summary",
        "what the example shows",
    ),
    Mutation(
        "rule/open-enum-is-not-closed",
        put(*JOB, "properties", "status", "enum", value=["waiting"]),
        "Job > properties > status",
        "Take `enum` away",
    ),
    Mutation(
        "rule/request-body-is-json",
        put("paths", TOKEN, "post", "requestBody", "content", "multipart/form-data", value=ANY_BODY),
        "requestBody > content > multipart/form-data",
        "Describe application/json, and nothing else",
    ),
    Mutation(
        "rule/answer-is-json",
        put(*LIST, "responses", "200", "content", "text/plain", value=ANY_BODY),
        "200 > content > text/plain",
        "Describe application/json, and nothing else",
    ),
    Mutation(
        "rule/error-is-json-or-anything",
        drop("components", "responses", "Unauthorized", "content", "*/*"),
        "Unauthorized > content",
        "Describe application/json and */*, and nothing else",
    ),
    Mutation(
        "rule/error-is-json-or-anything",
        put("components", "responses", "AnyError", "content", "text/html", value=ANY_BODY),
        "AnyError > content > text/html",
        "Describe application/json and */*, and nothing else",
    ),
    Mutation(
        "rule/optional-parameter-has-no-example",
        put("components", "parameters", "EnvironmentId", "example", value="5f2a4c"),
        "EnvironmentId > example",
        "Take it away",
    ),
    Mutation(
        "rule/optional-parameter-has-no-example",
        put("components", "parameters", "Offset", "examples", value={"first": {"summary": "First.", "value": 0}}),
        "Offset > examples",
        "Take it away",
    ),
    Mutation(
        "rule/schema-of-optional-parameter-has-no-example",
        put("components", "parameters", "Limit", "schema", "example", value=20),
        "Limit > schema > example",
        "Take it away",
    ),
    Mutation(
        "rule/unit-of-a-property-is-stated",
        put(*JOB, "properties", "mem_usage", "description", value="Memory."),
        "mem_usage > description",
        "Name the unit",
    ),
    Mutation(
        "rule/unit-of-a-parameter-is-stated",
        put("paths", JOBS, "get", "parameters", 5, "description", value="Only later jobs."),
        "parameters > 5 > description",
        "Name the unit",
    ),
]


@pytest.mark.timeout(300)  # lints a document for each rule
def test_the_contract_keeps_every_rule_and_each_broken_one_is_found(
    contract: dict[str, Any], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    # One run of the linter for all, and one test: starting it takes longer than linting, in every worker.
    files: list[Path] = []
    for index, mutation in enumerate(MUTATIONS):
        files.append(tmp_path / f"{index}.json")
        files[-1].write_text(json.dumps(broken(contract, mutation)), encoding="utf-8")

    kept, *findings = lint([CONTRACT, *files])

    assert kept == []
    for mutation, problems in zip(MUTATIONS, findings, strict=True):
        with subtests.test(mutation.rule):
            lines = [problem.line("contract") for problem in problems if problem.rule == mutation.rule]
            assert any(f"{mutation.place}: " in line and mutation.says in line for line in lines), problems
            assert all("\n" not in line and line.endswith(f" [{mutation.rule}]") for line in lines)


def test_every_rule_that_is_written_down_has_been_seen_to_fail() -> None:
    rules = yaml.safe_load(LINT_RULES.read_text(encoding="utf-8"))["rules"]

    assert set(rules) == {mutation.rule for mutation in MUTATIONS}


def test_no_rule_is_weaker_than_an_error() -> None:
    rules: dict[str, Any] = yaml.safe_load(LINT_RULES.read_text(encoding="utf-8"))["rules"]
    severities = {rule: value_at(setting, "severity") for rule, setting in rules.items() if "severity" in setting}

    assert set(severities.values()) == {"error"}
    assert {setting for setting in rules.values() if isinstance(setting, str)} == {"error"}


def test_every_rule_says_why_it_stands() -> None:
    lines = LINT_RULES.read_text(encoding="utf-8").splitlines()
    named = [index for index, line in enumerate(lines) if line.startswith("  ") and line[2:3].isalpha()]

    assert len(named) == len(yaml.safe_load("\n".join(lines))["rules"])
    assert [lines[index] for index in named if not lines[index - 1].startswith("  # ")] == []
