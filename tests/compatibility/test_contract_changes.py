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
from tests.contract.mutations import JSON, value_at

if TYPE_CHECKING:
    from scripts.compatibility.versions import Change as Found
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


@pytest.fixture(scope="module")
def harmless(bare: dict[str, Any]) -> list[Found]:
    """What is found when all that breaks nobody is done at once, since starting Redocly takes longer than a comparison."""
    document = deepcopy(bare)
    for change, _, _ in COMPATIBLE.values():
        change(document)
    return changes(bare, document)


@pytest.mark.parametrize("name", COMPATIBLE)
def test_it_breaks_nobody(harmless: list[Found], name: str) -> None:
    _, place, what = COMPATIBLE[name]

    assert (True, what) in [(" > ".join(each.place).endswith(place), each.what) for each in harmless]


def test_nothing_that_breaks_nobody_is_called_breaking(harmless: list[Found]) -> None:
    assert [each for each in harmless if each.breaks] == []


def test_other_words_are_no_change(contract: dict[str, Any]) -> None:
    document = deepcopy(contract)
    for change in WORDS.values():
        change(document)

    assert document != contract
    assert changes(contract, document) == []


def test_the_contract_without_its_prose_is_the_same_contract(contract: dict[str, Any]) -> None:
    trimmed = without_prose(contract)

    assert without_prose(trimmed) == trimmed
    assert len(str(trimmed)) < len(str(contract)) / 3


def test_a_field_may_be_called_like_a_keyword() -> None:
    fields = {name: {"type": "string"} for name in ("description", "properties", "example", "default")}
    document = small({"type": "object", "properties": fields})
    schema = value_at(without_prose(document), "paths", "/", "post", "requestBody", "content", JSON, "schema")

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
    ("old", "new"),
    [
        ({"anyOf": [ONE, INTEGER]}, {"anyOf": [{"type": "string", "enum": ["a"]}, INTEGER]}),
        (STRING, {"anyOf": [STRING, INTEGER]}),
        ({"anyOf": [STRING, INTEGER]}, STRING),
        ({"oneOf": [STRING, INTEGER]}, {"anyOf": [STRING, INTEGER]}),
        ({"type": "array", "items": STRING}, {"type": "array", "items": {"type": "string", "maxLength": 3}}),
        ({"type": "array", "items": STRING, "maxItems": 3}, {"type": "array", "items": STRING, "maxItems": 4}),
        ({"type": "object", "additionalProperties": STRING}, {"type": "object", "additionalProperties": INTEGER}),
        ({"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"type": "string", "readOnly": True}, STRING),
        (STRING, {"type": "string", "title": "Name"}),
        ({"type": "integer"}, {"type": "number"}),
    ],
)
def test_what_the_contract_does_not_use_yet_breaks_users_too(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert any(change.breaks for change in changes(small(old), small(new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "x-other": 1}, STRING),
        ({"allOf": [{"type": "object", "properties": {"a": STRING}}]}, {"type": "object", "properties": {"a": STRING}}),
    ],
)
def test_what_the_contract_does_not_use_yet_breaks_nobody(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert [change for change in changes(small(old), small(new)) if change.breaks] == []


def test_a_schema_that_holds_itself_is_compared_once() -> None:
    def tree(kind: str) -> dict[str, Any]:
        node = {"$ref": "#/components/schemas/Node"}
        fields = {"value": {"type": kind}, "left": node, "right": node}
        return small(node, Node={"type": "object", "properties": fields})

    [change] = [found for found in changes(tree("string"), tree("integer")) if found.breaks]

    assert change.place == ("components", "schemas", "Node", "properties", "value", "type")


def test_an_answer_by_default_breaks_nobody_until_it_is_gone() -> None:
    old, new = small(STRING), small(STRING)
    new["paths"]["/"]["post"]["responses"]["default"] = {"description": "Any other."}

    assert [change.breaks for change in changes(old, new)] == [False]
    assert [change.breaks for change in changes(new, old)] == [True]


def test_the_contract_says_how_its_version_relates_to_the_one_in_its_paths(contract: dict[str, Any]) -> None:
    words = " ".join((CONTRACT.parent / "README.md").read_text("utf-8").split())
    [service] = {found[1] for path in contract["paths"] if (found := re.search(r"/v(\d+\.\d+)/", path))}

    assert str(Version.parse(contract["info"]["version"])) == contract["info"]["version"]
    assert "`info.version` is the document's own version" in words
    assert f"The `v{service}` in the paths is the service's" in words
