"""The data file: what it keeps after a clean end and after a kill, and which files are refused."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from mincloud_emulator import DataFileError, Emulator
from tests.emulator.command_process import emulator_process
from tests.emulator.conftest import API, WEB

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file) as emulator:
        api = API(emulator.url, emulator.access_token)
        created = api.create("测试", remark="r").json()
        emulator.stub("测试", lambda _event: 1)
        api.invoke("%E6%B5%8B%E8%AF%95")
        jobs = api.jobs("%E6%B5%8B%E8%AF%95").json()["objects"]
        credentials = (emulator.client_id, emulator.client_secret, emulator.access_token)
        issued = emulator.issue_token()
        api.http.close()
    with Emulator(data=str(file)) as emulator:
        assert (emulator.client_id, emulator.client_secret, emulator.access_token) == credentials
        api = API(emulator.url, issued)
        assert api.get("%E6%B5%8B%E8%AF%95").json() == created
        (job,) = api.jobs("%E6%B5%8B%E8%AF%95").json()["objects"]
        assert job["id"] == jobs[0]["id"]
        assert "LOG return:  { error: {}, code: 0, data: 1 }" in WEB.get(job["user_log_url"]).text
        assert api.create("later").json()["id"] > created["id"]
        api.http.close()


def test_given_credentials_replace_what_the_file_has(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file) as emulator:
        first = emulator.access_token
    with Emulator(data=file, client_id="me", client_secret="s", access_token="t") as emulator:
        assert (emulator.client_id, emulator.client_secret, emulator.access_token) == ("me", "s", "t")
        for token in (first, "t"):
            api = API(emulator.url, token)
            assert api.list().status_code == 200
            api.http.close()


def test_a_token_that_was_killed_is_replaced_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file) as emulator:
        first = emulator.access_token
        emulator.revoke_tokens()
    with Emulator(data=file) as emulator:
        assert emulator.access_token != first
        api = API(emulator.url, emulator.access_token)
        assert api.list().status_code == 200
        api.http.close()


def test_a_file_that_holds_secrets_is_for_its_owner_only(tmp_path: Path) -> None:
    with Emulator(data=tmp_path / "emulator.db"):
        modes = {stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert modes == {0o600}


def test_jobs_that_run_when_the_emulator_is_closed_are_marked_failed(tmp_path: Path) -> None:
    file, go_on = tmp_path / "emulator.db", threading.Event()
    with Emulator(data=file) as emulator:
        emulator.stub("slow", lambda _event: go_on.wait(50))
        api = API(emulator.url, emulator.access_token)
        api.invoke("slow", sync=False)
        api.http.close()
    go_on.set()
    with Emulator(data=file) as emulator:
        api = API(emulator.url, emulator.access_token)
        (job,) = api.jobs("slow").json()["objects"]
        assert job["status"] == "execution_failed"
        assert "stopped before this job had ended" in WEB.get(job["user_log_url"]).text
        api.http.close()


def test_what_was_acknowledged_survives_a_kill_while_writing_and_running(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    acknowledged: list[str] = []

    def write(url: str) -> None:
        api = API(url, "t")
        with contextlib.suppress(httpx.TransportError):
            for number in range(900):  # A page of the list has room for them.
                assert api.create(f"f{number}").status_code == 201
                acknowledged.append(f"f{number}")
        api.http.close()

    with emulator_process("--data", str(file), "--access-token", "t") as process:
        api = API(process.url, "t")
        api.create("slow", "exports.main = (event, callback) => setTimeout(callback, 60000)")
        assert api.invoke("slow", sync=False).json() == {"status": "ok"}
        while api.jobs("slow").json()["objects"][0]["status"] != "executing":
            time.sleep(0.02)
        writer = threading.Thread(target=write, args=(process.url,))
        writer.start()
        while len(acknowledged) < 50:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        writer.join(50)
        api.http.close()
    with emulator_process("--data", str(file)) as process:
        api = API(process.url, "t")
        stored = {function["name"] for function in api.list(limit=1000).json()["objects"]}
        assert stored >= {"slow", *acknowledged}
        (job,) = api.jobs("slow").json()["objects"]
        assert job["status"] == "execution_failed"
        assert job["finished_at"] >= job["started_at"]
        assert "ERROR" in WEB.get(job["user_log_url"]).text
        assert api.invoke("f1").json()["data"] == "hello world"
        api.http.close()


def test_a_file_serves_one_emulator_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file) as emulator:
        with pytest.raises(DataFileError, match="in use by another emulator: stop that one") as raised:
            Emulator(data=file).start()
        assert "\n" not in str(raised.value)
        api = API(emulator.url, emulator.access_token)
        assert api.create("still fine").status_code == 201
        api.http.close()
    with Emulator(data=file):
        pass


def test_a_file_of_another_version_is_refused_untouched(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file):
        pass
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DataFileError, match=r"is of version 99 and this emulator needs version 2: name another"):
        Emulator(data=file).start()
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_files_that_are_no_data_files_are_refused_untouched(tmp_path: Path) -> None:
    text, foreign = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("remember the milk\n" * 100)
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE theirs (a)")
    connection.commit()
    connection.close()
    before = (text.read_bytes(), foreign.read_bytes())
    with pytest.raises(DataFileError, match="is not an emulator's data file: name another"):
        Emulator(data=text).start()
    with pytest.raises(DataFileError, match="is another program's database: name another"):
        Emulator(data=foreign).start()
    assert (text.read_bytes(), foreign.read_bytes()) == before


def test_a_place_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "missing" / "emulator.db", tmp_path):
        with pytest.raises(DataFileError, match="cannot open the data file"):
            Emulator(data=file).start()


def test_a_device_or_pipe_is_refused_and_keeps_its_permissions(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    with pytest.raises(
        DataFileError, match=r"cannot open the data file .* \(it is no regular file\): name another file"
    ):
        Emulator(data=pipe).start()
    assert pipe.stat().st_mode & 0o777 == 0o666


def test_an_empty_file_becomes_a_data_file(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    file.touch()
    with Emulator(data=file) as emulator:
        assert emulator.url


def test_an_existing_file_that_others_can_read_is_taken_from_them(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file):
        pass
    file.chmod(0o644)
    with Emulator(data=file):
        modes = {stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert modes == {0o600}
    file.unlink()
    file.touch(0o644)
    with Emulator(data=file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_of_another_account_that_others_can_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file):
        pass
    file.chmod(0o644)

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    # What the system answers to an account that does not own the file; the tests have no second account.
    monkeypatch.setattr("pathlib.Path.chmod", refuse)
    with pytest.raises(DataFileError, match=r"other accounts can read the data file .*: name another file"):
        Emulator(data=file).start()


@pytest.mark.parametrize("table", ["setting", "token", "function", "job", "job_data", "job_log"])
def test_a_file_that_lacks_a_table_is_damaged(tmp_path: Path, table: str) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file):
        pass
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO other")
    with pytest.raises(DataFileError, match=r"is damaged \(\w+ is missing or changed\): put back a copy, or") as raised:
        Emulator(data=file).start()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("at", [0.02, 0.3, 0.6])
def test_a_file_with_a_damaged_part_is_said_to_be_damaged(tmp_path: Path, at: float) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file) as emulator:
        for number in range(50):
            emulator.deploy(f"f{number}", "x" * 5000)
    content = bytearray(file.read_bytes())
    start = int(at * len(content))
    content[start : start + 9000] = b"\xa5" * len(content[start : start + 9000])
    file.write_bytes(content)
    with pytest.raises(DataFileError, match=r"is damaged \(.*\): put back a copy") as raised:
        Emulator(data=file).start()
    assert "\n" not in str(raised.value)


def test_a_file_that_was_cut_is_said_to_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(data=file) as emulator:
        emulator.deploy("greet", "x" * 50_000)
    file.write_bytes(file.read_bytes()[:20_000])
    with pytest.raises(DataFileError, match=r"is damaged \(.*\): put back a copy"):
        Emulator(data=file).start()
