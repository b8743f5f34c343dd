"""The commands `contract`, `completion` and `emulator`."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from mincloud import contract
from mincloud._pyinstaller import get_hook_dirs
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
    assert program("contract", "--json", "--yaml").error["message"] == ("--yaml and --json are two forms: choose one")


def test_in_an_archive_the_contract_is_printed_and_has_no_place(program: Program, tmp_path: Path) -> None:
    archive = tmp_path / "mincloud.pyz"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("__main__.py", "from mincloud.cli import main\nraise SystemExit(main())\n")
        for folder in (ROOT / "mincloud", ROOT / "mincloud_emulator", ROOT / "generated" / "mincloud_api"):
            for file in folder.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    zipped.write(file, file.relative_to(folder.parent))
        zipped.write(CONTRACT, "mincloud_api/mincloud.yaml")  # where the wheel has it
    shown = subprocess.run([sys.executable, str(archive), "contract"], capture_output=True, check=True, timeout=30)
    assert shown.stdout.decode() == CONTRACT.read_text("utf-8")
    placed = subprocess.run(
        [sys.executable, str(archive), "contract", "--path"], capture_output=True, check=False, text=True, timeout=30
    )
    assert (placed.returncode, placed.stderr) == (
        2,
        "mincloud-py: this mincloud is in an archive, so the contract is no file of its own: print it instead\n",
    )


def test_a_frozen_program_prints_the_contract_and_names_no_file_that_goes_with_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert program.done("contract").out == CONTRACT.read_text("utf-8")
    assert "so the contract is no file of its own" in program("contract", "--path").line


def test_pyinstaller_is_told_of_the_commands_and_of_the_files_beside_the_code() -> None:
    (folder,) = get_hook_dirs()
    hook = runpy.run_path(str(Path(folder) / "hook-mincloud.py"))
    assert {"mincloud.cli.batch_settling", "mincloud._sync.client", "mincloud_api.models.job"} <= {
        *hook["hiddenimports"]
    }
    assert {
        (str(ROOT / "generated" / "mincloud_api" / "contract.json"), "mincloud_api"),
        (str(ROOT / "generated" / "mincloud_api" / "variants" / "portable.json"), "mincloud_api/variants"),
        (str(ROOT / "mincloud_emulator" / "runtime" / "container.cjs"), "mincloud_emulator/runtime"),
        (str(ROOT / "mincloud_emulator" / "console" / "index.html"), "mincloud_emulator/console"),
    } <= {*hook["datas"]}


def test_the_contracts_place_is_printed(program: Program) -> None:
    path = Path(program.done("contract", "--path").out.strip())
    assert path.read_bytes() == CONTRACT.read_bytes()
    assert program.done("contract", "--path", "--json").document == {"path": str(path)}


def test_the_portable_variant_is_printed_in_both_forms(program: Program) -> None:
    printed = program.done("contract", "--portable", "--json").document
    assert printed == contract(portable=True) != contract()
    assert yaml.safe_load(program.done("contract", "--portable").out) == printed
    assert program.done("contract", "--portable", "--yaml").out == program.done("contract", "--portable").out
    assert program("contract", "--portable", "--path").line == (
        "mincloud-py: --path says where the contract itself is, and a variant is only printed: leave one of them out\n"
    )


def test_the_variants_combine(program: Program) -> None:
    options = ("--portable", "--server", "--openapi", "3.1", "--dereferenced")
    printed = program.done("contract", *options, "--json").document
    assert printed == contract(portable=True, server=True, openapi="3.1", dereferenced=True)
    assert printed["info"]["x-variant"] == ["portable", "server", "openapi-3.1"]
    assert yaml.safe_load(program.done("contract", *options).out) == printed


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_with_each_command(program: Program, shell: str) -> None:
    script = program.done("completion", shell).out
    for word in ("deploy", "batch", "retry-uncertain", "execution_failed"):
        assert word in script
    assert program.done("completion", shell, "--json").document["script"] == script.rstrip("\n") + (
        "\n" if script.endswith("\n\n") else ""
    )


COMPLETED = {
    "dep": ["deploy"],
    "jobs greet --stat": ["--status"],
    "jobs greet --status exec": ["executing", "execution_failed", "execution_rejected"],
    "batch greet in.jsonl --retry-u": ["--retry-uncertain"],
    "completion z": ["zsh"],
    "deploy gre": ["greet.js"],
    "deploy greet gre": ["greet.js"],
}
_BASH = """
source ./mincloud-py.bash
function=$(complete -p mincloud-py | sed 's/.*-F \\([^ ]*\\).*/\\1/')
for COMP_LINE in "$@"; do
  read -ra COMP_WORDS <<< "$COMP_LINE"
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE} COMPREPLY=()
  $function mincloud-py "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
  echo "${COMPREPLY[*]}"
done
"""
# A shell in a terminal of its own, where the tabulator shows what there is to choose from.
_ZSH = r"""
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner 'PS1= fpath=($PWD $fpath); stty columns 200; autoload -Uz compinit; compinit -u -D'
zpty -w inner 'bindkey "^I" list-choices; ended() { print "<END>" }; zle -N ended; bindkey "^T" ended'
zpty -w inner 'zstyle ":completion:*" verbose no; bindkey "^U" kill-whole-line; print "<SET""-UP>"'
zpty -r -m inner seen '*<SET-UP>*'
for line in "$@"; do
  zpty -n -w inner "$line"$'\t\x14\x15'
  zpty -r -m inner seen '*<END>*'
  shown=${${seen%$line*}##*$line}
  print -r -- ${(f)${shown//$'\r'/}}
done
zpty -d inner
"""
_FISH = """
for line in $argv
  echo (complete --do-complete $line | string replace --regex '\\t.*' '')
end
"""


@pytest.mark.parametrize(
    ("shell", "options", "place", "ask"),
    [
        ("bash", ["--norc"], "work/mincloud-py.bash", _BASH),
        ("zsh", ["-f"], "work/_mincloud-py", _ZSH),
        ("fish", [], "home/.config/fish/completions/mincloud-py.fish", _FISH),
    ],
    ids=["bash", "zsh", "fish"],
)
def test_a_shell_completes_commands_options_choices_and_files(
    program: Program, shell: str, options: list[str], place: str, ask: str
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: scripts/install_debian_packages.sh {shell} installs it")
    script = program.folder / place
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(program.done("completion", shell).out)
    program.write("greet.js", GREET)
    program.write("ask", ask)
    shown = subprocess.run(
        [shell, *options, "ask", *(f"mincloud-py {line}" for line in COMPLETED)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "TERM": "dumb", "PATH": f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"},
    )
    offered = [sorted(words.split()) for words in shown.stdout.splitlines()]
    assert dict(zip(COMPLETED, offered, strict=True)) == COMPLETED, shown.stderr


def _without(*missing: str) -> Callable[[str], object]:
    """A `find_spec` of a machine on which some packages are not installed."""

    def find_spec(name: str) -> object:
        return None if name in missing else object()

    return find_spec


def test_without_its_library_completion_says_what_to_install(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mincloud.cli.completion.find_spec", _without("shtab"))
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert program("completion", "bash").line == (
        "mincloud-py: completion scripts need shtab: pip install 'mincloud[cli]'\n"
    )
    assert program("contract", "--portable").line == (
        "mincloud-py: a variant as YAML needs PyYAML: pip install 'mincloud[cli]', or take it as JSON with --json\n"
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_emulator_as_json_is_stopped_by_who_has_read_its_document_and_by_nothing_less(
    program: Program, number: signal.Signals
) -> None:
    with program.start("emulator", "--port", "0", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["functions"] == []
        process.send_signal(number)
        rest, complaint = process.communicate(timeout=20)
        assert (process.returncode, rest, complaint) == (0, b"", b"")


def test_the_emulator_serves_a_folder_of_typescript_bundled(program: Program) -> None:
    (program.work / "node_modules").symlink_to(ROOT / "node_modules")
    program.write("src/hi/index.ts", "export const main = async (event: any) => event.data?.n ?? 'nobody'\n")
    with program.start("emulator", "--port", "0", "--functions", "src", "--bundle", "--json") as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        assert document["functions"] == ["hi"]
        program.set(MINCLOUD_BASE_URL=document["url"], MINCLOUD_ACCESS_TOKEN=document["access_token"])
        assert program.done("invoke", "hi").out == "nobody\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert "--bundle needs a folder of functions" in program("emulator", "--bundle").line
    assert "--bundle bundles once" in program("emulator", "--bundle", "--functions", "src", "--watch").line


def test_the_emulator_as_json_does_not_watch(program: Program) -> None:
    program.write("functions/greet.js", GREET)
    ended = program("emulator", "--port", "0", "--functions", "functions", "--watch", "--json")
    assert (
        ended.status,
        "--watch says in the log what it deploys, and --json has no log" in ended.error["message"],
    ) == (2, True)


def test_the_emulator_as_json_takes_the_same_options(program: Program) -> None:
    ended = program("emulator", "--port", "0", "--baas", "nowhere.js", "--json")
    assert (ended.status, "there is no file nowhere.js to stand in for BaaS" in ended.error["message"]) == (2, True)


def test_without_its_server_the_emulator_says_what_to_install(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mincloud.cli.emulator.find_spec", _without("uvicorn"))
    assert program("emulator").line == ("mincloud-py: the emulator needs uvicorn: pip install 'mincloud[emulator]'\n")
