"""The commands `list`, `get`, `new`, `pull`, `update` and `delete`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mincloud import MinCloud
from mincloud.cli.units import zone

from .conftest import GREET, ROOT

if TYPE_CHECKING:
    from .conftest import Program


@pytest.fixture
def deployed(program: Program) -> Program:
    """Two functions on the service."""
    program.emulator.deploy("greet", GREET, remark="says\thello", plan_circle="P_PERSONAL")
    program.emulator.deploy("测试", GREET)
    return program


def test_list_prints_lines_with_tabs_where_there_is_no_terminal(deployed: Program) -> None:
    header, *rows = [line.split("\t") for line in deployed.done("list").out.splitlines()]
    assert header == ["NAME", "AUDIT", "MEMORY", "CODE", f"UPDATED {zone()}", "BY", "REMARK"]
    by_name = {row[0]: row for row in rows}
    assert by_name["greet"][1:4] == ["approved", "256 MB", f"{len(GREET)} B"]
    assert by_name["greet"][6] == "says hello"
    assert by_name["测试"][2] == "128 MB"


def test_list_as_json_is_a_line_for_each_function(deployed: Program) -> None:
    documents = deployed.done("list", "--json").documents
    assert {document["name"]: document["function_code"] for document in documents} == {"greet": GREET, "测试": GREET}


def test_an_empty_list_is_no_json_and_only_a_header_for_people(program: Program) -> None:
    assert program.done("list", "--json").out == ""
    assert program.done("list").out.count("\n") == 1


def test_a_remark_cannot_command_the_terminal(program: Program) -> None:
    program.emulator.deploy("greet", GREET, remark="\x1b]0;title\x07\u202e")
    shown = program.done("list").out
    assert "\x1b" not in shown
    assert "\\x1b]0;title\\x07\\u202e" in shown


def test_what_new_makes_can_be_deployed_and_called(program: Program) -> None:
    assert "made greet/index.js" in program.done("new", "greet").out
    program.done("deploy", "greet")
    answer = program.done("--json", "invoke", "greet", '{"username": "Lin"}').document
    assert answer == {"greeting": "你好，Lin！", "length": 3}
    assert "username is missing" in program("invoke", "greet").err


def test_what_new_makes_is_the_function_that_the_documentation_calls(program: Program) -> None:
    program.done("new", "greet")
    assert (program.work / "greet/index.js").read_text("utf-8") == (
        ROOT / "examples/functions/greet/index.js"
    ).read_text("utf-8")


def test_new_overwrites_nothing(program: Program) -> None:
    program.write("hello/index.js", "mine")
    ended = program("new", "hello")
    assert ended.status == 2
    assert "hello/index.js exists already: choose another name, or edit it" in ended.line
    assert (program.work / "hello/index.js").read_text() == "mine"


def test_what_new_suggests_can_be_pasted(program: Program) -> None:
    said = program.done("new", "a b").out
    assert "`mincloud-py deploy 'a b'` and `mincloud-py invoke 'a b'`" in said


def test_new_as_json_names_the_file(program: Program) -> None:
    assert program.done("new", "测试", "--json").document == {"name": "测试", "file": "测试/index.js"}


@pytest.mark.parametrize("name", ["../evil", "a/b", "/evil", ".", "..", ".hidden", "a\\b"])
@pytest.mark.parametrize("command", ["new", "pull"])
def test_a_name_that_leads_elsewhere_makes_no_file(program: Program, command: str, name: str) -> None:
    ended = program(command, name)
    assert ended.status == 2
    assert "cannot be the name of a folder here" in ended.line
    assert list(program.work.iterdir()) == []


def test_pull_writes_the_code_as_it_is(deployed: Program) -> None:
    assert deployed.done("pull", "greet").out == "created greet/index.js\n"
    assert (deployed.work / "greet/index.js").read_bytes() == GREET.encode()
    assert deployed.done("pull", "greet").out == "unchanged greet/index.js\n"
    assert deployed.done("pull", "测试", "-o", "copy.js", "--json").document == {
        "name": "测试",
        "file": "copy.js",
        "action": "created",
    }
    assert deployed.done("pull", "greet", "-o", "-").out == GREET


def test_pull_overwrites_a_changed_file_only_when_told_to(deployed: Program) -> None:
    file = deployed.write("greet/index.js", "mine")
    file.chmod(0o600)
    ended = deployed("pull", "greet")
    assert ended.status == 2
    assert "greet/index.js differs from the service's code, and would be lost: --force overwrites it" in ended.line
    assert file.read_text() == "mine"
    assert deployed.done("pull", "greet", "--force").out == "overwritten greet/index.js\n"
    assert file.read_text() == GREET
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["index.js"]


def test_pull_leaves_a_link_and_takes_no_device_for_a_file(deployed: Program) -> None:
    file = deployed.write("real.js", "mine")
    link = deployed.work / "link.js"
    link.symlink_to(file)
    deployed.done("pull", "greet", "-o", "link.js", "--force")
    assert (link.is_symlink(), file.read_text()) == (True, GREET)
    os.mkfifo("fifo")
    for name in ("/dev/null", "fifo"):
        ended = deployed("pull", "greet", "-o", name)
        assert (ended.status, ended.line) == (2, f"mincloud-py: {name} is no regular file: -o - prints the code\n")


def _names(program: Program) -> set[str]:
    with MinCloud() as cloud:
        return {function.name for function in cloud.functions.list()}


def test_delete_without_a_terminal_needs_yes(deployed: Program) -> None:
    ended = deployed("delete", "greet")
    assert (ended.status, ended.line) == (
        2,
        "mincloud-py: there is no terminal to ask on: add --yes to delete without being asked\n",
    )
    assert _names(deployed) == {"greet", "测试"}
    assert deployed.done("delete", "greet", "--yes").out == f"deleted greet in production at {deployed.host}\n"
    assert _names(deployed) == {"测试"}


@pytest.mark.parametrize(
    ("answers", "status", "left"),
    [
        (["greet", "测试"], 0, set[str]()),
        (["y"], 130, {"greet", "测试"}),
        (["greet", ""], 130, {"greet", "测试"}),
    ],
    ids=["each name", "y", "one name"],
)
def test_in_production_delete_asks_for_each_name_on_a_terminal(
    deployed: Program, answers: list[str], status: int, left: set[str]
) -> None:
    with deployed.on_terminal("delete", "greet", "测试") as terminal:
        for name, answer in zip(("greet", "测试"), answers, strict=False):
            terminal.shows(
                f"this deletes {name} in production at {deployed.host} with all code and jobs; type its name: "
            )
            terminal.type(f"{answer}\n")
        assert terminal.ends() == status
    assert _names(deployed) == left


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 130), ("\n", 130)])
def test_in_a_test_environment_delete_asks_once(deployed: Program, answer: str, status: int) -> None:
    deployed.emulator.deploy("greet", GREET, environment="5d2a4a3f9b1e")
    (deployed.home / ".mincloudrc").write_text("environments = staging:5d2a4a3f9b1e\n")
    with deployed.on_terminal("delete", "greet", "-e", "staging") as terminal:
        terminal.shows(f"delete greet in staging (5d2a…) at {deployed.host} with all code and jobs? [y/N] ")
        terminal.type(answer)
        assert terminal.ends() == status
    assert _names(deployed) == {"greet", "测试"}


def test_of_several_each_that_exists_is_deleted(deployed: Program) -> None:
    ended = deployed("delete", "greet", "nope", "-y")
    assert ended.status == 4
    assert ended.line == "mincloud-py: there is no function 'nope': `mincloud-py list` shows those there are\n"
    assert _names(deployed) == {"测试"}
    ended = deployed("delete", "nope", "测试", "-y", "--json")
    failed, done = ended.documents
    assert (ended.status, ended.err) == (4, "")
    assert (failed["name"], failed["action"], failed["error"]["kind"]) == ("nope", "failed", "NotFound")
    assert done == {"name": "测试", "action": "deleted", "where": deployed.where}
    assert _names(deployed) == set()


def test_get_shows_a_function(deployed: Program) -> None:
    shown = deployed.done("get", "greet").out
    assert shown.endswith(f"\n\n{GREET}")
    rows = dict(line.split(None, 1) for line in shown.partition("\n\n")[0].splitlines())
    assert (rows["name"], rows["plan"], rows["remark"]) == ("greet", "P_PERSONAL (256 MB)", "says hello")
    assert rows["code"] == f"{len(GREET)} B"
    assert deployed.done("get", "greet", "--json").document["function_code"] == GREET


def test_update_changes_what_is_named(deployed: Program) -> None:
    ended = deployed.done("update", "greet", "--plan", "P_FREE", "--rename", "hello", "--remark", "")
    there = f"in production at {deployed.host}"
    assert ended.out == f"updated greet {there}: renamed to hello, plan P_FREE (128 MB), remark ''\n"
    document = deployed.done("update", "hello", "--remark", "says", "--json").document
    assert (document["remark"], document["plan_circle"], document["where"]) == ("says", "P_FREE", deployed.where)
    with MinCloud() as cloud:
        assert cloud.functions.get("hello").function_code == GREET


def test_update_of_nothing_is_refused(deployed: Program) -> None:
    assert deployed("update", "greet").line == (
        "mincloud-py: nothing to change: name at least one of --plan, --rename and --remark\n"
    )
