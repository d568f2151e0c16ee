"""What every reading store must keep. A new store joins by adding itself to `STORES`."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from functions.core.ports import ReadingStore
from functions.core.reading import Failure, FailureKind, Reading
from functions.stores.influxdb import InfluxReadings
from functions.stores.sqlite import SqliteReadings
from tests.servers.databases import influxdb

pytestmark = pytest.mark.anyio

DAY = 86_400


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[ReadingStore]:
    store = SqliteReadings(folder / "readings.db")
    yield store
    store.close()


@asynccontextmanager
async def influx(folder: Path) -> AsyncIterator[ReadingStore]:
    with influxdb() as names:
        store = InfluxReadings(
            names["url"], org=names["org"], bucket=names["bucket"], token=names["token"]
        )
        await store.prepare(FOR_EVER)
        yield store
        store.close()


STORES = {"sqlite": sqlite, "influxdb": influx}
FOR_EVER = 365 * 200
"""Days: the slots here are of 1970."""


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReadingStore]:
    async with STORES[request.param](tmp_path) as store:
        yield store


def reading(slot: int, *, monitor: str = "m", tenant: str = "t", **metrics: float) -> Reading:
    return Reading(
        tenant=tenant,
        monitor=monitor,
        version=1,
        provider="website",
        slot=slot,
        interval=10,
        at=slot + 0.25,
        metrics=metrics,
    )


def failed(slot: int, kind: FailureKind) -> Reading:
    return Reading(
        tenant="t",
        monitor="m",
        version=1,
        provider="website",
        slot=slot,
        interval=10,
        at=slot + 0.25,
        failure=Failure(kind, "could not look"),
    )


async def everything(store: ReadingStore, monitor: str = "m", tenant: str = "t") -> list[Reading]:
    return await store.query(tenant, monitor, since=0, until=10**9, limit=10_000)


async def test_a_reading_comes_back_exactly_as_it_was(store: ReadingStore) -> None:
    full = Reading(
        tenant="t",
        monitor="m",
        version=7,
        provider="website",
        slot=1_700_000_000,
        interval=10,
        at=1_700_000_000.123456,
        duration=0.321,
        metrics={"up": 1.0, "latency": 12.75},
        texts={"cause": "naïve ✓"},
        late=True,
    )
    await store.add([full])
    assert await store.query("t", "m", since=0, until=2 * 10**9, limit=5) == [full]


async def test_the_first_write_of_a_slot_wins(store: ReadingStore) -> None:
    await store.add([reading(100, up=1)])
    await store.add([reading(100, up=0), reading(110, up=1), reading(110, up=0)])
    assert [r.metrics["up"] for r in await everything(store)] == [1, 1]


async def test_a_missed_slot_yields_to_the_reading_that_comes_after_all(
    store: ReadingStore,
) -> None:
    await store.add([failed(100, FailureKind.MISSED)])
    await store.add([reading(100, up=1)])
    await store.add([failed(100, FailureKind.MISSED)])
    assert await everything(store) == [reading(100, up=1)]
    (minute,) = await store.rollups("t", "m", since=60, until=120, step=60)
    assert (minute.count, minute.missed) == (1, 0)


async def test_any_other_failed_reading_keeps_its_slot(store: ReadingStore) -> None:
    first = failed(100, FailureKind.ACCESS)
    await store.add([first])
    await store.add([reading(100, up=1)])
    assert await everything(store) == [first]


async def test_a_query_gives_the_newest_of_its_range_oldest_first(store: ReadingStore) -> None:
    slots = list(range(0, 1000, 10))
    random.Random(1).shuffle(slots)
    await store.add([reading(slot, up=1) for slot in slots])
    found = await store.query("t", "m", since=200, until=500, limit=3)
    assert [r.slot for r in found] == [470, 480, 490]
    assert [r.slot for r in await store.query("t", "m", since=980, until=10**9, limit=9)] == [
        980,
        990,
    ]


async def test_there_is_nothing_in_an_empty_range(store: ReadingStore) -> None:
    await store.add([reading(600, up=1)])
    for since, until in ((600, 600), (601, 600), (-60, 0)):
        assert await store.query("t", "m", since=since, until=until, limit=9) == []
    assert await store.rollups("t", "m", since=600, until=1200, step=3600) == []
    assert await store.expire(0, rollups_before=0) == 0
    assert await store.query("t", "m", since=0, until=601, limit=9) != []


async def test_latest_gives_the_newest_reading_of_each_monitor(store: ReadingStore) -> None:
    await store.add([reading(10, monitor="a"), reading(30, monitor="a"), reading(20, monitor="a")])
    await store.add([reading(10, monitor="b")])
    latest = await store.latest("t", ["a", "b", "never"])
    assert {name: r.slot for name, r in latest.items()} == {"a": 30, "b": 10}
    assert await store.latest("t", []) == {}


async def test_nothing_of_another_tenant_is_seen_or_forgotten(store: ReadingStore) -> None:
    await store.add([reading(10, tenant="t", up=1), reading(10, tenant="other", up=0)])
    await store.forget("t", "m")
    assert await everything(store) == []
    assert await store.latest("t", ["m"]) == {}
    assert await store.rollups("t", "m", since=0, until=60, step=60) == []
    assert await everything(store, tenant="other") == [reading(10, tenant="other", up=0)]
    assert len(await store.rollups("other", "m", since=0, until=60, step=60)) == 1


async def test_rollups_agree_with_the_readings_whatever_their_order(store: ReadingStore) -> None:
    chance = random.Random(2)
    readings = [reading(slot, latency=chance.uniform(1, 99)) for slot in range(0, 7200, 10)]
    shuffled = chance.sample(readings, len(readings))
    for start in range(0, len(shuffled), 50):
        await store.add(shuffled[start : start + 60])
    for step in (60, 3600, DAY):
        rollups = await store.rollups("t", "m", since=0, until=DAY, step=step)
        assert [rollup.start for rollup in rollups] == list(range(0, 7200, step))
        for rollup in rollups:
            inside = [
                r.metrics["latency"]
                for r in readings
                if rollup.start <= r.slot < rollup.start + step
            ]
            assert (rollup.count, rollup.min, rollup.max) == (len(inside), min(inside), max(inside))
            assert rollup.mean == pytest.approx(sum(inside) / len(inside))


async def test_rollups_count_what_could_not_be_seen(store: ReadingStore) -> None:
    await store.add([reading(0, up=1), failed(10, FailureKind.UNAVAILABLE)])
    await store.add([failed(20, FailureKind.MISSED), failed(60, FailureKind.UNEXPECTED)])
    seen, unseen = await store.rollups("t", "m", since=0, until=120, step=60)
    assert (seen.metric, seen.count, seen.failed, seen.missed) == ("up", 1, 1, 1)
    assert (unseen.start, unseen.metric, unseen.count, unseen.failed) == (60, "", 0, 1)


async def test_expiry_deletes_raw_readings_and_keeps_hours_and_days(store: ReadingStore) -> None:
    for monitor in ("m", "n"):
        await store.add([reading(slot, monitor=monitor, up=1) for slot in range(0, 7200, 60)])
    assert await store.expire(3600, rollups_before=0) == 120
    assert [r.slot for r in await everything(store)] == list(range(3600, 7200, 60))
    assert [r.count for r in await store.rollups("t", "n", since=0, until=DAY, step=3600)] == [
        60,
        60,
    ]
    assert await store.expire(3600, rollups_before=0) == 0


async def test_a_late_reading_is_counted_in_the_hour_it_belongs_to(store: ReadingStore) -> None:
    await store.add([failed(3690, FailureKind.MISSED)])
    await store.add([reading(slot, latency=1) for slot in range(0, 10_800, 60)])
    assert await store.expire(3600, rollups_before=0) == 60
    await store.add([reading(3690, latency=5), reading(3691, latency=0), reading(3660, latency=9)])
    await store.add([reading(3690, latency=6), failed(3692, FailureKind.ACCESS)])
    hours = await store.rollups("t", "m", since=0, until=10_800, step=3600)
    assert [(one.count, one.min, one.max) for one in hours] == [(60, 1, 1), (62, 0, 5), (60, 1, 1)]
    assert [(one.failed, one.missed) for one in hours] == [(0, 0), (1, 0), (0, 0)]
    (minute,) = await store.rollups("t", "m", since=3660, until=3720, step=60)
    assert (minute.count, minute.min, minute.max, minute.failed) == (3, 0, 5, 1)


async def test_hours_outlive_their_readings_and_go_in_their_time(store: ReadingStore) -> None:
    await store.add([reading(slot, up=1) for slot in range(0, 10_800, 600)])
    await store.add([reading(0, monitor="n", up=1)])
    assert await store.expire(10_800, rollups_before=0) == 19
    assert len(await store.rollups("t", "m", since=0, until=DAY, step=3600)) == 3
    await store.expire(10_800, rollups_before=7200)
    (left,) = await store.rollups("t", "m", since=0, until=DAY, step=3600)
    assert (left.start, left.count) == (7200, 6)
    assert await store.rollups("t", "n", since=0, until=DAY, step=3600) == []
