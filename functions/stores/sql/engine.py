"""Opens the database of alerts. What is peculiar to SQLite or to MySQL stands in this file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from functions.clients.sqlite import damage
from functions.core.errors import SourceUnavailable

PATIENCE = 10.0
"""Seconds to wait for somebody else's transaction."""

_READ_ONLY = (1290, 1836)
"""How MySQL and MariaDB refuse a write: --read-only, and read-only mode."""


def open_engine(url: str, patience: float = PATIENCE, *, longest: float | None = None) -> Engine:
    """An engine whose transactions lock what they read in order to write it: BEGIN IMMEDIATE on
    SQLite, SELECT … FOR UPDATE elsewhere. Durable (synchronous=FULL) and with foreign keys.
    `patience` are the seconds to wait for a lock, `longest` those of one statement, just more than
    that unless told: a server that hangs is given up then."""
    if url.startswith("sqlite"):
        engine = create_engine(url)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine
    # Each statement of a writer sees what is committed: it locks one row after the other, and a
    # view from before its last lock would be out of date.
    waiting = {"isolation_level": "READ COMMITTED", "pool_timeout": patience}
    waits = _waits(patience, longest)
    engine = create_engine(url, pool_pre_ping=True, connect_args=waits, **waiting)
    event.listen(engine, "handle_error", _leave_read_only)
    return engine


def _leave_read_only(told: ExceptionContext) -> None:
    """A server that takes no writes any more was replaced by another one of its name: all
    connections are made anew."""
    error = told.original_exception
    told.is_disconnect = told.is_disconnect or (error.args or (0,))[0] in _READ_ONLY


def _waits(patience: float, longest: float | None) -> dict[str, Any]:
    seconds = max(int(patience), 1)
    # A first call to a server that hangs takes this twice, for the connection and the next one.
    answer = seconds + 2 if longest is None else int(longest)
    waits = f"innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
    return {
        "connect_timeout": seconds,
        "read_timeout": answer,
        "write_timeout": answer,
        "init_command": f"SET SESSION {waits}",
    }


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write. SourceUnavailable when the database cannot be reached, is
    locked for too long or is full, UnexpectedAnswer when its file is damaged: nothing was written
    then."""
    with _translated(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view that waits for no writer. Errors as in `writing`."""
    options: dict[str, Any] = {"reads_only": True}
    if engine.dialect.name != "sqlite":
        options["isolation_level"] = "REPEATABLE READ"
    with _translated(engine), engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        message = "The alert database cannot be used right now; try again, or run doctor."
        raise SourceUnavailable(message, cause=str(getattr(error, "orig", error))) from error
    except DatabaseError as error:
        told = damage(error.orig, engine.url.database or "") if error.orig else None
        if told is None:
            raise
        raise told from error


def _prepare(connection: sqlite3.Connection, record: Any) -> None:
    # The driver's own idea of when a transaction begins is switched off: `_begin` says it.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {PATIENCE * 1000:.0f}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A reader that turns writer half-way fails at once when another has written meanwhile, so a
    # writer takes its lock before it reads.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
