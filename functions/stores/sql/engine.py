"""Opens the database of alerts. Everything that is peculiar to SQLite stands in this file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from functions.core.errors import SourceUnavailable

PATIENCE = 10.0
"""Seconds to wait for somebody else's transaction."""


def open_engine(url: str) -> Engine:
    """An engine whose transactions lock what they read in order to write it: BEGIN IMMEDIATE on
    SQLite, SELECT … FOR UPDATE elsewhere. Durable (synchronous=FULL) and with foreign keys."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write. SourceUnavailable when the database cannot be reached, is
    locked for too long or is full: nothing was written then."""
    with _translated(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view that waits for no writer. Errors as in `writing`."""
    with _translated(), engine.execution_options(reads_only=True).begin() as connection:
        yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        message = "The alert database cannot be used right now; try again, or run doctor."
        raise SourceUnavailable(message, cause=str(getattr(error, "orig", error))) from error


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
