"""What every cursor store must keep. A new store joins by adding itself to `STORES`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functions.core.errors import LimitReached
from functions.core.ports import CursorStore
from functions.stores.sqlite_cursors import CURSOR_LIMIT, SqliteCursors

pytestmark = pytest.mark.anyio

STORES: dict[str, Callable[[Path], SqliteCursors]] = {
    "sqlite": lambda folder: SqliteCursors(folder / "cursors.db"),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CursorStore]:
    store = STORES[request.param](tmp_path)
    yield store
    store.close()


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
