"""Writes the methods that have no row of their own into the READMEs' tables of calls; `--check` only says whether they are there.

Such a method is one operation of the service, and the reference says the rest: so a new operation needs no words here.
"""

from __future__ import annotations

import argparse
import re
import sys

import mincloud
from scripts import ROOT

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


def main() -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a README is stale")
    only_check = parser.parse_args().check
    texts = {file: file.read_text("utf-8") for file in READMES}
    stale = {file: with_all_methods(text) for file, text in texts.items() if with_all_methods(text) != text}
    if not only_check:
        for file, text in stale.items():
            file.write_text(text, "utf-8")
    elif stale:
        names = ", ".join(file.name for file in stale)
        print(f"not every public method is in {names}: run `make generate` and commit", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
