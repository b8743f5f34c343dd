"""Opens the SQLite database that holds an emulator's state, and creates its schema."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from typing import TYPE_CHECKING

from .errors import DataFileError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 2
"""Raised with every change of the schema, so that a file of another version is refused and not misread."""

APPLICATION_ID = 0x4D434C44
"""Marks a file as an emulator's ("MCLD"), so that no other program's database is written to."""

_SELECT_SCHEMA = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
_SCHEMA = """
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE token (
    digest BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE function (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    function_code TEXT NOT NULL,
    remark TEXT NOT NULL,
    plan_circle TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (environment, name)
);
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket TEXT NOT NULL,
    environment TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    service_type TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    mem_usage INTEGER
);
CREATE INDEX job_of_function ON job (function_id, id);
CREATE TABLE job_data (
    job_id INTEGER PRIMARY KEY,
    json TEXT NOT NULL
);
CREATE TABLE job_log (
    job_id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);
"""


def open_database(path: Path | None) -> sqlite3.Connection:
    """Opens a data file, which is created if it is missing and locked until it is closed, or a database in memory.

    In write-ahead mode with `synchronous=NORMAL` a committed change is kept even if the process is killed; only a power failure
    may lose the last ones. The connection is in autocommit mode.

    Raises:
        DataFileError: If the file is in use, of another version, no data file, or can't be opened.
    """
    if path is None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        _create_schema(connection)
        return connection
    if path.exists() and not path.is_file():  # a device would lose the permissions that others need
        message = f"cannot open the data file {path} (it is no regular file): name another file"
        raise DataFileError(message)
    try:
        # It holds credentials, so only its owner can read it. SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    except OSError as error:
        message = f"cannot open the data file {path} ({error.strerror}): name one in a folder that you can write to"
        raise DataFileError(message) from error
    try:
        _prepare_file(connection, path)
        _check_schema(connection, path)
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" in str(error):
            message = f"the data file {path} is in use by another emulator: stop that one or name another file"
        else:
            message = f"cannot open the data file {path} ({error}): name another file"
        raise DataFileError(message) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            message = f"{path} is not an emulator's data file: name another file"
        else:
            message = _damaged(path, error)
        raise DataFileError(message) from error
    except DataFileError:
        connection.close()
        raise
    return connection


def _prepare_file(connection: sqlite3.Connection, path: Path) -> None:
    # In exclusive mode the lock is taken with the first access and held until the process ends.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    application_id = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id != APPLICATION_ID and (tables or application_id or version):
        message = f"{path} is another program's database: name another file"
        raise DataFileError(message)
    if tables and version != SCHEMA_VERSION:
        message = (
            f"the data file {path} is of version {version} and this emulator needs version {SCHEMA_VERSION}: "
            "name another file, or delete it to start afresh"
        )
        raise DataFileError(message)
    _make_private(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("COMMIT")
    if not tables:
        _create_schema(connection)


def _make_private(path: Path) -> None:
    """Removes the permissions of other accounts on the file, which holds credentials, and on SQLite's files beside it."""
    if os.name != "posix":
        return
    try:
        for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
                file.chmod(0o600)
    except OSError as error:
        message = f"other accounts can read the data file {path}, and it is not yours: name another file"
        raise DataFileError(message) from error


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Checks that the file is not damaged and has all tables."""
    found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DataFileError(_damaged(path, found.splitlines()[0]))
    with contextlib.closing(sqlite3.connect(":memory:")) as model:
        model.executescript(_SCHEMA)
        missing = dict(model.execute(_SELECT_SCHEMA)).items() - dict(connection.execute(_SELECT_SCHEMA)).items()
    if missing:
        name = min(name for name, _ in missing)
        raise DataFileError(_damaged(path, f"{name} is missing or changed"))


def _damaged(path: Path, reason: object) -> str:
    return f"the data file {path} is damaged ({reason}): put back a copy, or delete it to start afresh"


def _create_schema(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN;{_SCHEMA}PRAGMA application_id = {APPLICATION_ID};PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
