"""The command `batch`: its results, interruptions, and that no line is called twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import random
import signal
import subprocess
import threading
import time
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from mincloud_emulator import Emulator, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Program, Result

pytestmark = pytest.mark.slow


# Each costs the seconds that looking for its calls takes; the property was tried with thirty and more.
KILLS = 6


class Batch:
    """A batch that calls a function which counts its calls."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.calls: Counter[int] = Counter()
        self.most_at_once = 0
        self.seconds = 0.0
        self.times: list[float] = []
        self._at_once = 0
        self._free: float = math.inf
        self._released = threading.Event()
        self._lock = threading.Lock()
        program.emulator.stub("count", self.count)

    def count(self, event: dict[str, Any]) -> Any:
        """The function."""
        with self._lock:
            self.times.append(time.monotonic())
            self.calls[event["data"].get("n", 0)] += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            is_held = len(self.times) > self._free
        if is_held:
            self._released.wait()
        time.sleep(self.seconds)
        with self._lock:
            self._at_once -= 1
        if event["data"].get("fail"):
            raise ValueError("told to")
        return event["data"].get("n")

    def hold_after(self, count: int) -> None:
        """Lets the first calls end, and all later ones wait until `release`."""
        self._free = count

    def release(self) -> None:
        """Lets all calls end, and waits for those under way."""
        self._free = math.inf
        self._released.set()
        self.program.emulator.settle(45)

    def inputs(self, *lines: object) -> None:
        """Writes the inputs: text unchanged, anything else as JSON."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        self.program.write("in.jsonl", "".join(f"{text}\n" for text in texts))

    def numbers(self, count: int) -> None:
        """Writes inputs that hold their line numbers."""
        self.inputs(*({"n": n} for n in range(1, count + 1)))

    def __call__(self, *options: str) -> Result:
        return self.program("batch", "count", "in.jsonl", "-o", "out.jsonl", *options)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        return self.program.start("batch", "count", "in.jsonl", "-o", "out.jsonl", *options)

    @property
    def results_file(self) -> Path:
        return self.program.work / "out.jsonl"

    @property
    def journal(self) -> Path:
        return self.program.work / "out.jsonl.journal"

    @property
    def results(self) -> dict[int, dict[str, Any]]:
        """The results by line; no line may have two."""
        found: dict[int, dict[str, Any]] = {}
        for text in self.results_file.read_text("utf-8").splitlines():
            record = json.loads(text)
            line = record.pop("line")
            assert line not in found
            found[line] = record
        return found

    def wait_for_calls(self, count: int) -> None:
        """Waits until so many calls have begun."""
        deadline = time.monotonic() + 45
        while sum(self.calls.values()) < count:
            assert time.monotonic() < deadline, self.calls
            time.sleep(0.01)

    def wait_for_results(self, count: int) -> None:
        """Waits until so many results are written."""
        deadline = time.monotonic() + 45
        while not self.results_file.exists() or self.results_file.read_bytes().count(b"\n") < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose time limit ends no call, however long a test or a slow machine holds it."""
    with Emulator(limits=Limits(sync_seconds=300.0)) as running:
        yield running


@pytest.fixture
def batch(program: Program) -> Iterator[Batch]:
    made = Batch(program)
    yield made
    made.release()


def test_each_line_has_a_result(batch: Batch) -> None:
    batch.numbers(50)
    ended = batch("--concurrency", "4")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "50 succeeded, 0 failed; results in out.jsonl\n"
    assert batch.results == {n: {"data": n} for n in range(1, 51)}
    assert batch.most_at_once <= 4
    assert not batch.journal.exists()


def test_as_json_it_ends_with_one_document(batch: Batch) -> None:
    batch.inputs({"n": 1}, {"n": 2, "fail": True})
    ended = batch("--json")
    assert ended.status == 1
    assert ended.document == {
        "function": "count",
        "results": "out.jsonl",
        "answered_before": 0,
        "failed_before": 0,
        "settled": 0,
        "succeeded": 1,
        "failed": 1,
        "uncertain": 0,
        "uncertain_lines": [],
        "interrupted": False,
    }


def test_failures_are_reported_per_line_and_counted(batch: Batch) -> None:
    batch.inputs({"n": 1}, "", {"n": 3, "fail": True}, '{"n": 4}')
    ended = batch("--concurrency", "1")
    assert ended.status == 1
    assert ended.out == "2 succeeded, 1 failed; results in out.jsonl\n"
    assert ended.err == "line 3: FunctionError: the function 'count' failed: ValueError: told to\n"
    assert set(batch.results) == {1, 3, 4}
    assert batch.results[3]["error"] == {
        "kind": "FunctionError",
        "message": "the function 'count' failed: ValueError: told to",
        "called": "yes",
        "code": 1,
        "type": "ValueError",
        "reason": "told to",
        **({"stack": batch.results[3]["error"]["stack"]} if "stack" in batch.results[3]["error"] else {}),
    }
    assert sum(batch.calls.values()) == 3


def test_of_many_failures_the_first_are_shown(batch: Batch) -> None:
    batch.inputs(*({"n": n, "fail": True} for n in range(30)))
    ended = batch()
    assert ended.err.count("FunctionError") == 10
    assert ended.err.splitlines()[-1] == "and more: `error` in out.jsonl says why each failed"


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_inputs_that_cannot_be_read_are_said_before_the_first_call(batch: Batch, resume: list[str]) -> None:
    batch.program.write("in.jsonl", b'{"n": 1}\nnot JSON\n\n[1]\n{"n": NaN}\n{"n": "\xff"}\nx\nx\n')
    ended = batch(*resume)
    assert (ended.status, ended.out) == (2, "")
    first, *others = ended.err.splitlines()
    assert first.startswith("mincloud-py: in.jsonl needs a JSON object on each line, and nothing was called: line 2: ")
    assert first.endswith("it is no JSON object: Expecting value at line 1 column 1")
    assert others == [
        "line 4: it is no JSON object: it is a list",
        "line 5: it is no JSON object: NaN is no JSON",
        "line 6: it is not UTF-8",
        "line 7: it is no JSON object: Expecting value at line 1 column 1",
        "and 1 more",
    ]
    assert not batch.calls
    assert not batch.results_file.exists()


def test_a_byte_order_mark_is_no_part_of_the_inputs(batch: Batch) -> None:
    batch.program.write("in.jsonl", b'\xef\xbb\xbf{"n": 1}\r\n{"n": 2}')
    assert batch().status == 0
    assert batch.results == {1: {"data": 1}, 2: {"data": 2}}


def test_results_that_are_there_are_not_overwritten_unless_told_to(batch: Batch) -> None:
    batch.numbers(2)
    batch.results_file.write_text("precious\n")
    ended = batch()
    assert ended.status == 2
    assert "out.jsonl exists already: --resume goes on with it, --force begins anew and loses it" in ended.line
    assert batch.results_file.read_text() == "precious\n"
    assert not batch.journal.exists()
    assert batch("--force").status == 0
    assert set(batch.results) == {1, 2}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--retry-uncertain"], "--retry-uncertain goes with --resume: add --resume"),
        (["--resume", "--force"], "--resume goes on and --force begins anew: choose one"),
        (["-o", "in.jsonl"], "in.jsonl holds the inputs: name another file with -o"),
        (["-o", "nowhere/out"], "nowhere/out.journal: No such file or directory"),
        (
            ["-o", "/dev/null", "--force"],
            "/dev/null is no regular file: name another with -o, or - for standard output",
        ),
    ],
)
def test_options_that_make_no_sense_call_nothing(batch: Batch, options: list[str], complaint: str) -> None:
    batch.numbers(2)
    ended = batch(*options)
    assert ended.status == 2
    assert complaint in ended.line
    assert not batch.calls
    assert "n" in (batch.program.work / "in.jsonl").read_text()


def test_inputs_that_are_not_there_make_no_file(batch: Batch) -> None:
    ended = batch()
    assert (ended.status, ended.line) == (2, "mincloud-py: in.jsonl: No such file or directory\n")
    assert list(batch.program.work.iterdir()) == []
    ended = batch.program("batch", "count", "..", "-o", "out.jsonl")
    assert (ended.status, ended.line) == (2, "mincloud-py: ..: Is a directory\n")
    assert list(batch.program.work.iterdir()) == []


def test_resuming_what_is_finished_calls_nothing(batch: Batch) -> None:
    batch.numbers(5)
    batch()
    ended = batch("--resume")
    assert ended.out == "0 succeeded, 0 failed, 5 answered before; results in out.jsonl\n"
    assert batch.calls == dict.fromkeys(range(1, 6), 1)


def test_resumed_it_counts_the_lines_that_failed_before_and_ends_with_1(batch: Batch) -> None:
    batch.inputs({"n": 1}, {"n": 2, "fail": True}, {"n": 3})
    batch()
    ended = batch("--resume")
    assert ended.out == "0 succeeded, 0 failed, 3 answered before, 1 of them by an error; results in out.jsonl\n"
    assert (ended.status, batch("--resume", "--json").document["failed_before"]) == (1, 1)


def test_resuming_nothing_begins(batch: Batch) -> None:
    batch.numbers(3)
    assert batch("--resume").status == 0
    assert set(batch.results) == {1, 2, 3}


def test_inputs_may_have_grown_since(batch: Batch) -> None:
    batch.numbers(3)
    batch()
    batch.numbers(5)
    ended = batch("--resume")  # the journal went with the end, so that nobody knows
    assert (ended.status, "out.jsonl.journal is missing or empty" in ended.line) == (2, True)
    assert batch("--resume", "--retry-uncertain").status == 0
    assert batch.calls == dict.fromkeys(range(1, 6), 1)


def test_killed_it_has_lost_no_answered_line_and_resumed_it_calls_none_twice(batch: Batch) -> None:
    batch.hold_after(40)
    batch.numbers(120)
    with batch.start("--concurrency", "4") as process:
        batch.wait_for_calls(44)  # each of the last four began when the answer to an earlier one had been written
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    noted = set(batch.calls) - set(batch.results)
    assert len(batch.results) == 40
    assert len(noted) == 4

    ended = batch("--resume", "--json")
    assert ended.status == 0
    assert (ended.document["answered_before"], ended.document["settled"]) == (44, 4)
    assert ended.document["uncertain_lines"] == []
    assert batch.calls == dict.fromkeys(range(1, 121), 1)
    assert batch.results == {n: {"data": n} for n in range(1, 121)}
    assert not batch.journal.exists()


def test_where_no_log_is_to_be_had_they_stay_uncertain(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mincloud.cli.batch_settling._GIVE_UP_AFTER", 1.0)
    batch.hold_after(2)
    batch.numbers(6)
    with batch.start("--concurrency", "2") as process:
        batch.wait_for_calls(4)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    noted = set(batch.calls) - set(batch.results)
    batch.program.emulator.fail_next(502, path="*/count/job/", method="GET", times=10_000)
    monkeypatch.setattr("mincloud.cli.batch._MAX_RETRIES", 0)  # for speed
    ended = batch("--resume", "--json")
    assert ended.status == 1
    assert set(ended.document["uncertain_lines"]) == noted
    for line in noted:
        assert batch.results[line]["error"] == {
            "kind": "Unanswered",
            "message": "the batch was stopped before an answer came; the function may have run",
            "called": "uncertain",
        }
    assert batch.calls == dict.fromkeys(range(1, 7), 1)
    assert batch("--resume", "--retry-uncertain").status == 0
    assert batch.results == {n: {"data": n} for n in range(1, 7)}
    assert {line for line, count in batch.calls.items() if count > 1} == noted


def test_of_lines_with_equal_data_as_many_are_called_as_did_not_run(batch: Batch) -> None:
    batch.hold_after(2)
    batch.inputs(*[{"n": 7}] * 6)
    with batch.start("--concurrency", "2") as process:
        batch.wait_for_calls(4)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    # A line that was noted and whose call never left.
    from mincloud.cli.batch_files import checksum

    with batch.journal.open("a") as journal:
        known = checksum(b'{"n": 7}')
        journal.write(f"6 {known:08x} {time.time():.3f}\n")
    ended = batch("--resume", "--json")
    assert (ended.status, ended.document["settled"]) == (0, 3)
    assert batch.calls == {7: 6}
    assert batch.results == {line: {"data": 7} for line in range(1, 7)}


def test_an_error_of_a_call_that_was_lost_is_recorded_from_its_log(batch: Batch) -> None:
    batch.inputs({"n": 1, "fail": True}, {"n": 2})
    batch.program.emulator.drop_next(path="*/count/job/", after=True)
    assert batch("--concurrency", "1").status == 1
    ended = batch("--resume")
    assert ended.status == 1
    assert ended.out.splitlines() == [
        "0 succeeded, 0 failed, 2 answered before, 1 of them by an error; results in out.jsonl",
        "1 line that may have run was settled by the function's jobs",
    ]
    error = batch.results[1]["error"]
    assert (error["kind"], error["called"], "told to" in error["message"]) == ("JobFailed", "yes", True)
    assert batch.calls == {1: 1, 2: 1}


def test_lines_that_failed_are_called_again_when_told_to_and_no_others(batch: Batch) -> None:
    batch.inputs({"n": 1}, {"n": 2, "fail": True}, {"n": 3})
    assert batch().status == 1
    assert not batch.journal.exists()
    assert batch("--retry-failed").line == ("mincloud-py: --retry-failed goes with --resume: add --resume\n")
    ended = batch("--resume", "--retry-failed", "--json")
    assert (ended.status, ended.document["failed"], ended.document["failed_before"]) == (1, 1, 0)
    assert batch.calls == {1: 1, 2: 2, 3: 1}
    assert set(batch.results) == {1, 2, 3}


@pytest.mark.parametrize("damage", ["deleted", "emptied", "heading", "garbage", "cut in a number"])
def test_a_journal_that_is_not_the_whole_one_is_refused(batch: Batch, damage: str) -> None:
    batch.hold_after(0)
    batch.numbers(12)
    with batch.start("--concurrency", "11") as process:
        batch.wait_for_calls(11)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    journal = batch.journal.read_bytes()
    lines = journal.splitlines(keepends=True)
    match damage:
        case "deleted":
            batch.journal.unlink()
        case "emptied":
            batch.journal.write_bytes(b"")
        case "heading":
            batch.journal.write_bytes(b"".join(lines[1:]))
        case "garbage":
            batch.journal.write_bytes(lines[0] + b"what?\n" + b"".join(lines[1:]))
        case _:
            batch.journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:1])
    before = batch.journal.read_bytes() if batch.journal.exists() else None
    ended = batch("--resume")
    assert ended.status == 2
    assert (
        "so nothing says which lines without an answer were called: put it back, or add --retry-uncertain" in ended.line
    )
    assert (batch.journal.read_bytes() if batch.journal.exists() else None) == before
    assert batch.calls == dict.fromkeys(range(1, 12), 1)
    batch.journal.write_bytes(journal)
    assert batch("--resume").status == 0
    assert batch.calls == dict.fromkeys(range(1, 13), 1)


def test_a_line_whose_note_was_cut_off_is_not_called_twice(batch: Batch) -> None:
    batch.hold_after(0)
    batch.numbers(3)
    with batch.start("--concurrency", "2") as process:
        batch.wait_for_calls(2)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    batch.journal.write_bytes(batch.journal.read_bytes()[:-4])
    ended = batch("--resume")
    assert batch.calls == {1: 1, 2: 1, 3: 1}
    assert ended.status == 1
    assert "1 line may have run without an answer: 2;" in ended.out


@pytest.mark.parametrize("file", ["results", "journal"])
def test_a_line_number_that_cannot_be_is_refused(batch: Batch, file: str) -> None:
    batch.hold_after(1)
    batch.numbers(3)
    with batch.start("--concurrency", "1") as process:
        batch.wait_for_calls(2)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    path, line = (
        (batch.results_file, '{"line":3000000000,"data":1}\n')
        if file == "results"
        else (batch.journal, "3000000000 00000001 1.000\n")
    )
    with path.open("a") as opened:
        opened.write(line)
    ended = batch("--resume")
    assert ended.status == 2
    assert f"{path.name} is about line 3,000,000,000, and in.jsonl has 3 lines" in ended.line


def test_each_call_is_sent_when_its_note_is_on_the_disk(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk: list[int] = [0]
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        noted = batch.journal.read_bytes().count(b"\n") - 1 if batch.journal.exists() else 0
        time.sleep(0.02)  # in which nothing that is noted meanwhile may be sent
        fsync(descriptor)
        on_disk[0] = max(on_disk[0], noted)

    begun_before: list[bool] = []
    count = batch.count

    def checked(event: dict[str, Any]) -> Any:
        begun_before.append(event["data"]["n"] > on_disk[0])
        return count(event)

    batch.program.emulator.stub("count", checked)
    monkeypatch.setattr(os, "fsync", slow)
    batch.numbers(40)
    assert batch("--concurrency", "8").status == 0
    assert len(begun_before) == 40
    assert not any(begun_before)


def _feed(path: Path, lines: list[bytes], pause: threading.Event) -> threading.Thread:
    def feed() -> None:
        with path.open("wb", buffering=0) as fifo:
            fifo.write(lines[0])
            pause.wait(45)
            for line in lines[1:]:
                fifo.write(line)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    return thread


def test_lines_of_a_pipe_are_answered_while_its_writer_pauses(batch: Batch) -> None:
    fifo = batch.program.work / "in.jsonl"
    os.mkfifo(fifo)
    pause = threading.Event()
    thread = _feed(fifo, [b'{"n": 1}\n', b"bad\n", b'{"n": 3}\n'], pause)
    with batch.start() as process:
        batch.wait_for_results(1)
        pause.set()
        _, complaint = process.communicate(timeout=45)
        assert process.returncode == 1
    thread.join(20)
    assert batch.results[1] == {"data": 1}
    assert batch.results[2]["error"]["kind"] == "InvalidLine"
    assert batch.results[3] == {"data": 3}
    assert complaint.startswith(b"line 2: InvalidLine: it is no JSON object")


def test_an_interrupt_ends_waiting_for_a_pipe(batch: Batch) -> None:
    os.mkfifo(batch.program.work / "in.jsonl")
    pause = threading.Event()
    thread = _feed(batch.program.work / "in.jsonl", [b'{"n": 1}\n'], pause)
    with batch.start() as process:
        batch.wait_for_results(1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 130
    pause.set()
    thread.join(20)
    assert b"interrupted: 1 succeeded" in out


def test_standard_input_and_standard_output_will_do(batch: Batch) -> None:
    lines = b"".join(b'{"n": %d}\n' % n for n in range(1, 6))
    ended = batch.program.script("batch", "count", "-", "-o", "-", "--concurrency", "1", given=lines)
    assert ended.status == 0
    assert ended.documents == [{"line": n, "data": n} for n in range(1, 6)]
    assert ended.err == "5 succeeded, 0 failed\n"
    assert list(batch.program.work.iterdir()) == []
    ended = batch.program("batch", "count", "-", "-o", "-", "--resume")
    assert (ended.status, "-o - writes the results to standard output and keeps none" in ended.line) == (2, True)


def test_calls_that_are_not_waited_for_are_followed_to_their_end(batch: Batch) -> None:
    batch.inputs({"n": 1}, {"n": 2, "fail": True}, {"n": 3})
    ended = batch("--no-wait", "--json")
    assert (ended.status, ended.document["succeeded"], ended.document["failed"]) == (1, 2, 1)
    assert (batch.results[1], batch.results[3]) == ({"data": 1}, {"data": 3})
    error = batch.results[2]["error"]
    assert (error["kind"], error["called"], "told to" in error["message"]) == ("JobFailed", "yes", True)
    assert batch.program.done("jobs", "count", "--json", "--limit", "1").document["service_type"] == "batch"


def test_killed_while_it_does_not_wait_it_goes_on_where_the_calls_are(batch: Batch) -> None:
    batch.hold_after(0)
    batch.numbers(5)
    with batch.start("--no-wait", "--concurrency", "3") as process:
        batch.wait_for_calls(3)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    ended = batch("--no-wait", "--resume", "--json")
    assert (ended.status, ended.document["settled"]) == (0, 3)
    assert batch.calls == dict.fromkeys(range(1, 6), 1)
    assert batch.results == {n: {"data": n} for n in range(1, 6)}


@pytest.mark.timeout(600)
def test_kills_at_random_leave_no_doubt_and_call_no_line_twice(batch: Batch) -> None:
    batch.seconds = 0.02
    count = 400
    batch.numbers(count)
    chance = random.Random(13)
    for _ in range(KILLS):
        with batch.start("--resume", "--concurrency", "6") as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.3, 6.0))
            process.kill()
            process.wait(20)
    ended = batch("--resume", "--json")
    batch.release()
    assert (ended.status, ended.document["uncertain"]) == (0, 0)
    assert batch.results == {n: {"data": n} for n in range(1, count + 1)}
    assert batch.calls == dict.fromkeys(range(1, count + 1), 1)


@pytest.mark.timeout(180)
def test_killed_again_and_again_it_still_calls_no_answered_line_twice(batch: Batch) -> None:
    batch.seconds = 0.01
    batch.numbers(200)
    for more in (20, 60, 110):
        with batch.start("--resume", "--concurrency", "6") as process:
            batch.wait_for_results(more)
            process.kill()
            process.wait(20)
    assert batch("--resume").status in (0, 1)
    batch.release()  # what was sent last before a kill may have begun last
    results = batch.results
    assert set(results) == set(range(1, 201))
    assert all(count == 1 for count in batch.calls.values())
    assert all(line in batch.calls or "error" in result for line, result in results.items())


def test_a_result_that_was_cut_off_is_found_among_the_jobs(batch: Batch) -> None:
    batch.hold_after(2)
    batch.numbers(3)
    with batch.start("--concurrency", "1") as process:
        batch.wait_for_calls(3)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    batch.release()
    batch.results_file.write_bytes(batch.results_file.read_bytes()[:-4])
    assert batch("--resume").status == 0
    assert batch.results == {n: {"data": n} for n in (1, 2, 3)}
    assert batch.calls == {1: 1, 2: 1, 3: 1}


def test_interrupted_once_it_waits_for_the_calls_under_way(batch: Batch) -> None:
    batch.hold_after(1)
    batch.numbers(100)
    with batch.start("--concurrency", "3") as process:
        batch.wait_for_calls(4)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        said = process.stderr.readline()
        batch.release()
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 130
    assert said == b"stopping: waiting for 3 calls under way; a second Ctrl-C leaves them\n"
    assert b"interrupted: " in out
    assert b"may have run" not in out
    assert set(batch.results) == set(batch.calls)
    assert len(batch.calls) == 4
    assert batch("--resume").status == 0
    assert batch.calls == dict.fromkeys(range(1, 101), 1)


def test_interrupted_twice_it_leaves_them_and_lists_them(batch: Batch) -> None:
    batch.hold_after(0)
    batch.numbers(5)
    with batch.start("--concurrency", "2") as process:
        batch.wait_for_calls(2)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)  # although both calls are held still
        assert process.returncode == 130
    assert b"2 lines may have run without an answer: 1, 2" in out
    batch.release()
    assert batch("--resume").status == 0
    assert batch.calls == dict.fromkeys(range(1, 6), 1)


def test_an_answer_that_was_lost_is_uncertain_until_its_job_is_found(batch: Batch) -> None:
    batch.numbers(3)
    batch.program.emulator.drop_next(path="*/count/job/", after=True)
    ended = batch("--concurrency", "1")
    assert ended.status == 1
    assert (
        "1 line may have run without an answer: 1; --resume looks for what became of them, "
        "--resume --retry-uncertain calls them again"
    ) in ended.out
    assert batch.results[1]["error"]["called"] == "uncertain"
    assert batch("--resume").status == 0
    assert batch.calls == {1: 1, 2: 1, 3: 1}
    assert batch.results == {n: {"data": n} for n in (1, 2, 3)}


def test_a_call_that_was_lost_on_its_way_there_is_made(batch: Batch) -> None:
    batch.numbers(2)
    batch.program.emulator.fail_next(502, path="*/count/job/")
    assert batch("--concurrency", "1").status == 1
    assert batch.calls == {2: 1}
    assert batch("--resume").status == 0
    assert batch.calls == {1: 1, 2: 1}


def test_a_gateways_answer_is_uncertain(batch: Batch) -> None:
    batch.numbers(1)
    batch.program.emulator.fail_next(502, path="*/count/job/", after=True)
    assert batch().status == 1
    assert batch.results[1]["error"]["called"] == "uncertain"
    assert batch.results[1]["error"]["status"] == 502


def test_lines_that_surely_did_not_run_are_called_when_it_goes_on(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch.numbers(2)
    monkeypatch.setattr("mincloud.cli.batch._MAX_RETRIES", 0)  # for speed
    batch.program.emulator.fail_next(429, path="*/count/job/", times=2)
    ended = batch()
    assert ended.status == 1
    assert "2 lines surely did not run: --resume calls them" in ended.out
    assert {result["error"]["called"] for result in batch.results.values()} == {"no"}
    assert batch("--resume").status == 0
    assert batch.results == {1: {"data": 1}, 2: {"data": 2}}


def test_what_ends_one_line_for_a_reason_of_all_ends_the_batch(batch: Batch) -> None:
    batch.numbers(50)
    batch.program.emulator.fail_next(401, path="*/count/job/", times=2)
    ended = batch("--concurrency", "1")
    assert ended.status == 3
    assert "mincloud-py: stopped: the service does not accept the access token" in ended.err
    assert ended.err.rstrip().endswith("then go on with --resume")
    assert len(batch.results) == 1
    batch.program.emulator.clear_faults()
    assert batch("--resume").status == 0
    assert batch.calls == dict.fromkeys(range(1, 51), 1)


def test_a_function_that_is_not_there_ends_the_batch_with_4(batch: Batch) -> None:
    batch.numbers(50)
    ended = batch.program("batch", "nope", "in.jsonl", "-o", "out.jsonl")
    assert ended.status == 4
    assert "stopped: there is no function 'nope'" in ended.err


def test_too_many_requests_are_waited_out(batch: Batch) -> None:
    batch.numbers(4)
    batch.program.emulator.fail_next(429, path="*/count/job/", headers={"Retry-After": "0"}, times=3)
    assert batch().status == 0
    assert batch.calls == dict.fromkeys(range(1, 5), 1)


def test_another_batch_is_not_continued(batch: Batch) -> None:
    batch.numbers(2)
    batch.program.emulator.fail_next(502, path="*/count/job/")
    batch()
    batch.program.emulator.stub("other", lambda _: None)
    ended = batch.program("batch", "other", "in.jsonl", "-o", "out.jsonl", "--resume")
    assert ended.status == 2
    assert (
        'out.jsonl.journal is of another batch, {"function": "count", "environment": null, "base_url": "http'
        in ended.line
    )
    for option in (["-e", "5f2a"], ["--base-url", "http://127.0.0.1:9"], ["--no-wait"]):
        ended = batch("--resume", *option)
        assert (ended.status, "is of another batch" in ended.line) == (2, True)


def test_a_file_of_something_else_is_not_continued(batch: Batch) -> None:
    batch.numbers(2)
    batch.results_file.write_text('{"line": 1, "data": 1}\nremember the milk\n')
    ended = batch("--resume")
    assert ended.status == 2
    assert "line 2 of out.jsonl is no result of a batch: name another file with -o" in ended.line
    assert not batch.journal.exists()
    assert not batch.calls


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([{"n": 2}, {"n": 2}, {"n": 3}], "line 1 of in.jsonl has changed since it was called"),
        ([{"n": 1}], "out.jsonl is about line 2, and in.jsonl has 1 line: put it back"),
    ],
)
def test_inputs_that_have_changed_are_refused(batch: Batch, lines: list[object], complaint: str) -> None:
    batch.numbers(3)
    batch.program.emulator.fail_next(502, path="*/count/job/", after=True)
    batch("--concurrency", "1")
    batch.inputs(*lines)
    ended = batch("--resume")
    assert ended.status == 2
    assert complaint in ended.line
    assert batch.calls == {1: 1, 2: 1, 3: 1}


def test_two_batches_do_not_write_to_the_same_files(batch: Batch) -> None:
    batch.hold_after(0)
    batch.numbers(3)
    with batch.start() as process:
        batch.wait_for_calls(1)
        ended = batch("--resume")
        process.kill()
        process.wait(20)
    assert ended.status == 2
    assert "another batch is writing to out.jsonl.journal: wait for it" in ended.line


def test_the_rate_limits_how_many_calls_begin(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    from mincloud.cli.batch_files import BatchFiles

    begun: list[float] = []
    begin = BatchFiles.begin

    def begin_and_note(files: BatchFiles, *, force: bool) -> None:
        begin(files, force=force)
        begun.append(time.monotonic())

    monkeypatch.setattr(BatchFiles, "begin", begin_and_note)
    batch.numbers(11)
    assert batch("--rate", "25/s").status == 0
    # Not from the first call on: it may have been on its way for longer than the others.
    since = [at - begun[0] for at in sorted(batch.times)]
    assert all(seconds >= number * 0.04 for number, seconds in enumerate(since)), since


def test_at_a_slow_rate_it_can_be_interrupted(batch: Batch) -> None:
    batch.numbers(5)
    with batch.start("--rate", "1/h") as process:
        batch.wait_for_results(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
    assert batch.calls == {1: 1}


@pytest.mark.timeout(180)
def test_memory_stays_flat(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(_: int) -> None:
        """Replaces `fsync`, which would take long for 20,000 lines one after another."""

    monkeypatch.setattr(os, "fsync", at_once)
    from mincloud.cli.batch_files import BatchFiles, Inputs, LineState

    files = BatchFiles(tmp_path / "out.jsonl", {"function": "f", "environment": None})
    tracemalloc.start()
    with files:
        files.begin(force=False)

        async def write() -> None:
            for line in range(1, 20_001):
                await files.note_call(line, b'{"n": 1}')
                if line % 1000:
                    files.write_result(line, {"data": "x" * 100})

        asyncio.run(write())
    peak_of_writing = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    program.write("in.jsonl", '{"n": 1}\n' * 20_000)
    again = BatchFiles(tmp_path / "out.jsonl", {"function": "f", "environment": None})
    with again:
        inputs = Inputs(str(program.work / "in.jsonl"))
        inputs.check()
        again.read_back(inputs, retry_uncertain=False, retry_failed=False)
        again.prepare_resuming({}, retry_uncertain=False)
    peak_of_resuming = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The results alone are 2 MB; the emulator of the fixture takes some memory of this process meanwhile.
    assert peak_of_writing < 1_000_000
    assert peak_of_resuming < 1_000_000  # a few bytes a line
    assert len(list(again.states.lines(LineState.UNCERTAIN))) == 20
