"""The example with Dask, on a cluster of two processes: never more calls at once than it says, and none twice when a worker dies."""

# Dask says little of its types.
# pyright: basic
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client, LocalCluster

from mincloud import MinCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mincloud_emulator import Emulator

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "dask"
# Two clusters, each of which starts three processes.
pytestmark = pytest.mark.timeout(180)
LINES = 60
AT_ONCE = 5
# So few that calls at the limit are on both workers, whichever of them Dask favours.
THREADS = 3


class Double:
    """The function: doubles `n`, fails for 3, counts what runs.

    From call number `gather_from` on, calls wait for each other until as many run as may, and then for `go`. So a test needs no luck to
    see the limit reached, and knows of calls that are under way.
    """

    def __init__(self) -> None:
        self.most_at_once = 0
        self.calls: Counter[int] = Counter()
        self.gather_from = 1
        self.gathered = threading.Event()
        self.go = threading.Event()
        self._waiting = 0
        self._running = 0
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any]) -> int:
        n: int = event["data"]["n"]
        with self._lock:
            self.calls[n] += 1
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            waits = self.calls.total() >= self.gather_from
            self._waiting += waits
            if self._waiting == AT_ONCE:
                self.gathered.set()
        if waits:
            assert self.gathered.wait(30)
            assert self.go.wait(30)
        time.sleep(0.05)  # long enough for a call too many to be seen
        with self._lock:
            self._running -= 1
        if n == 3:
            raise ValueError("not three")
        return n * 2


@pytest.fixture
def double(mincloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Double:
    function = Double()
    mincloud_emulator.stub("double", function)
    monkeypatch.setenv("MINCLOUD_BASE_URL", mincloud_emulator.url)
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", mincloud_emulator.access_token)
    return function


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, which this process and the workers import from."""
    copy = shutil.copytree(EXAMPLE, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "inputs.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(1, LINES + 1)))
    monkeypatch.syspath_prepend(str(copy))
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    cluster: Any = LocalCluster(
        n_workers=2, threads_per_worker=THREADS, processes=True, dashboard_address="127.0.0.1:0"
    )
    with cluster:
        yield cluster


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "many_calls.py", "double", "inputs.jsonl", "journal", "--at-once", str(AT_ONCE)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=80,
    )


def said(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """What the program itself said on stderr, a line each.

    At its end Dask may log that a worker finds its scheduler gone. It would also log each task that fails; none does.
    """
    assert "Compute Failed" not in ended.stderr
    return re.findall(r"^(?:line \d+|many_calls): .*$", ended.stderr, re.MULTILINE)


def test_each_line_is_called_once_a_few_at_a_time_and_not_again_when_it_is_run_again(
    folder: Path, double: Double
) -> None:
    double.go.set()
    for _ in range(2):
        ended = run(folder)
        assert ended.stdout == "59 answered, 1 failed, 0 not called, 0 may have run without an answer\n", ended.stderr
        [failed] = said(ended)
        assert re.fullmatch(
            r"line 3: job \d+ of 'double' ended as execution_failed: ValueError: not three \(called: yes\)", failed
        )
        assert ended.returncode == 1
    assert double.calls == Counter(range(1, LINES + 1))
    assert double.most_at_once == AT_ONCE


def test_no_line_is_called_twice_when_a_worker_is_killed(folder: Path, double: Double, cluster: LocalCluster) -> None:
    example = import_module("many_calls")
    double.gather_from = 20
    victim = next(iter(cluster.workers.values())).pid

    def kill() -> None:
        if double.gathered.wait(30):
            while len([*(folder / "journal").glob("*.run.json")]) < double.calls.total():
                time.sleep(0.01)  # until every call that runs has been accepted for its worker, too
            os.kill(victim, signal.SIGKILL)
            with suppress(ProcessLookupError):
                while True:  # until its nanny has seen its end: it gets no answer any more
                    os.kill(victim, 0)
                    time.sleep(0.01)
            double.go.set()

    killer = threading.Thread(target=kill)
    killer.start()
    (folder / "journal").mkdir()
    journal = example.Journal(folder / "journal")
    lines = [json.loads(line) for line in (folder / "inputs.jsonl").read_text().splitlines()]
    with Client(cluster) as client, MinCloud() as cloud:
        outcomes = list(example.call_all(client, cloud, "double", lines, journal, at_once=AT_ONCE))
    killer.join()
    assert sorted(outcome["line"] for outcome in outcomes) == list(range(1, LINES + 1))
    answered = {outcome["line"]: outcome["data"] for outcome in outcomes if "data" in outcome}
    assert answered == {line: line * 2 for line in answered}
    # Those of the worker that was killed were found again by their handles.
    assert [outcome["line"] for outcome in outcomes if "error" in outcome] == [3]
    assert len(answered) == LINES - 1
    assert double.calls == Counter(range(1, LINES + 1))
    assert double.most_at_once <= AT_ONCE


def test_a_call_whose_handle_was_lost_may_have_run(folder: Path, double: Double) -> None:
    example = import_module("many_calls")
    journal = example.Journal(folder)
    journal.note(1, {"n": 1})
    with MinCloud() as cloud:
        outcome = example.call_once(cloud, "double", 1, {"n": 1}, journal)
    assert outcome == {"line": 1, "error": "its worker was lost during the call", "called": "maybe"}
    assert double.calls == Counter()


def test_a_line_that_has_changed_since_it_was_called_is_refused(folder: Path) -> None:
    journal = import_module("many_calls").Journal(folder)
    assert journal.note(1, {"n": 1})
    assert not journal.note(1, {"n": 1})
    with pytest.raises(ValueError, match=r"^line 1 has changed since it was called: take another journal$"):
        journal.note(1, {"n": 2})


def test_a_wrong_name_ends_it_with_one_line_and_leaves_every_line_to_be_called(folder: Path, double: Double) -> None:
    ended = subprocess.run(
        [sys.executable, "many_calls.py", "duoble", "inputs.jsonl", "journal"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=80,
    )
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    [line] = said(ended)
    assert line.startswith("many_calls: ")
    assert list((folder / "journal").glob("*.answer.json")) == []
    assert double.calls == Counter()
