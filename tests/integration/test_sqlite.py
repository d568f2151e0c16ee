"""The readings' file under kill -9, a full disk, a foreign lock and damage."""

import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from threading import Event

import anyio
import anyio.lowlevel
import msgspec
import pytest

from functions.clients.sqlite import SqliteFile
from functions.core.errors import SourceUnavailable, UnexpectedAnswer
from functions.core.reading import Failure, FailureKind, Reading
from functions.core.rollup import HOUR
from functions.stores.sqlite import SqliteReadings

pytestmark = pytest.mark.anyio

TABLE = "CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY)"
WRITER = """
import asyncio, sys
from functions.stores.sqlite import SqliteReadings
from tests.integration.test_sqlite import reading

async def main():
    store, first = SqliteReadings(sys.argv[1]), int(sys.argv[2])
    for slot in range(first, first + 100_000, 10):
        await asyncio.gather(
            store.add([reading(slot)]),
            store.add([reading(slot, monitor="n")]),
            store.expire(0, rollups_before=0),
        )
        print(slot, flush=True)

asyncio.run(main())
"""


def reading(slot: int, *, monitor: str = "m") -> Reading:
    return Reading(
        tenant="t",
        monitor=monitor,
        version=1,
        provider="website",
        slot=slot,
        interval=10,
        at=slot,
        metrics={"up": 1.0},
    )


def missed(slot: int) -> Reading:
    failure = Failure(FailureKind.MISSED, "never ticked")
    return msgspec.structs.replace(reading(slot), failure=failure, metrics={})


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond this size fail in this process, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def insert(name: str) -> object:
    return lambda connection: connection.execute("INSERT INTO things VALUES (?)", (name,))


def killed_writer(path: Path, first: int, *, after: float) -> list[int]:
    """Slots that a writer acknowledged before it was killed, so many seconds after its first."""
    command = [sys.executable, "-c", WRITER, str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        acknowledged = [writer.stdout.readline()]
        time.sleep(after)
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.readlines()
    return [int(line) for line in acknowledged if line.endswith("\n")]


async def test_what_was_acknowledged_survives_kill_9_with_its_rollups(tmp_path: Path) -> None:
    chance = Random(20261123)
    path = tmp_path / "readings.db"
    acknowledged: list[int] = []
    for number in range(5):
        acknowledged += killed_writer(path, number * 200_000, after=chance.uniform(0.005, 0.4))
    store = SqliteReadings(path)
    for monitor in ("m", "n"):
        found = await store.query("t", monitor, since=0, until=10**9, limit=10**6)
        assert set(acknowledged) <= {one.slot for one in found}
        rollups = await store.rollups("t", monitor, since=0, until=10**9, step=3600)
        assert sum(rollup.count for rollup in rollups) == len(found)
    store.close()


async def test_hours_stored_at_any_moment_agree_with_the_readings(tmp_path: Path) -> None:
    """Late ones, repeated ones and ones in the place of a missed slot between two expiries."""
    chance = Random(5)
    slots = chance.choices(range(0, 30_000, 30), k=3000)
    store = SqliteReadings(tmp_path / "readings.db")
    for start in range(0, len(slots), 60):
        await store.add([chance.choice((reading, missed))(s) for s in slots[start : start + 60]])
        await store.expire(0, rollups_before=0)
    found = await everything(store)
    assert len(found) == len(set(slots))
    for hour in await store.rollups("t", "m", since=0, until=30_000, step=HOUR):
        inside = [one for one in found if hour.start <= one.slot < hour.start + HOUR]
        assert hour.count + hour.missed == len(inside)
        assert hour.missed == sum(one.missed for one in inside)
    store.close()


async def test_rollups_are_whole_while_hours_are_being_stored(tmp_path: Path) -> None:
    store = SqliteReadings(tmp_path / "readings.db")
    for slot in range(0, 60 * HOUR, HOUR):
        await store.add([reading(slot)])
        async with anyio.create_task_group() as group:
            group.start_soon(partial(store.expire, slot - HOUR, rollups_before=0))
            await anyio.lowlevel.checkpoint()
            rollups = await store.rollups("t", "m", since=0, until=60 * HOUR, step=HOUR)
        assert len(rollups) == slot // HOUR + 1
    store.close()


async def test_a_full_disk_is_said_clearly_and_nothing_is_half_done(tmp_path: Path) -> None:
    store = SqliteReadings(tmp_path / "readings.db")
    await store.add([reading(0)])
    with file_size_limit(60_000):
        with pytest.raises(SourceUnavailable, match=r"readings\.db cannot be used: the disk"):
            await store.add([reading(slot) for slot in range(10, 40_000, 10)])
        assert [one.slot for one in await everything(store)] == [0]
    await store.add([reading(10)])
    assert [one.slot for one in await everything(store)] == [0, 10]
    assert [row.count for row in await store.rollups("t", "m", since=0, until=60, step=60)] == [2]
    store.close()


async def test_a_foreign_lock_is_said_clearly_and_goes_on_once_it_is_gone(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "things.db", TABLE)
    other = sqlite3.connect(tmp_path / "things.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SourceUnavailable, match="another program holds its lock"):
        await file.write(insert("early"))
    other.execute("ROLLBACK")
    other.close()
    await file.write(insert("late"))
    assert await names(file) == ["late"]
    file.close()


async def test_calls_that_come_together_share_one_commit_and_fail_together(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "things.db", TABLE)
    commits: list[object] = []
    begun, go = Event(), Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        begun.set()
        go.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(file.write, slow)
        await anyio.to_thread.run_sync(begun.wait)
        for number in range(50):
            group.start_soon(file.write, insert(f"thing {number}"))
        await anyio.lowlevel.checkpoint()
        go.set()
    assert len(commits) == 2
    assert len(await names(file)) == 50
    file.close()


async def test_a_caller_who_gives_up_takes_nobody_elses_commit_away(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "things.db", TABLE)
    go = Event()
    async with anyio.create_task_group() as group:
        group.start_soon(file.write, lambda _: go.wait())
        await anyio.lowlevel.checkpoint()
        with anyio.move_on_after(0.05) as patience:
            await file.write(insert("given up"))
        group.start_soon(file.write, insert("kept"))
        await anyio.lowlevel.checkpoint()
        go.set()
    assert patience.cancelled_caught
    assert "kept" in await names(file)
    file.close()


async def test_a_defect_of_one_call_is_told_and_the_next_call_goes_on(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "things.db", TABLE)
    with pytest.raises(ZeroDivisionError):
        await file.write(lambda _: 1 / 0)
    await file.write(insert("next"))
    assert await names(file) == ["next"]
    file.close()


async def test_closing_finishes_what_was_handed_in_and_takes_no_more(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "things.db", TABLE)
    async with anyio.create_task_group() as group:
        group.start_soon(file.write, insert("handed in"))
        await anyio.lowlevel.checkpoint()
        file.close()
    with pytest.raises(RuntimeError, match="closed"):
        await file.write(insert("late"))
    again = SqliteFile(tmp_path / "things.db", TABLE)
    assert await names(again) == ["handed in"]
    again.close()


async def test_a_damaged_file_is_said_clearly(tmp_path: Path) -> None:
    (tmp_path / "readings.db").write_bytes(b"this is not a database at all" * 1000)
    with pytest.raises(UnexpectedAnswer, match=r"readings\.db is damaged"):
        SqliteReadings(tmp_path / "readings.db")


async def test_a_folder_that_is_not_there_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be opened"):
        SqliteReadings(tmp_path / "nowhere" / "readings.db")


async def everything(store: SqliteReadings) -> list[Reading]:
    return await store.query("t", "m", since=0, until=10**9, limit=10**6)


async def names(file: SqliteFile) -> list[str]:
    query = "SELECT name FROM things ORDER BY name"
    rows = await file.read(lambda connection: connection.execute(query).fetchall())
    return [name for (name,) in rows]
