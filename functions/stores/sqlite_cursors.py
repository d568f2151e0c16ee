"""Providers' cursors in a SQLite file, for the embedded runtime."""

import sqlite3
from pathlib import Path

from functions.clients.sqlite import SqliteFile
from functions.core.memory import check_cursor

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cursors (
    tenant TEXT NOT NULL, monitor TEXT NOT NULL, slot INTEGER NOT NULL, cursor BLOB NOT NULL,
    PRIMARY KEY (tenant, monitor)
) WITHOUT ROWID;
"""
_SAVE = """
INSERT INTO cursors VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET slot = excluded.slot, cursor = excluded.cursor WHERE excluded.slot > cursors.slot
"""


class SqliteCursors:
    """Implements ports.CursorStore."""

    def __init__(self, path: str | Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def close(self) -> None:
        self._file.close()

    async def load(self, tenant: str, monitor: str) -> bytes | None:
        """What the last accepted poll left, or None."""

        def work(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(
                "SELECT cursor FROM cursors WHERE tenant = ? AND monitor = ?", (tenant, monitor)
            ).fetchone()
            return bytes(row[0]) if row else None

        return await self._file.read(work)

    async def save(self, tenant: str, monitor: str, *, slot: int, cursor: bytes) -> bool:
        """Keep it unless one of the same or a later slot is there; says whether it was kept.

        Raises LimitReached beyond 64 KiB."""
        check_cursor(cursor)
        row = (tenant, monitor, slot, cursor)
        return await self._file.write(lambda c: c.execute(_SAVE, row).rowcount > 0)
