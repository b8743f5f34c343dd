"""The command: what it prints, how it is stopped, and its messages when it can't start."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator import AddressError, Emulator
from mincloud_emulator.runtime import find_node
from mincloud_emulator.server import bind, log_port
from tests.emulator.command_process import PROGRAM, emulator_process
from tests.emulator.conftest import API, WEB

if TYPE_CHECKING:
    from pathlib import Path

GREET = "exports.main = async event => { console.log('working'); return event.data }"


def test_it_says_where_it_listens_and_what_to_try_and_warns() -> None:
    with emulator_process("--client-id", "me", "--client-secret", "hush", "--access-token", "tok") as process:
        process.line_with("Ctrl-C")
        lines = [line.strip() for line in process.output.splitlines()]
        assert lines[0].startswith(f"MinCloud emulator listening on {process.url} (logs on http://127.0.0.1:")
        assert [line.split() for line in lines[2:6]] == [
            ["page", f"{process.url}/#key={lines[2].rpartition('=')[2]}"],
            ["client_id", "me"],
            ["client_secret", "hush"],
            ["access_token", "tok"],
        ]
        assert f"export MINCLOUD_BASE_URL={process.url}" in lines
        assert "export MINCLOUD_ACCESS_TOKEN=tok" in lines
        assert "Warning: functions are code. They run here with the rights of" in process.output
        assert "other machines" not in process.output


def test_it_says_what_an_older_node_cannot_keep_functions_from() -> None:
    node = find_node("12")
    with emulator_process("--node", "12") as process:
        line = process.line_with("  node ")
        beyond = "files and programs are out of reach of a function only as far as JavaScript can tell"
        assert line.split("node", 1)[1].strip() == f"{'.'.join(map(str, node.version))} (before Node 20, {beyond})"


def test_the_line_to_try_works() -> None:
    with emulator_process() as process:
        process.line_with("Ctrl-C")
        lines = [line.strip() for line in process.output.splitlines()]
        exports = [line for line in lines if line.startswith("export ")]
        (curl,) = [line for line in lines if line.startswith("curl ")]
        script = "\n".join([*exports, curl.replace("curl ", "curl --silent ", 1)])
        tried = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=50)
        assert '"total_count":0' in tried.stdout


def test_it_warns_when_other_machines_can_reach_it() -> None:
    with emulator_process("--host", "0.0.0.0") as process:
        process.line_with("Warning: 0.0.0.0 can be reached from other machines")
        assert WEB.get(process.url).status_code < 500


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_stopped_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "slow.js").write_text("exports.main = () => { console.log('up'); setTimeout(() => {}, 60000) }")
    with emulator_process("--functions", str(tmp_path), "--access-token", "t") as process:
        process.line_with("Ctrl-C")
        api = API(process.url, "t")
        api.invoke("slow", sync=False)
        process.line_with("LOG up")
        os.kill(process.pid, number)
        assert process.wait() == 0
        assert "Traceback" not in process.output
        api.http.close()


def test_each_request_and_each_line_of_a_function_is_a_line_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "greet.js").write_text(GREET)
    with emulator_process("--functions", str(tmp_path), "--access-token", "secret-token") as process:
        process.line_with("Ctrl-C")
        api = API(process.url, "secret-token")
        api.invoke("greet", {"a": 1})
        log_url = api.jobs("greet").json()["objects"][0]["user_log_url"]
        api.http.headers["X-Hydrogen-Env-ID"] = "staging"
        api.get("mi%1B%5B31mssing")
        assert WEB.get(log_url).status_code == 200
        assert "greet #1 | " in process.line_with("LOG working")
        assert " 200 " in process.line_with("POST /oserve/v1.3/cloud-function/greet/job/")
        missing = process.line_with("ssing/ ")
        assert "[staging] 404" in missing
        assert "\x1b" not in missing
        process.line_with("GET /ticket_1.log 200")
        process.line_with("GET /oserve/v1.3/cloud-function/greet/job/")
        after_the_banner = process.output.partition("Ctrl-C")[2]
        assert "secret-token" not in after_the_banner
        assert "Signature" not in after_the_banner
        api.http.close()


def test_a_folder_of_functions_is_served_and_again_when_saved(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text("exports.main = async () => 1")
    (tmp_path / "测试").mkdir()
    (tmp_path / "测试" / "index.js").write_text("exports.main = async () => 2")
    (tmp_path / "empty.js").write_text(" \n")
    (tmp_path / "notes.txt").write_text("no function")
    (tmp_path / ".hidden.js").write_text("no function")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "index.js").write_text("no function")
    with emulator_process("--functions", str(tmp_path), "--watch", "--access-token", "t") as process:
        process.line_with("Ctrl-C")
        assert "functions      2 from" in process.output
        process.line_with("empty.js is empty")
        api = API(process.url, "t")
        assert {function["name"] for function in api.list().json()["objects"]} == {"one", "测试"}
        assert api.invoke("one").json()["data"] == 1
        (tmp_path / "one.js").write_text("exports.main = async () => 'one, saved again'")
        process.line_with("updated one from")
        assert api.invoke("one").json()["data"] == "one, saved again"
        (tmp_path / "three.js").write_text("exports.main = async () => 3")
        process.line_with("created three from")
        (tmp_path / "one.js").unlink()
        shutil.rmtree(tmp_path / "测试")
        (tmp_path / "three.js").write_bytes(b"\xff")
        process.line_with("three.js is not UTF-8")
        assert api.list().json()["meta"]["total_count"] == 3
        api.http.close()


def test_it_says_which_function_the_service_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "new.js").write_text("exports.main = async event => event?.data")
    (tmp_path / "old.js").write_text("exports.main = async event => event.data")
    with emulator_process("--functions", str(tmp_path), "--access-token", "t") as process:
        note = process.line_with("the service runs Node 12")
        assert " new: " in note
        api = API(process.url, "t")
        api.create("newer", "exports.main = async event => event ?? 1")
        process.line_with(" newer: ")
        assert " old: " not in process.output
        api.http.close()


def test_a_terminal_without_chinese_gets_escapes(tmp_path: Path) -> None:
    (tmp_path / "empty.js").touch()
    with emulator_process(
        "--functions", str(tmp_path), "--access-token", "t", environment={"PYTHONIOENCODING": "ascii"}
    ) as process:
        api = API(process.url, "t")
        api.get("%E6%B5%8B%E8%AF%95")
        process.line_with(r"GET /oserve/v1.3/cloud-function/\u6d4b\u8bd5/ 404")
        api.http.close()


def test_an_output_that_nobody_reads_does_not_stop_it() -> None:
    program = [sys.executable, "-c", PROGRAM, "--port", "0", "--access-token", "t"]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split("listening on ")[1].split()[0]
        long_name = "a" * 1000
        api = API(url, "t")
        for _ in range(300):
            assert api.get(long_name).status_code == 404
        api.http.close()
        process.terminate()
        assert process.wait(50) == 0


def test_errors_that_nobody_reads_do_not_stop_it() -> None:
    """Each of these answers is also a traceback on standard error, and a pipe holds 64 of a kilobyte."""
    failing = PROGRAM.replace(
        "sys.exit(",
        "from mincloud_emulator.core.store import Store; Store.function = lambda *_: 1 / 0; sys.exit(",
    )
    program = [sys.executable, "-c", failing, "--port", "0", "--access-token", "t"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().decode().split("listening on ")[1].split()[0]
        api = API(url, "t")
        for _ in range(200):
            assert api.get("a").status_code == 500
        api.http.close()
        process.terminate()
        assert b"ZeroDivisionError" in process.stderr.read()
        assert process.wait(50) == 0


def test_secrets_may_come_from_the_environment() -> None:
    environment = {
        "MINCLOUD_EMULATOR_CLIENT_ID": "from-variable",
        "MINCLOUD_EMULATOR_CLIENT_SECRET": "hush",
        "MINCLOUD_EMULATOR_ACCESS_TOKEN": "quiet",
        # A real application's, perhaps: the emulator is none.
        "MINCLOUD_CLIENT_SECRET": "real",
        "MINCLOUD_ACCESS_TOKEN": "real",
    }
    with emulator_process("--client-id", "argument", environment=environment) as process:
        process.line_with("Ctrl-C")
        words = process.output.split()
        shown = {name: words[words.index(name) + 1] for name in ("client_id", "client_secret", "access_token")}
        assert shown == {"client_id": "argument", "client_secret": "hush", "access_token": "quiet"}
        assert "real" not in words
    with emulator_process(environment={"MINCLOUD_EMULATOR_ACCESS_TOKEN": ""}) as process:
        process.line_with("Ctrl-C")
        words = process.output.split()
        assert len(words[words.index("access_token") + 1]) == 40


def refusal(*arguments: str) -> str:
    """Runs the command, which must not start, and returns the line that it prints."""
    with emulator_process(*arguments) as process:
        assert process.wait() == 2
        assert process.output.count("\n") == 1
        assert process.output.startswith("mincloud-py emulator: ")
        return process.output


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert f"port {port} is in use on 127.0.0.1: stop what listens there" in refusal("--port", str(port))


def free_port(*others: int) -> int:
    """Returns a port below the system's ephemeral ports, from which others at some distances are free too."""
    for port in range(20_000, 31_000, 10):
        with contextlib.ExitStack() as stack, contextlib.suppress(AddressError):
            for distance in (0, *others):
                stack.enter_context(bind("127.0.0.1", port + distance))
            return port
    raise AssertionError("no port is free")


def test_the_next_port_is_left_to_the_next_emulator() -> None:
    port = free_port(1, 1000, 1001)
    with Emulator(port=port) as first, Emulator(port=port + 1) as second:
        assert first.log_url.endswith(f":{port + 1000}")
        assert second.url.endswith(f":{port + 1}")
        assert second.log_url.endswith(f":{port + 1001}")
    assert log_port(65_535) == 64_535


def test_logs_go_to_another_port_where_theirs_is_taken_and_that_is_said() -> None:
    port = free_port(1000, 2000)
    with Emulator(port=port + 1000), emulator_process("--port", str(port)) as process:
        note = process.line_with(f"Note: port {port + 1000} is in use, so the logs are at http://127.0.0.1:")
        assert note.strip().rstrip(".").split(" at ")[1] in process.line_with("listening on")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "70000"], "70000 is not a port: choose one from 0 to 65535"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--functions", "/nonexistent"], "there is no folder /nonexistent: make it, or name"),
        (["--watch"], "--watch needs a folder to watch: add --functions DIR"),
        (["--data", "/nonexistent/file"], "cannot open the data file /nonexistent/file"),
        (["--access-token", ""], "the access_token has to be printable ASCII without spaces, and not empty"),
        (["--client-secret", "a b"], "the client_secret has to be printable ASCII"),
        (["--node", "/nonexistent/node"], "install Node 12 or newer"),
        (["--node", "10"], "Node 10 is too old: to run functions install Node 12 or newer"),
        (["--node", "12.99"], "Node 12.99 is not installed: `npm install --no-save node-"),
        (["--baas", "/nonexistent/baas.js"], "there is no file /nonexistent/baas.js to stand in for BaaS"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments: list[str], complaint: str) -> None:
    assert complaint in refusal(*arguments)


def test_a_data_file_of_another_program_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("remember the milk\n" * 100)
    assert "is not an emulator's data file: name another file" in refusal("--data", str(file))


def test_its_options_cost_no_server() -> None:
    program = (
        "import sys, argparse; from mincloud_emulator import command;"
        "command.add_arguments(argparse.ArgumentParser());"
        "print([name for name in ('starlette', 'uvicorn', 'asyncio', 'sqlite3') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
