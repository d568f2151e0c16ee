"""What every cursor store must keep. A new store joins by adding itself to `STORES`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from functions.core.errors import LimitReached
from functions.core.memory import CURSOR_LIMIT
from functions.core.ports import CursorStore
from functions.stores.redis.cursors import ACL, RedisCursors
from functions.stores.sqlite_cursors import SqliteCursors
from tests.servers import databases

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def in_sqlite(folder: Path) -> AsyncIterator[CursorStore]:
    store = SqliteCursors(folder / "cursors.db")
    yield store
    store.close()


@asynccontextmanager
async def in_redis(folder: Path) -> AsyncIterator[CursorStore]:
    with databases.redis(ACL) as url:
        store = RedisCursors(url)
        yield store
        await store.close()


STORES = {"sqlite": in_sqlite, "redis": in_redis}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CursorStore]:
    async with STORES[request.param](tmp_path) as store:
        yield store


async def test_a_cursor_comes_back_for_its_monitor_only(store: CursorStore) -> None:
    assert await store.load("t", "m") is None
    assert await store.save("t", "m", slot=10, cursor=b"\0seen")
    assert await store.load("t", "m") == b"\0seen"
    assert await store.load("other", "m") is None
    assert await store.load("t", "other") is None


async def test_only_a_later_slot_replaces_a_cursor(store: CursorStore) -> None:
    assert await store.save("t", "m", slot=10, cursor=b"first")
    assert not await store.save("t", "m", slot=10, cursor=b"again")
    assert not await store.save("t", "m", slot=5, cursor=b"older")
    assert await store.load("t", "m") == b"first"
    assert await store.save("t", "m", slot=20, cursor=b"later")
    assert await store.load("t", "m") == b"later"


async def test_a_cursor_beyond_its_limit_is_refused_and_the_old_one_stays(
    store: CursorStore,
) -> None:
    assert await store.save("t", "m", slot=10, cursor=b"x" * CURSOR_LIMIT)
    with pytest.raises(LimitReached, match="64 KiB"):
        await store.save("t", "m", slot=20, cursor=b"x" * (CURSOR_LIMIT + 1))
    assert await store.load("t", "m") == b"x" * CURSOR_LIMIT


async def test_of_many_writers_at_once_the_latest_slot_stays(store: CursorStore) -> None:
    slots = [50, 20, 90, 10, 70, 90, 30]
    saved = await asyncio.gather(
        *(store.save("t", "m", slot=slot, cursor=str(slot).encode()) for slot in slots)
    )
    assert await store.load("t", "m") == b"90"
    assert sum(saved[number] for number, slot in enumerate(slots) if slot == 90) == 1


async def test_names_with_separators_are_still_told_apart(store: CursorStore) -> None:
    pairs = [("a:b", "c"), ("a", "b:c"), ('a","b', "c"), ("a", 'b","c'), ("*", "*")]
    for number, (tenant, monitor) in enumerate(pairs):
        assert await store.save(tenant, monitor, slot=1, cursor=bytes([number]))
    assert [await store.load(*pair) for pair in pairs] == [bytes([n]) for n in range(len(pairs))]
