"""Runs Node programs, above all the Redocly CLI, which lints the contract, compares two versions of it and renders it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts import ROOT, ScriptError

EXECUTABLE = ROOT / "node_modules" / ".bin" / "redocly"


def run_node(command: Sequence[str], *, folder: Path = ROOT, given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a Node program in a folder to its end, whatever its status, with a text as its standard input.

    Raises:
        ScriptError: Node is missing.
    """
    if shutil.which("node") is None:
        raise ScriptError("Node is missing: install Node 20 or later, which Redocly runs on")
    # No telemetry, and no search for newer versions.
    quiet = {
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        "npm_config_update_notifier": "false",
    }
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **quiet, "NO_COLOR": "1"},
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def redocly(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of Redocly's to its end, whatever its status.

    Raises:
        ScriptError: Node or Redocly is missing.
    """
    if not EXECUTABLE.exists():
        raise ScriptError("Redocly is missing: run `make setup`")
    return run_node([str(EXECUTABLE), *arguments])


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    """Returns the last line that Redocly printed, as an error if it did; it says why it failed. Framed notices are left out."""
    lines = f"{result.stdout}\n{result.stderr}".splitlines()
    printed = [line.strip() for line in lines if re.search(r"^\s*[^\s║╔╚]", line)]
    return printed[-1] if printed else "it said nothing"
