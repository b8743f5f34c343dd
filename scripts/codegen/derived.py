"""Compares derived files with those in the repository, and replaces them."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts import ROOT, ScriptError


def run(target: Path, source: str, derive: Callable[[Path], object]) -> int:
    """Runs a command that derives a folder or a file, and with `--check` only says if it is stale; returns the exit status.

    Args:
        target: The folder or file, below the checkout.
        source: What it is derived from, for messages.
        derive: Writes what belongs there to the path that it is given, where nothing is yet.
    """
    parser = argparse.ArgumentParser(description=f"Derives {target.relative_to(ROOT)} from {source}.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when it is stale")
    only_check = parser.parse_args().check
    name = target.relative_to(ROOT)
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / name
        fresh.parent.mkdir(exist_ok=True)
        try:
            derive(fresh)
        except ScriptError as error:
            print(f"generate: {error}", file=sys.stderr)
            return 1
        new, old = _contents(fresh), _contents(target)
        stale = sorted(path for path in new.keys() | old.keys() if new.get(path) != old.get(path))
        if only_check:
            if stale:
                which = f" ({', '.join(stale)})" if fresh.is_dir() else ""
                print(f"{name} is not what {source} gives{which}: run `make generate` and commit", file=sys.stderr)
            return 1 if stale else 0
        if stale and fresh.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(fresh, target)
        elif stale:
            shutil.copyfile(fresh, target)
        changed = "1 file" if len(stale) == 1 else f"{len(stale)} files"
        print(f"{name}: {changed} changed" if stale else f"{name}: up to date")
    return 0


def _contents(path: Path) -> dict[str, bytes]:
    """Returns the contents of the files in a folder by their paths below it, or of one file."""
    files = (file for file in (path, *path.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def tidy(folder: Path, rules: str) -> None:
    """Has ruff fix violations of some of its rules, separated by commas, and format everything in a folder."""
    ruff, config = [sys.executable, "-m", "ruff"], ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    fix = ["check", "--quiet", "--fix-only", "--select", rules]
    for command in (fix, ["format", "--quiet"]):
        subprocess.run([*ruff, *command, *config, str(folder)], check=True)
