"""The variants: what overlays make of the contract, and that each is what it says it is."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator, OAS31Validator
from openapi_spec_validator import validate

import mincloud
from mincloud._contract import as_yaml
from scripts import ScriptError
from scripts.codegen.generate import TARGET
from scripts.contract import variants
from scripts.contract.document import CONTRACT, Document, mappings, operations, read_document
from scripts.contract.redocly import redocly
from scripts.contract.variants import NAMES, OVERLAYS, Variant, derive
from tests.contract.mutations import DEBUG, TOKEN, value_at

SCHEMAS = ("components", "schemas")
ALL = variants.variants()

# Each test that derives starts a program, and the machine may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def of(variant: Variant, *, dereferenced: bool = False) -> Document:
    """A variant as the Python package gives it, which `make check-generated` holds to what the overlays make."""
    return mincloud.contract(
        portable="portable" in variant,
        server="server" in variant,
        openapi="3.1" if "openapi-3.1" in variant else "3.0",
        dereferenced=dereferenced,
    )


def test_there_is_a_file_for_every_combination_of_the_overlays() -> None:
    assert {path.stem for path in OVERLAYS.glob("*.yaml")} == set(NAMES)
    assert {path.stem for path in (TARGET / "variants").iterdir()} == {"-".join(variant) for variant in ALL if variant}


@pytest.mark.parametrize("variant", ALL, ids="-".join)
@pytest.mark.parametrize("dereferenced", [False, True], ids=["", "dereferenced"])
def test_it_is_valid_and_says_which_one_it_is(variant: Variant, dereferenced: bool) -> None:
    document = of(variant, dereferenced=dereferenced)

    validate(document)
    assert document["openapi"] == ("3.1.0" if "openapi-3.1" in variant else "3.0.3")
    assert document["info"].get("x-variant", []) == list(variant)


@pytest.mark.parametrize("variant", [(), NAMES], ids=["the contract", "all overlays"])
def test_without_references_it_is_what_redocly_makes_of_it(variant: Variant, tmp_path: Path) -> None:
    document = of(variant, dereferenced=True)
    written, target = tmp_path / "written.json", tmp_path / "dereferenced.json"
    written.write_text(json.dumps(of(variant)), "utf-8")

    assert redocly("bundle", str(written), "--dereferenced", "--output", str(target)).returncode == 0
    assert document == json.loads(target.read_text("utf-8"))
    assert not [place for place, node in mappings(document) if "$ref" in node]


def test_the_overlays_give_what_the_package_has() -> None:
    assert of(NAMES) == derive(NAMES)


def test_an_overlay_has_the_contracts_version(contract: Document) -> None:
    for name in NAMES:
        overlay = yaml.safe_load((OVERLAYS / f"{name}.yaml").read_text("utf-8"))
        assert overlay["info"]["version"] == contract["info"]["version"], name


@pytest.mark.parametrize("variant", [each for each in ALL if "portable" in each], ids="-".join)
def test_the_portable_variant_has_no_choice_between_schemas(variant: Variant) -> None:
    nodes = list(mappings(of(variant)))

    assert [place for place, node in nodes if "oneOf" in node and place[-1:] != ("properties",)] == []
    if "server" not in variant:
        assert [place for place, node in nodes if "anyOf" in node and place[-1:] != ("properties",)] == []


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("InvocationAnswer", ("InvocationResult", "InvocationAccepted")),
        ("TokenRequest", ("AuthorizationCodeGrant", "RefreshTokenGrant")),
    ],
)
def test_what_the_portable_variant_puts_together_has_the_fields_of_all(
    contract: Document, name: str, parts: tuple[str, ...]
) -> None:
    together = value_at(of(("portable",)), *SCHEMAS, name)
    fields: dict[str, Any] = {}
    for part in parts:
        fields |= value_at(contract, *SCHEMAS, part, "properties")

    def bare(field: str, schema: dict[str, Any]) -> dict[str, Any]:
        told_apart = ("enum", "description") if field == "grant_type" else ()
        return {key: value for key, value in schema.items() if key not in ("x-provenance", *told_apart)}

    assert {field: bare(field, schema) for field, schema in together["properties"].items()} == {
        field: bare(field, schema) for field, schema in fields.items()
    }
    required = [set[str](value_at(contract, *SCHEMAS, part, "required")) for part in parts]
    assert set(together.get("required", [])) == required[0] & required[1]


def test_nothing_else_differs_in_the_portable_variant(contract: Document) -> None:
    documents = [copy.deepcopy(contract), of(("portable",))]
    for document in documents:
        document["info"].pop("x-variant", None)
        for name in ("InvocationAnswer", "InvocationResult", "InvocationAccepted", "ErrorBody", "ErrorObject"):
            value_at(document, *SCHEMAS).pop(name, None)
        for name in ("TokenRequest", "AuthorizationCodeGrant", "RefreshTokenGrant"):
            value_at(document, *SCHEMAS).pop(name, None)

    assert documents[0] == documents[1]


@pytest.mark.parametrize("variant", [each for each in ALL if "openapi-3.1" in each], ids="-".join)
def test_3_1_says_null_by_a_type_and_a_condition_by_if(contract: Document, variant: Variant) -> None:
    document = of(variant)
    nullable = [place for place, node in mappings(contract) if node.get("nullable") is True]

    assert nullable
    for place in nullable:
        assert value_at(document, *place, "type") == [value_at(contract, *place, "type"), "null"]
    assert not [place for place, node in mappings(document) if "nullable" in node]
    debug = OAS31Validator({**value_at(document, *SCHEMAS, "DebugRequest"), "components": document["components"]})
    assert not debug.is_valid({"data": {}, "subject": "flex_schema"})
    assert debug.is_valid({"data": {}, "subject": "flex_schema", "schema_id": 1})
    assert debug.is_valid({"data": {}, "subject": "timer"})
    assert debug.is_valid({"data": {}})


@pytest.mark.parametrize("variant", [each for each in ALL if "server" in each], ids="-".join)
def test_the_servers_variant_takes_what_working_clients_send(contract: Document, variant: Variant) -> None:
    document = of(variant)
    validator = OAS31Validator if "openapi-3.1" in variant else OAS30Validator
    debug = validator({**value_at(document, *SCHEMAS, "DebugRequest"), "components": document["components"]})
    for data in (None, True, 3, "text", [1], {"a": None}):
        assert debug.is_valid({"function_name": "greet", "data": data, "sync": True}), data
    assert not debug.is_valid({"function_name": "greet", "sync": True})
    assert not debug.is_valid({"data": {}, "subject": "flex_schema"})
    assert set(value_at(document, "paths", TOKEN, "post", "requestBody", "content")) == {
        "application/json",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
    }
    names = {operation["operationId"] for _, _, operation in operations(document)}
    assert names == {operation["operationId"] for _, _, operation in operations(contract)} | {
        f"{method}FunctionWithoutSlash" for method in ("get", "update", "delete")
    }
    assert DEBUG in document["paths"]


@pytest.mark.parametrize("variant", [each for each in ALL if "server" in each], ids="-".join)
def test_an_error_of_the_servers_variant_may_have_any_body(variant: Variant) -> None:
    document = of(variant, dereferenced=True)
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if status == "default" or status[0] in "45":
                assert "content" not in response, operation["operationId"]


def test_an_overlay_that_does_not_fit_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(
        "overlay: 1.0.0\ninfo: {title: t, version: 0.1.0}\nactions: [{target: $.paths, remove: true}]\n", "utf-8"
    )
    monkeypatch.setattr(variants, "OVERLAYS", tmp_path)

    with pytest.raises(ScriptError, match="the variant broken ") as raised:
        derive(("broken",))
    assert "\n" not in str(raised.value)


def test_an_openapi_version_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"openapi is '3.0' or '3.1', not '3.2'"):
        mincloud.contract(openapi="3.2")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_as_yaml_it_is_the_same_document(tmp_path: Path) -> None:
    written = tmp_path / "portable.yaml"
    written.write_text(as_yaml(of(("portable",))), "utf-8")

    document, problems = read_document(written)
    assert (document, problems) == (of(("portable",)), [])


def test_as_yaml_text_of_several_lines_stays_readable() -> None:
    written = as_yaml({"description": "one\ntwo\n", "200": "不存在。", "same": (same := [1]), "again": same})
    assert written == "description: |\n  one\n  two\n'200': 不存在。\nsame:\n- 1\nagain:\n- 1\n"


def test_the_contract_itself_is_left_as_it_is(contract: Document) -> None:
    before = CONTRACT.read_bytes()
    changed = mincloud.contract(portable=True, dereferenced=True)
    changed["components"]["schemas"]["Job"]["properties"].clear()

    assert CONTRACT.read_bytes() == before
    assert json.dumps(mincloud.contract()) == json.dumps(contract)
