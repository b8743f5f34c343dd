"""Runs the Redocly CLI, which lints the contract, compares two versions of it and renders it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from scripts import ROOT, ScriptError

EXECUTABLE = ROOT / "node_modules" / ".bin" / "redocly"


def redocly(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of Redocly's to its end, whatever its status.

    Raises:
        ScriptError: Node or Redocly is missing.
    """
    if shutil.which("node") is None:
        raise ScriptError("Node is missing: install Node 20 or later, which Redocly runs on")
    if not EXECUTABLE.exists():
        raise ScriptError("Redocly is missing: run `make setup`")
    # It would report to its makers and ask them for news.
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    return subprocess.run(
        [str(EXECUTABLE), *arguments],
        cwd=ROOT,
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def last_line(*outputs: str) -> str:
    """The last line of what Redocly wrote, which says why it gave up; its notices in frames of box-drawing characters are left out."""
    lines = [line.strip() for output in outputs for line in output.splitlines() if re.search(r"^\s*[^\s║╔╚]", line)]
    return lines[-1] if lines else "it said nothing"
