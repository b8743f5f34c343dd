"""Calls a cloud function for each line of a file from a Dask cluster, and none twice, whatever becomes of the workers.

Dask runs a task again when its worker dies, also one that had ended and whose result was not fetched yet. A call must not be: so each
call is noted in a folder that all workers see, before it is sent, and its handle once it is accepted. Whichever worker runs the task again
goes on with the call by its handle.
"""

# Dask says little of its types.
# pyright: basic
from __future__ import annotations

import argparse
import itertools
import json
import sys
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client, KilledWorker, Semaphore, as_completed

from mincloud import (
    Forbidden,
    JobFailed,
    MinCloud,
    MinCloudError,
    NotFound,
    PaymentRequired,
    RateLimited,
    ResultUnavailable,
    TransportError,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from distributed import Future

# With these, no other line would fare better.
ENDING = (Unauthorized, Forbidden, PaymentRequired, NotFound)
# So many lines are Dask's at a time for each call that may run: enough to keep it busy, few enough for a file of any length.
TASKS_PER_CALL = 4
# The seconds until a call has ended: five minutes to find a place for it, and as much to run.
LONGEST_CALL = 600


class Journal:
    """What is known of each line's call: a note that it is about to be sent, its handle, and its answer.

    Args:
        folder: A folder that all workers see under this name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def note(self, line: int, data: dict[str, Any]) -> bool:
        """Notes that a line's call is about to be sent; False if that was noted before.

        Raises:
            ValueError: The line was another one then.
        """
        note, new = self._note(line), self.folder / f".{uuid.uuid4().hex}"
        new.write_text(json.dumps(data), "utf-8")
        try:
            note.hardlink_to(new)  # of several that try it one succeeds, on a network's file system, too
        except FileExistsError:
            if json.loads(note.read_text("utf-8")) != data:
                raise ValueError(f"line {line} has changed since it was called: take another journal") from None
            return False
        finally:
            new.unlink()
        return True

    def forget(self, line: int) -> None:
        """Takes a note back: the call surely did not run."""
        self._note(line).unlink()

    def accept(self, line: int, handle: dict[str, Any]) -> None:
        """Keeps the handle of a call that was accepted."""
        self._keep(handle, self._handle(line))

    def handle(self, line: int) -> dict[str, Any] | None:
        """The handle of a call, None if it was not accepted for all that is known."""
        return self._kept(self._handle(line))

    def answer(self, line: int, outcome: dict[str, Any]) -> None:
        """Keeps an answer."""
        self._keep(outcome, self._answer(line))

    def outcome(self, line: int) -> dict[str, Any]:
        """What has become of a line that is not under way any more."""
        found = self._kept(self._answer(line))
        if found is not None:
            return found
        if self._note(line).exists():
            return {"line": line, "error": "its worker was lost during the call", "called": "maybe"}
        return {"line": line, "error": "its worker was lost before the call", "called": "no"}

    def is_answered(self, line: int) -> bool:
        """Whether there is an answer."""
        return self._answer(line).exists()

    def _keep(self, value: dict[str, Any], path: Path) -> None:
        new = self.folder / f".{uuid.uuid4().hex}"
        new.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
        new.replace(path)

    @staticmethod
    def _kept(path: Path) -> dict[str, Any] | None:
        try:
            kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        return kept

    def _handle(self, line: int) -> Path:
        return self.folder / f"{line}.run.json"

    def _note(self, line: int) -> Path:
        return self.folder / f"{line}.called.json"

    def _answer(self, line: int) -> Path:
        return self.folder / f"{line}.answer.json"


def call_once(
    cloud: MinCloud, function: str, line: int, data: dict[str, Any], journal: Journal, places: Semaphore | None = None
) -> dict[str, Any] | Exception:
    """Calls a function for a line, or goes on with the call where that was done before: what a Dask task does.

    Returns:
        `line` with `data`, or with `error` and `called`: whether the function was, "yes", "no" or "maybe". Or an error after which there
        is no use in going on; returned, since Dask would log each that is raised with its traceback.
    """
    with places or nullcontext():
        try:
            is_new = journal.note(line, data)
        except ValueError as error:
            return error
        handle = None if is_new else journal.handle(line)
        if not is_new and (handle is None or journal.is_answered(line)):
            return journal.outcome(line)
        try:
            if handle is None:
                run = cloud.functions.trigger(function, data)
                journal.accept(line, run.to_dict())
            else:
                run = cloud.functions.resume(handle)
        except ENDING as error:
            journal.forget(line)
            return error
        except MinCloudError as error:
            if isinstance(error, RateLimited) or (isinstance(error, TransportError) and not error.may_have_run):
                journal.forget(line)
                return {"line": line, "error": str(error), "called": "no"}
            return {"line": line, "error": str(error), "called": "maybe"}
        outcome: dict[str, Any]
        try:
            outcome = {"line": line, "data": run.result(timeout=LONGEST_CALL)}
        except ENDING as error:
            return error
        except (JobFailed, ResultUnavailable) as error:
            outcome = {"line": line, "error": str(error), "called": "yes"}
        except MinCloudError as error:  # with the same journal, the next run goes on with it
            return {"line": line, "error": str(error), "called": "maybe"}
        journal.answer(line, outcome)
    return outcome


def call_all(
    client: Client, cloud: MinCloud, function: str, lines: Iterable[dict[str, Any]], journal: Journal, *, at_once: int
) -> Iterator[dict[str, Any]]:
    """Calls a function for each line, on all the workers of a cluster, and gives the outcomes as they come.

    Args:
        client: Dask's client.
        cloud: The client of the service. Its pickle holds no secret: the workers take theirs from their environment.
        function: The function's name.
        lines: What to call it with.
        journal: Where each call is noted.
        at_once: How many calls run at once on the whole cluster.

    Raises:
        MinCloudError: One after which there is no use in going on; the calls under way have ended by then.
        ValueError: A line was another one when it was called.
    """
    name = f"mincloud-{uuid.uuid4().hex}"
    places = Semaphore(at_once, name=name)
    # One for each worker, so that its tasks share the connections.
    everywhere = client.scatter(cloud, broadcast=True, hash=False)
    numbered = enumerate(lines, 1)

    def next_tasks(count: int) -> list[Future[dict[str, Any] | Exception]]:
        return [
            client.submit(call_once, everywhere, function, line, data, journal, places, key=f"{name}-{line}")
            for line, data in itertools.islice(numbered, count)
        ]

    under_way = as_completed(next_tasks(at_once * TASKS_PER_CALL))
    failure: Exception | None = None
    for task in under_way:
        try:
            outcome = task.result()
        except KilledWorker:  # it was begun on several, and each of them died
            outcome = journal.outcome(int(task.key.rpartition("-")[2]))
        if isinstance(outcome, Exception):
            failure = outcome
        else:
            yield outcome
        if failure is None:
            under_way.update(next_tasks(1))
    if failure is not None:
        raise failure


def main() -> int:
    parser = argparse.ArgumentParser(description="Call a cloud function for each line of a file, from a Dask cluster.")
    parser.add_argument("function")
    parser.add_argument("inputs", type=Path, help="a file of JSON objects, one a line")
    parser.add_argument("journal", type=Path, help="a folder that all workers see")
    parser.add_argument(
        "--at-once", type=int, default=8, help="how many calls run at once, on all workers together (8)"
    )
    parser.add_argument("--scheduler", help="the address of a cluster (two processes on this machine)")
    args = parser.parse_args()
    args.journal.mkdir(exist_ok=True)
    journal = Journal(args.journal.resolve())
    counts = {"answered": 0, "yes": 0, "no": 0, "maybe": 0}
    with (
        Client(args.scheduler)
        if args.scheduler
        else Client(n_workers=2, threads_per_worker=args.at_once, dashboard_address=None) as client,
        MinCloud() as cloud,
        args.inputs.open("rb") as file,
    ):
        lines = (json.loads(line) for line in file)
        for outcome in call_all(client, cloud, args.function, lines, journal, at_once=args.at_once):
            counts[outcome.get("called", "answered")] += 1
            if "error" in outcome:
                print(f"line {outcome['line']}: {outcome['error']} (called: {outcome['called']})", file=sys.stderr)
    print(
        f"{counts['answered']} answered, {counts['yes']} failed, "
        f"{counts['no']} not called, {counts['maybe']} may have run without an answer"
    )
    return 0 if counts["answered"] == sum(counts.values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MinCloudError, ValueError, OSError) as problem:
        sys.exit(f"many_calls: {problem}")
