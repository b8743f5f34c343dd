"""The rules of the contract that the linter's format cannot express: a function for each, whose docstring says why it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from scripts.contract.document import Document, Place, Problem, mappings, one_line, operations, resolved, steps

# A place that breaks a rule, and what to do there.
Finding = tuple[Place, str]

EXTENSIONS = ("x-provenance", "x-extensible-enum", "x-secret")
_PROVENANCE = yaml.safe_load(Path(__file__).with_name("provenance.schema.yaml").read_text("utf-8"))
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_SECRET_NAME = re.compile(r"(secret|token|password)$", re.IGNORECASE)


def _nodes(document: Document, key: str = "") -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yields every mapping whose keys are keywords and not names of properties; with `key` only those that have it."""
    for place, node in mappings(document):
        if place[-1:] != ("properties",) and (not key or key in node):
            yield place, node


def example_matches_schema(document: Document) -> Iterator[Finding]:
    """The linter's engine and this one read `nullable` and `oneOf` differently; both have to agree."""
    validator = OAS30Validator(document, format_checker=oas30_format_checker)

    def problems(place: Place, schema: Mapping[str, Any], value: object) -> Iterator[Finding]:
        for error in validator.evolve(schema=schema).iter_errors(value):
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
            yield place, f"mend the example at {where.lstrip('.') or 'its top'}: {one_line(error.message)[:200]}"

    for place, node in mappings(document):
        schema = node if "schemas" in place[-2:-1] or "properties" in place[-2:-1] else node.get("schema", {})
        if "example" in node and place[-1:] != ("properties",):
            yield from problems((*place, "example"), schema, node["example"])
        if isinstance(node.get("examples"), dict) and "schema" in node:
            for name, example in node["examples"].items():
                shown = resolved(document, example)
                yield from problems((*place, "examples", name), schema, shown.get("value"))


def provenance_is_well_formed(document: Document) -> Iterator[Finding]:
    """Tools and readers tell by it what is documented and what is a reading."""
    validator: Any = Draft202012Validator(_PROVENANCE)
    for parent, node in _nodes(document, "x-provenance"):
        for error in validator.iter_errors(node["x-provenance"]):
            place = (*parent, "x-provenance", *map(str, error.absolute_path))
            yield place, f"{one_line(error.message)[:200]}; {_PROVENANCE['description']}"


def extension_is_explained(document: Document) -> Iterator[Finding]:
    """A misspelt extension is an ignored one, and openapi/README.md has to explain each."""
    advice = f"use one of {', '.join(EXTENSIONS)}, or explain a new extension and add it to this rule"
    for place, node in _nodes(document):
        for key in node:
            if key.startswith("x-") and key not in EXTENSIONS:
                yield (*place, key), advice


def open_enum_is_well_formed(document: Document) -> Iterator[Finding]:
    """A list of known values is of use when each can be met."""
    for parent, node in _nodes(document, "x-extensible-enum"):
        place = (*parent, "x-extensible-enum")
        values: object = node["x-extensible-enum"]
        kinds = _JSON_TYPES.get(str(node.get("type")))
        if not isinstance(values, list) or not values:
            yield place, "list at least one known value"
        elif kinds is None or any(type(value) not in kinds for value in cast("list[object]", values)):
            yield place, f"list values of the type {node.get('type')}, and state that type beside them"
        elif len(set(cast("list[object]", values))) != len(cast("list[object]", values)):
            yield place, "list each value once"


def secret_is_marked(document: Document) -> Iterator[Finding]:
    """The generated models keep a field out of logs by this mark alone."""
    for place, node in _nodes(document):
        if place[-2:-1] != ("properties",):
            if "x-secret" in node:
                yield (*place, "x-secret"), "mark the property of a schema, which is where the mark is looked for"
            continue
        if "x-secret" in node and node["x-secret"] is not True:
            yield (*place, "x-secret"), "set it to true or take it away"
        if "x-secret" in node and node.get("type") != "string":
            yield (*place, "x-secret"), "mark a string; nothing else is kept out of logs"
        if _SECRET_NAME.search(place[-1]) and "x-secret" not in node:
            yield place, "mark the secret with `x-secret: true`"


def request_has_no_null(document: Document) -> Iterator[Finding]:
    """The generated models write a field that is None as absent, so null could never be sent."""
    for place, schema in _nodes_of(document, "parameters", "requestBody"):
        if schema.get("nullable"):
            yield (*place, "nullable"), "take `nullable` away; a request leaves a field out instead"


def answer_has_open_enums(document: Document) -> Iterator[Finding]:
    """A value that the service adds must break no client."""
    for place, schema in _nodes_of(document, "responses"):
        if "enum" in schema:
            yield (*place, "enum"), "name the known values under `x-extensible-enum` instead"


def answer_accepts_unknown_fields(document: Document) -> Iterator[Finding]:
    """A field that the service adds must break no client."""
    for place, schema in _nodes_of(document, "responses"):
        # A schema there is the type of a map's values; only `false` refuses a field.
        if schema.get("additionalProperties") is False:
            yield (*place, "additionalProperties"), "take it away, so that an answer may have fields not listed here"


def answer_requires_by_reading(document: Document) -> Iterator[Finding]:
    """The documentation lists fields of answers and never says which are always there."""
    for place, schema in _nodes_of(document, "responses"):
        if isinstance(schema.get("required"), list):
            entries = cast("list[Any]", schema.get("x-provenance", []))
            if "required" not in [entry["about"] for entry in entries if "about" in entry]:
                yield (*place, "required"), "add an entry to `x-provenance` whose `about` is required"


def _nodes_of(document: Document, *parts: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yields the mappings of keywords in some parts of all operations, each once, following references."""
    seen: set[str] = set()

    def reached(place: Place, node: object) -> Iterator[tuple[Place, dict[str, Any]]]:
        for below, mapping in mappings(node, place):
            if below[-1:] == ("properties",):
                continue
            yield below, mapping
            reference = mapping.get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(reference)
                yield from reached(steps(reference), resolved(document, mapping))

    for path, method, operation in operations(document):
        for part in parts:
            yield from reached(("paths", path, method, part), operation.get(part))


def reference_stands_alone(document: Document) -> Iterator[Finding]:
    """OpenAPI 3.0 ignores whatever stands beside a `$ref`."""
    for place, node in _nodes(document, "$ref"):
        if len(node) > 1:
            yield place, "put the `$ref` under `allOf`, or take away what stands beside it"


RULES = (
    example_matches_schema,
    provenance_is_well_formed,
    extension_is_explained,
    open_enum_is_well_formed,
    secret_is_marked,
    request_has_no_null,
    answer_has_open_enums,
    answer_accepts_unknown_fields,
    answer_requires_by_reading,
    reference_stands_alone,
)


def apply_rules(document: Document) -> list[Problem]:
    """Finds where a valid document breaks the rules of this module."""
    return [
        Problem(place, message, rule.__name__.replace("_", "-")) for rule in RULES for place, message in rule(document)
    ]
