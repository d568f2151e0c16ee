"""The functions' user of the real Redis, and a Redis that fails."""

import socket
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from functions.core.errors import SourceUnavailable
from functions.stores.redis import ACL, LIFE, RedisCursors
from tests.servers import databases


@pytest.fixture
def url() -> Iterator[str]:
    with databases.redis(ACL) as url:
        yield url


FORBIDDEN = (
    *(
        "GET code:x",
        "SET spec:x 1",
        "HGET code:x y",
        "DEL cursor:x",
        "KEYS *",
        "SCAN 0",
        "FLUSHALL",
    ),
    *("ACL LIST", "CONFIG GET *", "MONITOR", "EVAL return(redis.call('HGET','code:x','y')) 0"),
)


@pytest.mark.parametrize("command", FORBIDDEN)
def test_the_functions_user_sees_cursors_and_nothing_else(url: str, command: str) -> None:
    with Redis.from_url(url) as user:
        assert user.hget("cursor:x", "slot") is None
        with pytest.raises(ResponseError, match=r"permission|ACL failure|can't access"):
            user.execute_command(*command.split())


@pytest.mark.anyio
async def test_a_cursor_is_forgotten_when_nobody_polls_any_more(url: str) -> None:
    store = RedisCursors(url)
    await store.save("t", "m", slot=1, cursor=b"seen")
    with Redis.from_url(databases.named("LAB_REDIS_URL")) as server:
        assert 0 < server.ttl('cursor:["t","m"]') <= LIFE
    await store.close()


@pytest.mark.anyio
async def test_a_wrong_password_is_told_and_not_shown(url: str) -> None:
    store = RedisCursors(url.replace("@", "secret-word@"))
    with pytest.raises(SourceUnavailable, match="password") as refused:
        await store.load("t", "m")
    assert "secret-word" not in f"{refused.value} {refused.value.cause}"
    await store.close()


@pytest.mark.anyio
async def test_a_redis_that_is_gone_or_hangs_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (1, silent.getsockname()[1]):
            store = RedisCursors(f"redis://127.0.0.1:{port}/0", patience=0.3)
            with pytest.raises(SourceUnavailable, match="does not answer"):
                await store.save("t", "m", slot=1, cursor=b"")
            await store.close()
