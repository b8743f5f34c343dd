"""What changed between two versions of a package's public names, and whether it breaks those who use them.

griffe compares the stubs of `public_names.py`: names and parameters that are gone, parameters that became required, moved, are given in
another way or have another default. What it does not compare is added here: types, the values of enums, bases, and whether
something is awaited. Types are compared as the members of their unions, by their words: a parameter may come to take more, a return
value or an attribute to be less. Two ways to write the same type count as two types, and so as a change that breaks users.
"""

from __future__ import annotations

import ast
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import griffe

from scripts.compatibility.versions import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.contract.document import Place


def changes(package: str, old: str, new: str) -> list[Change]:
    """Every change from one version of a package's stub to another, by place.

    Args:
        package: The package's name.
        old: The stub of the version that users have.
        new: The stub of the one that they are to get.
    """
    before, after = _module(package, old), _module(package, new)
    found = {
        *map(_change, griffe.find_breaking_changes(before, after)),
        *_unseen(before, after),
        *_additions(before, after),
    }
    return sorted(change for change in found if not _is_of_a_base(change, after, found))


def _module(package: str, stub: str) -> griffe.Module:
    modules = griffe.ModulesCollection()
    # A class finds its bases by way of the collection.
    module = griffe.visit(package, filepath=Path(f"{package}.pyi"), code=stub, modules_collection=modules)
    modules[package] = module
    classes = [cast("griffe.Class", member) for member in module.members.values() if member.is_class]
    inherited = [(each, name, alias.final_target) for each in classes for name, alias in each.inherited_members.items()]
    for each, name, member in inherited:
        # griffe does not compare what is inherited on one side and written on the other; so all of it is written.
        copied = copy(member)
        copied.parent = each
        each.members[name] = copied
    return module


def _is_of_a_base(change: Change, module: griffe.Module, found: set[Change]) -> bool:
    """Whether a member of a class changed since the same member of its base did, which is said once."""
    if len(change.place) != len(("package", "class", "member")) or change.place[1] not in module.members:
        return False
    package, name, member = change.place
    bases = _bases(module, module.members[name])
    return any(replace(change, place=(package, base, member)) in found for base in bases)


_SAID: dict[griffe.BreakageKind, Callable[[griffe.Breakage], str]] = {
    griffe.BreakageKind.OBJECT_REMOVED: lambda _: "is gone",
    griffe.BreakageKind.OBJECT_CHANGED_KIND: lambda it: (
        f"is of the kind {it.new_value.value} now instead of {it.old_value.value}"
    ),
    griffe.BreakageKind.CLASS_REMOVED_BASE: lambda _: "has fewer bases",
    griffe.BreakageKind.PARAMETER_REMOVED: lambda it: f"the parameter `{it.old_value.name}` is gone",
    griffe.BreakageKind.PARAMETER_MOVED: lambda it: f"the parameter `{it.old_value.name}` has another place",
    griffe.BreakageKind.PARAMETER_CHANGED_KIND: lambda it: (
        f"the parameter `{it.old_value.name}` is {it.new_value.kind.value} now instead of {it.old_value.kind.value}"
    ),
    griffe.BreakageKind.PARAMETER_CHANGED_DEFAULT: lambda it: (
        f"the default of `{it.old_value.name}` is `{it.new_value.default}` now instead of `{it.old_value.default}`"
    ),
    griffe.BreakageKind.PARAMETER_CHANGED_REQUIRED: lambda it: f"the parameter `{it.old_value.name}` is required now",
    griffe.BreakageKind.PARAMETER_ADDED_REQUIRED: lambda it: f"the new parameter `{it.new_value.name}` is required",
    griffe.BreakageKind.RETURN_CHANGED_TYPE: lambda it: f"returns `{it.new_value}` now instead of `{it.old_value}`",
}


def _change(breakage: griffe.Breakage) -> Change:
    said = _SAID.get(breakage.kind)
    return Change(_place(breakage.obj), said(breakage) if said else breakage.kind.value.lower(), breaks=True)


def _place(found: griffe.Object | griffe.Alias) -> Place:
    return tuple(found.path.split("."))


def _pairs(
    old: griffe.Object | griffe.Alias, new: griffe.Object | griffe.Alias
) -> Iterator[tuple[griffe.Object, griffe.Object]]:
    """Everything that is in both and is of one kind, with what it holds."""
    members = new.members
    for name, member in old.members.items():
        successor = members.get(name)
        if successor is not None and successor.kind is member.kind:
            yield cast("griffe.Object", member), cast("griffe.Object", successor)
            if member.is_class:
                yield from _pairs(member, successor)


def _unseen(old: griffe.Module, new: griffe.Module) -> Iterator[Change]:
    """The breaking changes that griffe does not look for."""
    for before, after in _pairs(old, new):
        place = _place(after)
        if before.is_class:
            gone = sorted(_bases(old, before) - _bases(new, after))
            for base in gone:
                yield Change(place, f"is no longer a `{base}`", breaks=True)
        elif before.is_function:
            for what in _function(cast("griffe.Function", before), cast("griffe.Function", after)):
                yield Change(place, what, breaks=True)
        else:
            for what in _attribute(cast("griffe.Attribute", before), cast("griffe.Attribute", after)):
                yield Change(place, what, breaks=True)


def _bases(module: griffe.Module, found: griffe.Object | griffe.Alias) -> set[str]:
    """The bases of a class and theirs, without their type parameters; none of what is no class."""
    if not found.is_class:
        return set()
    bases: set[str] = set()
    for base in cast("griffe.Class", found).bases:
        name = str(base).partition("[")[0]
        bases.add(name)
        if name in module.members:
            bases |= _bases(module, module.members[name])
    return bases


def _function(old: griffe.Function, new: griffe.Function) -> Iterator[str]:
    for label, otherwise in (
        ("async", "awaited"),
        ("classmethod", "a class method"),
        ("staticmethod", "a static method"),
    ):
        if (label in old.labels) != (label in new.labels):
            yield f"is {'' if label in new.labels else 'no longer '}{otherwise}"
    for before in old.parameters:
        if before.name in new.parameters:
            after = new.parameters[before.name]
            taken, taken_now = _types(before.annotation), _types(after.annotation)
            if not (taken <= taken_now or taken_now & {"Any", "object"}):
                types = f"`{after.annotation}` now instead of `{before.annotation}`"
                yield f"the parameter `{before.name}` takes {types}"
    if not _narrower(old.returns, new.returns):
        yield f"returns `{new.returns}` now instead of `{old.returns}`"


def _attribute(old: griffe.Attribute, new: griffe.Attribute) -> Iterator[str]:
    if old.value is not None and str(old.value) != str(new.value):
        yield f"is `{new.value}` now instead of `{old.value}`"
    if not _narrower(old.annotation, new.annotation):
        yield f"is of the type `{new.annotation}` now instead of `{old.annotation}`"


def _narrower(old: str | griffe.Expr | None, new: str | griffe.Expr | None) -> bool:
    """Whether whoever expects the old type can do with the new one."""
    before, after = _types(old), _types(new)
    # Nobody asks whether nothing was returned.
    return not before or before == {"None"} or bool(before & {"Any", "object"}) or (bool(after) and after <= before)


def _types(annotation: str | griffe.Expr | None) -> set[str]:
    """The members of a union."""
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


def _additions(old: griffe.Module, new: griffe.Module) -> Iterator[Change]:
    """What is new and breaks nobody."""
    for before, after in ((old, new), *_pairs(old, new)):
        if after.is_function:
            known = {parameter.name for parameter in cast("griffe.Function", before).parameters}
            for parameter in cast("griffe.Function", after).parameters:
                if parameter.name not in known and not parameter.required:
                    yield Change(_place(after), f"the parameter `{parameter.name}` is new", breaks=False)
        elif not after.is_attribute:
            for name, member in after.members.items():
                if name not in before.members:
                    yield Change(_place(member), "is new", breaks=False)
