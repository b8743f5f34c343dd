"""What openapi/languages/languages.yaml says: the languages, how each is generated, and what to look for in the code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import yaml

from scripts import ROOT, ScriptError

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = ROOT / "openapi" / "languages" / "languages.yaml"
CONTRACTS = ("mincloud.yaml", "portable.yaml")
# Looked at in the client that is made from each of the two, unlike all others.
TWO_WAY = "two_way"
TWO_WAY_COLUMNS = {f"{TWO_WAY}_contract": "mincloud.yaml", f"{TWO_WAY}_portable": "portable.yaml"}


@dataclass(frozen=True)
class KnownWarning:
    """A warning of the generator that says nothing about the client."""

    pattern: str
    reason: str


@dataclass(frozen=True)
class Look:
    """Something to find in the generated code, and what it means."""

    files: tuple[str, ...]
    matches: tuple[re.Pattern[str], ...]
    lacks: tuple[re.Pattern[str], ...]
    cell: str
    trap: str


@dataclass(frozen=True)
class Table:
    """A table of the README: its title, and its columns by their key."""

    title: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Language:
    """A language, and how its client is made."""

    name: str
    generator: str
    package: str
    contract: str
    options: tuple[str, ...]
    needs: tuple[str, ...]
    driver: tuple[str, ...]
    driver_folder: str
    notes: tuple[str, ...]
    warnings: tuple[KnownWarning, ...]
    looks: dict[str, tuple[Look, ...]]

    @property
    def slug(self) -> str:
        """Its name in paths and in the heading's address."""
        return self.name.lower().replace("#", "sharp")


@dataclass(frozen=True)
class Description:
    """The whole file."""

    warnings: tuple[KnownWarning, ...]
    tables: tuple[Table, ...]
    languages: tuple[Language, ...]


def read(path: Path = DESCRIPTION) -> Description:
    """Reads the file.

    Args:
        path: where it is.

    Raises:
        ScriptError: It cannot be read, has a key that nobody looks at, or leaves a column of a table without a look.
    """
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ScriptError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    reader = _Reader(path.name)
    top = reader.mapping(document, "the file", {"warnings", "tables", "languages"})
    tables = tuple(reader.table(each, f"tables {number}") for number, each in enumerate(reader.items(top, "tables")))
    columns = frozenset(column for table in tables for column in table.columns)
    languages = tuple(reader.language(each) for each in reader.items(top, "languages"))
    for language in languages:
        known = set(language.looks)
        if TWO_WAY in known:
            known |= set(TWO_WAY_COLUMNS)
        if missing := sorted(columns - known):
            raise ScriptError(f"{path.name}: {language.name} has no look for {missing[0]}, which is a column")
    return Description(reader.warnings(top), tables, languages)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


class _Reader:
    """Turns what YAML gives into the classes above, and says where it does not fit."""

    def __init__(self, file: str) -> None:
        self._file = file

    def anything(self, value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ScriptError(f"{self._file}: {where} has to be a mapping")
        return cast("dict[str, Any]", value)

    def mapping(self, value: object, where: str, keys: set[str]) -> dict[str, Any]:
        found = self.anything(value, where)
        if unknown := sorted(set(found) - keys):
            raise ScriptError(f"{self._file}: {where} has the key {unknown[0]}, which nobody looks at")
        return found

    def items(self, mapping: dict[str, Any], key: str) -> list[Any]:
        value: object = mapping.get(key, [])
        if not _is_list(value):
            raise ScriptError(f"{self._file}: {key} has to be a list")
        return value

    def texts(self, mapping: dict[str, Any], key: str) -> tuple[str, ...]:
        return tuple(str(each) for each in self.items(mapping, key))

    def warnings(self, mapping: dict[str, Any]) -> tuple[KnownWarning, ...]:
        given = [self.mapping(each, "a warning", {"pattern", "reason"}) for each in self.items(mapping, "warnings")]
        return tuple(KnownWarning(str(each["pattern"]), str(each["reason"])) for each in given)

    def table(self, value: Any, where: str) -> Table:
        found = self.mapping(value, where, {"title", "columns"})
        columns = self.anything(found.get("columns"), f"{where}, columns")
        return Table(str(found.get("title", "")), {key: str(heading) for key, heading in columns.items()})

    def language(self, value: Any) -> Language:
        keys = {"name", "generator", "package", "contract", "options", "needs", "driver", "driver_folder", "notes"}
        found = self.mapping(value, "a language", keys | {"warnings", "looks"})
        name = str(found.get("name", "a language without a name"))
        if ("generator" in found) == ("package" in found):
            raise ScriptError(f"{self._file}: {name} needs either a generator or a package")
        if found.get("contract") not in CONTRACTS:
            raise ScriptError(f"{self._file}: {name} has to be made from {' or '.join(CONTRACTS)}")
        looks = self.anything(found.get("looks", {}), f"{name}, looks")
        return Language(
            name=name,
            generator=str(found.get("generator", "")),
            package=str(found.get("package", "")),
            contract=found["contract"],
            options=self.texts(found, "options"),
            needs=self.texts(found, "needs"),
            driver=self.texts(found, "driver"),
            driver_folder=str(found.get("driver_folder", "")),
            notes=self.texts(found, "notes"),
            warnings=self.warnings(found),
            looks={key: tuple(self.look(each, f"{name}, {key}") for each in self.items(looks, key)) for key in looks},
        )

    def look(self, value: Any, where: str) -> Look:
        found = self.mapping(value, where, {"file", "matches", "lacks", "cell", "trap"})
        file: object = found["file"]
        files = tuple(str(each) for each in file) if _is_list(file) else (str(file),)
        patterns = {key: self.patterns(found, key, where) for key in ("matches", "lacks")}
        if not any(patterns.values()):
            raise ScriptError(f"{self._file}: {where} looks for nothing")
        return Look(
            files,
            patterns["matches"],
            patterns["lacks"],
            str(found.get("cell", "")),
            str(found.get("trap", "")).strip(),
        )

    def patterns(self, found: dict[str, Any], key: str, where: str) -> tuple[re.Pattern[str], ...]:
        try:
            return tuple(re.compile(each, re.MULTILINE) for each in self.texts(found, key))
        except re.error as error:
            raise ScriptError(f"{self._file}: {where} has a pattern that is none: {error}") from error
