"""The commands `jobs` and `logs`."""

from __future__ import annotations

import json
import signal
import time
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mincloud.cli.units import duration, parse_rate, parse_time, size, zone

from .conftest import GREET

if TYPE_CHECKING:
    import subprocess
    import threading

    from .conftest import Program

LIN = '{"username": "Lin"}'


def _ids(program: Program, *options: str) -> list[int]:
    return [document["id"] for document in program.done("jobs", "greet", *options, "--json").documents]


@pytest.fixture
def called(program: Program, greet: str) -> Program:
    """Three calls: one that failed, and an hour later two that succeeded, the second not waited for."""
    program("invoke", greet)
    program.emulator.clock.advance(3600)
    program("invoke", greet, LIN)
    program("trigger", greet, LIN)
    program.emulator.settle()
    return program


def test_jobs_are_listed_the_newest_first(called: Program) -> None:
    header, *rows = [line.split("\t") for line in called.done("jobs", "greet").out.splitlines()]
    assert header == ["ID", "STATUS", f"CREATED {zone()}", "WAITED", "TOOK", "MEMORY", "SOURCE", "TYPE"]
    assert [(row[0], row[1], row[7]) for row in rows] == [
        ("3", "fulfilled", "batch"),
        ("2", "fulfilled", "time_sensitive"),
        ("1", "execution_failed", "time_sensitive"),
    ]
    created = [job["created_at"] for job in called.done("jobs", "greet", "--json").documents]
    assert [row[2] for row in rows] == [time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) for at in created]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--status", "execution_failed"], [1]),
        (["--failed"], [1]),
        (["--failed", "--since", "HALF"], []),
        (["--service-type", "batch"], [3]),
        (["--source", "open_api"], [3, 2, 1]),
        (["--source", "timer"], []),
        (["--since", "2h"], [3, 2, 1]),
        (["--since", "HALF"], [3, 2]),
        (["--until", "HALF"], [1]),
        (["--since", "2h", "--until", "HALF"], [1]),
        (["--since", "2020-01-01"], [3, 2, 1]),
        (["--until", "1577836800"], []),
        (["--limit", "2"], [3, 2]),
        (["--all"], [3, 2, 1]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_jobs_are_filtered(called: Program, options: list[str], ids: list[int]) -> None:
    half_an_hour_on = datetime.now().astimezone() + timedelta(minutes=30)
    # With the zone, for a clock that is set back shows the same time twice.
    words = [half_an_hour_on.strftime("%Y-%m-%d %H:%M:%S%z") if word == "HALF" else word for word in options]
    assert _ids(called, *words) == ids


def test_as_json_there_is_no_presigned_address(called: Program) -> None:
    document = called.done("jobs", "greet", "--limit", "1", "--json").document
    assert document["has_log"] is True
    assert "user_log_url" not in document
    assert "Signature" not in json.dumps(document)


def test_people_are_told_that_there_are_more(called: Program) -> None:
    ended = called("jobs", "greet", "--limit", "2")
    assert (ended.status, ended.err) == (0, "2 of 3 jobs: --limit N or --all shows more\n")
    assert called("jobs", "greet", "--limit", "3").err == ""


def test_all_are_listed_across_pages(program: Program, greet: str) -> None:
    program.emulator.stub(greet, lambda _: None)
    for _ in range(25):
        program("invoke", greet)
    assert len(_ids(program)) == 20
    assert _ids(program, "--all") == list(range(25, 0, -1))


def _shown_until(process: subprocess.Popen[bytes], job: int, status: str) -> list[tuple[int, str]]:
    """Waits until a job is shown in a status; returns the jobs that were shown until then, with their statuses."""
    assert process.stdout is not None
    shown: list[tuple[int, str]] = []
    while (job, status) not in shown:
        document = json.loads(process.stdout.readline())
        shown.append((document["id"], document["status"]))
    return shown


@pytest.fixture
def slow(program: Program, released: threading.Event) -> Program:
    """A function `greet` that waits to be released, and fails with `fail`."""

    def greet(event: dict[str, Any]) -> None:
        if event["data"].get("wait"):
            released.wait()
        if event["data"].get("fail"):
            raise ValueError("told to")

    program.emulator.stub("greet", greet)
    return program


def test_followed_each_job_is_shown_once_in_each_status_until_it_is_interrupted(
    slow: Program, released: threading.Event
) -> None:
    slow("invoke", "greet")
    with slow.start("jobs", "greet", "--follow", "--interval", "0.05", "--json") as process:
        seen = _shown_until(process, 1, "fulfilled")
        slow("trigger", "greet", '{"wait": true}')
        seen += _shown_until(process, 2, "executing")
        slow("invoke", "greet")
        seen += _shown_until(process, 3, "fulfilled")
        released.set()
        seen += _shown_until(process, 2, "fulfilled")
        slow("invoke", "greet")  # what is shown of it comes after another look at the others
        seen += _shown_until(process, 4, "fulfilled")
        process.send_signal(signal.SIGINT)
        rest, complaint = process.communicate(timeout=20)
    # Statuses that pass at once are seen by chance.
    passing = {(2, "waiting"), *((job, status) for job in (3, 4) for status in ("waiting", "executing"))}
    assert [each for each in seen if each not in passing] == [
        (1, "fulfilled"),
        (2, "executing"),
        (3, "fulfilled"),
        (2, "fulfilled"),
        (4, "fulfilled"),
    ]
    assert len(seen) == len(set(seen))
    assert (process.returncode, rest) == (130, b"")
    assert json.loads(complaint) == {"error": {"kind": "Interrupted", "message": "interrupted"}}


def test_followed_jobs_of_a_status_are_shown_when_they_come_to_be_in_it(
    slow: Program, released: threading.Event
) -> None:
    slow("invoke", "greet", '{"fail": true}')
    words = ["jobs", "greet", "--follow", "--interval", "0.05", "--json", "--status", "execution_failed"]
    with slow.start(*words) as process:
        seen = _shown_until(process, 1, "execution_failed")
        slow("trigger", "greet", '{"wait": true, "fail": true}')
        slow.emulator.clock.advance(10)
        slow("invoke", "greet")
        slow("invoke", "greet", '{"fail": true}')
        seen += _shown_until(process, 4, "execution_failed")  # and 2, which runs, was seen at the latest with it
        released.set()
        seen += _shown_until(process, 2, "execution_failed")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    assert seen == [(job, "execution_failed") for job in (1, 4, 2)]
    assert rest == b""


def test_follow_has_no_end(called: Program) -> None:
    ended = called("jobs", "greet", "--follow", "--until", "1h")
    assert (ended.status, "--follow shows what comes" in ended.line) == (2, True)
    ended = called("jobs", "greet", "--follow", "--failed", "--status", "fulfilled")
    assert (ended.status, "two filters of the status" in ended.line) == (2, True)


@pytest.fixture
def logged(program: Program) -> Program:
    """A real function that was called twice."""
    program.emulator.deploy("greet", GREET)
    program("invoke", "greet", LIN)
    program("invoke", "greet", '{"username": "爱范儿"}')
    return program


def test_logs_print_the_newest_or_the_named(logged: Program) -> None:
    assert "LOG greeting 爱范儿\n" in logged.done("logs", "greet").out
    assert "LOG greeting Lin\n" in logged.done("logs", "greet", "--job", "1").out
    document = logged.done("logs", "greet", "--job", "1", "--json").document
    assert (document["job"], document["status"]) == (1, "fulfilled")
    assert "LOG greeting Lin\n" in document["log"]


def test_several_logs_are_printed_the_newest_last(logged: Program) -> None:
    logged("invoke", "greet")
    shown = logged.done("logs", "greet", "-n", "2").out
    assert shown.index("greeting 爱范儿") < shown.index("username is missing")
    assert "greeting Lin" not in shown
    assert [each["job"] for each in logged.done("logs", "greet", "--since", "1h", "--json").documents] == [1, 2, 3]
    assert [each["job"] for each in logged.done("logs", "greet", "--failed", "--json").documents] == [3]
    ended = logged("logs", "greet", "--since", "2099-01-01", "--failed")
    assert (ended.status, "'greet' has no such jobs" in ended.line) == (4, True)


def test_failed_jobs_are_of_no_other_status(called: Program) -> None:
    ended = called("jobs", "greet", "--failed", "--status", "fulfilled")
    assert (ended.status, "--failed and --status are two filters" in ended.line) == (2, True)


def test_a_job_that_is_not_there_ends_with_4(logged: Program) -> None:
    ended = logged("logs", "greet", "--job", "99")
    assert (ended.status, ended.line) == (
        4,
        "mincloud-py: 'greet' has no job 99: `mincloud-py jobs greet --all` shows those it has\n",
    )


def test_a_function_that_was_never_called_has_no_log(program: Program, greet: str) -> None:
    ended = program("logs", greet)
    assert (ended.status, "'greet' was never called" in ended.line) == (4, True)


def test_a_job_that_runs_has_no_log_yet_unless_it_is_waited_for(
    slow: Program, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow("trigger", "greet", '{"wait": true}')
    ended = slow("logs", "greet")
    assert ended.status == 4
    assert "job 1 has no log: it is executing, so try again when it has ended, or add --follow" in ended.line

    def release_and_sleep(seconds: float) -> None:
        released.set()  # now that it was seen to run
        time.sleep(seconds)

    monkeypatch.setattr("mincloud.cli.jobs.time", SimpleNamespace(sleep=release_and_sleep))
    followed = slow.done("logs", "greet", "--job", "1", "--follow", "--interval", "0.05", "--json").document
    assert followed["status"] == "fulfilled"
    assert "LOG return:" in followed["log"]


def test_followed_logs_come_as_jobs_end(logged: Program) -> None:
    with logged.start("logs", "greet", "--follow", "--interval", "0.05", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["job"] == 2
        logged("invoke", "greet", '{"username": "third"}')
        third = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert third["job"] == 3
    assert "greeting third" in third["log"]
    assert process.returncode == 130


def test_times_are_understood_as_people_write_them() -> None:
    for text, seconds in (("2h", 7200), ("1d12h", 36 * 3600), ("1.5h", 5400)):
        before = time.time()
        assert before - seconds <= parse_time(text) <= time.time() - seconds
    assert parse_time("1535903214.5") == 1535903214.5
    assert parse_time("2018-09-02T15:46:54+00:00") == 1535903214
    for text, form in (
        ("2026-01-15", "%Y-%m-%d"),
        ("2026-07-15 08:30", "%Y-%m-%d %H:%M"),
        ("2026-07-15 08:30:15", "%Y-%m-%d %H:%M:%S"),
    ):
        assert parse_time(text) == time.mktime(time.strptime(text, form))


def test_rates_and_quantities_are_written_as_people_do() -> None:
    assert (parse_rate("50/s"), parse_rate("50"), parse_rate("300/m"), parse_rate("1800/h")) == (50, 50, 5, 0.5)
    for nonsense in ("0/s", "-1", "5/d", "many", ""):
        with pytest.raises(ValueError, match="is no rate"):
            parse_rate(nonsense)
    assert [size(count) for count in (None, 0, 1023, 1024, 78_340_096, 5 * 1024**3)] == [
        "",
        "0 B",
        "1023 B",
        "1.0 KB",
        "74.7 MB",
        "5.0 GB",
    ]
    assert [duration(seconds) for seconds in (None, 0.01346, 1.25, 61)] == ["", "13 ms", "1.2 s", "1 min 1 s"]
