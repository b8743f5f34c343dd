"""Stores functions, jobs, logs and settings in the database."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from .database import open_database
from .json_text import encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from .clock import Clock
    from .invocation_result import FinalStatus

MEMORY_MB: Mapping[str, int] = {"P_FREE": 128, "P_PERSONAL": 256}
"""The memory of a function by its plan."""

# Two jobs are never created at the same time, so that `created_at` orders them as `id` does. It is kept with
# microseconds, and 1.5e9 seconds leave a double no finer step than a quarter of one.
_TIME_STEP = 1e-6
_LARGEST_DATA = 1024 * 1024  # characters that are kept of what a function is called with


class NameTakenError(Exception):
    """The environment has another function of that name."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as stored.

    Attributes:
        id: Its number, unique over all environments.
        environment: The test environment's id, `""` for production.
        name: Its name, unique within the environment.
        version: A number that changes whenever the code or the plan does.
    """

    id: int
    environment: str
    name: str
    function_code: str
    remark: str
    plan_circle: str
    version: int
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Job:
    """A job as stored.

    Attributes:
        id: Its number, increasing.
        ticket: The hexadecimal id that the debug operation returns.
        environment: The test environment's id, `""` for production.
        source: The kind of call, such as `open_api`.
        service_type: `time_sensitive` if the caller waits, otherwise `batch`.
        created_at: Unix seconds; so are the other two, which are None until it starts and ends.
        mem_usage: Bytes, None until it ends.
    """

    id: int
    ticket: str
    environment: str
    function_id: int
    source: str
    service_type: str
    status: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    mem_usage: int | None
    has_log: bool


_SELECT_FUNCTION = (
    "SELECT id, environment, name, function_code, remark, plan_circle, version, created_at, updated_at FROM function"
)
_SELECT_JOB = (
    "SELECT id, ticket, environment, function_id, source, service_type, status, created_at, started_at,"
    " finished_at, mem_usage, EXISTS (SELECT 1 FROM job_log WHERE job_id = job.id) FROM job"
)
_COUNT_JOBS = "SELECT count(*) FROM job"
_JOB_FILTERS: Mapping[str, str] = {
    "source": "source = ?",
    "status": "status = ?",
    "service_type": "service_type = ?",
    "created_at__gte": "created_at >= ?",
    "created_at__lte": "created_at <= ?",
    "log": "EXISTS (SELECT 1 FROM job_log WHERE job_id = job.id AND instr(lower(text), lower(?)))",
}


class Store:
    """An emulator's functions, jobs, logs and settings. Used from one thread at a time.

    Raises:
        DataFileError: If the file is in use, of another version, no data file, or can't be opened.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self.connection = open_database(path)
        self._clock = clock
        newest: float | None = self.connection.execute("SELECT max(created_at) FROM job").fetchone()[0]
        self._last_created_at = newest or 0.0
        self._fail_interrupted()

    def close(self) -> None:
        """Closes the database, so that another emulator can open the file."""
        self.connection.close()

    def clear(self) -> None:
        """Deletes everything."""
        self.connection.executescript(
            "BEGIN;DELETE FROM setting;DELETE FROM token;DELETE FROM function;"
            "DELETE FROM job;DELETE FROM job_data;DELETE FROM job_log;DELETE FROM sqlite_sequence;COMMIT;"
        )
        self._last_created_at = 0.0

    def setting(self, name: str, make: Callable[[], str], given: str | None = None) -> str:
        """Returns a setting that is kept over a restart: `given` if it is not None, else the stored one, else a new one."""
        row = self.connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        if given is None and row is not None:
            stored: str = row[0]
            return stored
        value = make() if given is None else given
        self.connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))
        return value

    # Functions

    def create_function(
        self, environment: str, name: str, code: str, *, remark: str = "", plan_circle: str = "P_FREE"
    ) -> Function:
        """Stores a new function.

        Raises:
            NameTakenError: If the environment has one of that name.
        """
        now = int(self._clock.now())
        try:
            cursor = self.connection.execute(
                "INSERT INTO function (environment, name, function_code, remark, plan_circle, version,"
                " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 1, ?, ?)",
                (environment, name, code, remark, plan_circle, now, now),
            )
        except sqlite3.IntegrityError as error:
            raise NameTakenError(name) from error
        return Function(cursor.lastrowid or 0, environment, name, code, remark, plan_circle, 1, now, now)

    def function(self, environment: str, name: str) -> Function | None:
        """Returns the function of that name, None if there is none."""
        row = self.connection.execute(
            f"{_SELECT_FUNCTION} WHERE environment = ? AND name = ?",
            (environment, name),
        ).fetchone()
        return None if row is None else Function(*row)

    def functions(self, environment: str, limit: int, offset: int) -> tuple[list[Function], int]:
        """Returns a page of an environment's functions, newest first, and how many there are in all."""
        rows = self.connection.execute(
            f"{_SELECT_FUNCTION} WHERE environment = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            (environment, limit, offset),
        )
        total: int = self.connection.execute(
            "SELECT count(*) FROM function WHERE environment = ?", (environment,)
        ).fetchone()[0]
        return [Function(*row) for row in rows], total

    def update_function(self, function: Function, changes: Mapping[str, str]) -> Function:
        """Changes a function, given new values of `name`, `function_code`, `plan_circle` and `remark`.

        Raises:
            NameTakenError: If another function of the environment has the new name.
        """
        changed = replace(
            function,
            name=changes.get("name", function.name),
            function_code=changes.get("function_code", function.function_code),
            plan_circle=changes.get("plan_circle", function.plan_circle),
            remark=changes.get("remark", function.remark),
            version=function.version + ("function_code" in changes or "plan_circle" in changes),
            updated_at=int(self._clock.now()),
        )
        try:
            self.connection.execute(
                "UPDATE function SET name = :name, function_code = :function_code, plan_circle = :plan_circle,"
                " remark = :remark, version = :version, updated_at = :updated_at WHERE id = :id",
                asdict(changed),
            )
        except sqlite3.IntegrityError as error:
            raise NameTakenError(changed.name) from error
        return changed

    def delete_function(self, function: Function) -> None:
        """Deletes a function. Its jobs stay, since signed addresses of their logs may still be in use."""
        self.connection.execute("DELETE FROM function WHERE id = ?", (function.id,))

    def environments(self) -> list[str]:
        """Returns the ids of the environments that have functions; `""` is production."""
        rows = self.connection.execute("SELECT DISTINCT environment FROM function ORDER BY environment")
        return [row[0] for row in rows]

    # Jobs

    def create_job(self, function: Function, *, source: str, sync: bool, data: Any) -> Job:
        """Stores the job of an accepted call; `sync` says whether the caller waits, and `data` is any JSON value."""
        created_at = round(max(self._clock.now(), self._last_created_at + _TIME_STEP), 6)
        self._last_created_at = created_at
        ticket = uuid.uuid4().hex
        service_type = "time_sensitive" if sync else "batch"
        cursor = self.connection.execute(
            "INSERT INTO job (ticket, environment, function_id, source, service_type, status, created_at)"
            " VALUES (?, ?, ?, ?, ?, 'waiting', ?)",
            (ticket, function.environment, function.id, source, service_type, created_at),
        )
        text = encode_json(data).decode()
        if len(text) <= _LARGEST_DATA:
            self.connection.execute("INSERT INTO job_data VALUES (?, ?)", (cursor.lastrowid, text))
        new = (
            cursor.lastrowid or 0,
            ticket,
            function.environment,
            function.id,
            source,
            service_type,
            "waiting",
            created_at,
        )
        return Job(*new, started_at=None, finished_at=None, mem_usage=None, has_log=False)

    def start_job(self, job: Job) -> Job:
        """Records that a job runs now."""
        started_at = round(max(self._clock.now(), job.created_at), 6)
        self.connection.execute(
            "UPDATE job SET status = 'executing', started_at = ? WHERE id = ?", (started_at, job.id)
        )
        return replace(job, status="executing", started_at=started_at)

    def finish_job(self, job: Job, status: FinalStatus, *, mem_usage: int | None, log: str | None) -> Job:
        """Records how a job ended; memory and log are None if it never ran."""
        finished_at = round(max(self._clock.now(), job.started_at or job.created_at), 6)
        self.connection.execute("BEGIN")
        try:
            if log is not None:
                # A function may write half a surrogate pair, which no file can hold.
                log = log.encode("utf-8", "replace").decode()
                self.connection.execute("INSERT OR REPLACE INTO job_log VALUES (?, ?)", (job.id, log))
            self.connection.execute(
                "UPDATE job SET status = ?, finished_at = ?, mem_usage = ? WHERE id = ?",
                (status, finished_at, mem_usage, job.id),
            )
        except BaseException:
            if self.connection.in_transaction:  # a full disk has ended it already
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return replace(job, status=status, finished_at=finished_at, mem_usage=mem_usage, has_log=log is not None)

    def jobs(
        self,
        function_id: int | None,
        filters: Mapping[str, str | int],
        limit: int,
        offset: int,
        *,
        without: Iterable[int] = (),
    ) -> tuple[list[Job], int]:
        """Returns a page of jobs, newest first, and how many there are in all.

        Args:
            function_id: The function whose jobs are listed; None for the jobs of all.
            filters: Values by the names of the operation's parameters; `log` is a text in the log.
            limit: The size of the page.
            offset: How many of the newest to skip.
            without: Ids of jobs that are not listed yet.
        """
        conditions = [f"id NOT IN ({','.join(map(str, without))})"]
        values: list[Any] = []
        if function_id is not None:
            conditions.append("function_id = ?")
            values.append(function_id)
        for name, value in filters.items():
            conditions.append(_JOB_FILTERS[name])
            values.append(value)
        where = " AND ".join(conditions)
        rows = self.connection.execute(
            f"{_SELECT_JOB} WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        jobs = [_job(row) for row in rows]
        total: int = self.connection.execute(f"{_COUNT_JOBS} WHERE {where}", values).fetchone()[0]
        return jobs, total

    def job(self, job_id: int) -> Job | None:
        """Returns the job of that number, None if there is none."""
        row = self.connection.execute(f"{_SELECT_JOB} WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else _job(row)

    def job_data(self, job_id: int) -> str | None:
        """Returns the data of a job's call as JSON text; None if it was too large to be kept."""
        row = self.connection.execute("SELECT json FROM job_data WHERE job_id = ?", (job_id,)).fetchone()
        return None if row is None else row[0]

    def job_log(self, job_id: int) -> str | None:
        """Returns a job's log, None if it has none."""
        row = self.connection.execute("SELECT text FROM job_log WHERE job_id = ?", (job_id,)).fetchone()
        return None if row is None else row[0]

    def _fail_interrupted(self) -> None:
        """Marks the jobs failed that were running when an earlier emulator was killed, so that no client waits for them."""
        rows = self.connection.execute(f"{_SELECT_JOB} WHERE status IN ('waiting', 'executing')").fetchall()
        for row in rows:
            log = f"{self._clock.log_time()} ERROR the emulator was stopped before this job had ended\n"
            self.finish_job(_job(row), "execution_failed", mem_usage=None, log=log)


def _job(row: tuple[Any, ...]) -> Job:
    return replace(Job(*row), has_log=bool(row[-1]))
