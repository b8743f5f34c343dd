"""The commands, options and help texts."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mincloud import EventSource, JobStatus, ServiceType
from mincloud._version import VERSION
from mincloud.cli import arguments
from mincloud.cli.arguments import program_parser
from mincloud.cli.exit_statuses import summary_of_meanings

if TYPE_CHECKING:
    from .conftest import Program

COMMANDS = sorted(program_parser()[1])


def test_there_is_each_command_that_was_promised() -> None:
    promised = (
        "login logout whoami list get new deploy pull update invoke trigger wait debug "
        "jobs logs delete batch emulator contract completion help"
    )
    assert sorted(promised.split()) == COMMANDS


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_each_help_has_an_example_and_the_exit_statuses(program: Program, command: str | None) -> None:
    shown = program.done(*([command] if command else []), "--help").out
    assert f"\n  mincloud-py {command or ''}" in shown
    assert shown.rstrip().endswith(summary_of_meanings().rstrip())
    assert "--json" in shown


def test_help_loads_neither_a_client_nor_a_server_nor_a_terminal_library() -> None:
    program = (
        "import sys\nfrom mincloud.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = ('httpx', 'httpcore', 'attrs', 'mincloud_api', 'starlette', 'uvicorn', 'rich', 'asyncio', 'shtab', 'yaml')\n"
        "sys.stderr.write(str([name for name in heavy if name in sys.modules]))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stderr == "[]"


def test_invoke_loads_neither_rich_nor_asyncio_nor_a_server(program: Program, greet: str) -> None:
    code = (
        f"import sys\nfrom mincloud.cli import main\nmain(['invoke', {greet!r}, '{{\"username\": \"Lin\"}}'])\n"
        "heavy = ('starlette', 'uvicorn', 'rich', 'shtab', 'yaml')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "hello Lin\n[]\n"


def test_global_options_stand_before_or_after_the_command(program: Program, greet: str) -> None:
    before = program.done("--json", "invoke", greet, '{"username": "Lin"}')
    after = program.done("invoke", greet, '{"username": "Lin"}', "--json")
    between = program.done("invoke", greet, "--json", '{"username": "Lin"}')
    assert before.document == after.document == between.document == "hello Lin"


def test_words_after_two_hyphens_are_no_options(program: Program) -> None:
    program.emulator.stub("-x", lambda event: event["data"])
    assert program.done("invoke", "--json", "--", "-x", '{"a": 1}').document == {"a": 1}
    assert program.done("delete", "--yes", "--", "-x").out.startswith("deleted -x in ")
    program.done("new", "--", "-y")
    assert "created -y" in program.done("deploy", "--", "-y").out
    assert "unrecognized arguments: --jsn" in program("list", "--jsn", "--").line


def test_the_environment_of_the_option_is_used_wherever_it_stands(program: Program) -> None:
    program.emulator.stub("staged", lambda _: "staged", environment="5f2a")
    assert program.done("-e", "5f2a", "invoke", "staged").out == "staged\n"
    assert program.done("invoke", "staged", "--environment", "5f2a").out == "staged\n"
    assert program("invoke", "staged").status == 4


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--json"], "the following arguments are required: COMMAND: `mincloud-py --help` shows how"),
        (["lst"], "mincloud-py: there is no command 'lst': did you mean list?: `mincloud-py --help` shows how"),
        (["invoek", "greet"], "mincloud-py: there is no command 'invoek': did you mean invoke?"),
        (["help", "deplyo"], "mincloud-py: there is no command 'deplyo': did you mean deploy?"),
        (["xyzzy"], "mincloud-py: there is no command 'xyzzy' (choose from login, logout, whoami, "),
        (["invoke"], "mincloud-py invoke: the following arguments are required: NAME"),
        (["invoke", "greet", "{}", "more"], "unrecognized arguments: more"),
        (["list", "--jsno"], "unrecognized arguments: --jsno: did you mean --json?"),
        (["emulator", "--timeout", "3"], "unrecognized arguments: --timeout 3"),
        (["list", "--timeout", "0"], "argument --timeout: '0' is no number of seconds above 0"),
        (["list", "--timeout", "nan"], "argument --timeout: 'nan' is no number of seconds above 0"),
        (["jobs", "greet", "--since", "soon"], "'soon' is no time: write 2h, 2026-09-21"),
        (
            ["jobs", "greet", "--status", "lost"],
            "argument --status: invalid choice: 'lost' (choose from waiting, executing, ",
        ),
        (["jobs", "greet", "--status", "fullfilled"], "invalid choice: 'fullfilled': did you mean fulfilled?"),
        (["jobs", "greet", "--limit", "0"], "'0' is no whole number of 1 or more"),
        (["batch", "greet", "in", "-o", "out", "--rate", "fast"], "'fast' is no rate: write 50/s, 300/m or 1000/h"),
        (["batch", "greet", "in"], "the following arguments are required: -o/--output"),
        (["completion", "csh"], "argument SHELL: invalid choice: 'csh'"),
        (["list", "--base-url", "ftp://x"], "base_url must look like https://cloud.minapp.com"),
        (["invoke", ".."], "a function cannot be named '..'"),
    ],
)
def test_wrong_words_end_with_2_and_one_line(program: Program, words: list[str], complaint: str) -> None:
    ended = program(*words)
    assert ended.status == 2
    assert complaint in (ended.line if "--json" not in words else ended.error["message"])
    assert ended.out == ""


def test_without_words_and_with_help_there_is_the_help(program: Program) -> None:
    for words in ([], ["help"]):
        assert program.done(*words).out == program.done("--help").out
    assert program.done("help", "deploy").out == program.done("deploy", "--help").out


@pytest.mark.parametrize("command", ["emulator", "new", "contract", "completion"])
def test_the_help_of_what_talks_to_no_service_has_no_options_of_it(program: Program, command: str) -> None:
    shown = program.done(command, "--help").out
    for option in ("--environment", "--production", "--base-url", "--timeout"):
        assert option not in shown


def test_wrong_words_are_one_json_document_where_json_is_wanted(program: Program) -> None:
    ended = program("invoke", "--json")
    assert (ended.status, ended.out) == (2, "")
    assert ended.error == {
        "kind": "WrongUsage",
        "message": "the following arguments are required: NAME: `mincloud-py invoke --help` shows how",
    }


def test_the_filters_are_those_of_the_service() -> None:
    assert set(arguments.SOURCES) == set(EventSource)
    assert set(arguments.STATUSES) == set(JobStatus)
    assert set(arguments.SERVICE_TYPES) == set(ServiceType)


def test_the_version_is_that_of_the_package(program: Program) -> None:
    assert program.done("--version").out == f"mincloud-py {VERSION}\n"


def test_the_module_and_the_script_are_the_same_program(program: Program) -> None:
    module = subprocess.run([sys.executable, "-m", "mincloud", "--version"], capture_output=True, text=True, check=True)
    assert module.stdout == program.script("--version").out
