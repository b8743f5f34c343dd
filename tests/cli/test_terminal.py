"""Tables, colours and progress, on a terminal only."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mincloud.cli import main
from mincloud.cli.terminal import Layout, width_of

from .conftest import GREET

if TYPE_CHECKING:
    import threading

    from .conftest import Program

pytestmark = pytest.mark.slow


@pytest.fixture
def called(program: Program, greet: str) -> Program:
    program("invoke", greet, '{"username": "Lin"}')
    program("invoke", greet)
    return program


def test_an_empty_table_says_what_there_is_not(called: Program) -> None:
    called.emulator.stub("fresh", lambda _: None)
    for words, said in (
        (["jobs", "fresh"], "'fresh' was never called"),
        (["jobs", "greet", "--status", "deadline_exceeded"], "'greet' has no such jobs"),
    ):
        with called.on_terminal(*words) as terminal:
            assert terminal.ends() == 0
            assert said in terminal.shown
        assert called.done(*words).out.count("\n") == 1


def test_a_table_is_aligned_and_a_status_has_its_colour(called: Program) -> None:
    with called.on_terminal("jobs", "greet") as terminal:
        assert terminal.ends() == 0
        assert "\x1b[32mfulfilled" in terminal.shown
        assert "\x1b[31mexecution_failed" in terminal.shown
        assert "\t" not in terminal.shown


@pytest.mark.parametrize(
    ("words", "variables"), [([], {"NO_COLOR": "1"}), (["--no-color"], {}), ([], {"TERM": "dumb"})]
)
@pytest.mark.parametrize("command", [["jobs", "greet"], ["deploy", "greet.js", "--diff", "--dry-run"]])
def test_there_is_no_colour_where_it_is_not_wanted(
    called: Program, command: list[str], words: list[str], variables: dict[str, str]
) -> None:
    called.write("greet.js", "exports.main = null\n")
    with called.on_terminal(*command, *words, variables=variables) as terminal:
        assert terminal.ends() == 0
        assert "\x1b[3" not in terminal.shown


def test_a_difference_is_coloured_on_a_terminal_alone(called: Program) -> None:
    called.write("fresh.js", "fresh\n")
    with called.on_terminal("deploy", "./fresh.js", "--diff", "--dry-run") as terminal:
        assert terminal.ends() == 0
        assert "\x1b[32m+fresh\x1b[0m" in terminal.shown
    assert "\x1b" not in called.done("deploy", "./fresh.js", "--diff", "--dry-run").out


@pytest.mark.parametrize("words", [["jobs", "greet"], ["list"], ["whoami"], ["invoke", "greet", '{"username": "Lin"}']])
def test_there_is_no_colour_without_a_terminal_even_if_it_is_forced(called: Program, words: list[str]) -> None:
    ended = called.script(*words, variables={"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"})
    assert ended.status == 0
    assert "\x1b" not in ended.out + ended.err


def test_json_has_no_colour_on_a_terminal_either(called: Program) -> None:
    with called.on_terminal("jobs", "greet", "--json") as terminal:
        assert terminal.ends() == 0
        assert [json.loads(line)["status"] for line in terminal.shown.splitlines()] == ["execution_failed", "fulfilled"]


def test_the_log_of_a_function_cannot_command_the_terminal(program: Program) -> None:
    program.emulator.deploy("rude", "exports.main = async () => { console.log('\\x1b]0;title\\x07'); return 1 }")
    program("invoke", "rude")
    with program.on_terminal("logs", "rude") as terminal:
        assert terminal.ends() == 0
        assert "\\x1b]0;title\\x07" in terminal.shown
    assert "\x1b]0;title" in program.done("logs", "rude").out


def test_while_a_job_is_waited_for_a_spinner_says_where_it_is(program: Program, released: threading.Event) -> None:
    program.emulator.stub("slow", lambda _: released.wait())
    none: dict[str, Any] = {"meta": {"total_count": 0}, "objects": []}
    program.emulator.fail_next(status=200, body=none, path="*/slow/job/", method="GET", times=10_000)
    with program.on_terminal("trigger", "slow", "--wait") as terminal:
        terminal.shows("slow was accepted, looking for its job")
        program.emulator.clear_faults()
        released.set()
        terminal.shows("job 1 fulfilled after")
        assert terminal.ends() == 0


def test_a_spinner_waits_no_longer_than_it_was_told_to(program: Program, released: threading.Event) -> None:
    program.emulator.stub("slow", lambda _: released.wait())
    with program.on_terminal("trigger", "slow", "--wait", "--wait-for", "5") as terminal:  # in which it has to be found
        terminal.shows("is still executing after 5 s")
        assert terminal.ends() == 1


def test_a_batch_shows_a_bar_with_rate_and_time_and_failures(program: Program) -> None:
    program.emulator.stub("number", lambda event: event["data"]["n"])
    program.write("in.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(30)) + "{}\n")
    with program.on_terminal("batch", "number", "in.jsonl", "-o", "out.jsonl", "--concurrency", "4") as terminal:
        terminal.shows("/31")
        terminal.shows("/s")
        terminal.shows("left")
        terminal.shows("1 failed")
        terminal.shows("30 succeeded, 1 failed; results in out.jsonl")
        assert terminal.ends() == 1
        assert "31/31" in terminal.shown


@pytest.mark.parametrize("columns", [40, 50, 80, 140])
def test_a_row_is_a_line_at_any_width_and_times_stay_whole(called: Program, columns: int) -> None:
    called.emulator.deploy("a-name-that-is-long-" * 3, GREET, remark="说一声你好" * 20)
    for words in (["jobs", "greet"], ["list"]):
        with called.on_terminal(*words, variables={"COLUMNS": str(columns), "NO_COLOR": "1"}) as terminal:
            assert terminal.ends() == 0
        header, *rows = terminal.shown.splitlines()
        assert len(rows) == 2
        assert max(width_of(line) for line in (header, *rows)) <= columns
        if columns >= 80:
            assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", rows[0])


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    layout = Layout(("NAME", "NOTHING", "REMARK"), [("a", "", "b"), ("c", "", "")], 80)
    assert "".join(layout.line(("a", "", "b"))) == "a     b"


def test_the_zone_of_times_is_named(called: Program) -> None:
    for words in (["jobs", "greet"], ["list"]):
        assert called.script(*words, variables={"TZ": "Asia/Shanghai"}).out.splitlines()[0].count("+08:00") == 1


@pytest.mark.parametrize("problem", ["nosuch", "token", "nobody"])
def test_a_list_that_fails_prints_no_header(called: Program, refused: str, problem: str) -> None:
    name = "nosuch" if problem == "nosuch" else "greet"
    if problem == "token":
        called.set(MINCLOUD_ACCESS_TOKEN="wrong")
    options = ["--base-url", refused] if problem == "nobody" else []
    assert called("jobs", name, *options).out == ""
    if problem != "nosuch":
        assert called("list", *options).out == ""


def test_an_empty_list_of_functions_says_so(program: Program) -> None:
    with program.on_terminal("list") as terminal:
        assert terminal.ends() == 0
    assert terminal.shown == (
        f"there are no functions in production at {program.host}: `mincloud-py new NAME` makes one to start from\r\n"
    )


HOSTILE = "\x1b]0;title\x07\x9b2J\u202egnp.exe"


def test_what_a_terminal_would_obey_is_shown_as_text_in_json_too(program: Program) -> None:
    program.emulator.stub("rude", lambda event: HOSTILE)
    program.emulator.deploy("remarked", GREET, remark=HOSTILE)
    words: list[list[str]] = [
        *(["invoke", "rude"], ["invoke", "rude", "--json"], ["list"], ["list", "--json"]),
        *(["get", "remarked"], ["get", "remarked", "--json"]),
    ]
    for each in words:
        with program.on_terminal(*each, "--no-color") as terminal:
            assert terminal.ends() == 0
        assert not set("\x1b\x07\x9b\u202e") & set(terminal.shown), each
        assert "u202egnp.exe" in terminal.shown
        if each == ["invoke", "rude", "--json"]:
            assert json.loads(terminal.shown) == HOSTILE
    assert program.done("invoke", "rude", "--json").document == HOSTILE


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _find_nothing(_: str) -> None:
    return None


def test_without_rich_there_are_tables_and_nothing_moves(
    called: Program, greet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = _Screen(), _Screen()
    monkeypatch.setattr("mincloud.cli.terminal.find_spec", _find_nothing)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert main(["jobs", greet]) == 0
    assert main(["trigger", greet, '{"username": "Lin"}', "--wait"]) == 0
    assert "\x1b[32mfulfilled" in out.getvalue()
    assert err.getvalue() == ""


def test_without_a_terminal_nothing_moves(program: Program, greet: str) -> None:
    program.write("in.jsonl", '{"username": "Lin"}\n')
    assert program.script("batch", greet, "in.jsonl", "-o", "out.jsonl").err == ""
    assert program.script("trigger", greet, '{"username": "Lin"}', "--wait").err == ""
