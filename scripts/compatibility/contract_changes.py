"""Finds what changed between two versions of the contract, and whether it breaks those who use it.

A change breaks users when

- a request that was valid is no longer (a parameter that is required now, a value that is refused, a lower maximum);
- an answer may come that the old document did not allow, or may lack what it promised (a field that is gone or no longer required, null
  where there was none, another type, another status of success);
- a name that generated code carries is gone or has another type: an operation, a tag, a parameter, a field, a schema, a shared response,
  a value, the title, after which openapi-python-client names its package;
- a place that generated code goes by is another: clients take an operation's parameters in the contract's order, the required ones first.

What the contract's README asks users to accept breaks nobody: fields that are not listed, unknown values of an open enum, statuses
of errors and the forms of their bodies, `default`, redirects.

`redocly diff` finds the differences, follows references, and judges what is sent and what is answered. It does not judge the names that
generated code carries, defaults, `x-secret`, an additional status or media type of success, or a keyword that it has no rule for: that
is judged here. It sees the values of `x-extensible-enum` and which schema is referred to once they are written as texts, and never the
order of parameters, which is compared here. What neither judges counts as breaking.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

from scripts import ScriptError
from scripts.compatibility.versions import Change
from scripts.contract.document import Document, Place, mappings, operations, resolved, steps
from scripts.contract.redocly import last_line, redocly

Node = dict[str, Any]

# Keywords for readers, from which no code is generated.
_PROSE = frozenset({"description", "summary", "example", "examples", "externalDocs", "x-provenance"})
_NAMES = frozenset(
    {"paths", "schemas", "properties", "parameters", "responses", "headers", "securitySchemes", "requestBodies"}
)
# The kinds of change for which Redocly's verdict `harmless` is trusted.
_REMOVED = frozenset({"SecurityRequirement", "Tag", "SpecExtension"})
_ADDED = re.compile(
    "PathItem|Operation|Parameter|RequestBody|Schema|MediaType|Response|HeadersMap|Header|Server|SecurityRequirement|SecurityScheme"
    "|Tag|TagList|SpecExtension"
)
_MODIFIED = re.compile(
    "required|nullable|enum|deprecated|additionalProperties|version|bearerFormat|minimum|maximum|exclusiveMinimum|exclusiveMaximum"
    "|multipleOf|pattern|uniqueItems|(min|max)(Length|Items|Properties)"
)
_OPEN_ENUM = "x-extensible-enum"
# An extension that is added for the comparison: the name of the schema that stands in a place.
_SCHEMA_NAME = "x-schema-name"


def changes(old: Document, new: Document) -> list[Change]:
    """Every change that is more than words, by place, from the contract that users have to the one that they are to get, both valid.

    Raises:
        ScriptError: Redocly is missing, or cannot compare the two.
    """
    before, after = (cast("Document", _with_names(without_prose(each))) for each in (old, new))
    if json.dumps(before) == json.dumps(after):
        return []
    # A renamed schema is reported once, and not at each reference to it.
    renamed = _schemas(old).keys() - _schemas(new).keys()
    judged = (
        _change(difference)
        for difference in _differences(before, after)
        if difference.get("property") != _SCHEMA_NAME or difference["base"].get("value") not in renamed
    )
    return sorted({*judged, *_reordered(old, new)})


def without_prose(document: Document) -> Document:
    """Returns the document without its descriptions and examples, by which two versions are compared."""
    trimmed = deepcopy(document)
    for place, node in mappings(trimmed):
        names = takewhile(_NAMES.__contains__, reversed(place))
        if sum(1 for _ in names) % 2 == 0:  # the keys are keywords, and not names as those of `properties`
            for key in _PROSE & node.keys():
                del node[key]
    return {**trimmed, "info": {"title": document["info"]["title"], "version": ""}}


def _with_names(node: object) -> object:
    """Returns the document with names of schemas and known values of open enums as texts, which `redocly diff` compares."""
    if isinstance(node, list):
        return [_with_names(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    mapping, named = cast("Node", node), Node()
    match mapping:
        case {"$ref": str(reference)} if reference.startswith("#/components/schemas/"):
            return {"allOf": [mapping], _SCHEMA_NAME: steps(reference)[-1]}
        case {"allOf": [{"$ref": str(reference)}] as alone}:
            named = {"allOf": alone, _SCHEMA_NAME: steps(reference)[-1]}
        case {"allOf": [alone]} if len(mapping) == 1:
            return _with_names(alone)
        case {"x-extensible-enum": [*values]}:
            named = {_OPEN_ENUM: "\n".join(sorted(map(str, values)))}
        case _:
            pass
    return {key: _with_names(value) for key, value in mapping.items() if key not in named} | named


def _differences(old: Document, new: Document) -> list[Node]:
    """Returns the differences that `redocly diff` reports."""
    with tempfile.TemporaryDirectory() as temporary:
        files = [Path(temporary) / name for name in ("old.json", "new.json")]
        for file, document in zip(files, (old, new), strict=True):
            file.write_text(json.dumps({"openapi": "3.0.3", **document}), encoding="utf-8")
        done = redocly("diff", *map(str, files), "--format=json", "--fail-on=none")
    try:
        return cast("list[Node]", json.loads(done.stdout)["changes"])
    except (ValueError, KeyError) as error:
        raise ScriptError(f"Redocly did not compare the contracts: {last_line(done)}") from error


def _change(difference: Node) -> Change:
    """Turns a difference into a change, with Redocly's verdict, or ours where it has none."""
    kind, what, key = (str(difference.get(name, "")) for name in ("kind", "typeName", "property"))
    old, new = (cast("Node", difference.get(side, {})).get("value") for side in ("base", "revision"))
    place = steps((difference.get("revision") or difference["base"])["pointer"])
    if key not in ("", "key", *place[-1:]):
        place = (*place, key)
    only_shows = key == "format" and {old, new} <= {None, "password"}
    if difference["impact"] == "major" and not only_shows:
        said = "; ".join(verdict["message"].rstrip(".") for verdict in difference["verdicts"])
        return Change(place, said, breaks=True)
    if key == _SCHEMA_NAME:
        words = [f"`{name}`" if name else "without a name" for name in (new, old)]
        said = f"the schema is {words[0]} now instead of {words[1]}, and generated types are called after it"
        return Change(place[:-1], said, breaks=place[-3:-2] not in (("oneOf",), ("anyOf",)))
    if key == _OPEN_ENUM:
        return _known_values(place, str(old or "").splitlines(), str(new or "").splitlines())
    if kind == "removed" or (what, key) == ("Schema", "key"):
        return Change(place, f"the {_part_name(what)} is gone, or has another name", what not in _REMOVED)
    if kind == "modified":
        return Change(
            place,
            f"is {_format_value(new)} now instead of {_format_value(old)}",
            _breaks_if_changed(key, old, new, place),
        )
    return Change(place, f"the {_part_name(what)} is new", _breaks_if_new(what, new, steps(difference["path"])))


def _part_name(what: str) -> str:
    """Returns the name of a part of OpenAPI in words: `media type` for MediaType."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", what).lower()


def _known_values(place: Place, old: list[str], new: list[str]) -> Change:
    """Compares the known values of an open enum."""
    gone = [value for value in old if value not in new]
    said = [f"the value `{value}` is gone, and generated code has a name for it" for value in gone]
    if added := ", ".join(f"`{value}`" for value in new if value not in old):
        said.append(f"new known values: {added}")
    return Change(place, "; ".join(said), breaks=bool(gone))


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
            return not _ADDED.fullmatch(what)


def _breaks_if_changed(key: str, old: Any, new: Any, place: Place) -> bool:
    match key:
        case "key":  # a path whose parameter has another name is reported at the parameter
            return place[0] == "components"
        case "format":  # `password` only hides what is typed; the type stays
            return not {old, new} <= {None, "password"}
        case "default" | "x-secret":
            return old is not None and old is not False
        case "enum":
            return old is None or any(value not in (new or old) for value in old)
        case _:
            return not _MODIFIED.fullmatch(key) and not key.startswith("x-")


def _reordered(old: Document, new: Document) -> Iterator[Change]:
    """Finds parameters and required fields in another order, which generated code passes by position."""
    now = {(path, method): operation for path, method, operation in operations(new)}
    for path, method, operation in operations(old):
        if (path, method) in now:
            before, after = _positional_names(old, path, operation), _positional_names(new, path, now[path, method])
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


def _positional_names(document: Document, path: str, operation: Node) -> list[str]:
    """The names of the parameters in the order of a generated method, which takes the required ones first."""
    given = (*document["paths"][path].get("parameters", []), *operation.get("parameters", []))
    parameters = [resolved(document, each) for each in given]
    return [str(each["name"]) for each in sorted(parameters, key=lambda each: not each.get("required"))]


def _required(schema: Node) -> list[str]:
    return [name for name in schema.get("properties", {}) if name in schema.get("required", [])]


def _format_value(value: object) -> str:
    return "unset" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"
