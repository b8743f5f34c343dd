"""What is printed from the package itself: the contract, and completion scripts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from mincloud.cli.arguments import SHELLS

from .conftest import GREET, ROOT, SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Program

CONTRACT = ROOT / "openapi" / "mincloud.yaml"


def test_the_contract_is_printed_as_it_is(program: Program) -> None:
    assert program.done("contract").out == CONTRACT.read_text("utf-8")
    assert program.done("contract", "--yaml").out == CONTRACT.read_text("utf-8")


def test_the_contract_is_printed_as_json(program: Program) -> None:
    assert program.done("contract", "--json").document == yaml.safe_load(CONTRACT.read_text("utf-8"))
    assert program("contract", "--json", "--yaml").line == (
        "mincloud-py: --yaml and --json are two forms: choose one\n"
    )


def test_the_contracts_place_is_printed(program: Program) -> None:
    path = Path(program.done("contract", "--path").out.strip())
    assert path.read_bytes() == CONTRACT.read_bytes()
    assert program.done("contract", "--path", "--json").document == {"path": str(path)}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_with_each_command(program: Program, shell: str) -> None:
    script = program.done("completion", shell).out
    for word in ("deploy", "batch", "retry-uncertain", "execution_failed"):
        assert word in script
    assert program.done("completion", shell, "--json").document["script"] == script.rstrip("\n") + (
        "\n" if script.endswith("\n\n") else ""
    )


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["dep"], ["deploy"]),
        (["jobs", "greet", "--stat"], ["--status"]),
        (["jobs", "greet", "--status", "exec"], ["executing", "execution_failed", "execution_rejected"]),
        (["completion", "z"], ["zsh"]),
        (["deploy", "gre"], ["greet.js"]),
    ],
    ids=" ".join,
)
def test_bash_completes_words(program: Program, words: list[str], completed: list[str]) -> None:
    program.write("greet.js", GREET)
    program.write("mincloud-py.bash", program.done("completion", "bash").out)
    line = ["mincloud-py", *words]
    ask = (
        "source ./mincloud-py.bash; complete -p mincloud-py >/dev/null || exit 9\n"
        f"COMP_WORDS=({' '.join(line)}); COMP_CWORD={len(line) - 1}; COMP_LINE='{' '.join(line)}'; COMP_POINT=${{#COMP_LINE}}\n"
        "function=$(complete -p mincloud-py | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
        f"$function mincloud-py '{line[-1]}' '{line[-2]}'\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    shown = subprocess.run(
        ["bash", "--norc", "-c", ask],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        env={**os.environ, "PATH": f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"},
    )
    assert sorted(shown.stdout.split()) == completed, shown.stderr


def _without(*missing: str) -> Callable[[str], object]:
    """A `find_spec` of a machine on which some packages are not installed."""

    def find_spec(name: str) -> object:
        return None if name in missing else object()

    return find_spec


def test_without_its_library_completion_says_what_to_install(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("completion", "contract"):
        monkeypatch.setattr(f"mincloud.cli.{module}.find_spec", _without("shtab", "yaml"))
    assert program("completion", "bash").line == (
        "mincloud-py: completion scripts need shtab: pip install 'mincloud[cli]'\n"
    )
    assert program("contract", "--json").line == (
        "mincloud-py: the contract as JSON needs PyYAML: pip install 'mincloud[cli]'\n"
    )


def test_the_emulator_as_json_says_where_it_is_and_serves(program: Program) -> None:
    program.write("functions/greet.js", GREET)
    with program.start("emulator", "--port", "0", "--functions", "functions", "--json") as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        assert document["functions"] == ["greet"]
        program.set(MINCLOUD_BASE_URL=document["url"], MINCLOUD_ACCESS_TOKEN=document["access_token"])
        assert program.done("invoke", "greet", '{"username": "Lin"}').out == "hello Lin\n"
        process.send_signal(signal.SIGTERM)
        rest, complaint = process.communicate(timeout=20)
        assert (process.returncode, rest, complaint) == (0, b"", b"")


def test_the_emulator_as_json_does_not_watch(program: Program) -> None:
    program.write("functions/greet.js", GREET)
    ended = program("emulator", "--port", "0", "--functions", "functions", "--watch", "--json")
    assert (ended.status, "--watch says in the log what it deploys, and --json has no log" in ended.line) == (2, True)


def test_without_its_server_the_emulator_says_what_to_install(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mincloud.cli.local_emulator.find_spec", _without("uvicorn"))
    assert program("emulator").line == ("mincloud-py: the emulator needs uvicorn: pip install 'mincloud[emulator]'\n")
