"""Finds what changed between two versions of a package's public names, and whether it breaks those who use them.

griffe compares the stubs of `public_names.py`: names and parameters that are gone, parameters that became required, moved, are given in
another way or have another default. What it does not compare is added here, in its words: types, the values of enums, bases, and whether
something is awaited. Types are compared as the members of their unions, by their text: a parameter may come to take more, a return
value or an attribute to be less. Two ways to write the same type count as two types, and so as a change that breaks users.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import cast

import griffe

from scripts.compatibility.versions import Change

_EXPLANATION = re.compile(r"- `(?P<name>.*?)`: \*(?P<what>.*)\*(?P<values>.*)")
_REMOVED = (griffe.BreakageKind.OBJECT_REMOVED, griffe.BreakageKind.PARAMETER_REMOVED)


def changes(package: str, old: str, new: str) -> list[Change]:
    """Returns every change from the stub of a package that users have to the one that they are to get, by place."""
    before, after = _module(package, old), _module(package, new)
    found = {
        _change(package, breakage)
        for breakage in griffe.find_breaking_changes(before, after)
        if breakage.kind is not griffe.BreakageKind.CLASS_REMOVED_BASE  # it only counts bases; they are compared below
    }
    found |= {Change(place, what, breaks=True) for place, what in _missed_by_griffe(before, after)}
    for breakage in griffe.find_breaking_changes(after, before):
        # Compared the other way round, an addition is a removal.
        added = breakage.kind in _REMOVED and not getattr(breakage.old_value, "required", False)
        if added:
            found.add(replace(_change(package, breakage), what="is new", breaks=False))
    return sorted(change for change in found if not _is_of_a_base(change, after, found))


def _module(package: str, stub: str) -> griffe.Module:
    """Reads a stub; inherited members become each class's own, since griffe compares no others."""
    modules = griffe.ModulesCollection()
    # A class looks its bases up in the collection.
    module = griffe.visit(package, filepath=Path(f"{package}.pyi"), code=stub, modules_collection=modules)
    modules[package] = module
    classes = [cast("griffe.Class", member) for member in module.members.values() if member.is_class]
    inherited = [(each, name, alias.final_target) for each in classes for name, alias in each.inherited_members.items()]
    for each, name, member in inherited:
        copied = copy(member)
        copied.parent = each
        each.members[name] = copied
    return module


def _change(package: str, breakage: griffe.Breakage) -> Change:
    explanation = _EXPLANATION.fullmatch(breakage.explain(griffe.ExplanationStyle.MARKDOWN))
    if explanation is None:
        raise TypeError(f"griffe explains {breakage.kind} in a new way")
    return Change((package, *explanation["name"].split(".")), explanation["what"] + explanation["values"], breaks=True)


def _is_of_a_base(change: Change, module: griffe.Module, found: set[Change]) -> bool:
    """Tells whether a member changed only with the same member of a base, which is reported once."""
    if len(change.place) != len(("package", "class", "member")) or change.place[1] not in module.members:
        return False
    package, name, member = change.place
    bases = _bases(module, module.members[name])
    return any(replace(change, place=(package, base, member)) in found for base in bases)


def _missed_by_griffe(old: griffe.Module, new: griffe.Module) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields place and description of each breaking change that griffe does not look for."""
    for before, after in _pairs(old, new):
        place = tuple(after.path.split("."))
        if before.is_class:
            yield from (
                (place, f"Base class was removed: `{base}`") for base in _bases(old, before) - _bases(new, after)
            )
        elif before.is_attribute:
            value, value_now = (cast("griffe.Attribute", each).value for each in (before, after))
            if value is not None and str(value) != str(value_now):
                yield place, f"Attribute value was changed: `{value}` -> `{value_now}`"
            yield from ((place, what) for what in _widened("Attribute type", before, after))
        else:
            yield from _missed_in_function(place, cast("griffe.Function", before), cast("griffe.Function", after))


def _pairs(
    old: griffe.Object | griffe.Alias, new: griffe.Object | griffe.Alias
) -> Iterator[tuple[griffe.Object, griffe.Object]]:
    """Yields the objects that are in both and are of one kind, with their members."""
    for name, member in old.members.items():
        successor = new.members.get(name)
        if successor is not None and successor.kind is member.kind:
            yield cast("griffe.Object", member), cast("griffe.Object", successor)
            if member.is_class:
                yield from _pairs(member, successor)


def _bases(module: griffe.Module, found: griffe.Object | griffe.Alias) -> set[str]:
    """Returns the bases of a class and their bases, without type parameters; none for another object."""
    written = cast("griffe.Class", found).bases if found.is_class else []
    bases = {str(base).partition("[")[0] for base in written}
    return bases.union(*(_bases(module, module.members[name]) for name in bases if name in module.members))


def _missed_in_function(
    place: tuple[str, ...], old: griffe.Function, new: griffe.Function
) -> Iterator[tuple[tuple[str, ...], str]]:
    for label in sorted((old.labels ^ new.labels) & {"async", "classmethod", "staticmethod"}):
        yield place, f"Function is {'now' if label in new.labels else 'no longer'} `{label}`"
    for before in old.parameters:
        if before.name in new.parameters:
            after = new.parameters[before.name]
            taken, taken_now = _types(before.annotation), _types(after.annotation)
            if not (taken <= taken_now or taken_now & {"Any", "object"}):
                what = f"Parameter type was changed: `{before.annotation}` -> `{after.annotation}`"
                yield (*place[:-1], f"{place[-1]}({before.name})"), what
    yield from ((place, what) for what in _widened("Return type", old, new))


def _widened(what: str, old: griffe.Object, new: griffe.Object) -> Iterator[str]:
    """Yields a description if code that expects the old type cannot use the new one."""
    type_, type_now = (cast("griffe.Attribute | griffe.Function", each).annotation for each in (old, new))
    before, after = _types(type_), _types(type_now)
    # Code that got None as the only result does not use it.
    if before and before != {"None"} and not before & {"Any", "object"} and not (after and after <= before):
        yield f"{what} was changed: `{type_}` -> `{type_now}`"


def _types(annotation: str | griffe.Expr | None) -> set[str]:
    """Returns the members of a union."""
    if annotation is None:
        return set()
    members: set[str] = set()
    rest: list[ast.expr] = [ast.parse(str(annotation), mode="eval").body]
    while rest:
        node = rest.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            rest += [node.left, node.right]
        else:
            members.add(ast.unparse(node))
    return members
