"""Writes the public names of the Python packages as stubs: what their users depend on, and nothing else.

Public is what `__all__` of `mincloud` and of `mincloud_emulator` names, with the public members of each class, and the pytest fixture.
Private modules, private bases and re-exports leave no trace, so moving code changes no stub. Left out are constructors that only this
project can call, since they take something private, and the methods that every object has. `mincloud_api` follows the contract, which has a
check of its own; of it only the models that `mincloud` exports are here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import griffe

PACKAGES = ("mincloud", "mincloud_emulator")
# pytest finds it by an entry point, so it is in no `__all__`.
FIXTURES = {"mincloud_emulator": "mincloud_emulator.pytest_plugin.mincloud_emulator"}

_EVERY_OBJECT_HAS = (frozenset(dir(object)) | {"__copy__", "__deepcopy__", "__slots__", "__all__"}) - {"__init__"}
_ENUMS = frozenset({"enum.Enum", "enum.StrEnum", "enum.IntEnum"})
# Their values change with every version.
_VERSIONED = frozenset({"__version__"})


def public_names(root: Path) -> dict[str, str]:
    """Returns the stub of each package in a checkout, by the package's name."""
    loader = griffe.GriffeLoader(search_paths=[root, root / "generated"], allow_inspection=False)
    modules = {
        name: cast("griffe.Module", loader.load(name, try_relative_path=False)) for name in (*PACKAGES, "mincloud_api")
    }
    loader.resolve_aliases(implicit=False, external=False)
    exported = {
        package: {name: _target(modules[package].members[name]) for name in exported_names(modules[package])}
        for package in PACKAGES
    }
    public = {found.path for names in exported.values() for found in names.values()}
    writer = _Writer(loader.modules_collection, public)
    stubs: dict[str, str] = {}
    for package, names in exported.items():
        blocks = ["\n".join(writer.lines(name, found)) for name, found in names.items()]
        if package in FIXTURES:
            fixture = cast("griffe.Function", loader.modules_collection[FIXTURES[package]])
            blocks.append(f"# The fixture of pytest.\ndef {fixture.name}() -> {fixture.returns}: ...")
        stubs[package] = "\n\n".join(blocks) + "\n"
    return stubs


def exported_names(module: griffe.Module) -> list[str]:
    """Returns the names in a module's `__all__`; where it has none, those that it imports with a star, and its version."""
    if module.exports is not None:
        return sorted(map(str, module.exports))
    return sorted(
        name
        for name, member in module.members.items()
        if getattr(member, "wildcard_imported", False) or name in _VERSIONED
    )


def _target(member: griffe.Object | griffe.Alias) -> griffe.Object:
    return member.final_target if isinstance(member, griffe.Alias) else member


class _Writer:
    """Writes stubs, a line at a time, from every module that was read and the paths of the public classes and functions."""

    def __init__(self, modules: griffe.ModulesCollection, public: set[str]) -> None:
        self._modules = modules
        self._public = public

    def lines(self, name: str, found: griffe.Object, *, valued: bool = True) -> Iterator[str]:
        """Yields the lines of an object under the name that users know, with the value of an attribute only where `valued`."""
        if found.is_class:
            yield from self._class(name, cast("griffe.Class", found))
        elif found.is_function:
            for overload in cast("griffe.Function", found).overloads or ():
                yield "@overload"
                yield from self._signature(name, overload)
            yield from self._signature(name, cast("griffe.Function", found))
        else:
            yield from self._attribute(name, cast("griffe.Attribute", found), valued=valued and name not in _VERSIONED)

    def _class(self, name: str, found: griffe.Class) -> Iterator[str]:
        bases = ", ".join(self._bases(found))
        yield f"class {name}({bases}):" if bases else f"class {name}:"
        members = self._members(found)
        lines = list(self._constructor(found, members.pop("__init__", None), members))
        is_enum = any(_path(base) in _ENUMS for base in found.bases)
        for member, held in sorted(members.items()):
            lines.extend(self.lines(member, held, valued=is_enum))
        yield from (f"    {line}" for line in lines or ["..."])

    def _bases(self, found: griffe.Class) -> Iterator[str]:
        """Yields the bases that users see; a private base is replaced by its own bases."""
        for base in found.bases:
            private = self._private(base)
            if private is None:
                yield str(base)
            else:
                yield from self._bases(cast("griffe.Class", private))

    def _members(self, found: griffe.Class) -> dict[str, griffe.Object]:
        """Returns the public members of a class and of its private bases."""
        members: dict[str, griffe.Object] = {}
        for base in reversed(found.bases):
            private = self._private(base)
            if private is not None:
                members |= self._members(cast("griffe.Class", private))
        return members | {
            name: _target(member)
            for name, member in found.members.items()
            if member.is_public and name not in _EVERY_OBJECT_HAS
        }

    def _private(self, name: griffe.Expr | str | None) -> griffe.Object | None:
        """Returns the private object of this project that an expression names, if it does."""
        path = "" if name is None else _path(name)
        if path.partition(".")[0] not in self._modules.members:
            return None
        found = _target(self._modules[path])
        return None if found.path in self._public else found

    def _constructor(
        self, found: griffe.Class, written: griffe.Object | None, members: dict[str, griffe.Object]
    ) -> Iterator[str]:
        if written is not None:
            if not any(map(self._takes_something_private, cast("griffe.Function", written).parameters)):
                yield from self.lines("__init__", written)
        elif any(_path(decorator.value).startswith("attrs.") for decorator in found.decorators):
            attributes = [cast("griffe.Attribute", each) for each in members.values() if each.is_attribute]
            # By name only: the generator orders the fields as the contract does, where a new one may stand anywhere.
            fields = [text for each in attributes if (text := _attrs_field(each))]
            yield f"def __init__({', '.join(['self', *(['*', *fields] if fields else [])])}) -> None: ..."

    def _takes_something_private(self, parameter: griffe.Parameter) -> bool:
        if not parameter.required or not isinstance(parameter.annotation, griffe.Expr):
            return False
        names = (part for part in parameter.annotation.iterate(flat=True) if isinstance(part, griffe.ExprName))
        return any(private is not None and private.is_class for private in map(self._private, names))

    def _signature(self, name: str, found: griffe.Function) -> Iterator[str]:
        yield from (f"@{label}" for label in ("classmethod", "staticmethod") if label in found.labels)
        for parameter in found.parameters:
            parameter.default = self._value(parameter.default)
        signature = found.signature(name=name)
        first = next(iter(found.parameters), None)
        if first is not None and first.name in ("self", "cls"):  # which griffe leaves out
            signature = signature.replace("(", f"({first.name}, ", 1).replace(", )", ")", 1)
        yield f"{'async ' if 'async' in found.labels else ''}def {signature}: ..."

    def _value(self, value: griffe.Expr | str | None) -> griffe.Expr | str | None:
        """Returns a default itself instead of the private constant that holds it."""
        private = self._private(value) if isinstance(value, griffe.ExprName) else None
        held = cast("griffe.Attribute", private).value if private is not None and private.is_attribute else None
        return value if held is None else held

    def _attribute(self, name: str, found: griffe.Attribute, *, valued: bool) -> Iterator[str]:
        if "property" in found.labels:
            yield from ("@property", f"def {name}(self) -> {found.annotation}: ...")
            if "writable" in found.labels:
                yield from (f"@{name}.setter", f"def {name}(self, value: {found.annotation}) -> None: ...")
            return
        annotation = found.annotation
        if annotation is None and isinstance(found.value, griffe.ExprName) and found.parent is not None:
            # `self.job = job` is of the type that the constructor takes.
            constructor = cast("griffe.Function | None", found.parent.members.get("__init__"))
            taken = {each.name: each.annotation for each in constructor.parameters} if constructor else {}
            annotation = taken.get(str(found.value))
        text = name if annotation is None and valued else f"{name}: {annotation or 'Any'}"
        yield f"{text} = {self._value(found.value)}" if valued and found.value is not None else text


def _path(expression: griffe.Expr | str) -> str:
    return expression if isinstance(expression, str) else expression.canonical_path


def _attrs_field(found: griffe.Attribute) -> str | None:
    """Returns the constructor's parameter for a field of attrs; None if it has none."""
    default = found.value
    if isinstance(default, griffe.ExprCall):
        arguments = {each.name: each.value for each in default.arguments if isinstance(each, griffe.ExprKeyword)}
        if str(arguments.get("init")) == "False":
            return None
        default = f"{arguments['factory']}()" if "factory" in arguments else arguments.get("default")
    if "property" in found.labels:
        return None
    return f"{found.name}: {found.annotation}" + ("" if default is None else f" = {default}")
