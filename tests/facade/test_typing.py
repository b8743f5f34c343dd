"""The types that the facade promises, as a program written against the installed package sees them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import venv
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest

from mincloud import EventSource, JobStatus, Plan, ServiceType
from mincloud._models import EventSourceValue, JobStatusValue, PlanValue, ServiceTypeValue
from mincloud_emulator import Emulator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "testing.md"
SAMPLE = Path(__file__).with_name("typing_sample.py")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the package's wheel, made of a copy of the sources, and what its types need."""
    base = tmp_path_factory.mktemp("installed")
    copy = base / "source"
    no_caches = shutil.ignore_patterns("__pycache__", ".*_cache")
    for folder in ("mincloud", "mincloud_emulator", "generated", "openapi"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=no_caches)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(base), cwd=copy)
    shutil.rmtree(copy)
    venv.create(base / "venv", with_pip=False, symlinks=True)
    python = base / "venv" / "bin" / "python"
    packages = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (wheel,) = base.glob("*.whl")
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-index", "--no-compile", "--target", packages, str(wheel)),
    )
    for name in ("attr", "attrs"):  # the models' own dependency
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        shutil.copytree(Path(found.origin).parent, Path(packages) / name, ignore=no_caches)
    return python


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def strict_mypy(folder: Path, python: Path, *programs: str) -> subprocess.CompletedProcess[str]:
    """What mypy says of programs, which see nothing but the installed packages."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--warn-unreachable", "--config-file=", "--no-incremental"),
            *("--python-executable", str(python), *programs),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(300)  # builds, installs and checks
def test_against_the_installed_wheel_a_program_passes_mypy_at_its_strictest_and_slips_are_found(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copy(SAMPLE, tmp_path / "program.py")
    (tmp_path / "slips.py").write_text(
        "from mincloud import MinCloud\n"
        "with MinCloud() as cloud:\n"
        "    for job in cloud.jobs.list('greet'):\n"
        "        print(job.id.upper())\n"
        "    print(cloud.functions.get('greet').nmae)\n"
        "    cloud.functions.update('greet', body='x')\n"
        "    cloud.jobs.list('greet', status='fulfiled')\n"
        "    cloud.functions.update('greet', plan='P_FREEE')\n"
        "from mincloud import Mincloud\n"
    )
    checked = strict_mypy(tmp_path, installed, "program.py", "slips.py")
    *errors, _summary = checked.stdout.splitlines()
    found = [
        (line.split(":")[0], line.split(":")[1], line.rpartition("  [")[2]) for line in errors if " error: " in line
    ]
    assert found == [
        ("slips.py", "4", "attr-defined]"),
        ("slips.py", "5", "attr-defined]"),
        ("slips.py", "6", "call-arg]"),
        ("slips.py", "7", "arg-type]"),
        ("slips.py", "8", "arg-type]"),
        ("slips.py", "9", "attr-defined]"),
    ], checked.stdout
    packages = Path(run(str(installed), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for name in ("mincloud", "mincloud_api", "mincloud_emulator"):
        assert (packages / name / "py.typed").is_file()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (EventSource, EventSourceValue),
        (JobStatus, JobStatusValue),
        (Plan, PlanValue),
        (ServiceType, ServiceTypeValue),
    ],
)
def test_the_literals_of_an_enum_are_its_values(kind: type[StrEnum], values: Any) -> None:
    assert sorted(get_args(values)) == sorted(kind)


def test_the_examples_of_the_testing_guide_pass_mypy_at_its_strictest(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    programs: list[str] = []
    for number, block in enumerate(blocks):
        named = re.match(r"# (\w+\.py)\n", block)
        programs.append(named[1] if named else f"example_{number}.py")
        (tmp_path / programs[-1]).write_text(block, encoding="utf-8")
    assert {"orders.py", "test_orders.py"} <= set(programs)
    checked = strict_mypy(tmp_path, Path(sys.executable), *programs)
    assert checked.returncode == 0, checked.stdout


def test_the_program_runs(emulator: Emulator, tmp_path: Path) -> None:
    source = tmp_path / "index.js"
    source.write_text("exports.main = async (event) => [event.data]", encoding="utf-8")
    emulator.stub("unused", lambda _: None)
    shown = run(
        *(sys.executable, "-W", "error", str(SAMPLE), emulator.url, emulator.access_token or "", str(source)),
    )
    assert "There is no function named 'greet'" in shown
