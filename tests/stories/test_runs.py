"""Stories are run: what is passed, skipped and reported, and what is kept out of the output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from scripts.stories.__main__ import main, measure
from scripts.stories.contract import Exchange
from scripts.stories.runner import Outcome, run_stories
from scripts.stories.server import open_server
from scripts.stories.story import read_stories
from scripts.stories.values import Redaction
from tests.stories.samples import CREATE, DELETE, INVOKE, JOBS, remaining, write_story

if TYPE_CHECKING:
    from pathlib import Path

    from mincloud_emulator import Emulator
    from scripts.stories.contract import Contract


def run_story(contract: Contract, emulator: Emulator, folder: Path) -> Outcome:
    """What comes of the folder's story against the emulator as another server."""
    environment = {"BASE_URL": emulator.url, "ACCESS_TOKEN": emulator.access_token}
    with open_server(contract, environment) as server:
        [outcome] = run_stories(contract, read_stories(folder), server)
    return outcome


def exchange(method: str, path: str, response: httpx.Response, *, query: str = "", token: str | None = "x") -> Exchange:
    """What goes over the wire with a request below the base URL."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Exchange(path, httpx.Request(method, f"https://server.test{path}?{query}", headers=headers), response)


# The stories of this repository


def test_against_another_server_the_stories_that_could_not_be_run_are_named_and_nothing_is_left_or_touched(
    credentials: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials.deploy("somebody-elses", "exports.main = 1")
    monkeypatch.delenv("CLIENT_SECRET")
    names = ["function-refused", "token", "token-refresh", "unknown-field"]
    assert main([argument for name in names for argument in ("--story", name)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "skipped  token: needs CLIENT_SECRET\n" in out
    assert "skipped  unknown-field: needs an emulator: it has a `fault`\n" in out
    assert "skipped  token-refresh: needs an emulator: a refresh makes every token of the application invalid" in out
    assert "1 story passed, 0 failed, 3 skipped" in out
    assert "\nnot run: token, token-refresh, unknown-field\n" in out
    assert remaining(credentials) == ["somebody-elses"]


@pytest.mark.usefixtures("no_credentials")
def test_without_an_address_an_emulator_is_started_that_runs_the_functions_in_node(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--story", "waiting-call", "--story", "unknown-field"]) == 0
    out = capsys.readouterr().out
    assert "an emulator of this run\npassed   unknown-field: " in out
    assert "passed   waiting-call: A call that waits answers with what the function returned (4 requests, " in out
    assert "2 stories passed, 0 failed, 0 skipped" in out


def test_secrets_are_not_in_the_output(
    credentials: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    application = {"client_id": "${client_id}", "client_secret": "${client_secret}"}
    ask = {"step": "Ask", "operation": "authorize", "body": application, "capture": {"code": "/code"}}
    grant = {**application, "grant_type": "authorization_code", "code": "${code}"}
    exchange = {"step": "Exchange", "operation": "createAccessToken", "body": grant}
    expect = {
        "status": 200,
        "body": {"access_token": {"$pattern": "^${client_secret}${code}$"}, "scope": "${client_id}"},
    }
    steps = [{**ask, "expect": {"status": 200}}, {**exchange, "expect": expect}]
    assert main(["--stories", str(write_story(tmp_path, *steps, variables=None, cleanup=None))]) == 1
    out, err = capsys.readouterr()
    place = 'step 2 (Exchange): body at /access_token: expected a string with "^[secret][secret]$", got "[secret]"'
    assert place in out
    for secret in (credentials.access_token, credentials.client_secret, credentials.client_id):
        assert secret not in out + err


def test_a_secret_is_known_in_every_form_in_which_it_could_be_printed() -> None:
    redaction = Redaction(["user_log_url"])
    redaction.add('a"b/密 c')
    redaction.add_from([{"user_log_url": "https://logs.test/1?X=2", "name": "greet"}, {"user_log_url": None}])
    text = 'a"b/密 c a\\"b/密 c a\\"b/\\u5bc6 c a%22b%2F%E5%AF%86%20c https://logs.test/1?X=2 greet'
    assert redaction.clean(text) == "[secret] [secret] [secret] [secret] [secret] greet"
    assert redaction.show("x" * 1000) == f'"{"x" * 159} …'


# Answers that are not as they should be


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (
            200,
            {"code": 1, "error": {"message": 1}},
            "the answer 200 breaks the contract: body at /error/message: 1 is not of type 'string'",
        ),
        (200, [], "the answer 200 breaks the contract: body: [] is not of type 'object'"),
        (
            200,
            "<html>",
            "the answer 200 breaks the contract: body: Content for the following mimetype not found: text/html",
        ),
        (200, b"{", "the answer 200 breaks the contract: body: Content for the following mimetype not found"),
        (200, {"status": "ok"}, "body at /code: expected 0, got nothing"),
        (200, {"code": 0, "data": "ho"}, 'body at /data: expected "hi", got "ho"'),
        (402, {"error_msg": "欠费"}, 'status: expected 200, got 402 with {"error_msg": "欠费"}'),
        (None, None, "no answer: "),  # how it is said depends on what comes first, the end or the reset
    ],
)
def test_an_answer_that_is_not_as_it_should_be_is_reported_with_its_place_and_the_function_is_deleted(
    emulator: Emulator, tmp_path: Path, parsed_contract: Contract, status: int | None, body: Any, complaint: str
) -> None:
    if status is None:
        emulator.drop_next(path="*/job/")
    else:
        emulator.fail_next(status, body=body, path="*/job/")
    [line] = run_story(parsed_contract, emulator, write_story(tmp_path)).failures
    assert line.startswith(f"sample.yaml: step 2 (Call it): {complaint}")
    assert remaining(emulator) == []


def test_a_clean_up_that_fails_is_reported_beside_the_step(
    credentials: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials.fail_next(500, body="", path="*/job/")
    credentials.fail_next(503, body="", method="DELETE")
    assert main(["--stories", str(write_story(tmp_path)), "--story", "sample"]) == 1
    out, err = capsys.readouterr()
    assert (
        """
FAILED   sample: It greets
         sample.yaml: step 2 (Call it): status: expected 200, got 500
         sample.yaml: clean-up 1 (Delete it): status: expected 204 or 404, got 503
"""
        in out
    )
    assert err == "stories: 1 of 1 story failed: sample\n"


@pytest.mark.parametrize(
    ("method", "path", "status", "headers", "body", "problem"),
    [
        ("DELETE", "/oserve/v1.3/cloud-function/a%2Fb/", 204, {}, b"", None),
        ("DELETE", "/oserve/v1.3/cloud-function/a%2Fb/", 204, {"content-length": "2"}, b"", "body: a 204 has none"),
        ("GET", "/oserve/v1.3/cloud-function/a/", 404, {"content-type": "application/json"}, '"不存在"'.encode(), None),
        (
            "GET",
            "/oserve/v1.3/cloud-function/a/",
            200,
            {"content-type": "application/json"},
            b"{}",
            "body: 'name' is a",
        ),
        ("GET", "/oserve/v1.3/cloud-function/a/", 418, {}, b"", None),
        ("GET", "/oserve/v1.3/cloud-function/a/", 502, {"content-type": "text/html"}, b"<html></html>", None),
        ("GET", "/oserve/v1.3/cloud-function/a/", 401, {"content-type": "text/plain"}, b"no", None),
        ("GET", "/oserve/v1.3/cloud-function/a/", 200, {"content-type": "text/plain"}, b"no", "body: Content for the"),
    ],
)
def test_an_answer_is_held_to_the_contract(
    parsed_contract: Contract,
    method: str,
    path: str,
    status: int,
    headers: dict[str, str],
    body: bytes,
    problem: str | None,
) -> None:
    found = parsed_contract.response_problem(
        exchange(method, path, httpx.Response(status, headers=headers, content=body))
    )
    assert (found or "").startswith(problem or "")
    assert (found is None) == (problem is None)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"query": "limit=0"}, "query parameter limit: 0 is less than the minimum of 1"),
        ({"query": "limit=ten"}, "query parameter limit: Failed to cast value to integer type: ten"),
        ({"query": "page=2"}, "the query parameter 'page' does not exist"),
        ({"token": None}, "security: Security not found."),
        ({"path": "/oserve/v1.3/cloud-functions/"}, "request: Path not found"),
    ],
)
def test_a_request_is_held_to_the_contract(
    parsed_contract: Contract, changes: dict[str, Any], problem: str | None
) -> None:
    given: dict[str, Any] = {"path": "/oserve/v1.3/cloud-function/", "query": "limit=5"} | changes
    sent = exchange("GET", response=httpx.Response(200), **given)
    found = parsed_contract.request_problem(sent, parsed_contract.operations["listFunctions"])
    assert (found or "").startswith(problem or "")
    assert (found is None) == (problem is None)


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (
            {**INVOKE, "body": {"data": 1}},
            "the request breaks the contract: request body at /data: 1 is not of type 'object'",
        ),
        ({**INVOKE, "breaks_contract": True}, "the contract allows the request: take `breaks_contract` away"),
        (
            {**JOBS, "capture": {"job": "/objects/0/id"}},
            "body at /objects/0/id: expected a value to keep as job, got nothing",
        ),
    ],
)
def test_a_step_that_is_not_as_it_says_fails(
    emulator: Emulator, tmp_path: Path, parsed_contract: Contract, step: dict[str, Any], complaint: str
) -> None:
    outcome = run_story(parsed_contract, emulator, write_story(tmp_path, CREATE, step))
    assert outcome.failures == [f"sample.yaml: step 2 ({step['step']}): {complaint}"]


def test_a_function_that_is_not_of_the_run_is_not_touched(
    emulator: Emulator, tmp_path: Path, parsed_contract: Contract
) -> None:
    emulator.deploy("somebody-elses", "exports.main = 1")
    folder = write_story(tmp_path, {**DELETE, "parameters": {"function_name": "somebody-elses"}})
    [line] = run_story(parsed_contract, emulator, folder).failures
    assert "the function 'somebody-elses' is not of this run: name it by a unique variable" in line
    assert remaining(emulator) == ["somebody-elses"]


# Asking again


def test_a_request_is_repeated_until_the_answer_is_as_expected(
    emulator: Emulator, tmp_path: Path, parsed_contract: Contract
) -> None:
    emulator.fail_next(503, times=2, path="*/job/")
    folder = write_story(tmp_path, CREATE, {**JOBS, "retry": {"times": 3, "seconds": 0.01}})
    outcome = run_story(parsed_contract, emulator, folder)
    assert (outcome.failures, outcome.requests) == ([], 5)


def test_a_request_is_repeated_no_more_often_than_the_story_says(
    emulator: Emulator, tmp_path: Path, parsed_contract: Contract
) -> None:
    expect = {"status": 200, "body": {"objects": {"$contains": {"status": "fulfilled"}}}}
    folder = write_story(tmp_path, CREATE, {**JOBS, "retry": {"times": 3, "seconds": 0.01}, "expect": expect})
    complaint = 'body at /objects: expected a list that contains {"status": "fulfilled"}, got [], after 3 requests'
    assert run_story(parsed_contract, emulator, folder).failures == [
        f"sample.yaml: step 2 (List its jobs): {complaint}"
    ]


# Coverage


@pytest.mark.usefixtures("no_credentials")
def documented(contract: Contract) -> tuple[int, int]:
    """How many operations the contract has, and how many statuses all of them."""
    return len(contract.operations), sum(len(operation.statuses) for operation in contract.operations.values())


def test_what_no_story_met_is_said_in_one_line(
    parsed_contract: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = {"status": 200, "body": {"name": "greet"}}
    made_up = {"step": "Get it", "operation": "getFunction", "parameters": INVOKE["parameters"], "fault": fault}
    nobody = {
        "step": "Miss it",
        "operation": "getFunction",
        "parameters": INVOKE["parameters"],
        "expect": {"status": 404},
    }
    folder = write_story(tmp_path, {**made_up, "expect": {"status": 200}}, nobody)
    assert main(["--stories", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^getFunction[ 0-]* 0[ -]* 1$", out, re.MULTILINE)
    operations, statuses = documented(parsed_contract)
    assert f"coverage: 1 of {operations} operations, 1 of {statuses} documented statuses\n" in out
    assert err.startswith("stories: no story met authorize 200, authorize 302, ")
    assert "getFunction 200, getFunction 401, updateFunction 202" in err
    assert err.count("\n") == 1


def test_what_only_stories_met_that_could_not_be_run_here_is_excused_and_counted(parsed_contract: Contract) -> None:
    stories = {story.name: story for story in read_stories()}
    refused = Outcome(stories["token-refused"], seen={("authorize", 400), ("createAccessToken", 400)})
    table, missing = measure(parsed_contract, [refused, Outcome(stories["token"], skipped="needs CLIENT_SECRET")])
    excused = {"authorize 200", "authorize 302", "createAccessToken 200", "listFunctions 200", "createAccessToken 401"}
    operations, statuses = documented(parsed_contract)
    assert len(missing) == statuses - 5 - 2
    assert not excused & set(missing)
    assert table[1].split() == ["authorize", "n/a", "-", "-", "-", "n/a", "1", "0", "-"]
    assert "\n".join(table).count("n/a") == len(excused)
    last = f"coverage: 2 of {operations} operations, 2 of {statuses} documented statuses, 5 could not be met here"
    assert table[-1] == last


# Stories that are not run


def test_a_story_for_other_versions_of_the_contract_is_skipped_with_its_reason(
    credentials: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = {**INVOKE, "operation": "operationOfTomorrow"}
    folder = write_story(tmp_path, later, contract={"from": "0.0.0", "before": "0.0.1"})
    assert main(["--stories", str(folder), "--story", "sample"]) == 1
    out, err = capsys.readouterr()
    assert "skipped  sample: holds for other versions of the contract than " in out
    assert err == "stories: no story was run\n"
    assert not credentials.calls
