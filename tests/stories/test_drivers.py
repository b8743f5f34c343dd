"""Another language's client as the driver of stories, and a run that is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator import Emulator, Limits
from scripts import ScriptError
from scripts.stories.__main__ import main
from scripts.stories.driver import NoResponseError, ProcessDriver
from scripts.stories.story import Step
from tests.stories.samples import CREATE, INVOKE, remaining, write_story

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DRIVER = [sys.executable, "-m", "tests.stories.driver"]
MISSED = Step(operation="getFunction", parameters={"function_name": "nobody"}, access_token="a-token")


@pytest.mark.usefixtures("no_credentials")
def test_the_client_that_is_generated_for_python_passes_its_stories(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["waiting-call", "null-data", "unknown-field", "deleted-function"]
    chosen = [argument for name in names for argument in ("--story", name)]
    assert main([*chosen, "--driver", "python", "--", *DRIVER]) == 0
    assert "4 stories passed, 0 failed, 0 skipped" in capsys.readouterr().out


@pytest.mark.usefixtures("no_credentials")
def test_only_the_stories_for_all_languages_are_put_to_a_driver(capsys: pytest.CaptureFixture[str]) -> None:
    driver = ["--driver", "mistaken", "--", *DRIVER, "throws"]
    assert main(["--story", "function-life", "--story", "unknown-function", *driver]) == 1
    out, err = capsys.readouterr()
    assert ", 1 story, mistaken\n" in out
    assert "step 1 (Call a function): no answer: the client failed: TypeError: no such thing as [secret]\n" in out
    assert err == "stories: 1 of 1 story failed: unknown-function\n"


@pytest.mark.parametrize(
    ("mistake", "complaint"),
    [
        ("throws", "the client failed: TypeError: no\nsuch thing as a-token"),
        ("talks", 'the driver gave a line that is no answer to request 1: "asked for getFunction"'),
        ("repeats", 'the driver gave a line that is no answer to request 1: {"id": 0, "status": 404}'),
        ("loses the status", 'the driver gave a line that is no answer to request 1: {"id": 1}'),
    ],
)
def test_a_driver_that_makes_a_mistake_is_found_out(mistake: str, complaint: str) -> None:
    driver = ProcessDriver([*DRIVER, mistake], ROOT, "http://server.test")
    with pytest.raises(NoResponseError) as failed:
        driver.send(MISSED)
    driver.close()
    assert str(failed.value) == complaint


def test_a_driver_that_ends_before_its_input_is_found_out() -> None:
    driver = ProcessDriver([*DRIVER, "ends"], ROOT, "http://server.test")
    for _ in range(2):
        with pytest.raises(NoResponseError, match=r"^the driver has ended with status 3$"):
            driver.send(MISSED)
    with pytest.raises(
        ScriptError, match=r"^the driver ended with status 3: it should end with 0 when its input ends$"
    ):
        driver.close()


def test_a_driver_that_ends_badly_is_found_out_after_its_last_answer() -> None:
    driver = ProcessDriver([*DRIVER, "ends badly"], ROOT, "http://server.test")
    assert driver.send(MISSED).status == 404
    with pytest.raises(
        ScriptError, match=r"^the driver ended with status 4: it should end with 0 when its input ends$"
    ):
        driver.close()


def test_a_driver_that_hangs_is_given_up() -> None:
    driver = ProcessDriver([*DRIVER, "hangs"], ROOT, "http://server.test", timeout=0.5)
    with pytest.raises(NoResponseError, match=r"^the driver gave no line within 0\.5 seconds$"):
        driver.send(MISSED)
    with pytest.raises(ScriptError, match=r"^the driver ended with status -9"):
        driver.close()


def test_a_driver_is_not_given_the_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_TOKEN", "a-token")
    driver = ProcessDriver([*DRIVER, "knows secrets"], ROOT, "http://server.test")
    assert driver.send(MISSED).status == 404
    driver.close()


@pytest.mark.usefixtures("no_credentials")
def test_a_driver_that_cannot_be_started_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--driver", "php", "--", "no-such-program", "driver.php"]) == 2
    assert (
        capsys.readouterr().err == "stories: the driver no-such-program cannot be started: No such file or directory\n"
    )


@pytest.mark.usefixtures("no_credentials")
def test_how_a_driver_ended_is_said_after_what_came_of_the_stories(capsys: pytest.CaptureFixture[str]) -> None:
    driver = ["--driver", "mistaken", "--", *DRIVER, "ends badly"]
    assert main(["--story", "unknown-function", *driver]) == 1
    out, err = capsys.readouterr()
    assert "1 story passed, 0 failed, 0 skipped" in out
    assert err == "stories: the driver ended with status 4: it should end with 0 when its input ends\n"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """One that does not end the call before the run is ended."""
    with Emulator(limits=Limits(sync_seconds=300.0)) as running:
        yield running


@pytest.mark.timeout(180)
def test_a_run_that_is_ended_deletes_what_its_story_made(credentials: Emulator, tmp_path: Path) -> None:
    body = {"name": "${greet}", "function_code": "exports.main = () => new Promise(() => {})"}
    folder = write_story(tmp_path, {**CREATE, "body": body}, INVOKE)
    run = subprocess.Popen(
        [sys.executable, "-m", "scripts.stories", "--stories", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    deadline = time.monotonic() + 90
    while not credentials.calls and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGTERM)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "sample.yaml: step 2 (Call it): interrupted" in out
    assert err == "stories: interrupted\n"
    assert remaining(credentials) == []
