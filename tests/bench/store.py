"""Readings in SQLite, durable: an hour of a fleet in groups, summed up at its end, against a bare
executemany of the same rows with the same pragmas; and one alone against a bare fsync of a page.
Ours and the reference take turns at each write, for a disk has moods; what is written is made
before the clock starts. All on one core: otherwise a wake-up of the other one is measured, too."""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from functions.core.reading import Reading
from functions.core.rollup import HOUR
from functions.stores.sqlite import SqliteReadings
from tests.bench.frame import on_one_core, rounds_of, verdict

GROUPED, ALONE = 1 / 0.8, 1.3
GROUP, INTERVAL, LONE = 100, 10, 200
PAGE, PAGES = 4096, 2000
_PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
_TABLE = """
CREATE TABLE readings (tenant TEXT, monitor TEXT, slot INTEGER, missed INTEGER, reading BLOB,
    PRIMARY KEY (tenant, monitor, slot)) WITHOUT ROWID;
"""
Pair = tuple[float, float]
"""Milliseconds per write: ours, and the reference's."""


def run(rounds: int) -> list[dict[str, Any]]:
    """Milliseconds per group, and per lone write. Every round goes on in the same files, with the
    event loop that the service has."""
    with (
        on_one_core(),
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        ours = SqliteReadings(Path(folder) / "ours.db")
        bare = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        bare.executescript(_PRAGMAS + _TABLE)
        plain = os.open(Path(folder) / "plain", os.O_CREAT | os.O_WRONLY)
        os.write(plain, bytes(PAGE * PAGES))
        slots = count(1_800_000_000, INTERVAL)
        found = rounds_of(
            {
                "grouped": lambda: runner.run(_grouped(ours, bare, slots=slots)),
                "alone": lambda: runner.run(_alone(ours, plain, slots=slots)),
            },
            rounds,
        )
        os.close(plain)
        bare.close()
        ours.close()
    return [
        verdict("store grouped", *zip(*found["grouped"], strict=True), unit="ms", limit=GROUPED),
        verdict("store alone", *zip(*found["alone"], strict=True), unit="ms", limit=ALONE),
    ]


async def _grouped(ours: SqliteReadings, bare: sqlite3.Connection, *, slots: Iterator[int]) -> Pair:
    groups = [_group(slot) for slot in islice(slots, HOUR // INTERVAL)]
    prepared = [_rows(group) for group in groups]
    pair = await _in_turns(
        [lambda group=group: ours.add(group) for group in groups],
        [lambda rows=rows: _insert(bare, rows) for rows in prepared],
    )
    began = time.perf_counter()
    await ours.expire(0, rollups_before=0)
    return pair[0] + (time.perf_counter() - began) * 1e3 / len(groups), pair[1]


async def _alone(ours: SqliteReadings, plain: int, *, slots: Iterator[int]) -> Pair:
    """The reference writes in place, as SQLite does in its log: a file that grows takes longer."""
    page = bytes(PAGE)
    places = cycle(range(0, PAGE * PAGES, PAGE))

    def write() -> None:
        os.pwrite(plain, page, next(places))
        os.fsync(plain)

    alone = [_group(slot, size=1) for slot in islice(slots, LONE)]
    return await _in_turns([lambda one=one: ours.add(one) for one in alone], [write] * LONE)


async def _in_turns(
    ours: list[Callable[[], Awaitable[None]]], reference: list[Callable[[], None]]
) -> Pair:
    spent = [0.0, 0.0]
    for our, other in zip(ours, reference, strict=True):
        began = time.perf_counter()
        await our()
        turned = time.perf_counter()
        other()
        spent[0] += turned - began
        spent[1] += time.perf_counter() - turned
    return spent[0] * 1e3 / len(ours), spent[1] * 1e3 / len(ours)


def _group(slot: int, size: int = GROUP) -> list[Reading]:
    """One slot of many monitors, as a fleet writes them."""
    return [
        Reading(
            tenant="local",
            monitor=f"0190b5f0a1c27c{number:02x}",
            version=3,
            provider="website",
            slot=slot,
            interval=INTERVAL,
            at=slot + 0.431,
            duration=0.043,
            metrics={"up": 1.0, "status": 200.0, "latency": 43.2},
        )
        for number in range(size)
    ]


def _rows(group: list[Reading]) -> list[tuple[object, ...]]:
    return [(r.tenant, r.monitor, r.slot, r.missed, msgspec.json.encode(r)) for r in group]


def _insert(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
