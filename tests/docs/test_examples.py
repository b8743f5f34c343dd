"""The example projects work where they are copied to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.timeout(300)
def test_the_project_that_tests_its_own_code_passes_its_tests(tmp_path: Path) -> None:
    project = tmp_path / "testing"
    shutil.copytree(EXAMPLES / "testing", project, ignore=shutil.ignore_patterns("__pycache__"))
    no_node = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"} | {"PATH": ""}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=no_node,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 passed" in result.stdout
