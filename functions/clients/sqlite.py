"""One SQLite file: a writer thread that commits in groups, and a reader beside it."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar, cast

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
        self._reader = ThreadPoolExecutor(1, "sqlite-reader")
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        # No executor: to wake its thread and be woken by it takes as long as the commit itself.
        self._writer = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
        self._writer.start()

    async def write(self, work: Work[T]) -> T:
        """The work's result once it is durable. Raises SourceUnavailable with nothing done. A
        caller who gives up takes nobody else's commit away."""
        call = _Call(work, asyncio.get_running_loop().create_future())
        with self._closing:
            if self._closed:
                raise RuntimeError(f"{self._path.name} is closed")
            self._calls.put(call)
        return cast(T, await self._translated(call.answer))

    async def read(self, work: Work[T]) -> T:
        """The work's result on the reader's own connection."""
        return await self._translated(asyncio.wrap_future(self._reader.submit(work, self._reading)))

    def close(self) -> None:
        """Finish what was handed in, then let go of the file."""
        with self._closing:
            self._closed = True
            self._calls.put(None)
        self._writer.join()
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

    def _write(self) -> None:
        """All of the writer's thread: it ends with the None that `close` puts behind all calls."""
        ended = False
        while not ended:
            gathered = [self._calls.get()]
            while not self._calls.empty():
                gathered.append(self._calls.get())
            group = [call for call in gathered if call]
            ended = len(group) < len(gathered)
            if group:
                self._answer(group)

    def _answer(self, group: "list[_Call]") -> None:
        try:
            results = self._commit(group)
        except BaseException as error:  # noqa: BLE001 - raised again where the callers wait
            for call in group:
                call.tell(error=error)
        else:
            for call, result in zip(group, results, strict=True):
                call.tell(result)

    def _commit(self, group: "list[_Call]") -> list[Any]:
        try:
            self._writing.execute("BEGIN IMMEDIATE")
            results = [call.work(self._writing) for call in group]
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


class _Call(NamedTuple):
    """Work that somebody waits for."""

    work: Work[Any]
    answer: asyncio.Future[Any]

    def tell(self, result: object = None, error: BaseException | None = None) -> None:
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            self.answer.get_loop().call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: object, error: BaseException | None) -> None:
        if self.answer.done():  # its caller gave up
            return
        if error:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(result)
