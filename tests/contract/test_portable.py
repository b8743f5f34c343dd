"""The portable variant: the same contract, in which no body is a choice between objects."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from mincloud._contract_yaml import as_yaml
from mincloud._portable_contract import portable
from scripts.contract.document import read_document
from scripts.contract.rules import apply_rules

Document = dict[str, Any]


@pytest.fixture
def variant(contract: Document) -> Document:
    return portable(contract)


def test_it_is_valid_and_keeps_every_rule(variant: Document, tmp_path: Path) -> None:
    written = tmp_path / "portable.yaml"
    written.write_text(as_yaml(variant), "utf-8")
    document, problems = read_document(written)
    assert (document, problems, apply_rules(document)) == (variant, [], [])


PUT_TOGETHER = {
    "InvocationAnswer": ("InvocationResult", "InvocationAccepted"),
    "TokenRequest": ("AuthorizationCodeGrant", "RefreshTokenGrant"),
}


def test_nothing_but_what_is_put_together_and_the_introduction_differs(contract: Document, variant: Document) -> None:
    for document in (contract := copy.deepcopy(contract), variant):
        document["info"].pop("description")
        for name, parts in PUT_TOGETHER.items():
            for schema in (name, *parts):
                document["components"]["schemas"].pop(schema, None)
    assert variant == contract
    assert list(variant["components"]["schemas"]) == list(contract["components"]["schemas"])


@pytest.mark.parametrize(("name", "parts"), PUT_TOGETHER.items())
def test_what_is_put_together_keeps_every_field_description_and_provenance(
    contract: Document, variant: Document, name: str, parts: tuple[str, ...]
) -> None:
    schemas, put_together = contract["components"]["schemas"], variant["components"]["schemas"][name]
    assert put_together["description"].startswith(schemas[name]["description"])
    for part in parts:
        assert part not in variant["components"]["schemas"]
        assert f"- {part}: {schemas[part]['description']}" in put_together["description"]
        assert (
            put_together["properties"].items()
            >= {
                field: described for field, described in schemas[part]["properties"].items() if field != "grant_type"
            }.items()
        )
        for entry in schemas[part].get("x-provenance", []):
            assert entry in put_together["x-provenance"]


def test_the_two_way_answer_requires_nothing_and_says_what_belongs_together(variant: Document) -> None:
    answer = variant["components"]["schemas"]["InvocationAnswer"]
    assert (answer["type"], list(answer["properties"])) == ("object", ["code", "data", "error", "status"])
    assert "required" not in answer
    assert "It has `code` and may have `data`, `error`.\n" in answer["description"]
    assert answer["description"].endswith("It carries no job id. It has `status`.")


def test_a_field_that_tells_objects_apart_takes_the_values_of_all(variant: Document) -> None:
    request = variant["components"]["schemas"]["TokenRequest"]
    assert request["required"] == ["client_id", "client_secret", "grant_type"]
    assert request["properties"]["grant_type"] == {
        "type": "string",
        "description": "Which of them it is: `authorization_code` (AuthorizationCodeGrant), `refresh_token` (RefreshTokenGrant).",
        "enum": ["authorization_code", "refresh_token"],
    }
    assert "discriminator" not in request


def test_its_introduction_says_what_it_is_before_that_of_the_contract(contract: Document, variant: Document) -> None:
    assert variant["info"]["description"].startswith("This is the portable variant")
    assert variant["info"]["description"].endswith(contract["info"]["description"])


def test_the_contract_itself_is_left_as_it_is(contract: Document) -> None:
    before = copy.deepcopy(contract)
    changed = portable(contract)
    changed["components"]["schemas"]["Job"]["properties"].clear()
    changed["paths"].clear()
    assert contract == before


def a_document(**schemas: Document) -> Document:
    parts = {
        "Left": {"type": "object", "required": ["id", "left"], "properties": {"id": {"type": "integer"}, "left": {}}},
        "Right": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "right": {}}},
    }
    return {"info": {}, "paths": {}, "components": {"schemas": {**copy.deepcopy(parts), **schemas}}}


EITHER = [{"$ref": "#/components/schemas/Left"}, {"$ref": "#/components/schemas/Right"}]


def test_what_all_the_objects_require_stays_required() -> None:
    schemas = portable(a_document(Either={"oneOf": EITHER}))["components"]["schemas"]
    assert schemas["Either"]["required"] == ["id"]
    assert list(schemas["Either"]["properties"]) == ["id", "left", "right"]


def test_an_object_that_is_used_elsewhere_stays() -> None:
    uses = {"type": "array", "items": EITHER[0]}
    assert list(portable(a_document(Either={"oneOf": EITHER}, Lefts=uses))["components"]["schemas"]) == [
        "Left",
        "Either",
        "Lefts",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [EITHER[0], {"type": "string"}]},
        {"type": "object", "properties": {}},
    ],
    ids=["not of objects alone", "no oneOf"],
)
def test_another_schema_is_left_as_it_is(schema: Document) -> None:
    assert portable(a_document(Either=schema))["components"] == a_document(Either=schema)["components"]


def test_objects_that_contradict_each_other_are_not_put_together() -> None:
    document = a_document(Either={"oneOf": EITHER})
    document["components"]["schemas"]["Right"]["properties"]["id"] = {"type": "string"}
    with pytest.raises(ValueError, match="Either cannot be made portable: Left and Right describe `id` differently"):
        portable(document)


def test_as_yaml_text_of_several_lines_stays_readable() -> None:
    written = as_yaml({"description": "one\ntwo\n", "200": "不存在。", "same": (same := [1]), "again": same})
    assert written == "description: |\n  one\n  two\n'200': 不存在。\nsame:\n- 1\nagain:\n- 1\n"
