"""Readings in SQLite, durable: in groups against a bare executemany of the same rows with the same
pragmas, and one alone against a bare fsync of as many bytes."""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from functions.core.reading import Reading
from functions.stores.sqlite import SqliteReadings
from tests.bench.frame import rounds_of, verdict

GROUPED, ALONE = 1 / 0.8, 1.3
GROUP, GROUPS, LONE = 100, 20, 100
_PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
_TABLE = """
CREATE TABLE readings (tenant TEXT, monitor TEXT, slot INTEGER, missed INTEGER, reading BLOB,
    PRIMARY KEY (tenant, monitor, slot)) WITHOUT ROWID;
"""


def run(rounds: int) -> list[dict[str, Any]]:
    """Milliseconds per group, and per lone write. Every measure goes on in the same file."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        ours = SqliteReadings(Path(folder) / "ours.db")
        bare = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        bare.executescript(_PRAGMAS + _TABLE)
        slots = iter(range(10, 10**9, 10))
        found = rounds_of(
            {
                "grouped": _timed(lambda: runner.run(ours.add(_group(next(slots)))), GROUPS),
                "bare": _timed(lambda: _bare(bare, _group(next(slots))), GROUPS),
                "alone": _timed(lambda: runner.run(ours.add(_group(next(slots))[:1])), LONE),
                "fsync": _timed(_synced(Path(folder) / "plain"), LONE),
            },
            rounds,
        )
        ours.close()
        bare.close()
    return [
        verdict("store grouped", found["grouped"], found["bare"], unit="ms", limit=GROUPED),
        verdict("store alone", found["alone"], found["fsync"], unit="ms", limit=ALONE),
    ]


def _group(slot: int) -> list[Reading]:
    """One slot of many monitors, as a fleet writes them."""
    return [
        Reading(
            tenant="local",
            monitor=f"0190b5f0a1c27c{number:02x}",
            version=3,
            provider="website",
            slot=1_800_000_000 + slot,
            interval=10,
            at=1_800_000_000.431 + slot,
            duration=0.043,
            metrics={"up": 1.0, "status": 200.0, "latency": 43.2},
        )
        for number in range(GROUP)
    ]


def _bare(connection: sqlite3.Connection, readings: list[Reading]) -> None:
    rows = [(r.tenant, r.monitor, r.slot, r.missed, msgspec.json.encode(r)) for r in readings]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")


def _synced(path: Path) -> Callable[[], None]:
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    page = bytes(4096)

    def write() -> None:
        os.write(file, page)
        os.fsync(file)

    return write


def _timed(call: Callable[[], object], times: int) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        for _ in range(times):
            call()
        return (time.perf_counter() - began) / times * 1e3

    return measure
