"""The public names of the Python packages as stubs: what their users hold on to, and nothing else.

Public is what `__all__` of `mincloud` and of `mincloud_emulator` names, with the public members of each class, and the pytest fixture. A
name's stub stands in for where the name is written: private modules, private bases and re-exports leave no trace, so moving
code changes nothing here. Left out are constructors that only this project can call, since they ask for something
private, and the methods that every object has. Other modules are other ways to the same names, or private, and
`mincloud_api` beside the models that `mincloud` names follows the contract, which has a check of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("mincloud", "mincloud_emulator")
# What pytest knows by name; `__all__` does not have it, since nobody imports it.
FIXTURES = {"mincloud_emulator": "mincloud_emulator.pytest_plugin.mincloud_emulator"}

_EVERY_OBJECT_HAS = (frozenset(dir(object)) | {"__copy__", "__deepcopy__", "__slots__", "__all__"}) - {"__init__"}
_ENUMS = frozenset({"enum.Enum", "enum.StrEnum", "enum.IntEnum"})
# Their values change with every version.
_VERSIONED = frozenset({"__version__"})
_INDENT = "    "


def public_names(root: Path) -> dict[str, str]:
    """The stub of each package, by the package's name.

    Args:
        root: The checkout that has the packages.
    """
    loader = griffe.GriffeLoader(search_paths=[root, root / "generated"], allow_inspection=False)
    packages = {
        name: cast("griffe.Module", loader.load(name, try_relative_path=False)) for name in (*PACKAGES, "mincloud_api")
    }
    loader.resolve_aliases(implicit=False, external=False)
    exported = {
        _target(packages[package].members[name]).path: name
        for package in PACKAGES
        for name in exported_names(packages[package])
    }
    stubs: dict[str, str] = {}
    for package in PACKAGES:
        writer = _Writer(loader.modules_collection, exported)
        blocks = [
            "\n".join(writer.named(name, _target(packages[package].members[name])))
            for name in exported_names(packages[package])
        ]
        if package in FIXTURES:
            fixture = cast("griffe.Function", loader.modules_collection[FIXTURES[package]])
            blocks.append(f"# The fixture of pytest.\ndef {fixture.name}() -> {fixture.returns}: ...")
        stubs[package] = "\n\n".join(blocks) + "\n"
    return stubs


def exported_names(module: griffe.Module) -> list[str]:
    """The names in a module's `__all__`; where it has none, those that it imports with a star, and its version."""
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
    """Writes stubs, a line at a time.

    Args:
        modules: Every module that was read.
        exported: The public classes and functions by where they are written.
    """

    def __init__(self, modules: griffe.ModulesCollection, exported: dict[str, str]) -> None:
        self._modules = modules
        self._exported = exported
        self._ours = frozenset(modules.members)

    def named(self, name: str, found: griffe.Object) -> Iterator[str]:
        """The lines of one name."""
        if found.is_class:
            yield from self._class(name, cast("griffe.Class", found))
        elif found.is_function:
            yield from self._function(name, cast("griffe.Function", found))
        else:
            yield from self._attribute(name, cast("griffe.Attribute", found), valued=name not in _VERSIONED)

    def _class(self, name: str, found: griffe.Class) -> Iterator[str]:
        bases = ", ".join(self._bases(found))
        yield f"class {name}({bases}):" if bases else f"class {name}:"
        members = self._members(found)
        lines = list(self._constructor(found, members.pop("__init__", None), members))
        is_enum = any(_path(base) in _ENUMS for base in found.bases)
        for member_name, member in sorted(members.items()):
            if member.is_function:
                lines.extend(self._function(member_name, cast("griffe.Function", member)))
            elif member.is_attribute:
                lines.extend(self._attribute(member_name, cast("griffe.Attribute", member), valued=is_enum))
        yield from (f"{_INDENT}{line}" for line in lines or ["..."])

    def _bases(self, found: griffe.Class) -> Iterator[str]:
        """The bases that users see: the public ones, those of other packages, and those of a private one in its place."""
        for base in found.bases:
            private = self._private(base)
            if private is None:
                yield str(base)
            else:
                yield from self._bases(cast("griffe.Class", private))

    def _members(self, found: griffe.Class) -> dict[str, griffe.Object]:
        """A class's public members with those of its private bases."""
        members: dict[str, griffe.Object] = {}
        for base in reversed(found.bases):
            private = self._private(base)
            if private is not None:
                members.update(self._members(cast("griffe.Class", private)))
        for name, member in found.members.items():
            if member.is_public and name not in _EVERY_OBJECT_HAS:
                members[name] = _target(member)
        return members

    def _private(self, name: griffe.Expr | str) -> griffe.Object | None:
        """The object of this project that an expression names, unless it is public."""
        path = _path(name)
        if path.partition(".")[0] not in self._ours:
            return None
        found = _target(self._modules[path])
        return None if found.path in self._exported else found

    def _constructor(
        self, found: griffe.Class, written: griffe.Object | None, members: dict[str, griffe.Object]
    ) -> Iterator[str]:
        if written is not None:
            function = cast("griffe.Function", written)
            if not any(self._asks_for_something_private(parameter) for parameter in function.parameters):
                yield from self._function("__init__", function)
        elif any(_path(decorator.value).startswith("attrs.") for decorator in found.decorators):
            fields = (cast("griffe.Attribute", member) for member in members.values() if member.is_attribute)
            taken = [field for field in map(_attrs_field, fields) if field is not None]
            # By name only: the generator orders the fields as the contract does, where a new one may stand anywhere.
            yield f"def __init__({', '.join(['self', '*', *taken])}) -> None: ..."

    def _asks_for_something_private(self, parameter: griffe.Parameter) -> bool:
        if not parameter.required or not isinstance(parameter.annotation, griffe.Expr):
            return False
        names = (part for part in parameter.annotation.iterate(flat=True) if isinstance(part, griffe.ExprName))
        found = (self._private(name) for name in names)
        return any(each is not None and each.is_class for each in found)

    def _function(self, name: str, found: griffe.Function) -> Iterator[str]:
        for overload in found.overloads or ():
            yield "@overload"
            yield from self._signature(name, overload)
        # What all of them are is compared; the overloads say more only to type checkers.
        yield from self._signature(name, found)

    def _signature(self, name: str, found: griffe.Function) -> Iterator[str]:
        yield from (f"@{label}" for label in ("classmethod", "staticmethod") if label in found.labels)
        parameters: list[str] = []
        before = None
        for parameter in found.parameters:
            kind = parameter.kind
            if before is griffe.ParameterKind.positional_only and kind is not before:
                parameters.append("/")
            named_only = griffe.ParameterKind.keyword_only
            if kind is named_only and before not in (named_only, griffe.ParameterKind.var_positional):
                parameters.append("*")
            parameters.append(self._parameter(parameter))
            before = kind
        if before is griffe.ParameterKind.positional_only:
            parameters.append("/")
        returned = f" -> {found.returns}" if found.returns is not None else ""
        way = "async def" if "async" in found.labels else "def"
        yield f"{way} {name}({', '.join(parameters)}){returned}: ..."

    def _parameter(self, parameter: griffe.Parameter) -> str:
        stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(
            parameter.kind or griffe.ParameterKind.positional_or_keyword, ""
        )
        text = f"{stars}{parameter.name}"
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and not stars:
            text += f" = {self._value(parameter.default)}"
        return text

    def _value(self, value: griffe.Expr | str) -> str:
        """A default as it is, and not as the private constant that holds it."""
        private = self._private(value) if isinstance(value, griffe.ExprName) else None
        held = cast("griffe.Attribute", private).value if private is not None and private.is_attribute else None
        return str(value if held is None else held)

    def _attribute(self, name: str, found: griffe.Attribute, *, valued: bool) -> Iterator[str]:
        if "property" in found.labels:
            yield from ("@property", f"def {name}(self) -> {found.annotation}: ...")
            if "writable" in found.labels:
                yield from (f"@{name}.setter", f"def {name}(self, value: {found.annotation}) -> None: ...")
            return
        annotation = found.annotation
        if annotation is None and isinstance(found.value, griffe.ExprName) and found.parent is not None:
            # `self.job = job` is of the type that the constructor takes.
            constructor = found.parent.members.get("__init__")
            if constructor is not None:
                taken = cast("griffe.Function", constructor).parameters
                annotation = taken[str(found.value)].annotation if str(found.value) in taken else None
        text = name if annotation is None and valued else f"{name}: {annotation or 'Any'}"
        yield f"{text} = {self._value(found.value)}" if valued and found.value is not None else text


def _path(expression: griffe.Expr | str) -> str:
    return expression if isinstance(expression, str) else expression.canonical_path


def _attrs_field(found: griffe.Attribute) -> str | None:
    """The parameter of the constructor that attrs makes of a field; None if it makes none."""
    if "property" in found.labels:
        return None
    value = found.value
    text = f"{found.name}: {found.annotation}"
    if isinstance(value, griffe.ExprCall):
        arguments = {each.name: each.value for each in value.arguments if isinstance(each, griffe.ExprKeyword)}
        if str(arguments.get("init")) == "False":
            return None
        if "factory" in arguments:
            return f"{text} = {arguments['factory']}()"
        value = arguments.get("default")
    return text if value is None else f"{text} = {value}"
