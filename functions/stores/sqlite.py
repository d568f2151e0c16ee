"""Readings in one SQLite file: raw ones by slot, and hours of what they amounted to."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from math import inf
from pathlib import Path

import msgspec

from functions.clients.sqlite import SqliteFile
from functions.core.ports import Rollup
from functions.core.reading import Reading
from functions.core.rollup import HOUR, Bucket, Outcome, counted, decoded, fine, rolled_up, span

_SCHEMA = """
CREATE TABLE IF NOT EXISTS readings (
    tenant TEXT NOT NULL, monitor TEXT NOT NULL, slot INTEGER NOT NULL,
    missed INTEGER NOT NULL, reading BLOB NOT NULL,
    PRIMARY KEY (tenant, monitor, slot)
) WITHOUT ROWID;
-- All hours of a monitor up to its newest one here; what is after that is counted when asked for.
CREATE TABLE IF NOT EXISTS hours (
    tenant TEXT NOT NULL, monitor TEXT NOT NULL, start INTEGER NOT NULL, bucket BLOB NOT NULL,
    PRIMARY KEY (tenant, monitor, start)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hours_start ON hours (start);
"""
# A missed slot yields to the reading that comes after all.
_ADD = """
INSERT INTO readings VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
SET missed = 0, reading = excluded.reading WHERE readings.missed AND NOT excluded.missed
"""
_KNOWN = "SELECT missed FROM readings WHERE tenant = ? AND monitor = ? AND slot = ?"
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
# 9e999 is infinite: with a part of the key SQLite would walk through all of the series before.
_NEXT_SERIES = """
SELECT * FROM (SELECT tenant, monitor FROM readings
    WHERE (tenant, monitor, slot) > (?1, ?2, 9e999) ORDER BY tenant, monitor, slot LIMIT 1)
UNION SELECT * FROM (SELECT tenant, monitor FROM hours
    WHERE (tenant, monitor, start) > (?1, ?2, 9e999) ORDER BY tenant, monitor, start LIMIT 1)
ORDER BY tenant, monitor LIMIT 1
"""
_OPEN_FROM = "SELECT ifnull(max(start) + ?, 0) FROM hours"
_LAST_HOUR = "SELECT max(start) FROM hours WHERE tenant = ?1 AND monitor = ?2"
_PUT_HOUR = "INSERT OR REPLACE INTO hours VALUES (?, ?, ?, ?)"
_HOUR = "SELECT bucket FROM hours WHERE tenant = ? AND monitor = ? AND start = ?"
_MINUTES = """
SELECT slot, reading, 0 FROM readings
WHERE tenant = ?1 AND monitor = ?2 AND slot >= ?3 AND slot < ?4
"""
_UNCOUNTED = _MINUTES.replace("?3", f"max(?3, ifnull(({_LAST_HOUR}) + {HOUR}, ?3))")
_STORED = """
SELECT start, bucket, 1 FROM hours
WHERE tenant = ?1 AND monitor = ?2 AND start >= ?3 AND start < ?4
"""
# One statement sees one state of the file, whatever is written meanwhile.
_HOURS = f"{_STORED} UNION ALL {_UNCOUNTED}"
_NEWEST = "SELECT max(slot) FROM readings WHERE tenant = ? AND monitor = ?"
_DELETE_READINGS = "DELETE FROM readings WHERE tenant = ? AND monitor = ? AND slot < ?"
_DELETE_HOURS = "DELETE FROM hours WHERE tenant = ? AND monitor = ? AND start < ?"
_READING = msgspec.json.Decoder(Reading)
_OUTCOME = msgspec.json.Decoder(Outcome)
_Row = tuple[str, str, int, bool, bytes]
_Series = tuple[str, str]

TOGETHER = 10
"""Monitors whose hours are stored in one transaction; new readings wait for so long."""


class SqliteReadings:
    """Implements ports.ReadingStore."""

    def __init__(self, path: str | Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def close(self) -> None:
        self._file.close()

    async def add(self, readings: Sequence[Reading]) -> None:
        """All of them in one transaction, durable on return."""
        rows = [(r.tenant, r.monitor, r.slot, r.missed, msgspec.json.encode(r)) for r in readings]

        def work(connection: sqlite3.Connection) -> None:
            (open_from,) = connection.execute(_OPEN_FROM, (HOUR,)).fetchone()
            connection.executemany(_ADD, [row for row in rows if row[2] >= open_from])
            for reading, row in zip(readings, rows, strict=True):
                if reading.slot < open_from:
                    _add_late(connection, reading, row=row)

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
        return await self._file.read(
            lambda c: [_READING.decode(one) for (one,) in c.execute(_QUERY, asked)][::-1]
        )

    async def rollups(
        self, tenant: str, monitor: str, *, since: int, until: int, step: int
    ) -> list[Rollup]:
        """As in ports.ReadingStore."""
        asked = (tenant, monitor, *span(since, until, step=step))
        query = _HOURS if fine(step) == HOUR else _MINUTES
        buckets = await self._file.read(lambda c: _buckets(c.execute(query, asked), fine(step)))
        return rolled_up(buckets, step)

    async def forget(self, tenant: str, monitor: str) -> None:
        """Delete everything of one monitor."""

        def work(connection: sqlite3.Connection) -> None:
            for delete in (_DELETE_READINGS, _DELETE_HOURS):
                connection.execute(delete, (tenant, monitor, inf))

        await self._file.write(work)

    async def expire(self, before: int, *, rollups_before: int) -> int:
        """As in ports.ReadingStore. Some monitors in each transaction, so that new readings are
        stored in between."""
        before -= before % HOUR
        after: _Series | None = ("", "")
        deleted = 0
        while after:
            work = partial(_expire_some, after=after, before=before, hours_before=rollups_before)
            some, after = await self._file.write(work)
            deleted += some
        return deleted


def _add_late(connection: sqlite3.Connection, reading: Reading, *, row: _Row) -> None:
    """One whose hour may be stored already: then it is counted there too."""
    known = connection.execute(_KNOWN, row[:3]).fetchone()
    if connection.execute(_ADD, row).rowcount < 1:
        return
    start = reading.slot - reading.slot % HOUR
    (last,) = connection.execute(_LAST_HOUR, row[:2]).fetchone()
    if last is None or start > last:
        return
    stored = connection.execute(_HOUR, (*row[:2], start)).fetchone()
    bucket = decoded(stored[0]) if stored else Bucket()
    bucket.missed -= known is not None
    bucket.merge(counted([reading]))
    connection.execute(_PUT_HOUR, (*row[:2], start, msgspec.json.encode(bucket)))


def _buckets(rows: Iterable[tuple[int, bytes, int]], step: int) -> dict[int, Bucket]:
    """Stored ones as they are, raw readings counted, by their start."""
    buckets: dict[int, Bucket] = {}
    raw: defaultdict[int, list[Outcome]] = defaultdict(list)
    for at, encoded, is_bucket in rows:
        if is_bucket:
            buckets[at] = decoded(encoded)
        else:
            raw[at - at % step].append(_OUTCOME.decode(encoded))
    return buckets | {start: counted(outcomes) for start, outcomes in raw.items()}


def _expire_some(
    connection: sqlite3.Connection, *, after: _Series, before: int, hours_before: int
) -> tuple[int, _Series | None]:
    """How many raw readings were deleted, and the last monitor this was done for, if there is one
    left."""
    deleted = 0
    for _ in range(TOGETHER):
        series = connection.execute(_NEXT_SERIES, after).fetchone()
        if series is None:
            return deleted, None
        _store_hours(connection, series, before=before)
        connection.execute(_DELETE_HOURS, (*series, hours_before))
        deleted += connection.execute(_DELETE_READINGS, (*series, before)).rowcount
        after = series
    return deleted, after


def _store_hours(connection: sqlite3.Connection, series: _Series, *, before: int) -> None:
    """Those that are over for this monitor, and all before that slot."""
    newest = connection.execute(_NEWEST, series).fetchone()[0] or 0
    until = max(newest - newest % HOUR, before)
    rows = connection.execute(_UNCOUNTED, (*series, 0, until))
    for start, bucket in _buckets(rows, HOUR).items():
        connection.execute(_PUT_HOUR, (*series, start, msgspec.json.encode(bucket)))
