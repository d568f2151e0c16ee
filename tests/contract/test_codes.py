"""What everybody who keeps codes must keep: in rows on every database, and in Redis."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from functions.stores.sql.engine import open_engine
from mcp_service.codes import HOUR, Codes
from mcp_service.database.codes import SqlCodes
from mcp_service.database.migrate import migrate
from mcp_service.database.records import CodeRecord
from mcp_service.redis_codes import RedisCodes
from tests.servers import databases

pytestmark = pytest.mark.anyio

NOW = 1_750_000_000.25
MANY = 12
"""Calls at once, more than there are tries or mails."""


@pytest.fixture(params=["sqlite", "mariadb", "redis"])
async def codes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Codes]:
    if request.param == "redis":
        with databases.redis(["~code:*", "~codes:*", "~code_sends:*", "+@all"]) as url:
            in_redis = RedisCodes(url)
            yield in_redis
            await in_redis.close()
        return
    url = f"sqlite:///{tmp_path}/monitors.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb")
    else:
        migrate(url)
    engine = open_engine(url)
    yield SqlCodes(engine)
    engine.dispose()


def code(
    channel: str = "me", tenant: str = "ann", *, tries: int = 5, said: str = "x"
) -> CodeRecord:
    return CodeRecord(
        tenant=tenant,
        channel=channel,
        kind="email",
        config={"address": "ann@example.com"},
        code_hash=said,
        expires_at=NOW + 600,
        tries_left=tries,
    )


async def test_a_code_comes_back_for_its_channel_only(codes: Codes) -> None:
    assert await codes.attempt("ann", "me") is None
    assert await codes.of("ann") == []
    told = [code(), code("ops"), code(tenant="bob", said="y")]
    for one in told:
        await codes.put(one)
    assert await codes.attempt("bob", "ops") is None
    assert await codes.attempt("bob", "me") == msgspec.structs.replace(told[2], tries_left=4)
    assert sorted(await codes.of("ann"), key=lambda one: one.channel) == told[:2]


async def test_a_try_is_spent_before_anybody_can_compare(codes: Codes) -> None:
    await codes.put(code(tries=2))
    tries = [await codes.attempt("ann", "me") for _ in range(3)]
    assert [one.tries_left if one else None for one in tries] == [1, 0, None]


async def test_a_new_code_kills_the_old_one_and_has_all_tries(codes: Codes) -> None:
    await codes.put(code(tries=1, said="old"))
    await codes.attempt("ann", "me")
    await codes.put(code(tries=2, said="new"))
    assert await codes.of("ann") == [code(tries=2, said="new")]
    assert await codes.attempt("ann", "me") == code(tries=1, said="new")


async def test_a_dropped_code_is_gone_and_the_others_stay(codes: Codes) -> None:
    await codes.put(code())
    await codes.put(code("ops"))
    await codes.drop("ann", "me")
    await codes.drop("ann", "never")
    assert await codes.attempt("ann", "me") is None
    assert await codes.of("ann") == [code("ops")]


async def test_of_many_tries_at_once_as_many_count_as_there_are(codes: Codes) -> None:
    await codes.put(code(tries=5))
    found = await asyncio.gather(*(codes.attempt("ann", "me") for _ in range(MANY)))
    assert sorted(one.tries_left for one in found if one) == [0, 1, 2, 3, 4]


async def test_of_many_codes_at_once_one_stays_whole(codes: Codes) -> None:
    told = [code(said=str(number)) for number in range(MANY)]
    await asyncio.gather(*(codes.put(one) for one in told))
    [kept] = await codes.of("ann")
    assert kept in told


async def test_mails_are_counted_by_the_hour_and_tenant(codes: Codes) -> None:
    for late in (0.0, 10.5, 20.0):
        assert await codes.count_send("ann", limit=3, at=NOW + late) is None
    assert await codes.count_send("ann", limit=3, at=NOW + 30) == NOW + HOUR
    assert await codes.count_send("bob", limit=3, at=NOW + 30) is None
    assert await codes.count_send("ann", limit=2, at=NOW + 30) == NOW + 10.5 + HOUR
    assert await codes.count_send("ann", limit=3, at=NOW + HOUR) is None
    assert await codes.count_send("ann", limit=3, at=NOW + HOUR) == NOW + 10.5 + HOUR


async def test_of_many_mails_at_once_no_more_are_counted_than_the_limit(codes: Codes) -> None:
    for late in (0, 2 * HOUR):
        sends = (codes.count_send("ann", limit=5, at=NOW + late) for _ in range(MANY))
        frees = await asyncio.gather(*sends)
        assert sorted(free or 0 for free in frees) == [0] * 5 + [NOW + late + HOUR] * (MANY - 5)


async def test_names_with_separators_are_still_told_apart(codes: Codes) -> None:
    pairs = [("a:b", "c"), ("a", "b:c"), ('a","b', "c"), ("a", 'b","c'), ("*", "*")]
    for number, (tenant, channel) in enumerate(pairs):
        await codes.put(code(channel, tenant, said=str(number)))
    found = [await codes.attempt(*pair) for pair in pairs]
    assert [one.code_hash for one in found if one] == [str(n) for n in range(len(pairs))]
