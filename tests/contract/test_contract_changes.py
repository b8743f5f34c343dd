"""Which changes of the contract break its users: each kind made once, on a copy of the contract or on a small document."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from scripts.compatibility.contract_changes import changes, without_prose
from scripts.compatibility.versions import Version
from scripts.contract.document import CONTRACT
from tests.contract.kinds_of_change import BREAKING, COMPATIBLE, WORDS
from tests.contract.mutations import JSON, at

if TYPE_CHECKING:
    from tests.contract.mutations import Change


def after(contract: dict[str, Any], change: Change) -> dict[str, Any]:
    document = deepcopy(contract)
    change(document)
    return document


@pytest.fixture(scope="module")
def bare(contract: dict[str, Any]) -> dict[str, Any]:
    return without_prose(contract)


@pytest.mark.parametrize("name", BREAKING)
def test_it_breaks_users(bare: dict[str, Any], name: str) -> None:
    change, place, what = BREAKING[name]
    breaking = [found for found in changes(bare, after(bare, change)) if found.breaks]

    assert (True, what) in [(" > ".join(found.place).endswith(place), found.what) for found in breaking]


@pytest.mark.parametrize("name", COMPATIBLE)
def test_it_breaks_nobody(bare: dict[str, Any], name: str) -> None:
    change, place, what = COMPATIBLE[name]
    found = changes(bare, after(bare, change))

    assert [each for each in found if each.breaks] == []
    assert (True, what) in [(" > ".join(each.place).endswith(place), each.what) for each in found]


@pytest.mark.parametrize("name", WORDS)
def test_it_is_a_matter_of_words(contract: dict[str, Any], name: str) -> None:
    assert changes(contract, after(contract, WORDS[name])) == []


@pytest.mark.parametrize("name", [name for name in BREAKING if name != "an answer is of another schema, alike"])
def test_taken_back_it_is_another_change(bare: dict[str, Any], name: str) -> None:
    """Nothing is seen in one direction only: what can be broken can be put right, and that is a change as well."""
    assert changes(after(bare, BREAKING[name][0]), bare) != []


def test_the_contract_without_its_prose_is_the_same_contract(contract: dict[str, Any]) -> None:
    trimmed = without_prose(contract)

    assert changes(contract, trimmed) == []
    assert changes(trimmed, contract) == []
    assert len(str(trimmed)) < len(str(contract)) / 3


def test_a_field_may_be_called_like_a_keyword() -> None:
    fields = {name: {"type": "string"} for name in ("description", "properties", "example", "default")}
    document = small({"type": "object", "properties": fields})
    schema = at(without_prose(document), "paths", "/", "post", "requestBody", "content", JSON, "schema")

    assert list(schema["properties"]) == list(fields)


# What the contract does not use, or not in the place where it would show.

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
ONE = {"type": "string", "enum": ["a", "b"]}


def small(schema: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    """A document whose request and answer are both of this schema."""
    content = {JSON: {"schema": schema}}
    post = {"requestBody": {"required": True, "content": content}, "responses": {"200": {"content": content}}}
    return {
        "info": {"title": "T", "version": "1.0.0"},
        "paths": {"/": {"post": post}},
        "components": {"schemas": schemas},
    }


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            {"anyOf": [ONE, INTEGER]},
            {"anyOf": [{"type": "string", "enum": ["a"]}, INTEGER]},
            ["the value `b` is gone, and generated code has a name for it"],
        ),
        (
            {"oneOf": [INTEGER, ONE]},
            {"oneOf": [{"type": "string", "enum": ["a"]}, INTEGER]},
            ["the value `b` is gone, and generated code has a name for it"],
        ),
        ({"anyOf": [STRING, INTEGER]}, {"anyOf": [INTEGER, STRING]}, []),
        (
            STRING,
            {"anyOf": [STRING, INTEGER]},
            ["a schema of type integer is a new alternative of an answer"],
        ),
        (
            {"anyOf": [STRING, INTEGER]},
            STRING,
            [
                "a schema of type integer is no longer one of the alternatives of a request",
                "a schema of type integer is no longer one of the alternatives of an answer",
            ],
        ),
        (
            {"oneOf": [{"type": "integer"}]},
            {"oneOf": [{"type": "integer"}, {"type": "number"}]},
            [
                "a schema of type number is a new alternative of a request, and what fits two of `oneOf` is refused: add a discriminator",
                "a schema of type number is a new alternative of an answer",
            ],
        ),
        ({"oneOf": [STRING, INTEGER]}, {"anyOf": [STRING, INTEGER]}, ["`oneOf` is `anyOf` now"]),
        (
            {"type": "array", "items": STRING},
            {"type": "array", "items": {"type": "string", "maxLength": 3}},
            ["`maxLength` is 3 now instead of unset in a request"],
        ),
        (
            {"type": "array", "items": STRING, "maxItems": 3},
            {"type": "array", "items": STRING, "maxItems": 4},
            ["`maxItems` is 4 now instead of 3 in an answer"],
        ),
        (
            {"type": "object", "additionalProperties": STRING},
            {"type": "object", "additionalProperties": INTEGER},
            ["the type is integer now instead of string"],
        ),
        (
            {"type": "object", "additionalProperties": False},
            {"type": "object", "additionalProperties": False, "properties": {"a": STRING}},
            ["a new field of an answer"],
        ),
        (
            {"type": "string", "enum": ["a"]},
            {"type": "string", "enum": ["a", "b"]},
            ["new values in an answer: `b`"],
        ),
        (
            {"allOf": [{"type": "object", "properties": {"a": STRING}}, {"required": ["a"]}]},
            {"allOf": [{"type": "object", "properties": {"a": STRING}}]},
            ["`a` is no longer required in an answer"],
        ),
        ({"allOf": [{"type": "object", "properties": {"a": STRING}}]}, {"type": "object", "properties": {"a": STRING}}, []),
        ({"type": "string", "readOnly": True}, STRING, ["`readOnly` is unset now instead of `true`"]),
        ({"type": "string", "x-other": 1}, STRING, []),
    ],
)  # fmt: skip
def test_in_a_request_and_an_answer(old: dict[str, Any], new: dict[str, Any], says: list[str]) -> None:
    breaking = [change.what for change in changes(small(old), small(new)) if change.breaks]

    assert sorted(set(breaking)) == sorted(says)


def test_alternatives_that_a_closed_field_tells_apart_need_no_discriminator() -> None:
    def kind(value: str) -> dict[str, Any]:
        field = {"type": "string", "enum": [value]}
        return {"type": "object", "required": ["kind"], "properties": {"kind": field}}

    found = changes(small({"oneOf": [kind("a"), kind("b")]}), small({"oneOf": [kind("a"), kind("b"), kind("c")]}))

    assert [change.what for change in found if change.breaks] == [
        "a schema of type object is a new alternative of an answer"
    ]


def test_a_schema_that_holds_itself_is_compared_once() -> None:
    def tree(kind: str) -> dict[str, Any]:
        node = {"$ref": "#/components/schemas/Node"}
        fields = {"value": {"type": kind}, "left": node, "right": node}
        return small(node, Node={"type": "object", "properties": fields})

    [change] = [found for found in changes(tree("string"), tree("integer")) if found.breaks]

    assert (change.place, change.what) == (
        ("components", "schemas", "Node", "properties", "value", "type"),
        "the type is integer now instead of string",
    )


def test_the_same_parameter_for_the_whole_path_is_the_same() -> None:
    parameter = {"name": "q", "in": "query", "schema": STRING}
    old, new = small(STRING), small(STRING)
    old["paths"]["/"]["parameters"] = [parameter]
    new["paths"]["/"]["post"]["parameters"] = [parameter]

    assert changes(old, new) == []


def test_an_answer_by_default_breaks_nobody_until_it_is_gone() -> None:
    old, new = small(STRING), small(STRING)
    new["paths"]["/"]["post"]["responses"]["default"] = {"description": "Any other."}

    assert [(change.breaks, change.what) for change in changes(old, new)] == [(False, "the status default is new")]
    assert [(change.breaks, change.what) for change in changes(new, old)] == [(True, "the status default is gone")]


def test_security_for_the_whole_document_holds_for_its_operations() -> None:
    old, new = small(STRING), small(STRING)
    new["security"] = [{"key": []}]

    assert [change.what for change in changes(old, new)] == [
        "a request without credentials is not enough any more: `key` is needed"
    ]


def test_the_contract_says_how_its_version_relates_to_the_one_in_its_paths(contract: dict[str, Any]) -> None:
    words = " ".join((CONTRACT.parent / "README.md").read_text("utf-8").split())
    [service] = {found[1] for path in contract["paths"] if (found := re.search(r"/v(\d+\.\d+)/", path))}

    assert Version.parse(contract["info"]["version"]) is not None
    assert "`info.version` is the document's own version" in words
    assert f"The `v{service}` in the paths is the service's" in words
