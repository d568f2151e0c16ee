"""Readings in the real InfluxDB: hostile names, writers at the same time, servers that fail."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules

from functions.clients import flux
from functions.core.errors import SourceUnavailable, UnexpectedAnswer
from functions.core.reading import Failure, FailureKind, Reading
from functions.core.reading_point import lines_of
from functions.core.rollup import DAY, HOUR
from functions.stores.influxdb import CALLS, InfluxReadings
from tests.servers.databases import influxdb
from tests.servers.stoppable import InfluxDb

pytestmark = pytest.mark.anyio

HOSTILE = (
    'x" or true or r.tenant == "y',
    'x") |> yield(name: "all") //',
    'x" OR tenant="victim',
    "${r.tenant}",
    "a\\,b=c d",
    "O'Neil; drop bucket",
    "naïve ✓",
)
FOR_EVER = 365 * 200


@pytest.fixture
def names() -> Iterator[dict[str, str]]:
    with influxdb() as names:
        yield names


@pytest.fixture
async def store(names: dict[str, str]) -> AsyncIterator[InfluxReadings]:
    store = opened(names)
    await store.prepare(FOR_EVER)
    yield store
    store.close()


def opened(names: dict[str, str], **changed: str) -> InfluxReadings:
    names = names | changed
    return InfluxReadings(
        names["url"], org=names["org"], bucket=names["bucket"], token=names["token"]
    )


def reading(slot: int, monitor: str = "m", *, tenant: str = "t", at: float = 0.25) -> Reading:
    return Reading(
        tenant=tenant,
        monitor=monitor,
        version=1,
        provider="website",
        slot=slot,
        interval=10,
        at=slot + at,
        metrics={"up": 1.0, "size (KiB), gzip=no": at},
    )


async def everything(store: InfluxReadings, tenant: str = "t", monitor: str = "m") -> list[Reading]:
    return await store.query(tenant, monitor, since=0, until=10**9, limit=1000)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_a_name_and_nothing_else(store: InfluxReadings, name: str) -> None:
    mine, others = reading(10, name, tenant=name), reading(10, tenant="victim")
    await store.add([others])
    assert await everything(store, name, name) == []
    assert await store.latest(name, [name, "m"]) == {}
    await store.add([mine])
    assert await everything(store, name, name) == [mine]
    assert await store.latest(name, [name]) == {name: mine}
    assert len(await store.rollups(name, name, since=0, until=60, step=60)) == 2
    await store.forget(name, name)
    assert await everything(store, name, name) == []
    assert await everything(store, "victim") == [others]


@pytest.mark.parametrize("name", ["", "line\nreading,tenant=victim up=1", "ends\\"])
async def test_a_name_that_no_tag_can_hold_is_refused(store: InfluxReadings, name: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="cannot keep in a tag"):
        await store.add([reading(10), reading(10, tenant=name)])
    assert await everything(store) == []


async def test_of_two_writes_at_the_same_time_all_see_the_earlier_observation(
    names: dict[str, str], store: InfluxReadings
) -> None:
    other = opened(names)
    for slot in range(10, 110, 10):
        both = reading(slot, at=0.5), reading(slot, at=0.25)
        await asyncio.gather(store.add(both[:1]), other.add(both[1:]))
    found = await everything(store)
    assert found == await everything(other)
    assert [one.slot for one in found] == list(range(10, 110, 10))
    assert await store.latest("t", ["m"]) == {"m": found[-1]}
    other.close()


async def test_writes_that_did_not_see_each_other_leave_one_whole_reading(
    store: InfluxReadings,
) -> None:
    """As it happens when two processes look before either has written."""
    early, late = reading(10, at=0.25), msgspec.structs.replace(reading(10, at=0.5), metrics={})
    for one in (late, early, late):
        await store._write(store._bucket, lines_of([one]))
    assert await everything(store) == [early]
    assert await store.query("t", "m", since=0, until=100, limit=1) == [early]
    assert await store.latest("t", ["m"]) == {"m": early}


async def test_the_limit_counts_slots_and_not_writes(store: InfluxReadings) -> None:
    slots = range(10, 60, 10)
    gone = Failure(FailureKind.MISSED, "not ticking")
    missed = [
        msgspec.structs.replace(reading(slot, at=20), metrics={}, failure=gone) for slot in slots
    ]
    await store.add(missed)
    assert await everything(store) == missed
    await store.add([reading(slot) for slot in slots])
    found = await store.query("t", "m", since=0, until=100, limit=4)
    assert found == [reading(slot) for slot in slots][1:]


async def test_many_monitors_are_asked_for_in_one_query(store: InfluxReadings) -> None:
    monitors = [f"m{number}" for number in range(flux.MANY + 20)]
    await store.add([reading(slot, name) for name in monitors for slot in (10, 20)])
    await store.add([reading(30, monitors[0], tenant="other")])
    latest = await store.latest("t", [*monitors, "never"])
    assert {name: one.slot for name, one in latest.items()} == dict.fromkeys(monitors, 20)


async def test_an_expiry_that_stopped_half_way_is_done_again_without_harm(
    store: InfluxReadings,
) -> None:
    await store.add([reading(slot) for slot in range(0, 3 * HOUR, 600)])
    before = await store.rollups("t", "m", since=0, until=86_400, step=86_400)
    await store._keep_hours(("t", "m"), flux.span(0, 2 * HOUR))
    assert await store.rollups("t", "m", since=0, until=86_400, step=86_400) == before
    assert await store.expire(2 * HOUR + 1800, rollups_before=0) == 12
    assert await store.rollups("t", "m", since=0, until=86_400, step=86_400) == before
    assert [one.slot for one in await everything(store)] == list(range(7200, 10_800, 600))


async def test_a_reading_older_than_the_bucket_keeps_is_told_as_never_again(
    names: dict[str, str],
) -> None:
    store = opened(names)
    await store.prepare(retention_days=1)
    with pytest.raises(UnexpectedAnswer, match="shape or age"):
        await store.add([reading(10)])
    store.close()


async def test_a_bucket_that_keeps_too_little_is_made_to_keep_more_and_never_less(
    names: dict[str, str],
) -> None:
    store = opened(names)
    for days, kept in ((1, (3, 402)), (30, (32, 402)), (500, (502, 502)), (7, (502, 502))):
        await store.prepare(retention_days=days)
        assert kept_days(names) == kept
    store.close()


async def test_a_bucket_of_another_organisation_is_left_alone(tmp_path: Path) -> None:
    """Whose token sees both, as an operator's does."""
    with InfluxDb(tmp_path / "influxdb") as server:
        names = server.bucket
        with InfluxDBClient(names["url"], names["token"]) as client:
            client.organizations_api().create_organization("staging")
            keep = BucketRetentionRules(type="expire", every_seconds=3 * DAY)
            made = client.buckets_api().create_bucket
            made(bucket_name=names["bucket"], org="staging", retention_rules=keep)
        store = opened(names)
        await store.prepare(retention_days=30)
        await store.add([reading(int(time.time()))])
        store.close()
        assert kept_days(names | {"org": "staging"}, endings=("",)) == (3,)


async def test_a_reading_as_long_as_an_event_may_be_comes_back(store: InfluxReadings) -> None:
    long = msgspec.structs.replace(reading(10), texts={"page": '"' * 250_000})
    await store.add([long])
    assert await everything(store) == [long]


def kept_days(names: dict[str, str], endings: Sequence[str] = ("", "_rollups")) -> tuple[int, ...]:
    with InfluxDBClient(names["url"], names["token"]) as client:
        ours = {one.name: one for one in client.buckets_api().find_buckets_iter(org=names["org"])}
    buckets = [ours[names["bucket"] + ending] for ending in endings]
    return tuple(one.retention_rules[0].every_seconds // DAY for one in buckets)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"token": "wrong"}, "_TOKEN"),
        ({"org": "nobody"}, "_ORG"),
        ({"bucket": "test_no"}, "_BUCKET"),
    ],
)
async def test_what_is_set_wrongly_is_named_and_may_be_tried_again(
    names: dict[str, str], changed: dict[str, str], told: str
) -> None:
    store = opened(names, **changed)
    for call in (store.add([reading(10)]), store.latest("t", []), everything(store)):
        with pytest.raises(SourceUnavailable, match=told) as refused:
            await call
        assert names["token"] not in f"{refused.value} {refused.value.cause}"
    store.close()


async def test_a_server_that_is_gone_or_hangs_is_unavailable(names: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for url in ("http://127.0.0.1:1", f"http://127.0.0.1:{silent.getsockname()[1]}"):
            store = InfluxReadings(url, org="o", bucket="b", token="t", patience=0.5)
            with pytest.raises(SourceUnavailable, match="does not answer"):
                await store.add([reading(10)])
            store.close()


async def test_many_calls_to_a_server_that_hangs_do_not_wait_for_each_other() -> None:
    patience, many = 0.5, 100
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = InfluxReadings(url, org="o", bucket="b", token="t", patience=patience)
        began = time.monotonic()
        asked = (store.latest("t", ["m"]) for _ in range(many))
        told = await asyncio.gather(*asked, return_exceptions=True)
        taken = time.monotonic() - began
        store.close()
    assert {type(error) for error in told} == {SourceUnavailable}
    assert taken < patience * many / CALLS / 2
