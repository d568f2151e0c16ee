"""Readings in one SQLite file: raw ones by slot, and rollups written as they arrive."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from functions.clients.sqlite import SqliteFile
from functions.core.ports import Rollup
from functions.core.reading import Reading
from functions.core.rollup import Bucket, decoded

STEPS = (60, 3600, 86_400)
"""Seconds of the rollup buckets. Minutes are deleted with the raw readings they repeat."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS readings (
    tenant TEXT NOT NULL, monitor TEXT NOT NULL, slot INTEGER NOT NULL,
    missed INTEGER NOT NULL, reading BLOB NOT NULL,
    PRIMARY KEY (tenant, monitor, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rollups (
    tenant TEXT NOT NULL, monitor TEXT NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL,
    bucket BLOB NOT NULL,
    PRIMARY KEY (tenant, monitor, step, start)
) WITHOUT ROWID;
"""
_INSERT = "INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?, ?)"
_REPLACE_MISSED = """
UPDATE readings SET missed = 0, reading = ?
WHERE tenant = ? AND monitor = ? AND slot = ? AND missed
"""
# CROSS JOIN: otherwise the planner walks through all readings of the tenant.
_LATEST = """
SELECT asked.value, reading FROM json_each(?1) AS asked CROSS JOIN readings
ON tenant = ?2 AND monitor = asked.value AND slot =
    (SELECT max(slot) FROM readings WHERE tenant = ?2 AND monitor = asked.value)
"""
_QUERY = """
SELECT reading FROM readings WHERE tenant = ? AND monitor = ? AND slot >= ? AND slot < ?
ORDER BY slot DESC LIMIT ?
"""
_NEXT_SERIES = """
SELECT tenant, monitor FROM readings WHERE (tenant, monitor) > (?, ?)
ORDER BY tenant, monitor LIMIT 1
"""
_BUCKET = """
SELECT bucket FROM rollups WHERE tenant = ? AND monitor = ? AND step = ? AND start = ?
"""
_PUT_BUCKET = "INSERT OR REPLACE INTO rollups VALUES (?, ?, ?, ?, ?)"
_BUCKETS = """
SELECT start, bucket FROM rollups
WHERE tenant = ? AND monitor = ? AND step = ? AND start >= ? AND start < ? ORDER BY start
"""
_READING = msgspec.json.Decoder(Reading)


class SqliteReadings:
    """Implements ports.ReadingStore."""

    def __init__(self, path: str | Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def close(self) -> None:
        self._file.close()

    async def add(self, readings: Sequence[Reading]) -> None:
        """All of them in one transaction, durable on return."""
        rows = [(reading, msgspec.json.encode(reading)) for reading in readings]

        def work(connection: sqlite3.Connection) -> None:
            for reading, encoded in rows:
                _add(connection, reading, encoded=encoded)

        await self._file.write(work)

    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]:
        """The newest reading of each monitor that has one, in one query."""
        asked = msgspec.json.encode(list(monitors)).decode()
        rows = await self._file.read(lambda c: c.execute(_LATEST, (asked, tenant)).fetchall())
        return {monitor: _READING.decode(reading) for monitor, reading in rows}

    async def query(
        self, tenant: str, monitor: str, *, since: int, until: int, limit: int
    ) -> list[Reading]:
        """Oldest first, `since <= slot < until`; the newest `limit` of them."""
        asked = (tenant, monitor, since, until, limit)
        rows = await self._file.read(lambda c: c.execute(_QUERY, asked).fetchall())
        return [_READING.decode(reading) for (reading,) in reversed(rows)]

    async def rollups(
        self, tenant: str, monitor: str, *, since: int, until: int, step: int
    ) -> list[Rollup]:
        """Buckets that begin in the range, oldest first, one row per metric. A bucket in which
        nothing could be seen is one row with an empty metric and count 0."""
        asked = (tenant, monitor, step, since, until)
        rows = await self._file.read(lambda c: c.execute(_BUCKETS, asked).fetchall())
        return [row for start, bucket in rows for row in decoded(bucket).rollups(start, step)]

    async def forget(self, tenant: str, monitor: str) -> None:
        """Delete everything of one monitor."""

        def work(connection: sqlite3.Connection) -> None:
            for table in ("readings", "rollups"):
                connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND monitor = ?",  # noqa: S608 - ours
                    (tenant, monitor),
                )

        await self._file.write(work)

    async def expire(self, before: int) -> int:
        """Delete raw readings and minutes older than this slot; hours and days stay. One
        transaction per monitor, so that new readings are stored in between."""
        deleted = 0
        series = await self._next_series(("", ""))
        while series:
            deleted += await self._expire(series, before)
            series = await self._next_series(series)
        return deleted

    async def _next_series(self, after: tuple[str, str]) -> tuple[str, str] | None:
        return await self._file.read(lambda c: c.execute(_NEXT_SERIES, after).fetchone())

    async def _expire(self, series: tuple[str, str], before: int) -> int:
        def work(connection: sqlite3.Connection) -> int:
            connection.execute(
                "DELETE FROM rollups WHERE tenant = ? AND monitor = ? AND step = ? AND start < ?",
                (*series, STEPS[0], before - before % STEPS[0]),
            )
            return connection.execute(
                "DELETE FROM readings WHERE tenant = ? AND monitor = ? AND slot < ?",
                (*series, before),
            ).rowcount

        return await self._file.write(work)


def _add(connection: sqlite3.Connection, reading: Reading, *, encoded: bytes) -> None:
    """The first write of a slot wins; a missed slot yields to the reading that comes after all."""
    key = (reading.tenant, reading.monitor, reading.slot)
    if connection.execute(_INSERT, (*key, reading.missed, encoded)).rowcount:
        _roll_up(connection, reading, instead_of_missed=False)
    elif not reading.missed and connection.execute(_REPLACE_MISSED, (encoded, *key)).rowcount:
        _roll_up(connection, reading, instead_of_missed=True)


def _roll_up(connection: sqlite3.Connection, reading: Reading, *, instead_of_missed: bool) -> None:
    for step in STEPS:
        key = (reading.tenant, reading.monitor, step, reading.slot - reading.slot % step)
        row = connection.execute(_BUCKET, key).fetchone()
        bucket = decoded(row[0]) if row else Bucket()
        bucket.missed -= instead_of_missed
        bucket.count(reading)
        connection.execute(_PUT_BUCKET, (*key, msgspec.json.encode(bucket)))
