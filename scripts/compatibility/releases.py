"""What has versions, the contract and the Python package, and what is recorded of the latest of each.

`released/` holds what users hold on to: the contract as it was, and the public names of the Python packages as stubs. These are files of
the repository and no tags of it, so that a clone has them whatever its history.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import griffe
import yaml

from scripts import ScriptError
from scripts.compatibility import contract_changes, python_changes
from scripts.compatibility.public_names import public_names
from scripts.compatibility.versions import Version
from scripts.contract.document import operations, read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scripts.compatibility.versions import Change
    from scripts.contract.document import Document

RECORDS = "scripts/compatibility/released"
_INDEX = f"{RECORDS}/versions.json"


@dataclass(frozen=True)
class Product:
    """Something that has versions: the contract, or the Python package.

    Attributes:
        name: Its name in the index of records.
        source: The file or folder that it is made of, for messages.
        version_is: Where its version stands, for messages.
        version: Its version.
        changelog: The path of its changelog, below the checkout.
        content: What users hold on to, as files of the record by their names.
        changes: Finds the changes from the files of a record to these.
        reworded: Whether it has other words than the files of a record.
        added: The names among changes that its changelog has to have: operations, classes, functions and methods that are new.
    """

    name: str
    source: str
    version_is: str
    version: Version
    changelog: str
    content: Mapping[str, str]
    changes: Callable[[Mapping[str, str]], list[Change]]
    reworded: Callable[[Mapping[str, str]], bool]
    added: Callable[[list[Change]], list[str]]


@dataclass(frozen=True)
class Record:
    """The latest version of a product that was recorded.

    Attributes:
        version: The version.
        released: The day that it was released; None if it was recorded before, so that changes show.
        content: What its users hold on to, by file name.
    """

    version: Version
    released: date | None
    content: Mapping[str, str]


def contract(root: Path) -> Product:
    """The contract of a checkout.

    Args:
        root: The checkout.

    Raises:
        ScriptError: It cannot be read, or is not valid OpenAPI.
    """
    source, file = "openapi/mincloud.yaml", "mincloud.yaml"
    document, problems = read_document(root / source)
    if problems:
        raise ScriptError(f"{problems[0].line(source)}; then check again")

    def unnumbered(document: Document) -> str:
        return json.dumps({**document, "info": {**document["info"], "version": ""}}, sort_keys=True, default=str)

    return Product(
        name="contract",
        source=source,
        version_is="info.version",
        version=_version(source, "info.version", str(document["info"]["version"])),
        changelog="openapi/CHANGELOG.md",
        content={file: (root / source).read_text(encoding="utf-8")},
        changes=lambda old: contract_changes.changes(yaml.safe_load(old[file]), document),
        reworded=lambda old: unnumbered(yaml.safe_load(old[file])) != unnumbered(document),
        added=lambda changes: [
            str(operation["operationId"])
            for path, method, operation in operations(document)
            if any(
                change.place in (("paths", path), ("paths", path, method)) and "is new" in change.what
                for change in changes
            )
        ],
    )


def python_package(root: Path) -> Product:
    """The Python package of a checkout.

    Args:
        root: The checkout.

    Raises:
        ScriptError: It cannot be read.
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
    return Product(
        name="python",
        source="mincloud",
        version_is=version_is,
        version=_version("mincloud", version_is, found[1]),
        changelog="CHANGELOG.md",
        content={f"{package}.pyi": stub for package, stub in stubs.items()},
        changes=lambda old: [
            change
            for package, stub in stubs.items()
            for change in python_changes.changes(package, old[f"{package}.pyi"], stub)
        ],
        reworded=lambda _: False,
        added=lambda changes: [
            change.place[-1]
            for change in changes
            # A name of the asyncio side is the other's; `__len__` goes without saying.
            if change.what == "is new"
            and not change.place[-1].startswith("_")
            and not change.place[1].startswith("Async")
            if re.search(rf"\b(?:def|class) {change.place[-1]}\b", stubs[change.place[0]])
        ],
    )


def _version(source: str, version_is: str, text: str) -> Version:
    version = Version.parse(text)
    if version is None:
        raise ScriptError(f"{source}: write {version_is} as three numbers, like 0.2.0; it is {text!r}")
    return version


def read_record(product: Product, root: Path) -> Record | None:
    """The record of a product; None if there is none.

    Args:
        product: The product.
        root: The checkout.

    Raises:
        ScriptError: The record is damaged.
    """
    try:
        index = _index(root)
        if product.name not in index:
            return None
        entry = index[product.name]
        version = Version.parse(str(entry["version"]))
        released = date.fromisoformat(entry["released"]) if entry["released"] else None
        content = {name: (root / RECORDS / name).read_text(encoding="utf-8") for name in product.content}
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ScriptError(f"{RECORDS}/ is damaged ({error}): take it from the repository again") from error
    if version is None:
        raise ScriptError(f"{RECORDS}/ is damaged (no version of {product.name}): take it from the repository again")
    return Record(version, released, content)


def write_record(product: Product, released: date | None, root: Path) -> None:
    """Records a product as it is.

    Args:
        product: The product.
        released: The day that this version was released; None if it is not.
        root: The checkout.
    """
    (root / RECORDS).mkdir(parents=True, exist_ok=True)
    for name, text in product.content.items():
        (root / RECORDS / name).write_text(text, encoding="utf-8")
    entry = {"version": str(product.version), "released": released.isoformat() if released else None}
    index = _index(root) | {product.name: entry}
    (root / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _index(root: Path) -> dict[str, Any]:
    file = root / _INDEX
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
