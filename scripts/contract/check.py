"""Checks the contract: valid OpenAPI 3.0, the linter's rules, and the rules that the linter cannot express.

The linter's rules stand in `openapi/redocly.yaml`, the others in `rules.py`. What is wrong is said
in one line each, as `openapi/mincloud.yaml: <place>: <what to do> [rule]`; of a document that is not valid OpenAPI only the first. The
exit status is 0 when every rule holds, 1 when one is broken and 2 when the check itself could not be done.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, Problem, one_line, read_document, steps
from scripts.contract.redocly import last_line, redocly
from scripts.contract.rules import apply_rules

LINT_RULES = ROOT / "openapi" / "redocly.yaml"


def lint(paths: Sequence[Path], rules: Path = LINT_RULES) -> list[list[Problem]]:
    """Lints documents in one run, since starting the linter takes longer than linting; returns the problems of each, in order.

    Raises:
        ScriptError: Node or the linter is missing, or it did not come to an end as it should.
    """
    result = redocly(
        *("lint", *map(str, paths), "--config", str(rules), "--lint-config", "error"),
        *("--format", "json", "--max-problems", "10000"),
    )
    # It writes an indented JSON object for each document, and nothing between the `}` of one and the `{` of the next.
    reports = [json.loads(report) for report in re.findall(r"\{\n.*?^\}", result.stdout, re.MULTILINE | re.DOTALL)]
    if len(reports) != len(paths):
        raise ScriptError(f"the linter did not lint: {last_line(result)}")
    return [[_lint_problem(problem) for problem in report["problems"]] for report in reports]


def _lint_problem(problem: dict[str, Any]) -> Problem:
    pointer = str(problem["location"][0].get("pointer", "#/")) if problem["location"] else "#/"
    return Problem(steps(pointer), one_line(problem["message"]), problem["ruleId"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("contract", nargs="?", type=Path, default=CONTRACT, help="the document (default: the contract)")
    path: Path = parser.parse_args(arguments).contract
    name = path.resolve().relative_to(ROOT).as_posix() if path.resolve().is_relative_to(ROOT) else str(path)
    try:
        document, problems = read_document(path)
        if not problems:
            [found] = lint([path])
            problems = sorted({*found, *apply_rules(document)})
    except ScriptError as error:
        print(f"check_contract: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem.line(name), file=sys.stderr)
    if not problems:
        print(f"{name}: valid, and every rule holds")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
