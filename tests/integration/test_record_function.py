"""The record function as a real process on a real InfluxDB: readings in over HTTP."""

import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from functions.core.events import encode, reading_event, sealed
from functions.core.keyring import new_shared_key
from functions.core.reading import Reading
from functions.stores.influxdb import InfluxReadings
from functions.stores.redis.latest import RedisLatest
from tests.servers.databases import influxdb, redis
from tests.servers.function import Function, serve_command

pytestmark = pytest.mark.anyio

SHARED = new_shared_key()
SLOT = 1_800_000_000


@pytest.fixture
def names() -> Iterator[dict[str, str]]:
    with influxdb() as names:
        yield names


@pytest.fixture
async def store(names: dict[str, str]) -> AsyncIterator[InfluxReadings]:
    store = InfluxReadings(
        names["url"], org=names["org"], bucket=names["bucket"], token=names["token"]
    )
    await store.prepare(retention_days=365 * 200)
    yield store
    store.close()


@pytest.fixture
def settings(tmp_path: Path, names: dict[str, str]) -> dict[str, str]:
    (tmp_path / "events.key").write_text(SHARED)
    influx = {f"CLAUDE_MONITOR_INFLUXDB_{name.upper()}": value for name, value in names.items()}
    return influx | {"CLAUDE_MONITOR_KEYS": str(tmp_path)}


def reading(at: float = 0.5) -> Reading:
    return Reading(
        tenant="t",
        monitor="shop",
        version=1,
        provider="website",
        slot=SLOT,
        interval=60,
        at=SLOT + at,
        metrics={"up": 1.0, "latency": at},
    )


def post(function: Function, one: Reading, key: str = SHARED) -> int:
    return function.post(*encode(sealed(reading_event(one), key)))[0]


async def everything(store: InfluxReadings) -> list[Reading]:
    return await store.query("t", "shop", since=SLOT - 60, until=SLOT + 60, limit=99)


async def test_what_is_believed_stands_in_influxdb_once(
    settings: dict[str, str], store: InfluxReadings
) -> None:
    with Function(serve_command("record"), settings) as function:
        assert post(function, reading(), new_shared_key()) == 400
        assert await everything(store) == []
        assert [post(function, reading(at)) for at in (0.5, 0.5, 0.1)] == [204, 204, 204]
    assert await everything(store) == [reading()]


async def test_deliveries_at_the_same_time_leave_one_whole_reading(
    settings: dict[str, str], store: InfluxReadings
) -> None:
    many = [reading(at / 10) for at in range(8)]
    with Function(serve_command("record"), settings) as function, ThreadPoolExecutor(8) as senders:
        answers = await anyio.to_thread.run_sync(
            lambda: list(senders.map(lambda one: post(function, one), many))
        )
    assert answers == [204] * len(many)
    [stood] = await everything(store)
    assert stood in many
    assert await store.latest("t", ["shop"]) == {"shop": stood}


async def test_redis_is_told_of_the_latest_reading_after_influxdb_has_it(
    settings: dict[str, str], store: InfluxReadings
) -> None:
    with redis(["~*", "+@all"]) as url:
        own = settings | {"CLAUDE_MONITOR_REDIS_URL": url}
        with Function(serve_command("record"), own) as function:
            assert post(function, reading()) == 204
        latest = RedisLatest(url)
        assert await latest.latest("t", ["shop"]) == {"shop": reading()}
        await latest.close()
    assert await everything(store) == [reading()]


async def test_a_redis_that_is_away_or_hangs_stops_no_recording(
    settings: dict[str, str], store: InfluxReadings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (1, silent.getsockname()[1]):
            own = settings | {"CLAUDE_MONITOR_REDIS_URL": f"redis://127.0.0.1:{port}/0"}
            with Function(serve_command("record"), own) as function:
                assert [post(function, reading(at)) for at in (0.5, 0.6)] == [204, 204]
                assert function.end().count("the latest readings: Redis") == 1
    assert await everything(store) == [reading()]


async def test_a_token_that_is_refused_asks_for_another_try_and_is_not_shown(
    settings: dict[str, str], store: InfluxReadings
) -> None:
    wrong = settings | {"CLAUDE_MONITOR_INFLUXDB_TOKEN": "the-wrong-token"}
    with Function(serve_command("record"), wrong) as function:
        status, told = function.post(*encode(sealed(reading_event(reading()), SHARED)))
        written = function.end()
    assert status == 503
    assert b"CLAUDE_MONITOR_INFLUXDB_TOKEN" in told
    assert "the-wrong-token" not in written + told.decode()
    assert await everything(store) == []
