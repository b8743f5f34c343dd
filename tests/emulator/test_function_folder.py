"""A watched folder of functions: every change is found, and every problem is reported once."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator import FunctionSourceError
from mincloud_emulator.core.function_folder import WatchedFolder
from tests.emulator.command_process import emulator_process
from tests.emulator.conftest import API

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 1_500_000_000


class Deployed(dict[str, str]):
    """The code that a folder has deployed, by name."""

    def __call__(self, name: str, code: str) -> str:
        action = "updated" if name in self else "created"
        self[name] = code
        return action


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


@pytest.fixture
def folder(tmp_path: Path, deployed: Deployed) -> WatchedFolder:
    return WatchedFolder(tmp_path, deployed)


def said(folder: WatchedFolder) -> list[str]:
    """Scans the folder, and returns all messages."""
    return [*itertools.chain(*folder.scan())]


@pytest.fixture(autouse=True)
def _all_files_are_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a scan rely on the times of a file, however new the file is."""
    monkeypatch.setattr("mincloud_emulator.core.function_folder._UNSETTLED_SECONDS", -60.0)


def write(path: Path, code: str) -> None:
    """Writes a file with the times and the size of its last version, as `cp -p` and `rsync -t` may."""
    path.write_text(code)
    os.utime(path, (LONG_AGO, LONG_AGO))


def test_a_file_that_keeps_its_time_and_size_is_deployed_again(
    tmp_path: Path, folder: WatchedFolder, deployed: Deployed
) -> None:
    write(tmp_path / "greet.js", "// 1")
    assert said(folder) == [f"created greet from {tmp_path / 'greet.js'}"]
    assert said(folder) == []
    write(tmp_path / "greet.js", "// 2")
    assert said(folder) == [f"updated greet from {tmp_path / 'greet.js'}"]
    write(tmp_path / ".new", "// 3")
    (tmp_path / ".new").replace(tmp_path / "greet.js")
    folder.scan()
    assert deployed == {"greet": "// 3"}
    assert said(folder) == []


def test_a_link_that_leads_elsewhere_is_deployed_again(
    tmp_path: Path, folder: WatchedFolder, deployed: Deployed
) -> None:
    for version in ("1", "2"):
        (tmp_path / f".{version}").mkdir()
        write(tmp_path / f".{version}" / "index.js", f"// {version}")
        (tmp_path / "link").symlink_to(tmp_path / f".{version}")
        (tmp_path / "link").replace(tmp_path / "greet")
        folder.scan()
        assert deployed == {"greet": f"// {version}"}


def test_of_a_file_and_a_folder_the_one_that_is_there_is_deployed(
    tmp_path: Path, folder: WatchedFolder, deployed: Deployed
) -> None:
    (tmp_path / "greet").mkdir()
    write(tmp_path / "greet" / "index.js", "// folder")
    write(tmp_path / "greet.js", "// file")
    assert sum("are both the function 'greet'" in line for line in said(folder)) == 1
    assert deployed == {"greet": "// file"}
    for _ in range(2):
        (tmp_path / "greet.js").rename(tmp_path / ".away")
        folder.scan()
        assert deployed == {"greet": "// folder"}
        (tmp_path / ".away").rename(tmp_path / "greet.js")
        folder.scan()
        assert deployed == {"greet": "// file"}


def test_a_change_within_one_tick_of_the_clock_is_seen(
    tmp_path: Path, folder: WatchedFolder, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system with a coarse resolution of times does not show the second change."""
    monkeypatch.setattr("mincloud_emulator.core.function_folder._UNSETTLED_SECONDS", 600.0)

    def stamp_of(path: Path) -> tuple[object, ...]:
        return (path,)

    monkeypatch.setattr("mincloud_emulator.core.function_folder._stamp_of", stamp_of)
    write(tmp_path / "greet.js", "// 1")
    folder.scan()
    write(tmp_path / "greet.js", "// 2")
    folder.scan()
    assert deployed == {"greet": "// 2"}
    deployed["greet"] = "// somebody else's"
    folder.scan()
    assert deployed == {"greet": "// somebody else's"}


def test_a_file_that_is_gone_is_said_once_and_its_function_stays(
    tmp_path: Path, folder: WatchedFolder, deployed: Deployed
) -> None:
    write(tmp_path / "greet.js", "// 1")
    folder.scan()
    (tmp_path / "greet.js").unlink()
    assert said(folder) == []  # it may just be being replaced
    assert said(folder) == [
        f"greet is no longer in {tmp_path}; it stays deployed until it is deleted, on the page or by a client"
    ]
    assert said(folder) == []
    assert set(deployed) == {"greet"}


def test_what_can_not_be_deployed_is_said_once_and_again_when_it_comes_back(
    tmp_path: Path, folder: WatchedFolder, deployed: Deployed
) -> None:
    write(tmp_path / "fine.js", "// fine")
    write(tmp_path / "empty.js", "\ufeff")
    write(tmp_path / "app.ts", "let a: string")
    (tmp_path / "latin.js").write_bytes(b"\xff")
    first = said(folder)
    assert set(deployed) == {"fine"}
    for part in ("empty.js is empty: a function needs code", "app.ts is left out", "esbuild", "latin.js is not UTF-8"):
        assert sum(part in line for line in first) == 1
    assert said(folder) == []
    write(tmp_path / "empty.js", "// now\r\n")
    assert said(folder) == [f"created empty from {tmp_path / 'empty.js'}"]
    assert deployed["empty"] == "// now\r\n"
    write(tmp_path / "empty.js", " ")
    assert any("empty.js is empty" in line for line in said(folder))


def test_a_folder_that_goes_away_is_said_once(tmp_path: Path, deployed: Deployed) -> None:
    (tmp_path / "functions").mkdir()
    folder = WatchedFolder(tmp_path / "functions", deployed)
    shutil.rmtree(tmp_path / "functions")
    (line,) = said(folder)
    assert "functions" in line
    assert said(folder) == []
    with pytest.raises(FunctionSourceError, match=r"there is no folder .*: make it"):
        WatchedFolder(tmp_path / "functions", deployed)


def test_a_neighbour_that_can_not_be_read_hides_no_function(tmp_path: Path) -> None:
    (tmp_path / "loop.js").symlink_to(tmp_path / "loop.js")  # as unreadable for root as for everybody
    (tmp_path / "fine.js").write_text("exports.main = async () => 1")
    with emulator_process("--functions", str(tmp_path), "--watch", "--access-token", "t") as process:
        process.line_with("Ctrl-C")
        process.line_with("loop.js is left out, since it cannot be read")
        api = API(process.url, "t")
        assert [function["name"] for function in api.list().json()["objects"]] == ["fine"]
        (tmp_path / "more.js").write_text("exports.main = async () => 2")
        process.line_with("created more from")
        assert process.output.count("loop.js is left out") == 1
        api.http.close()


def test_code_that_does_not_parse_is_said_when_it_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "broken.js").write_text("exports.main = async () => {\n  return 1 fot debug\n}")
    (tmp_path / "module.js").write_text("export default async () => 1")
    (tmp_path / "fine.js").write_text("#!/usr/bin/env node\nexports.main = async () => 1")
    with emulator_process("--functions", str(tmp_path), "--watch", "--access-token", "t") as process:
        assert " broken: line 2: SyntaxError: " in process.line_with(" broken: ")
        assert "the service runs CommonJS" in process.line_with(" module: ")
        (tmp_path / "later.js").write_text("exports.main = async () => {")
        process.line_with(" later: line 1: SyntaxError: Unexpected end of input")
        api = API(process.url, "t")
        api.create("sent", "return (")
        process.line_with(" sent: line 1: SyntaxError: ")
        assert " fine: " not in process.output
        api.http.close()


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_folder_means_the_same_with_and_without_json(tmp_path: Path, json: list[str]) -> None:
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "index.js").write_text("exports.main = async () => 'folder'")
    (tmp_path / "hello.js").write_text("exports.main = async () => 'file'")
    (tmp_path / "empty.js").write_text("")
    main = "from mincloud.cli import main; raise SystemExit(main())"
    program = [sys.executable, "-c", main, *json, "emulator", "--port", "0", "--functions", str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if "console_url" in line or "Ctrl-C" in line:
                break
        process.terminate()
        output += process.stdout.read()
        assert process.wait(50) == 0
    assert "hello.js and " in output
    assert "are both the function 'hello': keep one of them" in output
    assert "empty is not deployed: " in output
    assert "Traceback" not in output
