"""What changed between two versions of a schema, and whether that breaks those who send it or receive it.

The rules are those of `contract_changes.py`. The part of OpenAPI 3.0's schemas that is judged is what the contract uses and a
little more; a difference in any other keyword counts as breaking.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from scripts.contract.document import Document, Place, resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Schema = dict[str, Any]

# What a schema says to people, and what nothing is derived from.
PROSE = frozenset({"description", "summary", "example", "examples", "externalDocs", "x-provenance"})
_UPPER = {"maximum": "exclusiveMaximum", "maxLength": "", "maxItems": "", "maxProperties": ""}
_LOWER = {"minimum": "exclusiveMinimum", "minLength": "", "minItems": "", "minProperties": ""}
_UNIONS = ("oneOf", "anyOf")
_JUDGED = frozenset(
    {
        *("type", "format", "nullable", "enum", "x-extensible-enum", "x-secret", "default", "deprecated"),
        *("pattern", "multipleOf", "uniqueItems", "properties", "required", "additionalProperties", "items"),
        *_UPPER,
        *_LOWER,
        *(exclusive for exclusive in (*_UPPER.values(), *_LOWER.values()) if exclusive),
        *_UNIONS,
        "discriminator",
    }
)


class Direction(Enum):
    """Who sends what a schema describes."""

    REQUEST = "a request"
    ANSWER = "an answer"


@dataclass(frozen=True, order=True)
class Change:
    """One difference between two versions.

    Attributes:
        place: The keys that lead to it.
        what: What is different, in the words of whoever uses it.
        breaks: Whether it breaks those who use it.
    """

    place: Place
    what: str
    breaks: bool


class _Opened(NamedTuple):
    """A schema with its references followed and its `allOf` merged."""

    schema: Schema
    name: str | None
    default: object


@dataclass
class SchemaComparison:
    """Compares schemas of two documents and keeps what it finds.

    Attributes:
        old: The document that users have.
        new: The document that they are to get.
        changes: What was found so far.
        compared: The named schemas that were compared, each in a direction, so that none is twice or without end.
    """

    old: Document
    new: Document
    changes: set[Change] = field(default_factory=set[Change])
    compared: set[tuple[str, Direction]] = field(default_factory=set[tuple[str, Direction]])

    def breaking(self, place: Place, what: str) -> None:
        """Notes a change that breaks users."""
        self.changes.add(Change(place, what, breaks=True))

    def compatible(self, place: Place, what: str) -> None:
        """Notes a change that does not."""
        self.changes.add(Change(place, what, breaks=False))

    def judge(self, place: Place, what: str, *, breaks: bool) -> None:
        """Notes a change."""
        self.changes.add(Change(place, what, breaks))

    def unjudged(self, old: Mapping[str, Any], new: Mapping[str, Any], place: Place, *, but: Iterable[str]) -> None:
        """Notes what differs in keys that no rule knows: breaking, except for extensions, which generators ignore."""
        for key in sorted({*old, *new} - {*but, *PROSE}):
            if old.get(key) != new.get(key):
                what = f"`{key}` is {_shown(new.get(key))} now instead of {_shown(old.get(key))}"
                self.judge((*place, key), what, breaks=not key.startswith("x-"))

    def compare(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        """Compares a schema with its successor.

        Args:
            old: The schema in the old document.
            new: The schema in the new one.
            place: Where it is.
            direction: Who sends what it describes.
        """
        opened, successor = _opened(self.old, old), _opened(self.new, new)
        if direction is Direction.REQUEST:
            self._default(opened.default, successor.default, place)
        if opened.name is not None and opened.name == successor.name:
            place = ("components", "schemas", opened.name)
            if (opened.name, direction) in self.compared:
                return
            self.compared.add((opened.name, direction))
        elif opened.name != successor.name and (_makes_a_type(opened.schema) or _makes_a_type(successor.schema)):
            names = [f"`{each.name}`" if each.name else "without a name" for each in (successor, opened)]
            self.breaking(
                place, f"the schema is {names[0]} now instead of {names[1]}, and generated types are called after it"
            )
        if any(union in schema for union in _UNIONS for schema in (opened.schema, successor.schema)):
            self._union(opened, successor, place, direction)
        else:
            self._plain(opened.schema, successor.schema, place, direction)

    def _default(self, old: object, new: object, place: Place) -> None:
        if old != new:
            what = f"the default is {_shown(new)} now instead of {_shown(old)}"
            self.judge((*place, "default"), what, breaks=old is not None)

    def _plain(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        self.unjudged(old, new, place, but=_JUDGED)
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            self.compatible((*place, "deprecated"), f"is {'' if new.get('deprecated') else 'no longer '}deprecated")
        self._secret(old, new, place)
        if old.get("type") != new.get("type"):
            self.breaking((*place, "type"), f"the type is {_type(new)} now instead of {_type(old)}")
            return
        formats = old.get("format"), new.get("format")
        if formats[0] != formats[1]:  # `password` is for who shows the field; its type stays
            breaks = not {*formats} <= {None, "password"}
            what = f"the format is {_shown(formats[1])} now instead of {_shown(formats[0])}"
            self.judge((*place, "format"), what, breaks=breaks)
        self._null(old, new, place, direction)
        self._values(old, new, place, direction)
        self._bounds(old, new, place, direction)
        self._shape(old, new, place, direction)
        self._fields(old, new, place, direction)
        if "items" in old or "items" in new:
            self.compare(old.get("items", {}), new.get("items", {}), (*place, "items"), direction)

    def _secret(self, old: Schema, new: Schema, place: Place) -> None:
        if bool(old.get("x-secret")) != bool(new.get("x-secret")):
            breaks = bool(old.get("x-secret"))
            what = "is no longer marked as a secret, so clients may show it" if breaks else "is marked as a secret now"
            self.judge((*place, "x-secret"), what, breaks=breaks)

    def _null(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        before, after = bool(old.get("nullable")), bool(new.get("nullable"))
        if before != after:
            what = f"null is {'possible' if after else 'no longer possible'} in {direction.value}"
            self.judge((*place, "nullable"), what, breaks=after == (direction is Direction.ANSWER))

    def _values(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        for key in ("enum", "x-extensible-enum"):
            before, after = cast("list[Any] | None", old.get(key)), cast("list[Any] | None", new.get(key))
            there = (*place, key)
            for value in before or []:
                if value not in (after or []):
                    self.breaking(there, f"the value {_shown(value)} is gone, and generated code has a name for it")
            fresh = ", ".join(_shown(value) for value in after or [] if value not in (before or []))
            if fresh and key == "x-extensible-enum":
                self.compatible(there, f"new known values: {fresh}")
            elif fresh and before is None:
                self.breaking(there, f"only these values are left: {fresh}")
            elif fresh:
                self.judge(there, f"new values in {direction.value}: {fresh}", breaks=direction is Direction.ANSWER)

    def _bounds(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        for bounds, sign in ((_UPPER, 1), (_LOWER, -1)):
            for key, exclusive in bounds.items():
                before, after = _bound(old, key, exclusive, sign), _bound(new, key, exclusive, sign)
                if before != after:
                    tighter = after < before
                    what = f"`{key}` is {_limit(new, key, exclusive)} now instead of {_limit(old, key, exclusive)}"
                    breaks = tighter == (direction is Direction.REQUEST)
                    self.judge((*place, key), f"{what} in {direction.value}", breaks=breaks)

    def _shape(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        for key in ("pattern", "multipleOf", "uniqueItems"):
            before, after = old.get(key) or None, new.get(key) or None
            if before != after:
                looser, tighter = after is None, before is None
                breaks = not (looser if direction is Direction.REQUEST else tighter)
                what = f"`{key}` is {_shown(after)} now instead of {_shown(before)} in {direction.value}"
                self.judge((*place, key), what, breaks=breaks)

    def _fields(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needed_now = set(old.get("required", [])), set(new.get("required", []))
        asks = direction is Direction.REQUEST
        for name in before:
            there = (*place, "properties", name)
            if name in after:
                self.compare(before[name], after[name], there, direction)
            else:
                self.breaking(there, f"the field is gone from {direction.value}")
        always = needed & needed_now & before.keys() & after.keys()
        if asks and [name for name in before if name in always] != [name for name in after if name in always]:
            what = "the required fields are in another order, and constructors in Go and Rust take them by place"
            self.breaking((*place, "properties"), what)
        closed = not asks and old.get("additionalProperties", True) is False
        for name in after:
            if name not in before:
                what = f"a new {'required ' if name in needed_now else ''}field of {direction.value}"
                self.judge((*place, "properties", name), what, breaks=closed or (asks and name in needed_now))
        for name in sorted(needed ^ needed_now):
            if (name in before) == (name in after):  # what came or went is said above
                required = name in needed_now
                what = f"`{name}` is {'required' if required else 'no longer required'} in {direction.value}"
                self.judge((*place, "required"), what, breaks=required == asks)
        self._other_fields(old, new, place, direction)

    def _other_fields(self, old: Schema, new: Schema, place: Place, direction: Direction) -> None:
        before, after = _others(old), _others(new)
        there = (*place, "additionalProperties")
        if isinstance(before, dict) and isinstance(after, dict):
            self.compare(before, after, there, direction)
        elif before != after:
            # Opening what was closed lets more be sent, and more come; all else takes something away, or changes a generated type.
            opened, closed = before is False, after is False
            breaks = not (opened if direction is Direction.REQUEST else closed and before is True)
            state = {True: "anything", False: "nothing"}
            words = [state[each] if isinstance(each, bool) else "what a schema describes" for each in (after, before)]
            what = f"beside its fields {direction.value} may have {words[0]} now instead of {words[1]}"
            self.judge(there, what, breaks=breaks)

    def _union(self, old: _Opened, new: _Opened, place: Place, direction: Direction) -> None:
        """Compares alternatives; a schema without any is the only one of its own."""
        unions = [next((key for key in _UNIONS if key in each.schema), None) for each in (old, new)]
        lists = [
            cast("list[Schema]", each.schema[union]) if union else [_reference(each)]
            for each, union in zip((old, new), unions, strict=True)
        ]
        rest = [
            {key: value for key, value in each.schema.items() if union and key not in (*_UNIONS, "discriminator")}
            for each, union in zip((old, new), unions, strict=True)
        ]
        self._plain(rest[0], rest[1], place, direction)
        if all(unions) and unions[0] != unions[1]:
            self.breaking(place, f"`{unions[0]}` is `{unions[1]}` now")
        there = (*place, unions[1] or unions[0] or "")
        self._discriminator(old.schema, new.schema, place)
        pairs, gone, fresh = self._matched(lists[0], lists[1], there, direction)
        for before, after in pairs:
            self.compare(before, after, there, direction)
        for schema in gone:
            self.breaking(
                there, f"{_title(self.old, schema)} is no longer one of the alternatives of {direction.value}"
            )
        for schema in fresh:
            what = f"{_title(self.new, schema)} is a new alternative of {direction.value}"
            apart = unions[1] == "anyOf" or "discriminator" in new.schema or self._disjoint(lists[1])
            if direction is Direction.REQUEST and not apart:
                what = f"{what}, and what fits two of `oneOf` is refused: add a discriminator"
            self.judge(there, what, breaks=direction is Direction.ANSWER or not apart)

    def _discriminator(self, old: Schema, new: Schema, place: Place) -> None:
        before, after = old.get("discriminator"), new.get("discriminator")
        if before == after:
            return
        there = (*place, "discriminator")
        if before is None or after is None or before["propertyName"] != after["propertyName"]:
            names = [f"`{each['propertyName']}`" if each else "nothing" for each in (after, before)]
            self.judge(
                there, f"{names[0]} tells the alternatives apart now instead of {names[1]}", breaks=before is not None
            )
            return
        targets, targets_now = before.get("mapping", {}), after.get("mapping", {})
        for value in targets:
            if targets_now.get(value) != targets[value]:
                self.breaking((*there, "mapping", value), f"the value {_shown(value)} means another schema, or none")
        for value in targets_now:
            if value not in targets:
                self.compatible((*there, "mapping", value), f"the value {_shown(value)} is new")

    def _matched(
        self, old: list[Schema], new: list[Schema], place: Place, direction: Direction
    ) -> tuple[list[tuple[Schema, Schema]], list[Schema], list[Schema]]:
        """Alternatives that belong together, those that are gone, and those that are new."""
        pairs: list[tuple[Schema, Schema]] = []
        gone, fresh = list(old), list(new)

        def belong(before: Schema, after: Schema, *, exactly: bool) -> bool:
            first, second = _opened(self.old, before), _opened(self.new, after)
            if first.name or second.name:
                return first.name == second.name
            if not exactly:
                return first.schema.get("type") == second.schema.get("type")
            trial = SchemaComparison(self.old, self.new, compared=set(self.compared))
            trial.compare(before, after, place, direction)
            return not any(change.breaks for change in trial.changes)

        for exactly in (True, False):
            for before in list(gone):
                after = next((each for each in fresh if belong(before, each, exactly=exactly)), None)
                if after is not None:
                    pairs.append((before, after))
                    gone.remove(before)
                    fresh.remove(after)
        return pairs, gone, fresh

    def _disjoint(self, alternatives: list[Schema]) -> bool:
        """Whether no value can fit two of the alternatives, as far as their types and closed values tell."""
        opened = [_opened(self.new, schema).schema for schema in alternatives]
        return all(_apart(self.new, first, second) for first, second in combinations(opened, 2))


def _apart(document: Document, first: Schema, second: Schema) -> bool:
    types = {first.get("type"), second.get("type")}
    if None in types or types == {"integer", "number"}:
        return False
    if len(types) > 1:
        return not (first.get("nullable") and second.get("nullable"))
    if "enum" in first and "enum" in second:
        return not [value for value in first["enum"] if value in second["enum"]]
    for name in {*first.get("required", [])} & {*second.get("required", [])}:
        if name in first.get("properties", {}) and name in second.get("properties", {}):
            values = [_opened(document, each["properties"][name]).schema for each in (first, second)]
            if "enum" in values[0] and "enum" in values[1] and _apart(document, *values):
                return True
    return False


def _opened(document: Document, schema: Schema) -> _Opened:
    """The schema itself, without its references and `allOf`; its name, and the default nearest to it."""
    name = None
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        target = _opened(document, resolved(document, schema))
        return _Opened(target.schema, name, target.default)
    own = {key: value for key, value in schema.items() if key not in PROSE and key not in ("allOf", "default")}
    parts = [_opened(document, part) for part in schema.get("allOf", [])]
    merged = own
    for part in parts:
        merged = _merged(merged, part.schema)
    default = schema.get("default", next((part.default for part in parts if part.default is not None), None))
    if len(parts) == 1 and not own:  # the way to say something beside a reference
        name = parts[0].name
    return _Opened(merged, name, default)


def _merged(first: Schema, second: Schema) -> Schema:
    """What both of two schemas demand."""
    merged = dict(first)
    for key, value in second.items():
        if key not in merged or merged[key] == value:
            merged[key] = value
        elif key == "properties":
            mine = merged[key]
            merged[key] = {
                **mine,
                **{name: {"allOf": [mine[name], value[name]]} if name in mine else value[name] for name in value},
            }
        elif key == "required":
            merged[key] = sorted({*merged[key], *value})
        elif key == "enum":
            merged[key] = [each for each in merged[key] if each in value]
        elif key in _UPPER:
            merged[key] = min(merged[key], value)
        elif key in _LOWER:
            merged[key] = max(merged[key], value)
        else:  # such a demand cannot be put in one schema; kept apart, a difference in it counts as breaking
            merged[f"allOf {key}"] = [*merged.get(f"allOf {key}", []), value]
    return merged


def _others(schema: Schema) -> bool | Schema:
    """What an object may have beside its fields."""
    others = cast("bool | Schema", schema.get("additionalProperties", True))
    return True if others == {} else others


def _reference(opened: _Opened) -> Schema:
    """A schema that opens to the same."""
    return {"$ref": f"#/components/schemas/{opened.name}"} if opened.name else opened.schema


def _makes_a_type(schema: Schema) -> bool:
    """Whether generated code has a type of its own for it."""
    return "enum" in schema or "properties" in schema or any(union in schema for union in _UNIONS)


def _bound(schema: Schema, key: str, exclusive: str, sign: int) -> tuple[float, int]:
    """A limit that can be compared: the smaller, the tighter."""
    if key not in schema:
        return (float("inf"), 0)
    return (sign * schema[key], -1 if exclusive and schema.get(exclusive) else 0)


def _limit(schema: Schema, key: str, exclusive: str) -> str:
    if key not in schema:
        return "unset"
    return f"{schema[key]}{' (itself excluded)' if exclusive and schema.get(exclusive) else ''}"


def _type(schema: Schema) -> str:
    return str(schema.get("type", "any"))


def _title(document: Document, schema: Schema) -> str:
    opened = _opened(document, schema)
    return f"`{opened.name}`" if opened.name else f"a schema of type {_type(opened.schema)}"


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
