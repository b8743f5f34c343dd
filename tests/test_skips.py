"""A test may be skipped where something is missing that it needs; in CI nothing may be missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SKIPPED = """
import pytest

@pytest.mark.skipif(True, reason="no fork")
def test_marked():
    raise AssertionError

def test_that_finds_out():
    pytest.skip("no shell")

@pytest.mark.xfail
def test_expected_to_fail():
    raise AssertionError
"""


@pytest.mark.parametrize(
    ("no_skips", "status", "counts"), [("", 0, "2 skipped, 1 xfailed"), ("1", 1, "1 failed, 1 xfailed, 1 error")]
)
def test_a_skipped_test_fails_in_ci_and_says_what_it_needs(
    tmp_path: Path, no_skips: str, status: int, counts: str
) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-rfs", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_SKIPS": no_skips, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, counts in ended.stdout) == (status, True), ended.stdout
    assert "no fork" in ended.stdout
    assert "no shell" in ended.stdout
    assert ("CI has to have what this test needs" in ended.stdout) == bool(no_skips)
