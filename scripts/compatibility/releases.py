"""What was released and what is to be: the contract and the Python package, each with its version, changelog and record.

`released/` holds, for each of the two, what its users hold on to in the latest version that was recorded: the contract without its prose,
and the public names of the Python packages as stubs. These are files of the repository, so that a clone without tags and with any
history has them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import griffe
import yaml

from scripts import ROOT, ScriptError
from scripts.compatibility import contract_changes, python_changes
from scripts.compatibility.public_names import public_names
from scripts.compatibility.versions import Entry, Version, newest_is, read_changelog
from scripts.contract.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scripts.compatibility.schema_changes import Change

RECORDS = "scripts/compatibility/released"
_INDEX = "versions.json"
_NOTE = "# What users of version {version} hold on to. Written by `make record-release`, never by hand.\n"


@dataclass(frozen=True)
class Product:
    """Something that has versions: the contract, or the Python package.

    Attributes:
        name: Its name in the index of records.
        source: The file or folder that it is made of, for messages.
        version_is: Where its version stands, for messages.
        version: The version as it is written there.
        changelog: The path of its changelog, below the checkout.
        content: What users hold on to, as files of the record by their names.
        digest: A hash of all of it, prose included; empty where nothing else is released.
        compare: The changes from the files of a record to these.
    """

    name: str
    source: str
    version_is: str
    version: str
    changelog: str
    content: Mapping[str, str]
    digest: str
    compare: Callable[[Mapping[str, str]], list[Change]]


@dataclass(frozen=True)
class Record:
    """The latest version of a product that was recorded.

    Attributes:
        version: The version.
        released: The day that it was released; None if it was recorded before, so that changes show.
        digest: The hash of all of it.
        content: What its users hold on to, by file name.
    """

    version: Version
    released: date | None
    digest: str
    content: Mapping[str, str]


def contract(root: Path) -> Product:
    """The contract of a checkout.

    Args:
        root: The checkout.

    Raises:
        ScriptError: It cannot be read, or is not valid OpenAPI.
    """
    document, problems = read_document(root / "openapi" / "mincloud.yaml")
    if problems:
        raise ScriptError(f"{problems[0].line('openapi/mincloud.yaml')}; then check again")
    file = "contract.yaml"
    # The version is kept in the index alone: it is no change of what users hold on to.
    unnumbered = {**document, "info": {key: value for key, value in document["info"].items() if key != "version"}}
    trimmed = contract_changes.without_prose(document)
    return Product(
        name="contract",
        source="openapi/mincloud.yaml",
        version_is="info.version",
        version=str(document["info"]["version"]),
        changelog="openapi/CHANGELOG.md",
        content={file: yaml.safe_dump(trimmed, sort_keys=False, allow_unicode=True, width=120)},
        digest=hashlib.sha256(json.dumps(unnumbered, sort_keys=True, default=str).encode()).hexdigest(),
        compare=lambda old: contract_changes.changes(yaml.safe_load(old[file]), document),
    )


def python_package(root: Path) -> Product:
    """The Python package of a checkout.

    Args:
        root: The checkout.

    Raises:
        ScriptError: Its version cannot be read.
    """
    try:
        text = (root / "mincloud" / "_version.py").read_text(encoding="utf-8")
        found = re.search(r'^VERSION = "([^"]+)"$', text, re.MULTILINE)
        if found is None:
            raise ScriptError('mincloud/_version.py has no line like VERSION = "0.1.0"; put it back')
        stubs = public_names(root)
    except (OSError, ImportError, griffe.GriffeError) as error:
        raise ScriptError(f"cannot read the Python packages: {error}; put that right") from error

    def compare(old: Mapping[str, str]) -> list[Change]:
        return [
            change
            for package, stub in stubs.items()
            for change in python_changes.changes(package, old.get(f"{package}.pyi", ""), stub)
        ]

    return Product(
        name="python",
        source="mincloud",
        version_is="VERSION in mincloud/_version.py",
        version=found[1],
        changelog="CHANGELOG.md",
        content={f"{package}.pyi": stub for package, stub in stubs.items()},
        digest="",
        compare=compare,
    )


def versions_and_changelog(product: Product, root: Path) -> tuple[Version, list[Entry], list[str]]:
    """A product's version, what its changelog has, and what is wrong with them, in lines.

    Args:
        product: The product.
        root: The checkout.

    Raises:
        ScriptError: The version is no version, or the changelog cannot be read.
    """
    version = Version.parse(product.version)
    if version is None:
        advice = f"write {product.version_is} as three numbers, like 0.2.0; it is {product.version!r}"
        raise ScriptError(f"{product.source}: {advice}")
    try:
        entries, found = read_changelog(root / product.changelog)
    except OSError as error:
        raise ScriptError(f"cannot read {product.changelog}: {error.strerror}; put it back") from error
    found += newest_is(version, entries, f"{product.version_is}, {product.source}")
    return version, entries, [problem.line(product.changelog) for problem in found]


def read_record(product: Product, root: Path) -> Record | None:
    """The record of a product; None if there is none.

    Args:
        product: The product.
        root: The checkout.

    Raises:
        ScriptError: The record is damaged.
    """
    folder = root / RECORDS
    index = _index(folder)
    if product.name not in index:
        return None
    entry = index[product.name]
    version = Version.parse(str(entry.get("version")))
    try:
        released = date.fromisoformat(entry["released"]) if entry["released"] else None
        content = {name: (folder / name).read_text(encoding="utf-8") for name in product.content}
    except (KeyError, ValueError, OSError) as error:
        raise ScriptError(f"{RECORDS}/ is damaged ({error}): take it from the repository again") from error
    if version is None:
        raise ScriptError(f"{RECORDS}/{_INDEX} has no version of {product.name}: take it from the repository again")
    return Record(version, released, str(entry.get("digest", "")), content)


def write_record(product: Product, released: date | None, root: Path) -> None:
    """Records a product as it is.

    Args:
        product: The product.
        released: The day that this version was released; None if it is not.
        root: The checkout.
    """
    folder = root / RECORDS
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in product.content.items():
        (folder / name).write_text(_NOTE.format(version=product.version) + text, encoding="utf-8")
    entry = {"version": product.version, "released": released.isoformat() if released else None}
    index = {**_index(folder), product.name: {**entry, **({"digest": product.digest} if product.digest else {})}}
    (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _index(folder: Path) -> dict[str, Any]:
    file = folder / _INDEX
    if not file.exists():
        return {}
    try:
        return cast("dict[str, Any]", json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ScriptError(f"{RECORDS}/{_INDEX} is damaged ({error}): take it from the repository again") from error


def for_each_product(
    name: str,
    does: str,
    act: Callable[[Product, Path], tuple[list[str], str]],
    arguments: Sequence[str] | None,
) -> int:
    """What a command does that is about all products.

    Args:
        name: The command's name.
        does: What it does, in a line.
        act: Does it for one; gives the problems in lines, and what to say where there are none.
        arguments: The words after the command's name; None for those of the process.

    Returns:
        The exit status: 0, 1 if there was a problem, 2 if it could not be done.
    """
    parser = argparse.ArgumentParser(description=does)
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="the checkout (default: this one)")
    root: Path = parser.parse_args(arguments).root
    failed = False
    try:
        for product in (contract(root), python_package(root)):
            problems, summary = act(product, root)
            failed = failed or bool(problems)
            print(*(problems or [summary]), sep="\n", file=sys.stderr if problems else sys.stdout)
    except ScriptError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    return 1 if failed else 0
