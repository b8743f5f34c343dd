"""Reads, validates and walks through the contract, for every script that works with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator

from scripts import ROOT, ScriptError

CONTRACT = ROOT / "openapi" / "mincloud.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Document = dict[str, Any]
Place = tuple[str, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """A rule that is broken.

    Attributes:
        place: The keys that lead to it, empty for the document itself.
        message: What to do, in one line.
        rule: The rule's id.
    """

    place: Place
    message: str
    rule: str

    def line(self, name: str) -> str:
        """The problem in one line, for the document of the given name."""
        return f"{name}: {' > '.join(self.place) or 'the document'}: {self.message} [{self.rule}]"


def one_line(text: str) -> str:
    """Returns the text with every run of white space as one space."""
    return " ".join(text.split())


def mappings(node: object, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yields every mapping of the contract outside of examples and extensions, with its place."""
    if isinstance(node, list):
        for index, item in enumerate(cast("list[object]", node)):
            yield from mappings(item, (*place, str(index)))
    if not isinstance(node, dict):
        return
    mapping = cast("dict[str, Any]", node)
    yield place, mapping
    # A property may be called as a keyword is, and the status `default` is one.
    named_freely = place[-1:] == ("properties",) or (place[-1:] == ("responses",) and place[-2:-1] != ("properties",))
    for key, value in mapping.items():
        is_example = key in ("example", "default", "enum") or (key == "value" and place[-2:-1] == ("examples",))
        if named_freely or not (is_example or key.startswith("x-")):
            yield from mappings(value, (*place, key))


def steps(reference: str) -> Place:
    """Returns the keys of a JSON pointer, as of `#/components/schemas`."""
    keys = reference.removeprefix("#").split("/")[1:]
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in keys if key)


def resolved(document: Document, node: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the mapping itself, or the one that its `$ref` leads to."""
    while "$ref" in node:
        target: Any = document
        for step in steps(str(node["$ref"])):
            target = target[step]
        node = target
    return dict(node)


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields each operation as its path, its method in lower case and its description, in the order of the document."""
    for path, item in document["paths"].items():
        for method in item:
            if method in METHODS:
                yield path, method, item[method]


class StrictLoader(yaml.SafeLoader):
    """A loader for YAML whose keys are unique strings, as OpenAPI requires."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Reads a mapping, whose keys are unique strings."""
        seen: set[object] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.tag != "tag:yaml.org,2002:str":
                raise NotReadableError(f"put quotes around the key {key.value} in line {line}")
            if key.value in seen:
                raise NotReadableError(f"the key {key.value} is there a second time in line {line}; take one away")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class NotReadableError(yaml.YAMLError):
    """A key of the document is not a string, or is there twice."""


def read_document(path: Path) -> tuple[Document, list[Problem]]:
    """Reads a document; returns it and the first problem that it has as YAML or as OpenAPI 3.0.

    Raises:
        ScriptError: There is no such file, or it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"cannot read {path.name}: {error}; name a readable UTF-8 file") from error
    try:
        document: object = yaml.load(text, Loader=StrictLoader)  # noqa: S506 (a SafeLoader)
    except NotReadableError as error:
        return {}, [Problem((), str(error), "yaml")]
    except yaml.YAMLError as error:
        return {}, [Problem((), f"mend the YAML: {one_line(str(error))}", "yaml")]
    if not isinstance(document, dict):
        return {}, [Problem((), "begin with the `openapi` key of an OpenAPI document; this is no mapping", "yaml")]
    contract = cast("Document", document)
    return contract, validity(contract)


def read_valid(path: Path = CONTRACT) -> Document:
    """Reads a document that has to be valid.

    Raises:
        ScriptError: It is not, or it cannot be read; a line for each problem.
    """
    document, problems = read_document(path)
    if problems:
        raise ScriptError("\n".join(problem.line(path.name) for problem in problems))
    return document


def validity(document: Document) -> list[Problem]:
    """Returns the first problem that makes the document invalid OpenAPI 3.0, or nothing."""
    # First, since the validator does not follow every reference and fails at circular ones.
    try:
        problem = next(_broken_references(document), None)
    except RecursionError:
        return [Problem((), "an anchor stands inside itself, or the nesting is too deep: write it out flat", "yaml")]
    if problem is not None:
        return [problem]
    error = next(iter(OpenAPIV30SpecValidator(document).iter_errors()), None)
    if error is None:
        return []
    message = error.message.strip().splitlines()[0]
    if message.startswith("{"):  # the validator begins with the whole value, however long
        message = f"this{message[message.rfind('}') + 1 :]}"
    return [Problem(tuple(str(step) for step in error.absolute_path), f"mend it: {message}", "openapi")]


def _broken_references(document: Document) -> Iterator[Problem]:
    for place, start in mappings(document):
        node, met = start, list[str]()
        while "$ref" in node:
            reference = str(node["$ref"])
            found: Any = document
            for step in steps(reference):
                found = cast("Document", found).get(step) if isinstance(found, dict) else None
            if not reference.startswith("#/"):
                advice = "is another document and the contract is one file: refer to a place in it, as #/components/…"
                yield Problem(place, f"{reference} {advice}", "openapi")
            elif reference in met:
                yield Problem(place, f"{reference} leads back to itself, mend the `$ref`", "openapi")
            elif not isinstance(found, dict):
                yield Problem(place, f"nothing is at {reference}, mend the `$ref`", "openapi")
            else:
                node = cast("Document", found)
                met.append(reference)
                continue
            break
