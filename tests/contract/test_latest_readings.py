"""What every keeper of the latest readings must keep. A new one adds itself to `KEEPERS`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from functions.core.ports import LatestReadings
from functions.core.reading import Failure, FailureKind, Reading
from functions.stores.redis.latest import RedisLatest
from tests.servers import databases
from tests.unit.latest import MemoryLatest

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def in_memory() -> AsyncIterator[LatestReadings]:
    yield MemoryLatest()


@asynccontextmanager
async def in_redis() -> AsyncIterator[LatestReadings]:
    with databases.redis(["~*", "+@all"]) as url:
        latest = RedisLatest(url)
        yield latest
        await latest.close()


KEEPERS = {"memory": in_memory, "redis": in_redis}


@pytest.fixture(params=KEEPERS)
async def latest(request: pytest.FixtureRequest) -> AsyncIterator[LatestReadings]:
    async with KEEPERS[request.param]() as keeper:
        yield keeper


def reading(slot: int, *, monitor: str = "m", tenant: str = "t", up: float = 1.0) -> Reading:
    return Reading(
        tenant=tenant, monitor=monitor, version=1, provider="website", slot=slot, interval=10,
        at=slot + 0.5, metrics={"up": up}, texts={"said": "«»\n"},
    )  # fmt: skip


def missed(slot: int) -> Reading:
    failure = Failure(FailureKind.MISSED, "not ticking")
    return msgspec.structs.replace(reading(slot), metrics={}, failure=failure)


async def newest(latest: LatestReadings) -> Reading | None:
    return (await latest.latest("t", ["m"])).get("m")


async def test_nothing_is_known_of_what_nobody_told(latest: LatestReadings) -> None:
    assert await latest.latest("t", []) == {}
    assert await latest.latest("t", ["m"]) == {}
    assert set((await latest.slots([("t", "m")])).get(("t", "m"), ())) == set()
    await latest.put([])


async def test_the_newest_of_each_monitor_comes_back_whole(latest: LatestReadings) -> None:
    told = [reading(10), reading(20), reading(10, monitor="n"), reading(30, tenant="other")]
    await latest.put(told)
    assert await latest.latest("t", ["m", "n", "o"]) == {"m": told[1], "n": told[2]}
    assert await latest.latest("other", ["m"]) == {"m": told[3]}


async def test_it_only_moves_forward_and_the_first_of_a_slot_stays(
    latest: LatestReadings,
) -> None:
    await latest.put([reading(20)])
    await latest.put([reading(10), reading(20, up=0.0)])
    assert await newest(latest) == reading(20)
    await latest.put([reading(30)])
    assert await newest(latest) == reading(30)


async def test_a_missed_slot_yields_to_its_reading_and_never_replaces_it(
    latest: LatestReadings,
) -> None:
    await latest.put([missed(20)])
    await latest.put([reading(20)])
    await latest.put([missed(20)])
    assert await newest(latest) == reading(20)


async def test_slots_are_known_whatever_order_they_came_in(latest: LatestReadings) -> None:
    await latest.put([reading(30), reading(10), missed(20), reading(40, monitor="n")])
    found = await latest.slots([("t", "m"), ("t", "n"), ("t", "o")])
    assert [sorted(found[whose]) for whose in [("t", "m"), ("t", "n"), ("t", "o")]] == [
        [10, 20, 30],
        [40],
        [],
    ]


async def test_of_many_that_tell_at_once_the_latest_slot_stays(latest: LatestReadings) -> None:
    slots = [50, 20, 90, 10, 70, 90, 30]
    await asyncio.gather(*(latest.put([reading(slot)]) for slot in slots))
    assert await newest(latest) == reading(90)
    assert set((await latest.slots([("t", "m")]))["t", "m"]) == set(slots)


async def test_what_is_forgotten_is_unknown_and_may_begin_anew(latest: LatestReadings) -> None:
    await latest.put([reading(20), reading(20, monitor="n")])
    await latest.forget("t", "m")
    assert await latest.latest("t", ["m", "n"]) == {"n": reading(20, monitor="n")}
    assert not set((await latest.slots([("t", "m")])).get(("t", "m"), ()))
    await latest.put([reading(10)])
    assert await newest(latest) == reading(10)
