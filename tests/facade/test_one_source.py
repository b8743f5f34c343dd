"""Both clients come from one source, and a check proves it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def derive(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.codegen.derive_sync", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources that the derivation reads and writes, freshly derived."""
    shutil.copytree(ROOT / "mincloud", tmp_path / "mincloud", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_synchronous_side_is_what_the_source_gives() -> None:
    checked = derive(ROOT, "--check")
    assert checked.stderr == ""
    assert checked.returncode == 0


def test_an_edit_of_the_derived_side_is_found_and_undone(copy: Path) -> None:
    edited = copy / "mincloud" / "_sync" / "runs.py"
    before = edited.read_text(encoding="utf-8")
    edited.write_text(before + "\nSURPRISE = 1\n", encoding="utf-8")
    checked = derive(copy, "--check")
    assert checked.returncode == 1
    assert checked.stderr == (
        "mincloud/_sync is not what mincloud/_async gives (runs.py): run `make generate` and commit\n"
    )
    derived = derive(copy)
    assert (derived.returncode, derived.stdout) == (0, "mincloud/_sync: 1 file changed\n")
    assert edited.read_text(encoding="utf-8") == before
    assert derive(copy).stdout == "mincloud/_sync: up to date\n"


def test_a_change_of_the_source_that_was_not_derived_is_found(copy: Path) -> None:
    source = copy / "mincloud" / "_async" / "pages.py"
    source.write_text(source.read_text(encoding="utf-8") + '\n\nasync def more() -> None:\n    """More."""\n')
    (copy / "mincloud" / "_async" / "fresh.py").write_text('"""Fresh."""\n')
    assert derive(copy, "--check").stderr == (
        "mincloud/_sync is not what mincloud/_async gives (fresh.py, pages.py): run `make generate` and commit\n"
    )
    derive(copy)
    assert "\ndef more() -> None:\n" in (copy / "mincloud" / "_sync" / "pages.py").read_text(encoding="utf-8")
    assert derive(copy, "--check").returncode == 0


def test_a_derived_file_without_a_source_is_found_and_removed(copy: Path) -> None:
    stray = copy / "mincloud" / "_sync" / "stray.py"
    stray.write_text('"""Stray."""\n')
    assert "(stray.py)" in derive(copy, "--check").stderr
    derive(copy)
    assert not stray.exists()


def test_nothing_of_the_derived_side_is_asynchronous() -> None:
    for path in (ROOT / "mincloud" / "_sync").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# Derived from mincloud/_async/{path.name} by scripts/codegen/derive_sync.py")
        code = "".join(line for line in text.splitlines(keepends=True)[1:] if "mincloud._async" not in line)
        for word in ("async ", "await ", "asyncio", "Async", "aclose"):
            assert word not in code, (path.name, word)
