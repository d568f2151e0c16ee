"""The service's readings on a cluster: Redis first, and nothing believed that is too old."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from functions.core.reading import Reading
from functions.record.recording import Recording
from functions.stores.sqlite import SqliteReadings
from mcp_service.latest import LatestFirst
from mcp_service.watchdog import Watchdog
from tests.unit.clocks import HandClock
from tests.unit.latest import MemoryLatest
from tests.unit.test_watchdog import START, Scene, reading

pytestmark = pytest.mark.anyio


class Counting(SqliteReadings):
    """Counts the questions that the store is asked."""

    asked = 0

    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]:
        self.asked += 1
        return await super().latest(tenant, monitors)

    async def query(self, tenant: str, monitor: str, **span: int) -> list[Reading]:
        self.asked += 1
        return await super().query(tenant, monitor, **span)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Counting]:
    store = Counting(tmp_path / "readings.db")
    yield store
    store.close()


async def test_what_redis_knows_is_not_asked_of_the_store(store: Counting) -> None:
    latest, clock = MemoryLatest(), HandClock(START)
    readings = LatestFirst(store, latest, clock=clock)
    await Recording(store, latest).record([reading(START)])
    store.asked = 0
    assert await readings.latest("t", ["m"]) == {"m": reading(START)}
    assert store.asked == 0


async def test_a_redis_that_lost_its_data_is_told_again(store: Counting) -> None:
    latest, clock = MemoryLatest(), HandClock(START)
    readings = LatestFirst(store, latest, clock=clock)
    await store.add([reading(START)])
    assert await readings.latest("t", ["m", "unknown"]) == {"m": reading(START)}
    assert await latest.latest("t", ["m"]) == {"m": reading(START)}


async def test_a_reading_that_should_have_a_follower_by_now_is_not_believed(
    store: Counting,
) -> None:
    latest, clock = MemoryLatest(), HandClock(START + 18)
    readings = LatestFirst(store, latest, clock=clock)
    await Recording(store, latest).record([reading(START)])
    latest.is_away = True
    await Recording(store, latest).record([reading(START + 10)])
    latest.is_away = False
    assert await readings.latest("t", ["m"]) == {"m": reading(START + 10)}
    assert await latest.latest("t", ["m"]) == {"m": reading(START + 10)}


async def test_without_redis_or_with_one_that_is_away_the_store_answers(store: Counting) -> None:
    away = MemoryLatest()
    away.is_away = True
    await Recording(store, away).record([reading(START)])
    for latest in (None, away):
        readings = LatestFirst(store, latest, clock=HandClock(START))
        assert await readings.latest("t", ["m"]) == {"m": reading(START)}
        assert await readings.slots([("t", "m")]) == {}
        await readings.forget("t", "nothing")
    assert await readings.query("t", "m", since=0, until=START * 2, limit=9) == [reading(START)]


async def test_even_when_nothing_is_asked_for_the_store_must_answer(store: Counting) -> None:
    assert await LatestFirst(store, MemoryLatest(), clock=HandClock()).latest("t", []) == {}
    assert store.asked == 1


@pytest.fixture
def scene(tmp_path: Path, store: Counting) -> Scene:
    """Whose store counts."""
    scene = Scene(tmp_path)
    scene.store.close()
    scene.store = store
    return scene


def watchdog(scene: Scene, store: Counting, latest: MemoryLatest) -> Watchdog:
    readings = LatestFirst(store, latest, clock=scene.clock)
    return Watchdog(
        lambda: scene.wanted, readings, sink=scene.sink, clock=scene.clock, seen=readings.slots
    )


async def test_the_watchdog_asks_the_store_only_about_slots_that_redis_has_not_seen(
    scene: Scene, store: Counting
) -> None:
    latest = MemoryLatest()
    watching = watchdog(scene, store, latest)
    await watching.step()
    for slot in (START + 10, START + 20):
        await Recording(store, latest).record([reading(slot)])
    await store.add([reading(START + 30)])
    store.asked = 0
    await scene.pass_time(watching, 38)
    assert store.asked == 0
    assert latest.asked == 4  # two readings told, two slots asked about
    await scene.pass_time(watching, 12)
    assert store.asked == 1
    assert await scene.missed() == []


async def test_no_slot_is_missed_because_redis_is_away_or_empty(
    scene: Scene, store: Counting
) -> None:
    latest = MemoryLatest()
    watching = watchdog(scene, store, latest)
    await watching.step()
    await store.add([reading(START + slot) for slot in (10, 20, 40)])
    latest.is_away = True
    await scene.pass_time(watching, 48)
    assert await scene.missed() == [30]
