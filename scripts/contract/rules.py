"""The rules of the contract that the linter's format cannot express, each with its id and its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from scripts.contract.document import Document, Place, Problem, mappings, one_line, operations, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping


STANDINGS = ("documented", "observed", "inferred", "contradiction")
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_QUANTITY = re.compile(r"(_at|_at__gte|_at__lte|_in|_time|_usage)$")
_UNIT = re.compile(r"\b(milliseconds|seconds|bytes)\b", re.IGNORECASE)
_SECRET_NAME = re.compile(r"(secret|token|password)$", re.IGNORECASE)


Finding = tuple[Place, str]
Find = Callable[[Document], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule that the linter's format cannot express.

    Attributes:
        id: Its name, as it stands in a message.
        why: Why it stands.
        find: The places of a valid document that break it, each with what to do there.
    """

    id: str
    why: str
    find: Find


RULES: list[Rule] = []


def _rule(name: str, why: str) -> Callable[[Find], Find]:
    def add(find: Find) -> Find:
        RULES.append(Rule(name, why, find))
        return find

    return add


def _nodes(document: Document) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every mapping of the contract whose keys are keywords, and not the names of properties."""
    return ((place, node) for place, node in mappings(document) if place[-1:] != ("properties",))


@_rule(
    "example-matches-schema",
    "The linter's engine and this one read `nullable` and `oneOf` differently; both have to agree.",
)
def _example_matches_schema(document: Document) -> Iterator[Finding]:
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


@_rule("provenance-is-well-formed", "Tools and readers tell by it what is documented and what is a reading.")
def _provenance_is_well_formed(document: Document) -> Iterator[Finding]:
    for parent, node in _nodes(document):
        if "x-provenance" not in node:
            continue
        place = (*parent, "x-provenance")
        entries: object = node["x-provenance"]
        if not isinstance(entries, list) or not entries:
            yield place, "make it a list with at least one entry"
            continue
        for index, entry in enumerate(cast("list[object]", entries)):
            for advice in _provenance_advice(entry):
                yield (*place, str(index)), advice


def _provenance_advice(entry: object) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "make the entry a mapping with `standing` and `note`"
        return
    fields = cast("dict[str, object]", entry)
    unknown = sorted(set(fields) - {"about", "standing", "documentation", "note"})
    if unknown:
        yield f"take away {', '.join(unknown)}; an entry has about, standing, documentation and note"
    for name in fields:
        value = fields[name]
        if not isinstance(value, str) or not value.strip():
            yield f"make `{name}` a text"
    standing = fields.get("standing")
    if standing not in STANDINGS:
        yield f"set `standing` to one of {', '.join(STANDINGS)}"
    if "note" not in fields:
        yield "say in `note` what is known, or which reading was chosen"
    if (standing == "contradiction") != ("documentation" in fields):
        yield "quote in `documentation` what contradicts itself; only a contradiction has and needs it"


@_rule(
    "extension-is-explained",
    "A misspelt extension is an ignored one, and openapi/README.md has to explain each.",
)
def _extension_is_explained(document: Document) -> Iterator[Finding]:
    known = ("x-provenance", "x-extensible-enum", "x-secret")
    advice = f"use one of {', '.join(known)}, or explain a new extension and add it to this rule"
    for place, node in _nodes(document):
        for key in node:
            if key.startswith("x-") and key not in known:
                yield (*place, key), advice


@_rule(
    "open-enum-is-well-formed",
    "A list of known values is of use when each can be met, and open when nothing closes it.",
)
def _open_enum_is_well_formed(document: Document) -> Iterator[Finding]:
    for parent, node in _nodes(document):
        if "x-extensible-enum" not in node:
            continue
        place = (*parent, "x-extensible-enum")
        if "enum" in node:
            yield place, "take `enum` away, which refuses an unknown value"
        values: object = node["x-extensible-enum"]
        kinds = _JSON_TYPES.get(str(node.get("type")))
        if not isinstance(values, list) or not values:
            yield place, "list at least one known value"
        elif kinds is None or any(type(value) not in kinds for value in cast("list[object]", values)):
            yield place, f"list values of the type {node.get('type')}, and state that type beside them"
        elif len(set(cast("list[object]", values))) != len(cast("list[object]", values)):
            yield place, "list each value once"


@_rule("secret-is-marked", "The generated models keep a field out of logs by this mark alone.")
def _secret_is_marked(document: Document) -> Iterator[Finding]:
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


@_rule(
    "request-has-no-null",
    "The generated models write a field that is None as absent, so null could never be sent.",
)
def _request_has_no_null(document: Document) -> Iterator[Finding]:
    for place, schema in _part_of(document, "parameters", "requestBody"):
        if schema.get("nullable"):
            yield (*place, "nullable"), "take `nullable` away; a request leaves a field out instead"


@_rule("answer-has-open-enums", "A value that the service adds must break no client.")
def _answer_has_open_enums(document: Document) -> Iterator[Finding]:
    for place, schema in _part_of(document, "responses"):
        if "enum" in schema:
            yield (*place, "enum"), "name the known values under `x-extensible-enum` instead"


@_rule("answer-accepts-unknown-fields", "A field that the service adds must break no client.")
def _answer_accepts_unknown_fields(document: Document) -> Iterator[Finding]:
    for place, schema in _part_of(document, "responses"):
        # A schema there is the type of a map's values; only `false` refuses a field.
        if schema.get("additionalProperties") is False:
            yield (*place, "additionalProperties"), "take it away, so that an answer may have fields not listed here"


@_rule("answer-requires-by-reading", "The documentation lists fields of answers and never says which are always there.")
def _answer_requires_by_reading(document: Document) -> Iterator[Finding]:
    for place, schema in _part_of(document, "responses"):
        if isinstance(schema.get("required"), list):
            entries = cast("list[Any]", schema.get("x-provenance", []))
            if "required" not in [entry["about"] for entry in entries if "about" in entry]:
                yield (*place, "required"), "add an entry to `x-provenance` whose `about` is required"


def _part_of(document: Document, *parts: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every mapping of keywords that a part of some operation is made of, once, through every reference."""
    seen: set[str] = set()

    def reached(place: Place, node: object) -> Iterator[tuple[Place, dict[str, Any]]]:
        for below, mapping in mappings(node, place):
            if below[-1:] == ("properties",):
                continue
            yield below, mapping
            reference = mapping.get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(reference)
                yield from reached(tuple(reference.removeprefix("#/").split("/")), resolved(document, mapping))

    for path, method, operation in operations(document):
        for part in parts:
            yield from reached(("paths", path, method, part), operation.get(part))


@_rule(
    "body-is-json",
    "With two content types generators write two methods, or take the first; the service speaks JSON, and errors may be anything.",
)
def _body_is_json(document: Document) -> Iterator[Finding]:
    def differs(place: Place, body: object, expected: set[str]) -> Iterator[Finding]:
        content = cast("dict[str, Any]", resolved(document, cast("dict[str, Any]", body)).get("content", {}))
        if content and set(content) != expected:
            yield (*place, "content"), f"describe {' and '.join(sorted(expected, reverse=True))}, and nothing else"

    for path, method, operation in operations(document):
        place = ("paths", path, method)
        if "requestBody" in operation:
            yield from differs((*place, "requestBody"), operation["requestBody"], {"application/json"})
        for status, response in operation["responses"].items():
            error = status == "default" or status[0] in "45"
            expected = {"application/json", "*/*"} if error else {"application/json"}
            yield from differs((*place, "responses", status), response, expected)


@_rule(
    "optional-parameter-has-no-example",
    "Swagger UI, Postman and Bruno send it at one click: a foreign environment, a filter that hides every job.",
)
def _optional_parameter_has_no_example(document: Document) -> Iterator[Finding]:
    for place, node in mappings(document):
        if "in" in node and "schema" in node and not node.get("required"):
            for holder, where in ((node, place), (resolved(document, node["schema"]), (*place, "schema"))):
                for key in ("example", "examples"):
                    if key in holder:
                        yield (*where, key), "take it away; say in the description what a value looks like"


@_rule("unit-is-stated", "Milliseconds and seconds both occur here, and a number does not say which it is.")
def _unit_is_stated(document: Document) -> Iterator[Finding]:
    for place, node in mappings(document):
        if place[-2:-1] == ("properties",):
            name, schema = place[-1], node
        elif "in" in node and "schema" in node:
            name, schema = str(node["name"]), resolved(document, node["schema"])
        else:
            continue
        counted = schema.get("type") in ("integer", "number") and _QUANTITY.search(name)
        if counted and not _UNIT.search(str(node.get("description", ""))):
            yield place, "name the unit in the description: seconds, milliseconds or bytes"


@_rule("reference-stands-alone", "OpenAPI 3.0 ignores whatever stands beside a `$ref`.")
def _reference_stands_alone(document: Document) -> Iterator[Finding]:
    for place, node in _nodes(document):
        if "$ref" in node and len(node) > 1:
            yield place, "put the `$ref` under `allOf`, or take away what stands beside it"


def apply_rules(document: Document) -> list[Problem]:
    """The rules of this module that a valid document breaks."""
    return [Problem(place, message, rule.id) for rule in RULES for place, message in rule.find(document)]
