"""Compares a derived folder with the one in the repository, and replaces it."""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import ROOT, ScriptError

if TYPE_CHECKING:
    from collections.abc import Callable


def run(target: Path, source: str, derive: Callable[[Path], None]) -> int:
    """Runs a command that derives a folder; with `--check` it only says whether the folder is up to date.

    Args:
        target: The folder, below the checkout.
        source: What it is derived from, for messages.
        derive: Writes what belongs there into the folder that it is given, which does not exist yet.

    Returns:
        The exit status: 0 when the folder is up to date, 1 when it is not or could not be derived.
    """
    parser = argparse.ArgumentParser(description=f"Derives {target.relative_to(ROOT)} from {source}.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when it is stale")
    only_check = parser.parse_args().check
    name = target.relative_to(ROOT)
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / name
        fresh.parent.mkdir()
        try:
            derive(fresh)
        except ScriptError as error:
            print(f"generate: {error}", file=sys.stderr)
            return 1
        stale = differences(fresh, target)
        if only_check:
            if stale:
                advice = "run `make generate` and commit"
                print(f"{name} is not what {source} gives ({', '.join(stale)}): {advice}", file=sys.stderr)
            return 1 if stale else 0
        if stale:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(fresh, target)
        print(f"{name}: {len(stale)} files changed" if stale else f"{name}: up to date")
    return 0


def differences(left: Path, right: Path) -> list[str]:
    """The files that are not the same in two folders, as paths relative to them."""

    def files(folder: Path) -> set[str]:
        found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix() for path in found}

    ours, theirs = files(left), files(right)
    _, changed, unreadable = filecmp.cmpfiles(left, right, sorted(ours & theirs), shallow=False)
    return sorted({*(ours ^ theirs), *changed, *unreadable})


def tidy(folder: Path, rules: str) -> None:
    """Has ruff fix violations of some of its rules, and format everything.

    Args:
        folder: The folder.
        rules: The rules, separated by commas.
    """
    ruff, config = [sys.executable, "-m", "ruff"], ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    fix = ["check", "--quiet", "--fix-only", "--select", rules]
    for command in (fix, ["format", "--quiet"]):
        subprocess.run([*ruff, *command, *config, str(folder)], check=True)
