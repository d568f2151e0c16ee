"""Readings that are submitted together are committed together, and suffer alone."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from functions.alert.alerting import Alerting
from functions.alert.queue import AlertingQueue
from functions.core.errors import AccessDenied, SourceUnavailable
from functions.stores.sql.alerts import SqlAlertStore, SqlAlertTransaction
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sql.tables import metadata
from tests.unit.test_alerting import ROW, FixedClock, reading

pytestmark = pytest.mark.anyio
MONITORS = 40


class CountingStore(SqlAlertStore):
    commits = 0

    @contextmanager
    def transaction(self) -> Iterator[SqlAlertTransaction]:
        with super().transaction() as transaction:
            yield transaction
        self.commits += 1


class Queued:
    def __init__(self, path: Path) -> None:
        self.path = path / "monitors.db"
        engine = open_engine(f"sqlite:///{self.path}")
        metadata.create_all(engine)
        self.records = SqlAlertRecords(engine)
        self.store = CountingStore(engine)
        self.queue = AlertingQueue(Alerting(self.store, FixedClock()))
        for n in range(MONITORS):
            self.records.put_monitor(msgspec.structs.replace(ROW, monitor=f"m{n}"))

    async def submit(self, *monitors: str, slot: int = 1) -> list[object]:
        calls = (self.queue.submit(reading(slot, monitor=monitor)) for monitor in monitors)
        return await asyncio.gather(*calls, return_exceptions=True)


@pytest.fixture
def queued(tmp_path: Path) -> Iterator[Queued]:
    queued = Queued(tmp_path)
    yield queued
    queued.queue.close()


ALL = tuple(f"m{n}" for n in range(MONITORS))


async def test_what_waits_is_committed_together(queued: Queued) -> None:
    assert await queued.submit(*ALL) == [[]] * MONITORS
    fired = await queued.submit(*ALL, slot=2)
    assert all(isinstance(alerts, list) and len(alerts) == 1 for alerts in fired)
    assert queued.store.commits <= 4


async def test_a_refused_reading_does_not_fail_its_neighbours(queued: Queued) -> None:
    first, stranger, last = await queued.submit("m1", "nobody", "m2")
    assert (first, last) == ([], [])
    assert isinstance(stranger, AccessDenied)
    assert queued.store.commits == 1


async def test_a_broken_row_does_not_fail_its_neighbours(queued: Queued) -> None:
    with closing(sqlite3.connect(queued.path)) as elsewhere, elsewhere:
        elsewhere.execute("UPDATE rule_states SET state = x'00' WHERE monitor = 'm1'")
    first, broken, last = await queued.submit("m0", "m1", "m2")
    assert (first, last) == ([], [])
    assert isinstance(broken, msgspec.DecodeError)


async def test_a_database_that_is_away_refuses_all_and_later_takes_them(queued: Queued) -> None:
    with closing(sqlite3.connect(queued.path)) as elsewhere:
        elsewhere.execute("ALTER TABLE alert_monitors RENAME TO moved")
        refused = await queued.submit("m0", "m1")
        elsewhere.execute("ALTER TABLE moved RENAME TO alert_monitors")
    assert [type(error) for error in refused] == [SourceUnavailable] * 2
    assert await queued.submit("m0", "m1") == [[], []]


async def test_a_caller_that_went_away_leaves_the_others_alone(queued: Queued) -> None:
    gone = asyncio.create_task(queued.queue.submit(reading(1, monitor="m0")))
    stays = asyncio.create_task(queued.queue.submit(reading(1, monitor="m1")))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == []
    assert gone.cancelled()
