"""Writes the methods that have no row of their own into the READMEs' tables of calls; `--check` only says whether they are there.

Such a method is one operation of the service, and the reference says the rest: so a new operation needs no words here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import mincloud
from scripts import ROOT
from scripts.codegen.derived import run

READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
OWNERS = {"functions": mincloud.Functions, "jobs": mincloud.Jobs}

# The one row that names several methods in one piece of code, as `functions.create get update`.
_ROW = re.compile(r"^\| `\w+\.\w+(?: \w+)+`(?:, `[\w. ]+`)* \|", re.MULTILINE)
_CALL = re.compile(r"`(\w+)\.(\w+)\(")


def with_all_methods(text: str) -> str:
    """Returns a README with all public methods in its table of calls."""
    described = set(_CALL.findall(text))
    others: list[str] = []
    for owner, kind in OWNERS.items():
        methods = [name for name, value in vars(kind).items() if not name.startswith("_") and callable(value)]
        names = [name for name in methods if (owner, name) not in described]
        if names:
            others.append(f"`{owner}.{' '.join(names)}`")
    return _ROW.sub(f"| {', '.join(others)} |", text)


def derive(target: Path) -> None:
    """Writes the README of the target's name with all public methods."""
    target.write_text(with_all_methods((ROOT / target.name).read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    sys.exit(max(run(readme, "the client's methods", derive) for readme in READMES))
