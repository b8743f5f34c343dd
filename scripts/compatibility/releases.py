"""The products that have versions, the contract and the Python package, and the record of the latest version of each.

`released/` holds what users depend on: the contract as it was, and the public names of the Python packages as stubs. These are files of
the repository and no tags of it, so that a clone has them whatever its history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import griffe
import yaml

from scripts import ScriptError
from scripts.compatibility import contract_changes, python_changes
from scripts.compatibility.public_names import public_names
from scripts.compatibility.versions import BumpLevel, Change, Version
from scripts.contract.document import Document, operations, read_document

RECORDS = "scripts/compatibility/released"
_INDEX = f"{RECORDS}/versions.json"


@dataclass(frozen=True)
class Record:
    """The latest version of a product that was recorded.

    Attributes:
        version: The version.
        released: The day that it was released; None if it was recorded before, so that changes show.
        content: What its users depend on, as the texts of files by name.
    """

    version: Version
    released: date | None
    content: Mapping[str, str]


@dataclass(frozen=True)
class Product:
    """The contract or the Python package, compared with its record.

    Attributes:
        name: Its name in the index of records.
        source: Its file or folder, for messages.
        version_is: Where its version stands, for messages.
        version: Its version.
        changelog: The path of its changelog, below the checkout.
        content: What users depend on, as the texts of files by name.
        record: Its record; None if there is none.
        changes: Every change since then that is more than words; none without a record.
        reworded: Whether its words are not those of the record.
        added: The names that its changelog has to have: operations, classes, functions and methods that are new.
    """

    name: str
    source: str
    version_is: str
    version: Version
    changelog: str
    content: Mapping[str, str]
    record: Record | None
    changes: list[Change]
    reworded: bool
    added: list[str]

    @property
    def bump(self) -> BumpLevel | None:
        """The part of the version that has to move; None if nothing changed."""
        if any(change.breaks for change in self.changes):
            return BumpLevel.BREAKING
        if self.changes:
            return BumpLevel.ADDITION
        return BumpLevel.WORDS if self.reworded else None


def contract(root: Path) -> Product:
    """Reads the contract of a checkout.

    Raises:
        ScriptError: It or its record cannot be read, or it is not valid OpenAPI.
    """
    source, file = "openapi/mincloud.yaml", "mincloud.yaml"
    document, problems = read_document(root / source)
    if problems:
        raise ScriptError(f"{problems[0].line(source)}; then check again")
    content = {file: (root / source).read_text(encoding="utf-8")}
    record = _read_record("contract", content, root)
    old: Document = yaml.safe_load(record.content[file]) if record else document
    changes = contract_changes.changes(old, document)
    new = {change.place for change in changes if change.what.endswith("is new")}
    return Product(
        name="contract",
        source=source,
        version_is="info.version",
        version=_version(source, "info.version", str(document["info"]["version"])),
        changelog="openapi/CHANGELOG.md",
        content=content,
        record=record,
        changes=changes,
        reworded=_without_version(old) != _without_version(document),
        added=[
            str(operation["operationId"])
            for path, method, operation in operations(document)
            if new & {("paths", path), ("paths", path, method)}
        ],
    )


def _without_version(document: Document) -> str:
    return json.dumps({**document, "info": {**document["info"], "version": ""}}, sort_keys=True, default=str)


def python_package(root: Path) -> Product:
    """Reads the Python package of a checkout.

    Raises:
        ScriptError: It or its record cannot be read.
    """
    version_is = "VERSION in mincloud/_version.py"
    try:
        text = (root / "mincloud" / "_version.py").read_text(encoding="utf-8")
        found = re.search(r'^VERSION = "([^"]+)"$', text, re.MULTILINE)
        if found is None:
            raise ScriptError('mincloud/_version.py has no line like VERSION = "0.1.0"; put it back')
        stubs = public_names(root)
    except (OSError, ImportError, griffe.GriffeError) as error:
        raise ScriptError(f"cannot read the Python packages: {error}; put that right") from error
    content = {f"{package}.pyi": stub for package, stub in stubs.items()}
    record = _read_record("python", content, root)
    old = record.content if record else content
    changes = [
        change
        for package, stub in stubs.items()
        for change in python_changes.changes(package, old[f"{package}.pyi"], stub)
    ]
    return Product(
        name="python",
        source="mincloud",
        version_is=version_is,
        version=_version("mincloud", version_is, found[1]),
        changelog="CHANGELOG.md",
        content=content,
        record=record,
        changes=changes,
        reworded=False,
        added=[
            change.place[-1]
            for change in changes
            # The asyncio side has the same names; special methods need no mention.
            if change.what == "is new"
            and not change.place[-1].startswith("_")
            and not change.place[1].startswith("Async")
            if re.search(rf"\b(?:def|class) {re.escape(change.place[-1])}\b", stubs[change.place[0]])
        ],
    )


def _version(source: str, version_is: str, text: str) -> Version:
    try:
        return Version.parse(text)
    except ValueError as error:
        raise ScriptError(f"{source}: write {version_is} as three numbers, like 0.2.0; it is {text!r}") from error


def _read_record(name: str, files: Mapping[str, str], root: Path) -> Record | None:
    """Reads the record of a product; `files` names the files that it has to have."""
    try:
        entry = _index(root).get(name)
        if entry is None:
            return None
        released = date.fromisoformat(entry["released"]) if entry["released"] else None
        content = {file: (root / RECORDS / file).read_text(encoding="utf-8") for file in files}
        return Record(Version.parse(str(entry["version"])), released, content)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ScriptError(f"{RECORDS}/ is damaged ({error}): take it from the repository again") from error


def write_record(product: Product, released: date | None, root: Path) -> None:
    """Records a product of a checkout as it is, with the day that this version was released, None if it is not."""
    (root / RECORDS).mkdir(parents=True, exist_ok=True)
    for name, text in product.content.items():
        (root / RECORDS / name).write_text(text, encoding="utf-8")
    entry = {"version": str(product.version), "released": released.isoformat() if released else None}
    index = _index(root) | {product.name: entry}
    (root / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _index(root: Path) -> dict[str, Any]:
    file = root / _INDEX
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
