"""One SQLite file: a writer thread that commits in groups, and a reader beside it."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from functions.core.errors import MonitorError, SourceUnavailable, UnexpectedAnswer

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BUSY_SECONDS = 5.0
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 67108864;
"""
_REASONS = {
    "SQLITE_FULL": "the disk is full; free some space and it goes on by itself",
    "SQLITE_BUSY": "another program holds its lock; end that program",
    "SQLITE_LOCKED": "another program holds its lock; end that program",
    "SQLITE_READONLY": "it is read-only; give this user the right to write there",
    "SQLITE_CANTOPEN": "it cannot be opened; check its folder and this user's rights",
    "SQLITE_IOERR": "the disk reports errors; check the disk and its free space",
}
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def damage(error: BaseException, path: str | Path) -> UnexpectedAnswer | None:
    """What to tell the operator, when this error of SQLite means that the file is damaged."""
    code = str(getattr(error, "sqlite_errorname", ""))
    if not code.startswith(_DAMAGED):
        return None
    message = (
        f"{path} is damaged; nothing was deleted. End the service, move this file and its -wal "
        "and -shm away, and start again with a copy of it in its place, or with none to begin anew."
    )
    return UnexpectedAnswer(message, cause=code)


class SqliteFile:
    """Calls may come from any event loop. What `write` returns is durable (synchronous = FULL);
    calls that arrive while a commit is under way share the next one."""

    def __init__(self, path: str | Path, schema: str) -> None:
        self._path = Path(path)
        self._writing = self._opened(schema)
        self._reading = self._opened("")
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._reader = ThreadPoolExecutor(1, "sqlite-reader")
        self._lock = threading.Lock()
        self._gathering: _Group | None = None

    async def write(self, work: Work[T]) -> T:
        """The work's result once it is durable. Raises SourceUnavailable with nothing done."""
        with self._lock:
            group = self._gathering
            if group is None:
                group = self._gathering = _Group()
                group.results = self._writer.submit(self._commit, group)
            place = len(group.calls)
            group.calls.append(work)
        # Shielded: the caller who gives up must not take the others' commit away.
        results = await self._translated(asyncio.shield(asyncio.wrap_future(group.results)))
        return cast(T, results[place])

    async def read(self, work: Work[T]) -> T:
        """The work's result on the reader's own connection."""
        return await self._translated(asyncio.wrap_future(self._reader.submit(work, self._reading)))

    def close(self) -> None:
        """Finish what was handed in, then let go of the file."""
        self._writer.shutdown()
        self._reader.shutdown()
        self._reading.close()
        self._writing.close()

    def _opened(self, schema: str) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.executescript(_PRAGMAS + schema)
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return connection

    def _commit(self, group: "_Group") -> list[Any]:
        with self._lock:
            self._gathering = None
        try:
            self._writing.execute("BEGIN IMMEDIATE")
            results = [work(self._writing) for work in group.calls]
            self._writing.execute("COMMIT")
        finally:
            # Nothing half done; after a full disk SQLite has rolled back by itself.
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
        return results

    async def _translated(self, result: Awaitable[T]) -> T:
        try:
            return await result
        except (sqlite3.Error, OverflowError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> MonitorError:
        if told := damage(error, self._path):
            return told
        code = str(getattr(error, "sqlite_errorname", ""))
        known = (reason for name, reason in _REASONS.items() if code.startswith(name))
        reason = next(known, "SQLite refused; the log has its error code")
        return SourceUnavailable(
            f"{self._path.name} cannot be used: {reason}.", cause=code or type(error).__name__
        )


class _Group:
    """Work that will be committed together."""

    def __init__(self) -> None:
        self.calls: list[Work[Any]] = []
        self.results: Future[list[Any]]
