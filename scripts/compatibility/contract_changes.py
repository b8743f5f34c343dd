"""What changed between two versions of the contract, and whether it breaks those who use it.

A change breaks users when

- a request that was valid is no longer (a parameter that is required now, a value that is refused, a lower maximum);
- an answer may come that the old document did not allow, or may lack what it promised (a field that is gone or no longer required, null
  where there was none, another type, another status of success);
- a name that generated code carries is gone or has another type: an operation, a tag, a parameter, a field, a schema, a value, the
  title, after which openapi-python-client names its package;
- a place that generated code goes by is another: clients take an operation's parameters in the contract's order, the required ones first.

What the contract's README asks users to accept breaks nobody: fields that are not listed, unknown values of an open enum, statuses
of errors and the forms of their bodies, `default`, redirects.

`redocly diff` finds the differences, follows references, and judges what is sent and what is answered. It calls two thirds of the
kinds of breaking change breaking that the tests make. It does not judge the names that generated code carries, defaults, `x-secret`, an
additional status or media type of success, or a keyword that it has no rule for, and does not see the values of `x-extensible-enum`, which
schema is referred to, and the order of parameters: that is judged here. What neither judges counts as breaking.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from scripts import ScriptError
from scripts.compatibility.versions import Change
from scripts.contract.document import Document, Place, operations, resolved
from scripts.contract.redocly import last_line, redocly

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = dict[str, Any]

# What a document says to people, and what nothing is derived from.
_PROSE = frozenset({"description", "summary", "example", "examples", "externalDocs", "x-provenance"})
_NAMES = frozenset(
    {"paths", "schemas", "properties", "parameters", "responses", "headers", "securitySchemes", "requestBodies"}
)
_VALUES = frozenset({"default", "enum"})
# Where Redocly calls a change harmless, it is, if it is of one of these kinds.
_ADDED = frozenset(
    {
        *(
            "PathItem",
            "Operation",
            "Parameter",
            "RequestBody",
            "Schema",
            "MediaType",
            "Response",
            "HeadersMap",
            "Header",
        ),
        *("Server", "SecurityRequirement", "SecurityScheme", "Tag", "TagList", "SpecExtension"),
    }
)
_REMOVED = frozenset({"SecurityRequirement", "Tag", "SpecExtension"})
_MODIFIED = frozenset(
    {
        *("required", "nullable", "enum", "deprecated", "additionalProperties", "version", "bearerFormat"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "uniqueItems"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    }
)


def changes(old: Document, new: Document) -> list[Change]:
    """Every change from one version of the contract to another that is more than its words, by place.

    Args:
        old: The version that users have; valid OpenAPI 3.0.
        new: The one that they are to get, likewise.

    Raises:
        ScriptError: Redocly is missing, or cannot compare the two.
    """
    before, after = without_prose(old), without_prose(new)
    if json.dumps(before, default=str) == json.dumps(after, default=str):
        return []
    return sorted(
        {*map(_judged, _differences(before, after)), *_orders(old, new), *_names((old, new), (before, after))}
    )


def without_prose(document: Document) -> Document:
    """The document without what it says to people: what two versions are compared by."""
    trimmed = cast("Document", _without_prose(document, named=False))
    return {**trimmed, "info": {"title": document["info"]["title"], "version": ""}}


def _without_prose(node: object, *, named: bool) -> object:
    if isinstance(node, list):
        return [_without_prose(item, named=False) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    kept: Node = {
        key: value if key in _VALUES and not named else _without_prose(value, named=not named and key in _NAMES)
        for key, value in cast("Node", node).items()
        if named or key not in _PROSE
    }
    alone = (
        not named and list(kept) == ["allOf"] and len(kept["allOf"]) == 1
    )  # the way to say something beside a reference
    return kept["allOf"][0] if alone else kept


def _differences(old: Document, new: Document) -> list[Node]:
    """What `redocly diff` reports."""
    with tempfile.TemporaryDirectory() as temporary:
        files = [Path(temporary) / name for name in ("old.json", "new.json")]
        for file, document in zip(files, (old, new), strict=True):
            file.write_text(json.dumps({"openapi": "3.0.3", **document}), encoding="utf-8")
        done = redocly("diff", *map(str, files), "--format=json", "--fail-on=none")
    try:
        return cast("list[Node]", json.loads(done.stdout)["changes"])
    except (ValueError, KeyError) as error:
        raise ScriptError(f"Redocly did not compare the contracts: {last_line(done.stderr, done.stdout)}") from error


def _judged(difference: Node) -> Change:
    """What Redocly found, with its verdict, or ours where it has none."""
    kind, what, key = (str(difference.get(name, "")) for name in ("kind", "typeName", "property"))
    old, new = (cast("Node", difference.get(side, {})).get("value") for side in ("base", "revision"))
    place = _steps((difference.get("revision") or difference["base"])["pointer"])
    if key not in ("", "key", *place[-1:]):
        place = (*place, key)
    only_shows = key == "format" and {old, new} <= {None, "password"}
    if difference["impact"] == "major" and not only_shows:
        said = "; ".join(verdict["message"].rstrip(".") for verdict in difference["verdicts"])
        return Change(place, said, breaks=True)
    if kind == "removed" or (what, key) == ("Schema", "key"):
        return Change(place, f"the {_spoken(what)} is gone, or has another name", what not in _REMOVED)
    if kind == "modified":
        return Change(place, f"is {_shown(new)} now instead of {_shown(old)}", _breaks_if_changed(key, old, new))
    return Change(place, f"the {_spoken(what)} is new", _breaks_if_new(what, new, _steps(difference["path"])))


def _spoken(what: str) -> str:
    """The name of a part of OpenAPI as one says it: `media type` for MediaType."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", what).lower()


def _steps(pointer: str) -> Place:
    steps = pointer.removeprefix("#/").split("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps if step)


def _breaks_if_new(what: str, value: Any, place: Place) -> bool:
    match what:
        case "RequestBody":
            return bool(value.get("required"))
        case "Response" | "MediaType":
            # Any operation may answer with an error or a redirect that it does not list; a success that nobody knew is another matter.
            return "responses" in place and place[place.index("responses") + 1].startswith("2")
        case "Server":
            return place[-1] == "0"  # the base URL of generated clients
        case _:
            return what not in _ADDED


def _breaks_if_changed(key: str, old: Any, new: Any) -> bool:
    match key:
        case "key":  # of a path, when a parameter in it has another name: that is said of the parameter
            return False
        case "format":  # `password` is for who shows the field; its type stays
            return not {old, new} <= {None, "password"}
        case "default" | "x-secret":
            return old is not None and old is not False
        case "enum":
            return old is None or any(value not in (new or old) for value in old)
        case _:
            return key not in _MODIFIED and not key.startswith("x-")


def _orders(old: Document, new: Document) -> Iterator[Change]:
    """What generated code takes by place, and stands in another one: an operation's parameters, a request's required fields."""
    now = {(path, method): operation for path, method, operation in operations(new)}
    for path, method, operation in operations(old):
        if (path, method) in now:
            before, after = _by_place(old, path, operation), _by_place(new, path, now[path, method])
            kept = [name for name in before if name in after]
            if after[: len(kept)] != kept:
                what = "the parameters are in another order, and generated calls take them by place: put new ones last"
                yield Change(("paths", path, method, "parameters"), what, breaks=True)
    for name, schema in _schemas(old).items():
        before, after = (_required(each) for each in (schema, _schemas(new).get(name, schema)))
        if [each for each in before if each in after] != [each for each in after if each in before]:
            what = "the required fields are in another order, and constructors in Go and Rust take them by place"
            yield Change(("components", "schemas", name, "properties"), what, breaks=True)


def _schemas(document: Document) -> dict[str, Node]:
    return cast("dict[str, Node]", document.get("components", {}).get("schemas", {}))


def _by_place(document: Document, path: str, operation: Node) -> list[str]:
    """The names of the parameters in the order of a generated method, which takes the required ones first."""
    given = (*document["paths"][path].get("parameters", []), *operation.get("parameters", []))
    parameters = [resolved(document, each) for each in given]
    return [str(each["name"]) for each in sorted(parameters, key=lambda each: not each.get("required"))]


def _required(schema: Node) -> list[str]:
    return [name for name in schema.get("properties", {}) if name in schema.get("required", [])]


def _names(document: tuple[Document, Document], nodes: tuple[object, object], place: Place = ()) -> Iterator[Change]:
    """Schemas that have another name in the same place, and the known values of open enums.

    Args:
        document: The two versions.
        nodes: What stands in the same place of each.
        place: The place.
    """
    old, new = nodes
    if isinstance(old, list) and isinstance(new, list):
        lists = (cast("list[object]", old), cast("list[object]", new))
        before, after = (_by_name(*each) for each in zip(document, lists, strict=True))
        for name in before.keys() & after.keys():
            yield from _names(document, (before[name], after[name]), (*place, name))
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    mappings = (cast("Node", old), cast("Node", new))
    types = [_type_name(node) for node in mappings]
    if types[0] != types[1] and (not types[0] or types[0] in _schemas(document[1])):
        words = [f"`{name}`" if name else "without a name" for name in types]
        what = f"the schema is {words[1]} now instead of {words[0]}, and generated types are called after it"
        yield Change(place, what, breaks=place[-2:-1] not in (("oneOf",), ("anyOf",)))
    old_node, new_node = (
        node if _type_name(node) else resolved(each, node) for each, node in zip(document, mappings, strict=True)
    )
    if "x-extensible-enum" in old_node and place[-1:] != ("properties",):
        there = (*place, "x-extensible-enum")
        yield from _known_values(old_node["x-extensible-enum"], new_node.get("x-extensible-enum", []), there)
    for key in old_node.keys() & new_node.keys():
        yield from _names(document, (old_node[key], new_node[key]), (*place, key))


def _by_name(document: Document, nodes: list[object]) -> dict[str, object]:
    """The members of a list: a parameter by its name, any other by its place."""
    names = (resolved(document, cast("Node", node)).get("name") if isinstance(node, dict) else None for node in nodes)
    return {str(name or index): node for index, (name, node) in enumerate(zip(names, nodes, strict=True))}


def _type_name(node: Node) -> str:
    """The name of the schema that a `$ref` leads to."""
    reference = str(node.get("$ref", ""))
    return reference.rpartition("/")[2] if reference.startswith("#/components/schemas/") else ""


def _known_values(old: list[Any], new: list[Any], place: Place) -> Iterator[Change]:
    for value in old:
        if value not in new:
            yield Change(place, f"the value {_shown(value)} is gone, and generated code has a name for it", breaks=True)
    if fresh := ", ".join(_shown(value) for value in new if value not in old):
        yield Change(place, f"new known values: {fresh}", breaks=False)


def _shown(value: object) -> str:
    return "unset" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"
