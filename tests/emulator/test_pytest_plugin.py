"""The pytest fixtures, as another project uses them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Each starts pytest as often as twice.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_TESTS = """
import httpx

def greet(emulator, **data):
    url = emulator.url + "/oserve/v1.3/cloud-function/greet/job/"
    headers = {"Authorization": "Bearer " + emulator.access_token}
    return httpx.post(url, json={"data": data}, headers=headers, timeout=50)

def test_a_stub_answers(mincloud_emulator):
    mincloud_emulator.stub("greet", lambda event: "hi " + event["data"]["username"])
    assert greet(mincloud_emulator, username="Ada").json()["data"] == "hi Ada"
    assert [call.data for call in mincloud_emulator.calls_of("greet")] == [{"username": "Ada"}]

def test_the_next_test_starts_afresh(mincloud_emulator):
    assert mincloud_emulator.calls == []
    assert greet(mincloud_emulator).status_code == 404
    mincloud_emulator.fail_next(status=503)

def test_a_client_is_connected(mincloud_client, mincloud_emulator):
    mincloud_emulator.stub("greet", lambda event: "hi " + event["data"]["username"])
    assert mincloud_client.functions.invoke("greet", {"username": "Ada"}) == "hi Ada"

def test_and_so_does_the_one_after_it(mincloud_emulator):
    assert greet(mincloud_emulator).status_code == 404
"""


def _pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The plugins of this project's own development take longer to load than the tests to run.
    others = [f"-pno:{name}" for name in ("cacheprovider", "asyncio", "hypothesispytest", "schemathesis")]
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", *others, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=140,
    )


def test_a_project_that_has_the_package_has_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_greet.py").write_text(_TESTS)
    finished = _pytest(tmp_path)
    assert finished.returncode == 0, finished.stdout
    assert "4 passed" in finished.stdout
    fixtures = _pytest(tmp_path, "--fixtures").stdout
    assert "mincloud_emulator -- " in fixtures
    assert "mincloud_client -- " in fixtures


def test_without_its_extra_the_fixture_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['uvicorn'] = None\n")
    (tmp_path / "test_greet.py").write_text("def test_greet(mincloud_client): pass\n")
    finished = _pytest(tmp_path)
    assert "the emulator needs uvicorn" in finished.stdout
    assert "pip install 'mincloud[emulator]'" in finished.stdout
    assert "Traceback" not in finished.stdout


def test_a_project_that_does_not_use_it_loads_no_server(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_other():\n"
        "    assert 'mincloud_emulator.pytest_plugin' in sys.modules\n"
        "    for name in ('starlette', 'uvicorn', 'sqlite3', 'mincloud_emulator.emulator'):\n"
        "        assert name not in sys.modules\n"
    )
    finished = _pytest(tmp_path)
    assert finished.returncode == 0, finished.stdout
