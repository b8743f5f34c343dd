"""Runs each example of each help text as it is printed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from mincloud.cli.arguments import program_parser
from mincloud_emulator import Emulator

from .conftest import GREET, SCRIPT, Program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

_PROGRAM, _COMMANDS = program_parser()


def _examples(text: str) -> list[str]:
    found = re.search(r"\nexamples?:\n((?:  .*\n)+)", text)
    assert found is not None, text
    return [line.strip() for line in found[1].splitlines()]


EXAMPLES = [
    (name, example)
    for name, parser in _COMMANDS.items()
    for example in _examples(parser.format_help())
    if name not in ("login", "emulator")
]


@pytest.fixture
def prepared(program: Program) -> Program:
    """A folder and a service for the examples: `greet` is deployed and was called."""
    program.write("greet/index.js", GREET)
    program.write("functions/greet.js", GREET)
    program.write("functions/farewell.js", GREET.replace("hello", "bye"))
    program.write("input.json", '{"username": "Lin"}')
    program.write("inputs.jsonl", '{"username": "Lin"}\n{"username": "爱范儿"}\n')
    program.emulator.stub("greet", lambda event: f"hello {event['data'].get('username')}")
    program.done("invoke", "greet")
    program.write("call.json", program.done("trigger", "greet", "--json").out)
    program.emulator.settle()
    program.emulator.clock.advance(60)  # so that what an example triggers is told from it
    return program


def _run(line: str) -> str:
    path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, check=False, timeout=30, env={**os.environ, "PATH": path}
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return ended.stdout


@pytest.mark.parametrize(("command", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_each_example_works_as_it_is_printed(prepared: Program, command: str, example: str) -> None:
    if command == "logout":
        prepared.set(
            MINCLOUD_CLIENT_ID=prepared.emulator.client_id, MINCLOUD_CLIENT_SECRET=prepared.emulator.client_secret
        )
        assert prepared("login").status == 0
    shown = _run(example)
    if ">" not in example:
        assert shown


def test_the_examples_of_the_program_work_one_after_another(program: Program) -> None:
    shown = [_run(example) for example in _examples(_PROGRAM.format_help())]
    assert json.loads(shown[-1]) == {"greeting": "你好，爱范儿！", "length": 3}


@pytest.mark.parametrize("example", _examples(_COMMANDS["login"].format_help()))
def test_the_examples_of_login_ask_and_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    with Emulator(client_id="2d6c2a8e3f0d4b5a") as emulator:
        program = Program(emulator, tmp_path, monkeypatch)
        program.logged_out()
        with program.on_terminal(*example.split()[1:]) as terminal:
            if "--client-id" not in example:
                terminal.shows("client_id: ")
                terminal.type(f"{emulator.client_id}\n")
            terminal.shows("client_secret (not shown): ")
            terminal.type(f"{emulator.client_secret}\n")
            terminal.shows("logged in as 2d6c2a8e3f0d4b5a")
            assert terminal.ends() == 0
            assert emulator.client_secret not in terminal.shown


@pytest.mark.parametrize("example", _examples(_COMMANDS["emulator"].format_help()))
def test_the_examples_of_emulator_serve_until_they_are_interrupted(prepared: Program, example: str) -> None:
    with prepared.start(*example.split()[1:]) as process:
        assert process.stdout is not None
        said = re.match(rb"MinCloud emulator listening on (http://127\.0\.0\.1:\d+) ", process.stdout.readline())
        assert said is not None
        ended = prepared("list", "--base-url", said[1].decode())
        assert (ended.status, "does not accept the access token" in ended.line) == (3, True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 0
