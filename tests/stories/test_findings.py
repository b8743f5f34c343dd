"""What is documented fails, and what is only read or observed is reported: on a server that keeps to the documentation and no more."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from mincloud_emulator import Emulator
from scripts.stories import runner
from scripts.stories.__main__ import main
from scripts.stories.contract import Contract
from scripts.stories.derived import derived_stories
from scripts.stories.rules import read_checked_stories
from tests.stories.documented_server import CLIENT_ID, CLIENT_SECRET, TOKEN, documented_server
from tests.stories.samples import CREATE, INVOKE, write_story

# The server starts Node for every call, and the machine may be busy.
pytestmark = pytest.mark.timeout(600)


def against(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in {
        "BASE_URL": url,
        "ACCESS_TOKEN": TOKEN,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
    }.items():
        monkeypatch.setenv(name, value)


def test_a_server_that_keeps_to_the_documentation_passes_and_its_differences_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with documented_server() as service:
        against(monkeypatch, service.url)

        def wait_for_calls(_: float) -> None:
            # Once they have ended, a request that is made again is answered as before, however much later that is.
            service.await_calls()

        monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=time.monotonic, sleep=wait_for_calls))
        status = main([])
    out, err = capsys.readouterr()

    assert (status, err) == (0, ""), out
    assert "FAILED" not in out
    for reading in (
        "refuted    inferred: parameters.Limit (default, minimum, maximum): Documented for the service's other list operations.\n",
        "           pages: step 7 (Ask for a page of none): status: expected 400, got 200 ",
        "refuted    inferred: parameters.FunctionName (characters): ",
        "refuted    inferred: createAccessToken (responses.400, responses.401): ",
        "           token-refused: step 4 (Ask for a token without a grant): status: expected 400, got 401 with ",
        "refuted    observed: updateFunction (responses.404): ",
        "differs  pages: ",
        "passed   waiting-call: ",
    ):
        assert reading in out, reading
    assert "confirmed  documented" not in out
    [count] = re.findall(
        r"^(\d+) inferred, (\d+) observed, (\d+) contradictory expectations were not shared by this server$",
        out,
        re.MULTILINE,
    )
    assert sum(map(int, count)) == len(set(re.findall(r"^ {11}(.+)$", out, re.MULTILINE)))
    assert not re.search("|".join((TOKEN, CLIENT_SECRET)), out)


def test_a_server_that_breaks_the_documentation_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with documented_server(deletes_with=200) as service:
        against(monkeypatch, service.url)
        status = main(["--story", "deleted-function"])
    out, err = capsys.readouterr()

    assert status == 1
    assert "step 2 (Delete it): status: expected 204, got 200" in out
    assert "1 of 1 story failed: deleted-function" in err


def test_what_rests_on_a_step_that_went_otherwise_is_not_held_against_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with documented_server() as service:
        against(monkeypatch, service.url)
        status = main(["--story", "function-name"])
    out, _ = capsys.readouterr()

    assert status == 0
    assert "differs  function-name: " in out
    assert "1 inferred expectation was not shared by this server" in out


def test_an_expectation_that_the_emulator_does_not_share_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = "parameters.Limit default, minimum, maximum"
    refused = {
        "step": "List",
        "operation": "listFunctions",
        "expect": {"status": 200, "body": {"meta": {"limit": 21}}},
        "rests_on": [limit],
    }
    also = {**INVOKE, "also": [{"rests_on": [limit], "body": {"data": "ho"}}]}
    for step, says in (
        (refused, "body at /meta/limit: expected 21, got 20"),
        (also, 'body at /data: expected "ho", got "hi"'),
    ):
        folder = write_story(tmp_path, CREATE, step)
        assert main(["--stories", str(folder)]) == 1
        assert says in capsys.readouterr().out


def test_an_answer_without_a_field_that_is_only_read_as_required_is_reported(
    credentials: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    get = {"step": "Get it", "operation": "getFunction", "parameters": INVOKE["parameters"], "expect": {"status": 200}}
    credentials.fail_next(200, body={"id": 847}, path="*/cloud-function/stories-*", method="GET")

    assert main(["--stories", str(write_story(tmp_path, CREATE, get)), "--story", "sample"]) == 0
    out = capsys.readouterr().out
    assert "refuted    inferred: answers (required): Which fields of an answer are always there is a reading.\n" in out
    assert "sample: step 2 (Get it): the answer 200 breaks the contract: body: 'name' is a required property" in out


def test_requests_keep_to_the_number_a_minute(credentials: Emulator, tmp_path: Path) -> None:
    began = time.monotonic()
    assert main(["--stories", str(write_story(tmp_path)), "--story", "sample", "--requests-per-minute", "600"]) == 0

    assert len(credentials.calls) == 1
    assert time.monotonic() - began >= 2 * 60 / 600  # three requests


def test_no_request_a_minute_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--requests-per-minute", "0"])
    assert capsys.readouterr().err.startswith("stories: --requests-per-minute is 1 or more")


def test_a_story_that_rests_on_nothing_in_the_contract_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_story(tmp_path, CREATE, {**INVOKE, "rests_on": ["parameters.Limit of tomorrow"]})

    assert main(["--stories", str(folder)]) == 2
    assert "step 2: the contract says nothing of 'parameters.Limit of tomorrow'" in capsys.readouterr().err


def test_the_negative_stories_have_a_step_for_every_operation_that_needs_a_token(parsed_contract: Contract) -> None:
    stories = {story.name: story for story in derived_stories(parsed_contract)}
    secured = {one.name for one in parsed_contract.operations.values() if one.secured}

    for name in ("no-token", "wrong-token"):
        assert {step.operation for step in stories[name].steps} == secured
    assert {step.operation for step in stories["unknown-function"].steps} == {
        one.name for one in parsed_contract.operations.values() if one.secured and 404 in one.statuses
    }
    assert set(stories) <= {story.name for story in read_checked_stories(parsed_contract)}
