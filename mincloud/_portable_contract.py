"""The portable variant of the contract: the same operations, without the choices between objects that many generators mangle.

A body that is one of several objects (`oneOf`), as the two-way answer to a call is, becomes one object with the fields of all of
them. A field that tells them apart gets the values of all: of such a choice generators make classes that require every field of
every object and let only the last value pass. A `oneOf` that is not of objects alone stays, since there is nothing to put together.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SCHEMAS = "#/components/schemas/"
_NOTE = (
    "This is the portable variant, derived from the contract for generators that mangle `oneOf`: a body that is one of several\n"
    "objects is described here as one object with the fields of all of them.\n\n"
)


def portable(document: Mapping[str, Any]) -> dict[str, Any]:
    """The portable variant of a contract.

    Args:
        document: The contract, a valid OpenAPI 3.0 document of one file; it is not changed.

    Returns:
        The variant, which shares nothing with the document.

    Raises:
        ValueError: Two of the objects to put together describe a field of one name differently.
    """
    variant: dict[str, Any] = copy.deepcopy(dict(document))
    schemas: dict[str, Any] = variant["components"]["schemas"]
    put_together: set[str] = set()
    for name, schema in schemas.items():
        parts = _objects_of(schema, schemas)
        if parts:
            schemas[name] = _flattened(name, schema, parts)
            put_together |= parts.keys()
    in_use = set(_references(variant))
    for name in put_together - in_use:
        del schemas[name]
    variant["info"]["description"] = _NOTE + str(variant["info"].get("description", ""))
    return variant


def _objects_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The named objects of which a schema is one; none where it is something else."""
    found: dict[str, dict[str, Any]] = {}
    for choice in schema.get("oneOf", ()):
        reference = str(choice.get("$ref", ""))
        part = schemas.get(reference.removeprefix(_SCHEMAS)) if reference.startswith(_SCHEMAS) else None
        if part is None or part.get("type") != "object":
            return {}
        found[reference.removeprefix(_SCHEMAS)] = part
    return found


def _flattened(name: str, schema: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    distinguishing = schema.get("discriminator", {}).get("propertyName")
    fields: dict[str, Any] = {}
    for part in parts.values():
        for field, described in part.get("properties", {}).items():
            if fields.setdefault(field, described) != described and field != distinguishing:
                raise ValueError(
                    f"{name} cannot be made portable: {' and '.join(parts)} describe `{field}` differently; describe it once"
                )
    if distinguishing is not None:
        fields[distinguishing] = _distinguishing(distinguishing, parts)
    required = [field for field in fields if all(field in part.get("required", ()) for part in parts.values())]
    provenance = [entry for each in (schema, *parts.values()) for entry in each.get("x-provenance", ())]
    replaced = ("oneOf", "discriminator", "description", "x-provenance")
    return {
        "type": "object",
        "description": "\n".join([str(schema.get("description", "")).strip(), "", *_choices(parts, required)]).strip(),
        **({"required": required} if required else {}),
        **({"x-provenance": copy.deepcopy(provenance)} if provenance else {}),
        "properties": copy.deepcopy(fields),
        **{key: value for key, value in schema.items() if key not in replaced},
    }


def _distinguishing(field: str, parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The field by which the objects are told apart, with the values of all of them."""
    values = {name: list(part["properties"][field].get("enum", ())) for name, part in parts.items()}
    first: dict[str, Any] = next(iter(parts.values()))["properties"][field]
    return {
        **first,
        "description": "Which of them it is: "
        + ", ".join(f"`{value}` ({name})" for name, those in values.items() for value in those)
        + ".",
        "enum": [value for those in values.values() for value in those],
    }


def _choices(parts: Mapping[str, Mapping[str, Any]], required: Sequence[str]) -> Iterator[str]:
    """Says what each of the objects is and has, which no schema says any more."""

    def named(fields: Sequence[str]) -> str:
        return ", ".join(f"`{field}`" for field in fields)

    yield f"It is one of these{f', with {named(required)}' if required else ''}:"
    yield ""
    for name, part in parts.items():
        always = [field for field in part.get("required", ()) if field not in required]
        at_times = [field for field in part.get("properties", {}) if field not in (*always, *required)]
        has = [f"has {named(always)}"] if always else []
        has += [f"may have {named(at_times)}"] if at_times else []
        about = " ".join(str(part.get("description", "")).split())
        yield f"- {name}: {about}" + (f" It {' and '.join(has)}." if has else "")


def _references(node: object) -> Iterator[str]:
    """The names of the schemas that are referred to."""
    if isinstance(node, dict):
        mapping = cast("dict[str, Any]", node)
        for key, value in mapping.items():
            if isinstance(value, str) and value.startswith(_SCHEMAS):  # in a `$ref`, or in a discriminator's mapping
                yield value.removeprefix(_SCHEMAS)
            elif not key.startswith("x-"):
                yield from _references(value)
    elif isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _references(item)
