"""Stories, contracts and servers that cannot be used are refused in one line that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scripts import ScriptError
from scripts.contract.document import read_valid
from scripts.stories.__main__ import main
from scripts.stories.rules import read_checked_stories
from scripts.stories.server import open_server
from tests.stories.samples import DELETE, INVOKE, JOBS, write_story

if TYPE_CHECKING:
    from pathlib import Path

    from mincloud_emulator import Emulator
    from scripts.stories.contract import Contract

# Stories


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "the file: Additional properties are not allowed ('colour' was unexpected)"),
    ({"steps": []}, "steps: [] should be non-empty"),
    ({"contract": {"from": "1"}}, "contract > from: '1' does not match '^\\\\d+\\\\.\\\\d+\\\\.\\\\d+$'"),
    (
        {"steps": [{**INVOKE, "expects": 1}]},
        "steps > 0: Additional properties are not allowed ('expects' was unexpected)",
    ),
    (
        {"steps": [{**INVOKE, "expect": {"status": 200, "body": {"$typ": "string"}}}]},
        "steps > 0 > expect > body: Additional properties are not allowed ('$typ' was unexpected)",
    ),
    ({"steps": [{**INVOKE, "access_token": "abc"}]}, "steps > 0 > access_token: 'abc' is not of type 'null'"),
    (
        {"steps": [{**INVOKE, "operation": "invoke"}]},
        "step 1: the contract has no operation invoke; name one of its operationIds",
    ),
    (
        {"steps": [{**INVOKE, "expect": {"status": 402}}]},
        "step 1: invokeFunction has no status 402; it has 200, 400, 401, 404",
    ),
    (
        {"steps": [{**JOBS, "parameters": {"function_name": "${greet}", "page": 1}}]},
        (
            "step 1: listJobs has no parameter page; it has function_name, X-Hydrogen-Env-ID, source, status, "
            "service_type, created_at__gte, created_at__lte, limit, offset"
        ),
    ),
    ({"steps": [{**JOBS, "parameters": {}}]}, "step 1: listJobs needs the parameter function_name; give it"),
    ({"steps": [{**JOBS, "body": {}}]}, "step 1: listJobs takes no body; take `body` away"),
    (
        {"steps": [{**INVOKE, "body": {"data": {}, "synch": False}}]},
        "step 1: invokeFunction has no field synch in its body; it has data, sync",
    ),
    (
        {"steps": [{key: value for key, value in INVOKE.items() if key != "body"}]},
        "step 1: invokeFunction needs a body; give `body`",
    ),
    (
        {"steps": [{**INVOKE, "retry": {"times": 2, "seconds": 1}}]},
        "step 1: invokeFunction changes something and must not be repeated; take `retry` away",
    ),
    (
        {"steps": [{**INVOKE, "breaks_contract": True}], "languages": True},
        "step 1: a language's client cannot break the contract; take `languages` or this step away",
    ),
    (
        {"steps": [{**INVOKE, "body": {"data": {"name": "${nmae}"}}}]},
        "step 1: ${nmae} has no value here; give it under `variables`, or capture it in an earlier step",
    ),
    (
        {"steps": [{**INVOKE, "parameters": {"function_name": "greet"}}]},
        "step 1: the function 'greet' is not named by a unique variable of the story",
    ),
    (
        {"variables": {"greet": {"unique": "greet"}, "spare": {"value": 1}}},
        "the variable spare is never used; take it away",
    ),
    (
        {
            "variables": {"greet": {"unique": "greet"}, "client_id": {"value": "${greet}"}},
            "steps": [{**INVOKE, "body": {"data": {"id": "${client_id}"}}}],
        },
        "the variable client_id has a value already; choose another name",
    ),
    (
        {"cleanup": None},
        "nothing deletes the function '${greet}' in the end; add a deleteFunction to `cleanup`",
    ),
    (
        {"cleanup": [{**DELETE, "fault": {"status": 204, "body": 1}}]},
        "clean-up 1: take `fault`, `retry` and `breaks_contract` out of the clean-up",
    ),
]


@pytest.mark.parametrize(("change", "line"), REFUSED)
def test_a_story_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, parsed_contract: Contract, change: dict[str, Any], line: str
) -> None:
    with pytest.raises(ScriptError) as refused:
        read_checked_stories(parsed_contract, write_story(tmp_path, **change))
    assert str(refused.value) == f"sample.yaml: {line}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("story: {", "bad.yaml: mend the YAML: while parsing a flow node"),
        (
            "story: a\nsteps: []\nstory: b\n",
            "bad.yaml: mend the YAML: the key story is there a second time in line 3; take one away",
        ),
        ("story: yes\n", "bad.yaml: mend the YAML: put quotes around yes in line 1, or write it as in JSON"),
        (
            "story: 2018-09-21\n",
            "bad.yaml: mend the YAML: put quotes around 2018-09-21 in line 1, or write it as in JSON",
        ),
        ("steps:\n- on: 1\n", "bad.yaml: mend the YAML: put quotes around on in line 2, or write it as in JSON"),
        ("story:\n", "bad.yaml: mend the YAML: put quotes around the missing value in line 1, or write it as in JSON"),
        ("- 1\n", "bad.yaml: the file: [1] is not of type 'object'"),
        (b"\xff", "bad.yaml: cannot be read: 'utf-8' codec can't decode byte 0xff"),
        (None, "there is no story in "),
    ],
)
def test_a_file_that_is_no_story_is_refused_in_one_line(
    tmp_path: Path, parsed_contract: Contract, text: str | bytes | None, line: str
) -> None:
    if text is not None:
        (tmp_path / "bad.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ScriptError) as refused:
        read_checked_stories(parsed_contract, tmp_path)
    [complaint] = str(refused.value).splitlines()
    assert complaint.startswith(line)
    assert "\n" not in complaint


def test_each_thing_that_is_wrong_with_stories_is_a_line_and_none_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_story(tmp_path, {**INVOKE, "expect": {"status": 402}}, {**JOBS, "operation": "listJob"})
    assert main(["--stories", str(folder)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "stories: sample.yaml: step 1: invokeFunction has no status 402; it has 200, 400, 401, 404",
        "stories: sample.yaml: step 2: the contract has no operation listJob; name one of its operationIds",
    ]


@pytest.mark.usefixtures("no_credentials")
def test_a_story_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--story", "waiting-cal", "--story", "wrong-token"]) == 2
    complaint = "stories: there is no story waiting-cal; the name is the file's, without .yaml\n"
    assert capsys.readouterr().err == complaint


# Contracts


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n",
            'broken.yaml: the document: mend it: "paths" is a required',
        ),
        ("openapi: [", "broken.yaml: the document: mend the YAML"),
        (None, "cannot read broken.yaml"),
    ],
)
def test_a_contract_that_is_invalid_is_refused_in_one_line(tmp_path: Path, text: str | None, line: str) -> None:
    path = tmp_path / "broken.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ScriptError) as refused:
        read_valid(path)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


# Servers


def refusal(contract: Contract, url: str, **environment: str) -> str:
    """What is said of a server that cannot be used."""
    with pytest.raises(ScriptError) as refused, open_server(contract, {"BASE_URL": url, **environment}):
        pass
    return str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8900",
        "ftp://cloud.test",
        "http://",
        "http://cloud.test:port",
        "http://cloud.test:0",
        "http://a b",
        "/",
    ],
)
def test_an_address_that_is_none_is_refused(parsed_contract: Contract, url: str) -> None:
    line = "BASE_URL must look like https://cloud.minapp.com or http://127.0.0.1:8900"
    assert refusal(parsed_contract, url, ACCESS_TOKEN="a-token").startswith(line)


@pytest.mark.parametrize("url", ["http://me:secret@cloud.test", "http://cloud.test/?a=1", "http://cloud.test/#a"])
def test_an_address_with_more_to_it_is_refused_and_not_shown(parsed_contract: Contract, url: str) -> None:
    said = refusal(parsed_contract, url, ACCESS_TOKEN="a-token")
    assert said.startswith("BASE_URL must look like https://cloud.minapp.com or http://127.0.0.1:8900, without a ")
    assert url not in said


def test_a_server_that_does_not_answer_is_named(parsed_contract: Contract, refused: str) -> None:
    line = f"{refused} does not answer ([Errno 111] Connection refused): check BASE_URL"
    assert refusal(parsed_contract, refused, ACCESS_TOKEN="a-token") == line


def test_a_server_that_is_another_service_is_told_from_one_that_fails_a_story(
    parsed_contract: Contract, emulator: Emulator
) -> None:
    emulator.fail_next(200, body="<html>Welcome</html>")
    line = f"{emulator.url} answers listFunctions with 200 and no list of functions: check BASE_URL"
    assert refusal(parsed_contract, emulator.url, ACCESS_TOKEN=emulator.access_token) == line


def test_another_server_needs_credentials(parsed_contract: Contract, emulator: Emulator) -> None:
    line = "there are no credentials: give ACCESS_TOKEN, and CLIENT_ID and CLIENT_SECRET for the tokens"
    assert refusal(parsed_contract, emulator.url) == line


@pytest.mark.parametrize("token", ["two words", "a-token\n", "令牌"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(
    parsed_contract: Contract, emulator: Emulator, token: str
) -> None:
    said = refusal(parsed_contract, emulator.url, ACCESS_TOKEN=token)
    assert said.startswith("ACCESS_TOKEN must be printable ASCII without blanks or line breaks")
    assert token not in said


def test_without_node_nothing_can_run_the_functions(parsed_contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    line = "Node is missing, which runs the functions of the stories: install Node 20 or later"
    assert refusal(parsed_contract, "") == line


def test_a_token_that_the_server_does_not_take_is_not_tried_on_every_story(
    credentials: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACCESS_TOKEN", "a-wrong-token")
    assert main([]) == 2
    assert capsys.readouterr().err == f"stories: {credentials.url} does not take the token: check ACCESS_TOKEN\n"


# The command line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--colour"], "unrecognized arguments: --colour"),
        (
            ["--driver", "php"],
            "give a driver's name and its command together, as --driver NAME -- COMMAND [ARGUMENT ...]",
        ),
        (["--", "php"], "give a driver's name and its command together, as --driver NAME -- COMMAND [ARGUMENT ...]"),
    ],
)
def test_options_that_do_not_exist_or_miss_something_are_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"stories: {line}; --help lists the options\n"
