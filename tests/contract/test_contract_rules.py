"""Every rule in `scripts/contract/rules.py`, and validity, is broken once in just the way that it forbids."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.contract.document import validity
from scripts.contract.rules import RULES, apply_rules
from tests.contract.mutations import FUNCTIONS, JSON, Mutation, add, all_of, broken, drop, put

CREATE = ("paths", FUNCTIONS, "post")
SCHEMAS = ("components", "schemas")
JOB = (*SCHEMAS, "Job", "properties")
PROVENANCE = (*SCHEMAS, "Job", "x-provenance")
EXAMPLES = (*CREATE, "requestBody", "content", JSON, "examples")
STATUS = "x-extensible-enum"

MUTATIONS = [
    Mutation(
        "example-matches-schema",
        put(*EXAMPLES, "helloWorld", "value", "name", value=""),
        "examples > helloWorld",
        "mend the example at name: ",
    ),
    Mutation(
        "example-matches-schema",
        put(
            *(
                "components",
                "responses",
                "InvocationAnswer",
                "content",
                JSON,
                "examples",
                "accepted",
                "value",
            ),
            value={"status": "ok", "code": 0},
        ),
        "examples > accepted",
        "valid under each",
    ),
    Mutation(
        "example-matches-schema",
        put("components", "parameters", "Offset", "example", value=-1),
        "Offset > example",
        "mend the example at its top: ",
    ),
    Mutation("example-matches-schema", put(*JOB, "id", "example", value="1"), "id > example", "integer"),
    Mutation(
        "example-matches-schema",
        put(*SCHEMAS, "Plan", "example", value=None),
        "Plan > example",
        "not nullable",
    ),
    Mutation("provenance-is-well-formed", put(*PROVENANCE, value=[]), "Job > x-provenance", "should be non-empty"),
    Mutation("provenance-is-well-formed", put(*PROVENANCE, value={"note": "It."}), "x-provenance", "'array'"),
    Mutation("provenance-is-well-formed", add(*PROVENANCE, value="inferred"), "x-provenance > 2", "'object'"),
    Mutation(
        "provenance-is-well-formed",
        put(*PROVENANCE, 0, "standing", value="guessed"),
        "> 0 > standing",
        "'guessed' is not one of ['documented',",
    ),
    Mutation("provenance-is-well-formed", drop(*PROVENANCE, 0, "note"), "x-provenance > 0", "'note' is a required"),
    Mutation("provenance-is-well-formed", put(*PROVENANCE, 0, "note", value=" "), "> 0 > note", "list entries with"),
    Mutation("provenance-is-well-formed", put(*PROVENANCE, 0, "source", value="a page"), "> 0", "'source' was unexp"),
    Mutation(
        "provenance-is-well-formed",
        put(*PROVENANCE, 0, "standing", value="contradiction"),
        "> 0",
        "'documentation' is a required property",
    ),
    Mutation(
        "provenance-is-well-formed",
        put(*PROVENANCE, 0, "documentation", value="It."),
        "> 0",
        "`documentation` where a contradiction is quoted",
    ),
    Mutation(
        "extension-is-explained",
        put(*JOB, "id", "x-secrte", value=True),
        "id > x-secrte",
        "use one of x-provenance",
    ),
    Mutation("open-enum-is-well-formed", put(*JOB, "status", STATUS, value=[]), STATUS, "at least one known value"),
    Mutation("open-enum-is-well-formed", add(*JOB, "status", STATUS, value="waiting"), STATUS, "each value once"),
    Mutation("open-enum-is-well-formed", add(*JOB, "status", STATUS, value=3), STATUS, "values of the type string"),
    Mutation(
        "secret-is-marked",
        drop(*SCHEMAS, "AccessToken", "properties", "access_token", "x-secret"),
        "access_token",
        "mark",
    ),
    Mutation(
        "secret-is-marked",
        drop(*SCHEMAS, "AuthorizeRequest", "properties", "client_secret", "x-secret"),
        "client_secret",
        "mark",
    ),
    Mutation(
        "secret-is-marked",
        put(*JOB, "user_log_url", "x-secret", value="yes"),
        "user_log_url > x-secret",
        "set it to true",
    ),
    Mutation("secret-is-marked", put(*JOB, "id", "x-secret", value=True), "id > x-secret", "mark a string"),
    Mutation(
        "secret-is-marked",
        put(*SCHEMAS, "Plan", "x-secret", value=True),
        "Plan > x-secret",
        "property of a schema",
    ),
    Mutation(
        "request-has-no-null",
        put(*SCHEMAS, "CreateFunctionRequest", "properties", "remark", "nullable", value=True),
        "remark > nullable",
        "leaves a field out",
    ),
    Mutation(
        "request-has-no-null",
        put(*SCHEMAS, "JobSource", "nullable", value=True),
        "JobSource > nullable",
        "leaves",
    ),
    Mutation(
        "answer-has-open-enums",
        put(*JOB, "status", "enum", value=["waiting"]),
        "status > enum",
        "x-extensible-enum",
    ),
    Mutation(
        "answer-has-open-enums",
        put(*JOB, "service_type", value={"$ref": "#/components/schemas/ServiceType"}),
        "ServiceType > enum",
        "x-extensible-enum",
    ),
    Mutation(
        "answer-accepts-unknown-fields",
        put(*SCHEMAS, "ErrorObject", "additionalProperties", value=False),
        "ErrorObject > additionalProperties",
        "take it away",
    ),
    Mutation(
        "answer-requires-by-reading",
        put(*PROVENANCE, value=[{"about": "null", "standing": "inferred", "note": "It."}]),
        "Job > required",
        "whose `about` is required",
    ),
    Mutation(
        "answer-requires-by-reading",
        put(*SCHEMAS, "ErrorObject", "required", value=["error_msg"]),
        "ErrorObject > required",
        "whose `about` is required",
    ),
    Mutation(
        "reference-stands-alone",
        put(*SCHEMAS, "JobPage", "properties", "meta", "description", value="Where the page stands."),
        "JobPage > properties > meta",
        "under `allOf`",
    ),
]

INVALID = [
    Mutation("openapi", drop("info"), "the document", '"info" is a required property'),
    Mutation("openapi", put("openapi", value="3.1.0"), "openapi", "does not match"),
    Mutation("openapi", put("paths", FUNCTIONS, value=None), f"paths > {FUNCTIONS}", "not of type"),
    Mutation("openapi", put(*JOB, "id", "type", value="int"), "Job", "not valid under any"),
    Mutation("openapi", put(*CREATE, "operationId", value="listFunctions"), "the document", "not unique"),
    Mutation(
        "openapi",
        put("components", "parameters", "Limit", "schema", "default", value="x"),
        "the document",
        "'x'",
    ),
    Mutation(
        "openapi",
        put(*CREATE, "responses", "400", value={"$ref": "#/components/responses/Missing"}),
        "responses > 400",
        "nothing is at #/components/responses/Missing, mend the `$ref`",
    ),
    Mutation(
        "openapi",
        put(*JOB, "id", value={"$ref": "other.yaml#/Id"}),
        "properties > id",
        "other.yaml#/Id is another document and the contract is one file: refer to a place in it, as #/components/…",
    ),
    Mutation(
        "openapi",
        put(
            *CREATE, "requestBody", "content", "application/json", "schema", value={"$ref": "#/components/schemas/Gone"}
        ),
        "schema",
        "nothing is at #/components/schemas/Gone, mend the `$ref`",
    ),
    Mutation(
        "openapi",
        put("components", "schemas", "Job", value={"$ref": "#/components/schemas/Job"}),
        "schemas > Job",
        "#/components/schemas/Job leads back to itself, mend the `$ref`",
    ),
]


def test_the_contract_is_valid_and_keeps_every_rule(contract: dict[str, Any]) -> None:
    assert validity(contract) == []
    assert apply_rules(contract) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.rule for mutation in MUTATIONS])
def test_a_broken_rule_is_found(mutation: Mutation, contract: dict[str, Any]) -> None:
    problems = apply_rules(broken(contract, mutation))
    lines = [problem.line("contract") for problem in problems if problem.rule == mutation.rule]

    assert any(f"{mutation.place}: " in line and mutation.says in line for line in lines), problems
    assert all("\n" not in line and line.endswith(f" [{mutation.rule}]") for line in lines)


@pytest.mark.parametrize("mutation", INVALID, ids=[mutation.says for mutation in INVALID])
def test_what_is_not_openapi_is_said_in_one_short_line(mutation: Mutation, contract: dict[str, Any]) -> None:
    [problem] = validity(broken(contract, mutation))
    line = problem.line("contract")

    assert f"{mutation.place}: " in line
    assert mutation.says in line
    assert line.endswith(" [openapi]")
    assert "\n" not in line
    assert len(line) < 250


def test_every_rule_has_been_seen_to_fail() -> None:
    assert {rule.__name__.replace("_", "-") for rule in RULES} == {mutation.rule for mutation in MUTATIONS}


def test_every_rule_says_why_it_stands() -> None:
    assert [rule.__name__ for rule in RULES if not (rule.__doc__ or "").endswith(".")] == []


def test_an_answer_may_hold_a_typed_map(contract: dict[str, Any]) -> None:
    counts = {"type": "object", "description": "Calls by status.", "additionalProperties": {"type": "integer"}}
    mutation = Mutation("", put(*JOB, "counts", value=counts), "", "")

    assert apply_rules(broken(contract, mutation)) == []


def test_a_rule_does_not_take_a_field_for_a_keyword(contract: dict[str, Any]) -> None:
    freely_named = {
        name: {"type": "string", "description": "It."} for name in ("enum", "example", "nullable", "x-provenance")
    }
    mutation = Mutation(
        "", all_of(put(*SCHEMAS, "Fields", value={"type": "object", "properties": freely_named})), "", ""
    )

    assert apply_rules(broken(contract, mutation)) == []
