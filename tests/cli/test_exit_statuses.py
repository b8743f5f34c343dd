"""Exit statuses and messages: the same for every command, in one line that says what to do."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from mincloud import ConnectionFailed
from mincloud.cli.exit_statuses import describe_error

from .conftest import GREET, SCRIPT

if TYPE_CHECKING:
    from .conftest import Program

# Each command that talks to the service, in words that would do.
TALKING = {
    "list": ["list"],
    "whoami": ["whoami"],
    "deploy": ["deploy", "greet", "greet.js"],
    "pull": ["pull", "greet"],
    "invoke": ["invoke", "greet"],
    "trigger": ["trigger", "greet"],
    "debug": ["debug", "greet"],
    "jobs": ["jobs", "greet"],
    "logs": ["logs", "greet"],
    "delete": ["delete", "greet", "--yes"],
    "batch": ["batch", "greet", "inputs.jsonl", "-o", "results.jsonl"],
}
NAMING = [name for name in TALKING if name not in ("list", "whoami", "deploy")]


@pytest.fixture
def prepared(program: Program) -> Program:
    program.write("greet.js", GREET)
    program.write("inputs.jsonl", '{"username": "Lin"}\n')
    return program


@pytest.mark.parametrize("command", TALKING)
def test_whoever_is_not_logged_in_is_told_how(prepared: Program, command: str) -> None:
    prepared.logged_out()
    ended = prepared(*TALKING[command])
    assert ended.status == 3
    assert ended.line.startswith("mincloud-py: not logged in: `mincloud-py login`, or set MINCLOUD_ACCESS_TOKEN")
    assert ended.out == ""


@pytest.mark.parametrize("command", [name for name in TALKING if name not in ("whoami", "batch")])
def test_a_token_that_is_not_accepted_ends_with_3(prepared: Program, command: str) -> None:
    prepared.set(MINCLOUD_ACCESS_TOKEN="expired")
    ended = prepared(*TALKING[command])
    assert ended.status == 3
    assert "the service does not accept the access token: `mincloud-py login` obtains another" in ended.line


@pytest.mark.parametrize("command", ["list", "invoke"])
def test_a_client_secret_that_is_not_accepted_is_told_from_a_token(prepared: Program, command: str) -> None:
    prepared.logged_out()
    prepared.set(MINCLOUD_CLIENT_ID="me", MINCLOUD_CLIENT_SECRET="not-the-secret")
    ended = prepared(*TALKING[command])
    assert ended.status == 3
    assert (
        "the service does not accept the client_id and client_secret: correct MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET"
        in ended.line
    )


@pytest.mark.parametrize("command", [name for name in NAMING if name != "batch"])
def test_a_function_that_is_not_there_ends_with_4(prepared: Program, command: str) -> None:
    ended = prepared(*TALKING[command])
    assert ended.status == 4
    assert ended.line == "mincloud-py: there is no function 'greet': `mincloud-py list` shows those there are\n"


@pytest.mark.parametrize("command", [name for name in TALKING if name != "batch"])
def test_a_network_that_is_down_ends_with_5(prepared: Program, refused: str, command: str) -> None:
    ended = prepared(*TALKING[command], "--base-url", refused)
    assert ended.status == 5
    assert ended.line.endswith(": start the emulator with `mincloud-py emulator`, or check the base URL\n")


def test_a_service_elsewhere_that_cannot_be_reached_is_not_taken_for_the_emulator() -> None:
    error = ConnectionFailed(
        "no connection could be made", may_have_run=False, method="GET", url="https://cloud.minapp.com/"
    )
    assert describe_error(error) == (
        5,
        "no connection could be made: check the network and the base URL, then try again",
    )


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (400, 5, "the service refused: 400"),
        (402, 3, "the application is in arrears: pay first"),
        (403, 3, "not allowed: 403"),
        (500, 5, "the service failed: 500"),
    ],
)
@pytest.mark.parametrize("command", ["invoke", "pull", "jobs", "debug", "trigger", "list"])
def test_an_answer_means_the_same_for_each_command(
    prepared: Program, command: str, answer: int, status: int, said: str
) -> None:
    prepared.emulator.fail_next(answer, times=5)
    ended = prepared(*TALKING[command])
    assert ended.status == status
    assert said in ended.line


def test_too_many_requests_say_when_to_try_again(prepared: Program) -> None:
    prepared.emulator.fail_next(429, headers={"Retry-After": "90"})
    ended = prepared("list")
    assert ended.status == 5
    assert "too many requests: try again in 90 s" in ended.line


def test_an_answer_that_is_none_ends_with_5(prepared: Program) -> None:
    prepared.emulator.fail_next(200, body="<html>welcome</html>")
    ended = prepared("list")
    assert ended.status == 5
    assert "the response is not what the contract says" in ended.line
    assert "check the base URL" in ended.line


@pytest.mark.parametrize("command", ["invoke", "trigger", "debug"])
def test_a_lost_answer_says_that_the_function_may_have_run(prepared: Program, greet: str, command: str) -> None:
    prepared.emulator.drop_next(after=True)
    ended = prepared(command, greet, '{"username": "Lin"}')
    assert ended.status == 5
    assert (
        "the function may have run, so it is not called again; `mincloud-py jobs greet` shows its calls" in ended.line
    )
    assert len(prepared.emulator.calls_of(greet)) == 1


def test_the_message_of_a_function_stays_on_one_line_and_commands_no_terminal(prepared: Program) -> None:
    def rude(_: object) -> None:
        raise ValueError("first\nsecond\x1b[2J")

    prepared.emulator.stub("rude", rude)
    ended = prepared("invoke", "rude")
    assert ended.status == 1
    assert "first second\\x1b[2J" in ended.line


@pytest.mark.parametrize("words", [["--debug", "pull", "greet"], ["pull", "greet", "--debug"]])
def test_debug_adds_the_traceback_and_the_requests_but_no_token(prepared: Program, words: list[str]) -> None:
    ended = prepared.script(*words)
    assert ended.status == 4
    assert "Traceback (most recent call last)" in ended.err
    assert "mincloud.errors.NotFound" in ended.err
    assert "GET" in ended.err
    assert ended.err.endswith("mincloud-py: there is no function 'greet': `mincloud-py list` shows those there are\n")
    assert prepared.emulator.access_token not in ended.err


def test_a_file_that_is_not_there_ends_with_2(prepared: Program) -> None:
    ended = prepared("invoke", "greet", "@nope.json")
    assert (ended.status, ended.line) == (2, "mincloud-py: nope.json: No such file or directory\n")


def test_whoever_reads_no_further_gets_no_complaint(prepared: Program) -> None:
    for number in range(30):
        prepared.emulator.deploy(f"f{number}", "// " + "x" * 5000)
    with prepared.start("list", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_whoever_stops_reading_is_told_that_not_all_was_done(prepared: Program) -> None:
    for number in range(30):
        prepared.write(f"src/f{number}.js", "exports.main = () => 1\n" + "// x\n" * 3000)
    with prepared.start("deploy", "src", "--diff") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert said == b"mincloud-py: standard output was closed before all was done, so the rest was left\n"
        assert process.wait(20) == 2


def _shell(program: Program, line: str) -> subprocess.CompletedProcess[str]:
    path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, check=False, timeout=30, env={**os.environ, "PATH": path}
    )


def test_a_closed_output_is_one_line_before_anything_runs(prepared: Program, greet: str) -> None:
    ended = _shell(prepared, f"""mincloud-py invoke {greet} '{{"username": "Lin"}}' >&-""")
    assert (ended.returncode, ended.stderr) == (
        2,
        "mincloud-py: standard output is closed, so nothing was done: send it to /dev/null instead\n",
    )
    assert prepared.emulator.calls_of(greet) == []


def test_a_full_output_is_one_line(prepared: Program, greet: str) -> None:
    ended = _shell(prepared, f"""mincloud-py invoke {greet} '{{"username": "Lin"}}' >/dev/full""")
    assert (ended.returncode, ended.stderr) == (2, "mincloud-py: No space left on device\n")


@pytest.mark.parametrize("words", ["invoke greet -", "batch greet - -o out.jsonl", "delete greet", "wait -"])
def test_a_closed_input_is_one_line(prepared: Program, greet: str, words: str) -> None:
    ended = _shell(prepared, f"mincloud-py {words} <&-")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr
    assert prepared.emulator.calls_of(greet) == []


def test_closed_errors_are_not_missed(prepared: Program, greet: str) -> None:
    assert _shell(prepared, f"mincloud-py invoke {greet} 2>&-").returncode == 1


def test_chinese_arguments_are_read_whatever_the_locale(prepared: Program) -> None:
    prepared.emulator.stub("测试", lambda event: event["data"]["名"])
    for locale in ("C", "POSIX", "en_US.ISO-8859-1"):
        ended = prepared.script("invoke", "测试", '{"名": "好"}', variables={"LANG": locale, "LC_ALL": locale})
        assert (ended.status, ended.out) == (0, "好\n"), ended
