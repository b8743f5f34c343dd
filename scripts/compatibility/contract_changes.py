"""What changed between two versions of the contract, and whether it breaks those who use it.

A change breaks users when

- a request that was valid is no longer (a parameter that is required now, a value that is refused, a lower maximum);
- an answer may come that the old document did not allow, or may lack what it promised (a field that is gone or no longer required, null
  where there was none, another type, another status of success);
- a name that generated code carries is gone or has another type: an operation, a tag, a parameter, a field, a schema, a value, and the
  title, after which openapi-python-client names its package;
- a place that generated code goes by is another: the clients for PHP, Java and typescript-axios take an operation's parameters in the
  contract's order, the required ones first, so that `limit` and `offset` would change places without a word.

What the contract's README asks users to accept breaks nobody: fields that are not listed, unknown values of an open enum, and
statuses and bodies of errors. Nor does a redirect, or an answer by `default`: generated methods return what the statuses of success
say, and met the other answers before. What this module cannot judge counts as breaking: it errs on the side of those who use the
contract.

Why it is written here: `oasdiff`, which the field uses, is not on PyPI or npm. `@useoptic/optic` 1.0.9 is archived, brings 630 packages,
and sees 16 of the 49 kinds of breaking change that the tests make: not a lower maximum, an operation that needs credentials, a
required body, or an alternative less. npm's `openapi-diff` sees neither a parameter made required nor a value removed from an enum.
None knows `x-extensible-enum` or `x-secret`. One contract uses little of OpenAPI 3.0, and that little can be
compared exactly, in milliseconds and so within the tests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from scripts.compatibility.schema_changes import PROSE, Change, Direction, SchemaComparison
from scripts.contract.document import METHODS, Document, Place, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Node = dict[str, Any]

_PARAMETER = frozenset({"name", "in", "required", "schema", "deprecated"})
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
_BY_PLACE = "generated calls take them by place"
_SUCCESS = re.compile(r"2..")


def changes(old: Document, new: Document) -> list[Change]:
    """Every change from one version of the contract to another that is more than its words, by place.

    Args:
        old: The version that users have; valid OpenAPI 3.0.
        new: The one that they are to get, likewise.
    """
    found = SchemaComparison(old, new)
    if old["info"]["title"] != new["info"]["title"]:
        found.breaking(("info", "title"), "the title is another, and openapi-python-client names its package after it")
    _servers(found)
    _paths(found)
    _schema_names(found)
    _security_schemes(found)
    found.unjudged(old, new, (), but=("openapi", "info", "servers", "tags", "paths", "components", "security"))
    return sorted(found.changes)


def _servers(found: SchemaComparison) -> None:
    before, after = ([server["url"] for server in document.get("servers", [])] for document in (found.old, found.new))
    for url in before:
        if url not in after:
            found.breaking(("servers",), f"the server {url} is gone")
    if before and before[0] in after and after[0] != before[0]:
        found.breaking(("servers", "0"), f"{after[0]} is the first server now, and the base URL of generated clients")
    for url in after:
        if url not in before:
            found.compatible(("servers",), f"the server {url} is new")
    for server in found.old.get("servers", []):
        successor = next((each for each in found.new.get("servers", []) if each["url"] == server["url"]), None)
        if successor is not None:
            found.unjudged(server, successor, ("servers", server["url"]), but=("url",))


def _paths(found: SchemaComparison) -> None:
    old, new = found.old["paths"], found.new["paths"]
    addresses = {_template(path): path for path in new}
    homes = {operation.get("operationId"): path for path, _, operation in _all_operations(new)}
    for path, item in old.items():
        successor = addresses.get(_template(path))
        here: Place = ("paths", path)
        renamed = _renamed(path, successor) if successor else {}
        for name_now, name in renamed.items():
            found.breaking(
                here, f"the path's parameter `{name}` is called `{name_now}` now, and generated code after it"
            )
        item_now: Node = new[successor] if successor else {}
        found.unjudged(item, item_now if successor else item, here, but=(*METHODS, "parameters"))
        for method, operation in _operations(item):
            place = (*here, method)
            if method in item_now:
                _operation(found, (item, operation), (item_now, item_now[method]), renamed, place)
                continue
            home = homes.get(operation.get("operationId"))
            found.breaking(place, f"the operation is at {home} now" if home else "the operation is gone")
    known = {(_template(path), method) for path, method, _ in _all_operations(old)}
    for path, method, _ in _all_operations(new):
        if (_template(path), method) not in known:
            found.compatible(("paths", path, method), "the operation is new")


def _operations(item: Node) -> Iterator[tuple[str, Node]]:
    return ((method, item[method]) for method in METHODS if method in item)


def _all_operations(paths: Node) -> Iterator[tuple[str, str, Node]]:
    return ((path, method, operation) for path, item in paths.items() for method, operation in _operations(item))


def _template(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _renamed(path: str, successor: str) -> dict[str, str]:
    """The names of a path's parameters that are new, each with the one it had."""
    names = zip(re.findall(r"\{([^}]*)\}", successor), re.findall(r"\{([^}]*)\}", path), strict=True)
    return {now: before for now, before in names if now != before}


def _operation(
    found: SchemaComparison, old: tuple[Node, Node], new: tuple[Node, Node], renamed: Mapping[str, str], place: Place
) -> None:
    """Compares an operation, each given with the path's description that holds it."""
    (item, before), (item_now, after) = old, new
    if before.get("operationId") != after.get("operationId"):
        names = f"`{after.get('operationId')}` now instead of `{before.get('operationId')}`"
        found.breaking((*place, "operationId"), f"the operation is called {names}, and generated methods after it")
    if before.get("tags") != after.get("tags"):
        found.breaking((*place, "tags"), "its tag is another now, and so is where generated code puts it")
    if bool(before.get("deprecated")) != bool(after.get("deprecated")):
        found.compatible((*place, "deprecated"), f"is {'' if after.get('deprecated') else 'no longer '}deprecated")
    _parameters(
        found,
        _parameters_of(found.old, item, before, {}),
        _parameters_of(found.new, item_now, after, renamed),
        (*place, "parameters"),
    )
    _request(found, before, after, (*place, "requestBody"))
    _answers(found, before.get("responses", {}), after.get("responses", {}), (*place, "responses"))
    _security(found, before, after, (*place, "security"))
    judged = ("operationId", "tags", "deprecated", "parameters", "requestBody", "responses", "security")
    found.unjudged(before, after, place, but=judged)


def _parameters_of(
    document: Document, item: Node, operation: Node, renamed: Mapping[str, str]
) -> dict[tuple[str, str], Node]:
    """An operation's parameters by place and name, with its path's; what is renamed goes by the name that it had."""
    parameters: dict[tuple[str, str], Node] = {}
    for each in (*item.get("parameters", []), *operation.get("parameters", [])):
        parameter = resolved(document, each)
        name = str(parameter["name"])
        if parameter["in"] == "path":
            name = renamed.get(name, name)
        parameters[parameter["in"], name.lower() if parameter["in"] == "header" else name] = parameter
    return parameters


def _parameters(
    found: SchemaComparison, old: dict[tuple[str, str], Node], new: dict[tuple[str, str], Node], place: Place
) -> None:
    for key, parameter in old.items():
        there = (*place, str(parameter["name"]))
        if key not in new:
            found.breaking(there, "the parameter is gone")
            continue
        successor = new[key]
        if bool(parameter.get("required")) != bool(successor.get("required")):
            required = bool(successor.get("required"))
            found.judge(there, f"the parameter is {'required' if required else 'optional'} now", breaks=required)
        if bool(parameter.get("deprecated")) != bool(successor.get("deprecated")):
            found.compatible(there, f"is {'' if successor.get('deprecated') else 'no longer '}deprecated")
        found.compare(parameter.get("schema", {}), successor.get("schema", {}), (*there, "schema"), Direction.REQUEST)
        found.unjudged(_serialized(parameter), _serialized(successor), there, but=_PARAMETER)
    for key, parameter in new.items():
        if key not in old:
            required = bool(parameter.get("required"))
            what = f"a new {'required' if required else 'optional'} parameter"
            found.judge((*place, str(parameter["name"])), what, breaks=required)

    _parameter_order(found, old, new, place)


def _parameter_order(
    found: SchemaComparison, old: dict[tuple[str, str], Node], new: dict[tuple[str, str], Node], place: Place
) -> None:
    before, after = _by_place(old), _by_place(new)
    kept = [key for key in after if key in old]
    if kept != [key for key in before if key in new]:
        found.breaking(place, f"the parameters are in another order, and {_BY_PLACE}")
    for index, key in enumerate(after):
        if key not in old and not new[key].get("required") and not set(after[index:]).isdisjoint(old):
            name = str(new[key]["name"])
            found.breaking((*place, name), f"the new parameter stands before others, and {_BY_PLACE}: put it last")


def _by_place(parameters: dict[tuple[str, str], Node]) -> list[tuple[str, str]]:
    """The keys of the parameters in the order of a generated method, which takes the required ones first."""
    return sorted(parameters, key=lambda key: not parameters[key].get("required"))


def _serialized(parameter: Node) -> Node:
    """The parameter with what OpenAPI takes for granted about how it is written."""
    style = parameter.get("style", _STYLES[parameter["in"]])
    granted = {"style": style, "explode": style == "form", "allowReserved": False, "allowEmptyValue": False}
    return {**granted, **parameter}


def _request(found: SchemaComparison, old: Node, new: Node, place: Place) -> None:
    if "requestBody" not in old or "requestBody" not in new:
        if "requestBody" in old:
            found.breaking(place, "the request has no body any more")
        if "requestBody" in new:
            required = bool(resolved(found.new, new["requestBody"]).get("required"))
            found.judge(
                place, f"the request has {'a required' if required else 'an optional'} body now", breaks=required
            )
        return
    before, after = resolved(found.old, old["requestBody"]), resolved(found.new, new["requestBody"])
    if bool(before.get("required")) != bool(after.get("required")):
        required = bool(after.get("required"))
        found.judge(place, f"the body is {'required' if required else 'optional'} now", breaks=required)
    _content(found, before["content"], after["content"], (*place, "content"), Direction.REQUEST)
    found.unjudged(before, after, place, but=("required", "content"))


def _content(
    found: SchemaComparison, old: Node, new: Node, place: Place, direction: Direction, *, more_breaks: bool = False
) -> None:
    for kind in old:
        if kind not in new:
            found.breaking((*place, kind), f"{direction.value} is no longer {kind}")
            continue
        schema, successor = old[kind].get("schema", {}), new[kind].get("schema", {})
        found.compare(schema, successor, (*place, kind, "schema"), direction)
        found.unjudged(old[kind], new[kind], (*place, kind), but=("schema",))
    for kind in new:
        if kind not in old:
            found.judge((*place, kind), f"{direction.value} may be {kind} now", breaks=more_breaks)


def _answers(found: SchemaComparison, old: Node, new: Node, place: Place) -> None:
    for status in old:
        if status not in new:
            found.breaking((*place, status), f"the status {status} is gone")
            continue
        before, after = resolved(found.old, old[status]), resolved(found.new, new[status])
        there = (*place, status)
        if "content" in before and "content" not in after:
            found.breaking((*there, "content"), "the answer has no body any more")
        elif "content" in after and "content" not in before:
            found.compatible((*there, "content"), "the answer has a body now")
        elif "content" in after:
            success = _SUCCESS.fullmatch(status) is not None
            _content(
                found, before["content"], after["content"], (*there, "content"), Direction.ANSWER, more_breaks=success
            )
        _headers(found, before.get("headers", {}), after.get("headers", {}), (*there, "headers"))
        found.unjudged(before, after, there, but=("content", "headers"))
    for status in new:
        if status not in old:
            # Any operation may answer with an error beside those that it lists; a success that nobody knew of is another matter.
            found.judge((*place, status), f"the status {status} is new", breaks=_SUCCESS.fullmatch(status) is not None)


def _headers(found: SchemaComparison, old: Node, new: Node, place: Place) -> None:
    names = {name.lower(): name for name in new}
    for name in old:
        if name.lower() not in names:
            found.breaking((*place, name), "the header is gone")
            continue
        before, after = resolved(found.old, old[name]), resolved(found.new, new[names[name.lower()]])
        if bool(before.get("required")) != bool(after.get("required")):
            required = bool(after.get("required"))
            found.judge((*place, name), f"is {'required' if required else 'no longer required'}", breaks=not required)
        found.compare(before.get("schema", {}), after.get("schema", {}), (*place, name, "schema"), Direction.ANSWER)
        found.unjudged(before, after, (*place, name), but=("required", "schema", "deprecated"))
    known = {name.lower() for name in old}
    for name in new:
        if name.lower() not in known:
            found.compatible((*place, name), "the header is new")


Alternative = dict[str, list[str]]


def _security(found: SchemaComparison, old: Node, new: Node, place: Place) -> None:
    before, after = _alternatives(found.old, old), _alternatives(found.new, new)
    for alternative in before:
        if not any(_suffices(alternative, demand) for demand in after):
            demands = ", or ".join(_credentials(demand) for demand in after)
            found.breaking(place, f"{_credentials(alternative)} is not enough any more: {demands} is needed")
    for demand in after:
        if not any(_suffices(demand, alternative) for alternative in before):
            found.compatible(place, f"{_credentials(demand)} is enough now")


def _alternatives(document: Document, operation: Node) -> list[Alternative]:
    """The credentials that an operation takes, one of which suffices; none at all are an alternative, too."""
    return cast("list[Alternative]", operation.get("security", document.get("security", []))) or [{}]


def _suffices(has: Alternative, demand: Alternative) -> bool:
    return all(scheme in has and set(scopes) <= set(has[scheme]) for scheme, scopes in demand.items())


def _credentials(alternative: Alternative) -> str:
    if not alternative:
        return "a request without credentials"
    return " with ".join(f"`{' '.join((scheme, *scopes))}`" for scheme, scopes in alternative.items())


def _security_schemes(found: SchemaComparison) -> None:
    before, after = (document.get("components", {}).get("securitySchemes", {}) for document in (found.old, found.new))
    for name in before:
        if name in after:  # one that is gone is said where it was used
            found.unjudged(before[name], after[name], ("components", "securitySchemes", name), but=("bearerFormat",))


def _schema_names(found: SchemaComparison) -> None:
    before, after = (document.get("components", {}).get("schemas", {}) for document in (found.old, found.new))
    for name in before:
        if name not in after:
            what = "the schema is gone, or has another name, and generated types are called after it"
            found.breaking(("components", "schemas", name), what)


def without_prose(document: Document) -> Document:
    """The document without what it says to people: what two versions are compared by."""
    trimmed = cast("Document", _without_prose(document, names=False))
    trimmed["info"] = {"title": document["info"]["title"], "version": document["info"]["version"]}
    return trimmed


_NAMES = frozenset(
    {"paths", "schemas", "properties", "parameters", "responses", "headers", "securitySchemes", "requestBodies"}
)


_VALUES = frozenset({"default", "enum"})


def _without_prose(node: object, *, names: bool) -> object:
    if isinstance(node, list):
        return [_without_prose(item, names=False) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    return {
        key: value if key in _VALUES and not names else _without_prose(value, names=not names and key in _NAMES)
        for key, value in cast("Node", node).items()
        if names or key not in PROSE
    }
