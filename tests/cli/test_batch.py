"""A function called for each line of a file: what comes out, and that no line is ever called twice."""

from __future__ import annotations

import json
import math
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

    from .conftest import Ended, Program


class Batch:
    """A batch over a function that counts its calls."""

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
        program.emulator.stub("count", self._count)

    def _count(self, event: dict[str, Any]) -> Any:
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
        """Has so many calls answered, and all later ones wait until they are released."""
        self._free = count

    def release(self) -> None:
        """Has all calls answered, and waits for the end of those under way."""
        self._free = math.inf
        self._released.set()
        self.program.emulator.settle(45)

    def inputs(self, *lines: object) -> None:
        """Writes the inputs: text as it is, anything else as JSON."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        self.program.write("in.jsonl", "".join(f"{text}\n" for text in texts))

    def numbers(self, count: int) -> None:
        """Writes inputs that say which line they are."""
        self.inputs(*({"n": n} for n in range(1, count + 1)))

    def __call__(self, *options: str) -> Ended:
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
        """The results by line; there must be one for each."""
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
    """One that ends no call, however long a test holds it or the machine stands still."""
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
        "succeeded": 1,
        "failed": 1,
        "uncertain": 0,
        "uncertain_lines": [],
        "interrupted": False,
    }


def test_failures_are_reported_per_line_and_counted(batch: Batch) -> None:
    batch.inputs({"n": 1}, "not JSON", "", "[1]", '{"n": NaN}', {"n": 6, "fail": True}, '{"n": 7}')
    ended = batch("--concurrency", "1")
    assert ended.status == 1
    assert ended.out.splitlines() == [
        "2 succeeded, 4 failed; results in out.jsonl",
        "3 lines surely did not run: --resume calls them",
    ]
    assert ended.err.splitlines() == [
        "line 2: InvalidLine: it is no JSON object: Expecting value at line 1 column 1",
        "line 4: InvalidLine: it is no JSON object: it is a list",
        "line 5: InvalidLine: it is no JSON object: NaN is no JSON",
        "line 6: FunctionError: the function 'count' failed: ValueError: told to",
    ]
    assert set(batch.results) == {1, 2, 4, 5, 6, 7}
    assert batch.results[6]["error"] == {
        "kind": "FunctionError",
        "message": "the function 'count' failed: ValueError: told to",
        "called": "yes",
        "code": 1,
        "type": "ValueError",
        "reason": "told to",
        **({"stack": batch.results[6]["error"]["stack"]} if "stack" in batch.results[6]["error"] else {}),
    }
    assert sum(batch.calls.values()) == 3


def test_of_many_failures_the_first_are_shown(batch: Batch) -> None:
    batch.inputs(*(["bad"] * 30))
    ended = batch()
    assert ended.err.count("InvalidLine") == 10
    assert ended.err.splitlines()[-1] == "and more: `error` in out.jsonl says why each failed"


def test_a_line_that_is_no_utf_8_fails_and_a_byte_order_mark_does_not(batch: Batch) -> None:
    batch.program.write("in.jsonl", b'\xef\xbb\xbf{"n": 1}\r\n{"n": "\xff"}\r\n{"n": 3}')
    assert batch().status == 1
    assert batch.results[1] == {"data": 1}
    assert batch.results[2]["error"]["message"] == "it is not UTF-8"
    assert batch.results[3] == {"data": 3}


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
        (["--retry-uncertain"], "--retry-uncertain says what --resume does: add --resume"),
        (["--resume", "--force"], "--resume goes on and --force begins anew: choose one"),
        (["-o", "in.jsonl"], "in.jsonl holds the inputs: name another file with -o"),
        (["-o", "nowhere/out"], "nowhere/out.journal: No such file or directory"),
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
    assert batch("--resume").status == 0
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
    assert ended.status == 1
    assert ended.document["answered_before"] == 40
    assert set(ended.document["uncertain_lines"]) == noted
    assert all(count == 1 for count in batch.calls.values())
    results = batch.results
    assert set(results) == set(range(1, 121))
    assert {line for line, result in results.items() if "data" not in result} == noted
    for line in noted:
        assert results[line]["error"] == {
            "kind": "Unanswered",
            "message": "the batch was stopped before an answer came; the function may have run",
            "called": "uncertain",
        }

    assert batch("--resume", "--retry-uncertain").status == 0
    assert batch.results == {n: {"data": n} for n in range(1, 121)}
    assert not batch.journal.exists()
    assert {line for line, count in batch.calls.items() if count > 1} == noted


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


def test_a_line_that_was_cut_off_counts_as_not_written(batch: Batch) -> None:
    batch.numbers(3)
    batch.results_file.write_text('{"line":1,"data":1}\n{"line":2,"da')
    batch.journal.write_text('{"batch":{"function":"count","environment":null}}\n')
    batch.program.write("unused", "")
    from mincloud.cli.batch_files import checksum

    with batch.journal.open("a") as journal:
        for line in (1, 2):
            journal.write(f"{line} {checksum(json.dumps({'n': line}).encode()):08x}\n")
        journal.write("3 00")
    ended = batch("--resume")
    assert ended.status == 1
    assert "1 line may have run without an answer: 2; --resume --retry-uncertain calls them again" in ended.out
    assert batch.results[1] == {"data": 1}
    assert batch.results[2]["error"]["called"] == "uncertain"
    assert batch.results[3] == {"data": 3}
    assert batch.calls == {3: 1}


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
    assert batch("--resume").status == 1
    assert batch.calls == dict.fromkeys(range(1, 6), 1)


def test_an_answer_that_was_lost_is_uncertain_and_called_again_only_when_told_to(batch: Batch) -> None:
    batch.numbers(3)
    batch.program.emulator.drop_next(path="*/count/job/", after=True)
    ended = batch("--concurrency", "1")
    assert ended.status == 1
    assert "1 line may have run without an answer: 1; --resume --retry-uncertain calls them again" in ended.out
    assert batch.results[1]["error"]["called"] == "uncertain"
    assert batch("--resume").status == 1
    assert batch.calls == {1: 1, 2: 1, 3: 1}
    assert batch("--resume", "--retry-uncertain").status == 0
    assert batch.calls == {1: 2, 2: 1, 3: 1}
    assert batch.results == {n: {"data": n} for n in (1, 2, 3)}


def test_a_gateways_answer_is_uncertain(batch: Batch) -> None:
    batch.numbers(1)
    batch.program.emulator.fail_next(502, path="*/count/job/", after=True)
    assert batch().status == 1
    assert batch.results[1]["error"]["called"] == "uncertain"
    assert batch.results[1]["error"]["status"] == 502


def test_lines_that_surely_did_not_run_are_called_when_it_goes_on(
    batch: Batch, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch.numbers(2)
    monkeypatch.setattr("mincloud.cli.batch._MAX_RETRIES", 0)  # for speed
    ended = batch("--base-url", refused)
    assert ended.status == 1
    assert "2 lines surely did not run: --resume calls them" in ended.out
    assert {result["error"]["called"] for result in batch.results.values()} == {"no"}
    assert batch("--resume").status == 0
    assert batch.results == {1: {"data": 1}, 2: {"data": 2}}


def test_a_mended_line_is_called_when_it_goes_on(batch: Batch) -> None:
    batch.inputs({"n": 1}, "bad")
    batch()
    batch.inputs({"n": 1}, {"n": 2})
    assert batch("--resume").status == 0
    assert batch.calls == {1: 1, 2: 1}


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
    batch.inputs({"n": 1, "fail": True}, "bad")
    batch()
    batch.program.emulator.stub("other", lambda _: None)
    ended = batch.program("batch", "other", "in.jsonl", "-o", "out.jsonl", "--resume")
    assert ended.status == 2
    assert 'out.jsonl.journal is of another batch, {"function": "count", "environment": null}' in ended.line
    staged = batch("--resume", "-e", "5f2a")
    assert staged.status == 2


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
        ([{"n": 2}, "bad", {"n": 3}], "line 1 of in.jsonl has changed since it was called"),
        ([{"n": 1}], "in.jsonl has 1 lines, and line 3 was called"),
    ],
)
def test_inputs_that_have_changed_are_refused(batch: Batch, lines: list[object], complaint: str) -> None:
    batch.inputs({"n": 1}, "bad", {"n": 3})
    batch()
    batch.inputs(*lines)
    ended = batch("--resume")
    assert ended.status == 2
    assert complaint in ended.line
    assert batch.calls == {1: 1, 3: 1}


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
def test_memory_stays_flat(program: Program, tmp_path: Path) -> None:
    from mincloud.cli.batch_files import BatchFiles, LineState

    files = BatchFiles(tmp_path / "out.jsonl", {"function": "f", "environment": None})
    tracemalloc.start()
    with files:
        files.begin(force=False)
        for line in range(1, 20_001):
            files.sent(line, b'{"n": 1}')
            if line % 1000:
                files.ended(line, {"data": "x" * 100})
    peak_of_writing = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    program.write("in.jsonl", '{"n": 1}\n' * 20_000)
    again = BatchFiles(tmp_path / "out.jsonl", {"function": "f", "environment": None})
    with again:
        again.resume(program.work / "in.jsonl", retry_uncertain=False)
    peak_of_resuming = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_of_writing < 200_000
    assert peak_of_resuming < 1_000_000  # a few bytes a line
    assert len(list(again.standings.lines(LineState.UNCERTAIN))) == 20
