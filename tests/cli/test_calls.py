"""The commands `invoke`, `trigger`, `wait` and `debug`."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from mincloud_emulator import Emulator, Limits

from .conftest import GREET, SCRIPT, Program

if TYPE_CHECKING:
    import threading
    from pathlib import Path


@pytest.fixture
def echo(program: Program) -> str:
    """A function that returns its data, or their `value`."""
    program.emulator.stub("echo", lambda event: event["data"].get("value", event["data"]))
    return "echo"


@pytest.mark.parametrize("value", ["好", 1.5, None, True, [], {"a": [1, {"b": "c"}]}, "", "two\nlines"])
def test_invoke_prints_what_the_function_returned(program: Program, echo: str, value: Any) -> None:
    data = json.dumps({"value": value})
    assert program.done("invoke", echo, data, "--json").document == value
    shown = program.done("invoke", echo, data).out
    if isinstance(value, str):
        assert shown == (f"{value}\n" if value else "")
    else:
        assert shown == json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def test_the_data_come_from_an_argument_a_file_or_standard_input(program: Program, echo: str) -> None:
    program.write("data.json", b'\xef\xbb\xbf{"from": "file"}')
    assert program.done("invoke", echo, '{"from": "argument"}', "--json").document == {"from": "argument"}
    assert program.done("invoke", echo, "@data.json", "--json").document == {"from": "file"}
    assert program.done("invoke", echo, "-", "--json", given=b'{"from": "input"}').document == {"from": "input"}
    assert program.done("invoke", echo, "--json").document == {}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("[1]", "it is a list"),
        ("null", "it is null"),
        ("{", "Expecting property name enclosed in double quotes at line 1 column 2"),
        ('{"a": NaN}', "NaN is no JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        ("username=Lin", "Expecting value"),
    ],
    ids=["list", "null", "cut off", "NaN", "deep", "no JSON"],
)
@pytest.mark.parametrize("command", ["invoke", "trigger", "debug"])
def test_data_that_are_no_object_are_refused(
    program: Program, echo: str, command: str, data: str, complaint: str
) -> None:
    ended = program(command, echo, data)
    assert ended.status == 2
    assert """DATA must be a JSON object, as '{"username": "Lin"}': """ + complaint in ended.line
    assert program.emulator.calls == []


def test_data_that_are_no_utf_8_are_refused(program: Program, echo: str) -> None:
    ended = program("invoke", echo, "-", given=b"\xff")
    assert (ended.status, ended.line) == (
        2,
        "mincloud-py: standard input is not UTF-8: save it in that encoding\n",
    )


def test_a_function_that_fails_ends_with_1_and_its_message(program: Program, greet: str) -> None:
    ended = program("invoke", greet)
    assert (ended.status, ended.out) == (1, "")
    assert ended.line == "mincloud-py: the function 'greet' failed: TypeError: username is missing\n"
    ended = program("invoke", greet, "--json")
    assert (ended.status, ended.out) == (1, "")
    assert {**ended.error, "stack": ""} == {
        "kind": "FunctionError",
        "message": "the function 'greet' failed: TypeError: username is missing",
        "code": 1,
        "type": "TypeError",
        "reason": "username is missing",
        "stack": "",
    }


def test_on_a_terminal_a_function_that_fails_shows_the_line_of_its_code(program: Program) -> None:
    program.emulator.deploy("greet", GREET)
    with program.on_terminal("invoke", "greet") as terminal:
        assert terminal.ends() == 1
    assert terminal.shown.splitlines() == [
        "mincloud-py: the function 'greet' failed: TypeError: username is missing",
        "  at greet.js:3:24",
        "    if (!username) throw new TypeError('username is missing')",
        "                         ^",
        "`mincloud-py logs greet` shows its log",
    ]


def test_a_function_that_takes_too_long_points_to_trigger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator(limits=Limits(sync_seconds=0.3)) as emulator:
        program = Program(emulator, tmp_path, monkeypatch)
        emulator.deploy("slow", "exports.main = async () => new Promise(() => setTimeout(() => 0, 60000))")
        ended = program("invoke", "slow")
    assert ended.status == 1
    assert ended.line.endswith(
        ": a call that is waited for has 5 s; `mincloud-py trigger slow --wait` gives it 300 s\n"
    )


def test_characters_that_the_terminal_has_not_are_escaped(program: Program, echo: str) -> None:
    ended = program.script(
        "invoke", echo, '{"value": "好"}', "--json", variables={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    assert (ended.status, ended.out) == (0, '"\\u597d"\n')


def test_json_stays_json_whatever_the_encoding(program: Program, echo: str) -> None:
    value = "é ñ 😀 \x85 好"
    words = ["invoke", echo, json.dumps({"value": value}), "--json"]
    for encoding in ("ascii", "gbk"):  # that of Windows in Chinese
        ended = subprocess.run(
            [SCRIPT, *words],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        )
        assert json.loads(ended.stdout.decode(encoding)) == value


def test_trigger_does_not_wait(program: Program, greet: str) -> None:
    data = '{"username": "Lin"}'
    assert program.done("trigger", greet, data).out.startswith(
        f"greet was accepted in production at {program.host}; `mincloud-py jobs greet` shows"
    )
    document = program.done("trigger", greet, data, "--json").document
    assert (document["function"], document["accepted"]) == (greet, True)
    assert document["handle"]["data"] == {"username": "Lin"}


def test_a_call_is_waited_for_elsewhere_by_its_handle(program: Program, greet: str) -> None:
    printed = program.done("trigger", greet, '{"username": "Lin"}', "--json").out
    program.emulator.settle()
    document = program.done("wait", printed, "--json").document
    assert (document["status"], document["result"]) == ("fulfilled", "hello Lin")
    program.write("handle.json", json.dumps(json.loads(printed)["handle"]))
    assert program.done("wait", "@handle.json").out.startswith("hello Lin\njob ")
    assert program.done("wait", "-", given=printed.encode()).out.startswith("hello Lin\njob ")


@pytest.mark.parametrize("handle", ["{}", "[1]", "greet", "", '{"function": 1}'])
def test_what_is_no_handle_is_refused(program: Program, handle: str) -> None:
    ended = program("wait", handle)
    assert ended.status == 2
    assert "what `mincloud-py trigger --json` printed" in ended.line


def test_each_line_of_standard_input_is_a_call(program: Program, greet: str) -> None:
    lines = b'{"username": "Lin"}\n\n{"username": "Wei"}\n{}\n'
    ended = program("trigger", greet, "-", "--wait", given=lines)
    assert ended.status == 1
    assert {line for line in ended.out.splitlines() if line.startswith("hello")} == {"hello Lin", "hello Wei"}
    assert "ended as execution_failed" in ended.line
    program.emulator.clock.advance(60)
    documents = program("trigger", greet, "-", "--wait", "--json", given=lines).documents
    assert sorted(each.get("result", "") for each in documents) == ["", "hello Lin", "hello Wei"]
    assert len(program.done("trigger", greet, "-", "--json", given=lines).documents) == 3


def test_a_line_of_standard_input_that_is_no_object_is_said_before_the_first_call(program: Program, greet: str) -> None:
    ended = program("trigger", greet, "-", given=b'{"username": "Lin"}\n[1]\n')
    assert ended.status == 2
    assert """line 2 of standard input must be a JSON object, as '{"username": "Lin"}': it is a list""" in ended.line
    assert program.emulator.calls == []


def test_a_line_of_standard_input_is_named_by_its_number(program: Program, greet: str) -> None:
    ended = program("trigger", greet, "-", given=b'\n{"username": "Lin"}\n\n[1]\n')
    assert (ended.status, "line 4 of standard input must be a JSON object" in ended.line) == (2, True)


def test_a_line_of_standard_input_ends_at_a_line_feed_alone(program: Program, greet: str) -> None:
    lines = '{"username": "a\u2028b"}\n{"username": "c\u0085d"}\r\n'
    printed = program.done("trigger", greet, "-", "--json", given=lines.encode())
    names = [json.loads(line)["handle"]["data"]["username"] for line in printed.out.split("\n") if line]
    assert names == ["a\u2028b", "c\u0085d"]
    waited = program.done("wait", "-", "--json", given=printed.out.encode())
    assert sorted(json.loads(line)["result"] for line in waited.out.split("\n") if line) == [
        "hello a\u2028b",
        "hello c\u0085d",
    ]


@pytest.mark.parametrize("accepted", [1, 2])
def test_calls_that_were_accepted_are_waited_for_where_a_later_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accepted: int
) -> None:
    with Emulator(limits=Limits(body_bytes=500)) as emulator:
        program = Program(emulator, tmp_path, monkeypatch)
        emulator.stub("greet", lambda event: f"hello {event['data']['username']}")
        names = ["Lin", "Wei", "Ann"]
        names[accepted] *= 500
        lines = "".join(json.dumps({"username": name}) + "\n" for name in names)
        ended = program("trigger", "greet", "-", "--wait", given=lines.encode())
        assert len(emulator.calls) == accepted
    assert ended.status == 5
    assert f"of 3 calls {accepted} were accepted: the service refused: 413" in ended.line
    assert ended.out.count("hello ") == accepted


def test_commands_that_are_suggested_can_be_pasted(program: Program) -> None:
    program.emulator.stub("a b", lambda _: "done")
    program.write("a b.js", "mine")
    assert "`mincloud-py jobs 'a b'` shows" in program.done("trigger", "a b").out
    program.emulator.clock.advance(60)
    assert "`mincloud-py logs 'a b' --job " in program.done("trigger", "a b", "--wait").out
    assert "`mincloud-py jobs 'a b' --all` shows" in program("logs", "a b", "--job", "999").line
    assert "`mincloud-py jobs 'a b'` shows" in program("logs", "a b", "--failed").line
    assert "`mincloud-py deploy 'a b' 'a b.js' --diff --dry-run`" in program("pull", "a b", "-o", "a b.js").line
    program.emulator.drop_next(after=True)
    assert "`mincloud-py jobs 'a b'` shows its calls" in program("invoke", "a b").line


def test_a_call_whose_job_cannot_be_told_has_a_status_of_its_own(program: Program, greet: str) -> None:
    from mincloud import AmbiguousJob
    from mincloud.cli.exit_statuses import describe_error

    assert describe_error(AmbiguousJob("two jobs", candidates=[])) == (6, "two jobs")
    assert "\n    6  which job is the call's cannot be told\n" in program.done("trigger", "--help").out


def test_trigger_waits_for_the_job_when_told_to(program: Program, greet: str) -> None:
    document = program.done("trigger", greet, '{"username": "Lin"}', "--wait", "--json").document
    assert (document["status"], document["service_type"]) == ("fulfilled", "batch")
    assert "user_log_url" not in document
    program.emulator.clock.advance(60)
    assert document["result"] == "hello Lin"
    shown = program.done("trigger", greet, '{"username": "Lin"}', "--wait").out
    assert shown.startswith("hello Lin\njob ")
    assert f"; `mincloud-py logs greet --job {document['id'] + 1}` shows its log\n" in shown


def test_a_job_that_fails_ends_trigger_with_1(program: Program, greet: str) -> None:
    ended = program("trigger", greet, "--wait")
    assert ended.status == 1
    assert "of 'greet' ended as execution_failed: TypeError: username is missing" in ended.line


def test_a_job_that_takes_too_long_ends_trigger_with_1(program: Program, released: threading.Event) -> None:
    program.emulator.stub("slow", lambda _: released.wait())
    ended = program("trigger", "slow", "--wait", "--wait-for", "5")  # in which it has to be found
    assert ended.status == 1
    assert ended.line.endswith(
        ", which may be this call, is still executing after 5 s: its log will tell: `mincloud-py jobs slow --follow` shows when it ends\n"
    )


def test_a_job_that_does_not_appear_ends_trigger_with_1(program: Program, greet: str) -> None:
    program.emulator.fail_next(
        status=200, body={"meta": {"total_count": 0}, "objects": []}, path="*/greet/job/", method="GET", times=100
    )
    ended = program("trigger", greet, "--wait", "--wait-for", "0.3")
    assert ended.status == 1
    assert ended.line.endswith(
        "no job of 'greet' appeared within 0.3 s: `mincloud-py jobs greet` shows those there are\n"
    )


def test_invoke_prints_the_log_of_its_call_when_told_to(program: Program) -> None:
    program.emulator.deploy("greet", GREET)
    for name in ("Wei", "Lin"):
        ended = program("invoke", "greet", json.dumps({"username": name}), "--log")
        assert (ended.status, ended.out) == (0, f"hello {name}\n")
        assert f"LOG greeting {name}\n" in ended.err
    ended = program("invoke", "greet", "{}", "--log")
    assert ended.status == 1
    assert "ERROR" in ended.err
    assert ended.err.endswith("mincloud-py: the function 'greet' failed: TypeError: username is missing\n")


def test_a_log_that_cannot_be_had_hides_no_result(program: Program, greet: str) -> None:
    program.emulator.fail_next(403, path="*/job/", method="GET", times=2)
    ended = program("invoke", greet, '{"username": "Lin"}', "--log")
    assert (ended.status, ended.out) == (0, "hello Lin\n")
    assert "note: the log of this call cannot be had: 403" in ended.line
    ended = program("invoke", greet, "{}", "--log")
    assert ended.status == 1
    assert ended.err.endswith("mincloud-py: the function 'greet' failed: TypeError: username is missing\n")


def test_debug_prints_the_log_and_the_result(program: Program) -> None:
    program.emulator.deploy("greet", GREET)
    ended = program.done("debug", "greet", '{"username": "Lin"}')
    *log, cost, result = ended.out.splitlines()
    assert any(line.endswith("LOG greeting Lin") for line in log)
    assert cost.startswith("returned, ")
    assert re.search(r", billed \d+00 ms", cost)  # a hundred for each that has begun
    assert result == "hello Lin"
    document = program.done("debug", "greet", '{"username": "Lin"}', "--json").document
    assert (document["code"], document["data"]) == (0, "hello Lin")
    assert "LOG greeting Lin" in document["log"]


def test_debug_of_a_function_that_fails_prints_its_log_and_ends_with_1(program: Program) -> None:
    program.emulator.deploy("greet", GREET)
    ended = program("debug", "greet")
    assert ended.status == 1
    assert "ERROR" in ended.out
    assert ended.line.startswith("mincloud-py: the function 'greet' failed: TypeError: username is missing (")
    assert program("debug", "greet", "--json").document["data"] is None


def test_debug_is_an_event_of_the_kind_that_is_named(program: Program) -> None:
    program.emulator.stub("kind", lambda event: event["eventType"])
    assert program.done("debug", "kind", "--subject", "timer", "--json").document["data"] == "timer"
    ended = program("debug", "kind", "--subject", "flex_schema")
    assert (ended.status, "needs schema_id" in ended.line) == (2, True)
    assert program.done("debug", "kind", "--subject", "flex_schema", "--schema-id", "7").out.endswith("flex_schema\n")
