"""Checks the contract: valid OpenAPI 3.0, the linter's rules, and the rules that the linter cannot express.

The linter's rules stand in `openapi/redocly.yaml`, the others in `contract_rules.py`. What is wrong is said
in one line each, as `openapi/mincloud.yaml: <place>: <what to do> [rule]`. The exit status is 0 when every
rule holds, 1 when one is broken and 2 when the check itself could not be done.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator

from scripts import ROOT
from scripts.contract.rules import Document, Problem, apply_rules, mappings, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONTRACT = ROOT / "openapi" / "mincloud.yaml"
LINT_RULES = ROOT / "openapi" / "redocly.yaml"
LINTER = ROOT / "node_modules" / ".bin" / "redocly"


class CannotCheckError(Exception):
    """The check could not be done; the message says what to do."""


class _StrictLoader(yaml.SafeLoader):
    """YAML as OpenAPI wants it: keys are strings, and none is there twice (the first would be lost)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.tag != "tag:yaml.org,2002:str":
                raise _NotReadableError(f"put quotes around the key {key.value} in line {line}")
            if key.value in seen:
                raise _NotReadableError(f"the key {key.value} is there a second time in line {line}; take one away")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _NotReadableError(Exception):
    """The document is YAML that OpenAPI has no use for."""


def read_document(path: Path) -> tuple[Document, list[Problem]]:
    """The document, and what is wrong with it as YAML and as OpenAPI 3.0; of several problems the first.

    Args:
        path: The file.

    Raises:
        CannotCheckError: There is no such file, or it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotCheckError(f"cannot read {path.name}: {error}; name a readable UTF-8 file") from error
    try:
        document: object = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except _NotReadableError as error:
        return {}, [Problem((), str(error), "yaml")]
    except yaml.YAMLError as error:
        return {}, [Problem((), f"mend the YAML: {one_line(str(error))}", "yaml")]
    if not isinstance(document, dict):
        return {}, [Problem((), "begin with the `openapi` key of an OpenAPI document; this is no mapping", "yaml")]
    contract = cast("Document", document)
    return contract, validity(contract)


def validity(document: Document) -> list[Problem]:
    """What keeps the document from being valid OpenAPI 3.0: nothing, or the first problem."""
    # First, since the validator does not follow every reference and fails at one that goes round in a circle.
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
    for place, node in mappings(document):
        met: list[str] = []
        target: Document | None = node
        while target is not None and "$ref" in target:
            reference = str(target["$ref"])
            if not reference.startswith("#/"):
                message = f"{reference} is another document and the contract is one file: refer to a place in it, as #/components/…"
                yield Problem(place, message, "openapi")
                break
            if reference in met:
                yield Problem(place, f"{reference} leads back to itself, mend the `$ref`", "openapi")
                break
            met.append(reference)
            target = _at(document, reference)
            if target is None:
                yield Problem(place, f"nothing is at {reference}, mend the `$ref`", "openapi")


def _at(document: Document, reference: str) -> Document | None:
    """The mapping that a reference leads to; None for nothing."""
    target: Document = document
    for step in reference.removeprefix("#/").split("/"):
        found: object = target.get(step.replace("~1", "/").replace("~0", "~"))
        if not isinstance(found, dict):
            return None
        target = cast("Document", found)
    return target


def lint(paths: Sequence[Path], rules: Path = LINT_RULES) -> list[list[Problem]]:
    """Runs the linter once over several documents, since starting it takes longer than linting one.

    Args:
        paths: The documents.
        rules: The linter's configuration.

    Returns:
        The problems of each document, in the order of the documents.

    Raises:
        CannotCheckError: Node or the linter is missing, or it did not come to an end as it should.
    """
    if shutil.which("node") is None:
        raise CannotCheckError("Node is missing: install Node 20 or later, which the linter runs on")
    if not LINTER.exists():
        raise CannotCheckError("the linter is missing: run `npm ci` where package.json stands")
    result = subprocess.run(
        [
            *(str(LINTER), "lint", *map(str, paths), "--config", str(rules), "--lint-config", "error"),
            *("--format", "json", "--max-problems", "10000"),
        ],
        # The linter would report to its makers and ask them for news.
        env={
            **os.environ,
            "REDOCLY_TELEMETRY": "off",
            "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    reports = _reports(result.stdout)
    if len(reports) != len(paths):
        raise CannotCheckError(f"the linter did not lint: {_last_words(result.stderr, result.stdout)}")
    return [[_lint_problem(problem) for problem in report["problems"]] for report in reports]


def _reports(output: str) -> list[dict[str, Any]]:
    """The linter writes one JSON object per document, one after the other."""
    decoder = json.JSONDecoder()
    reports: list[dict[str, Any]] = []
    rest = output.lstrip()
    while rest.startswith("{"):
        try:
            report, end = decoder.raw_decode(rest)
        except json.JSONDecodeError:
            break
        reports.append(report)
        rest = rest[end:].lstrip()
    return reports


def _last_words(*outputs: str) -> str:
    # The linter frames its notices in box-drawing characters; what it says last is why it gave up.
    lines = [line.strip() for output in outputs for line in output.splitlines() if re.search(r"^\s*[^\s║╔╚]", line)]
    return lines[-1] if lines else "it said nothing"


def _lint_problem(problem: dict[str, Any]) -> Problem:
    pointer = str(problem["location"][0].get("pointer", "#/")) if problem["location"] else "#/"
    steps = pointer.removeprefix("#/").split("/")
    place = tuple(step.replace("~1", "/").replace("~0", "~") for step in steps if step)
    return Problem(place, one_line(problem["message"]), problem["ruleId"])


def check(path: Path) -> list[Problem]:
    """Every problem of a contract, sorted; of a document that is not valid OpenAPI only the first.

    Args:
        path: The document.

    Raises:
        CannotCheckError: It cannot be read, or the linter cannot be run.
    """
    document, problems = read_document(path)
    if problems:
        return problems
    [found] = lint([path])
    return sorted({*found, *apply_rules(document)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("contract", nargs="?", type=Path, default=CONTRACT, help="the document (default: the contract)")
    path: Path = parser.parse_args(arguments).contract
    name = path.resolve().relative_to(ROOT).as_posix() if path.resolve().is_relative_to(ROOT) else str(path)
    try:
        problems = check(path)
    except CannotCheckError as error:
        print(f"check_contract: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem.line(name), file=sys.stderr)
    if not problems:
        print(f"{name}: valid, and every rule holds")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
