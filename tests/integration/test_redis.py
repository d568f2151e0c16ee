"""The functions' user of the real Redis, and a Redis that fails."""

import asyncio
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, ResponseError

from functions.core.errors import SourceUnavailable
from functions.stores.redis.cursors import ACL, LIFE, RedisCursors
from functions.stores.redis.latest import KEPT, RedisLatest
from functions.stores.redis.users import as_user, let_in
from mcp_service.codes import HOUR
from mcp_service.redis_codes import RedisCodes
from mcp_service.runtime.redis_users import RIGHTS, forgotten, let_in_again
from tests.contract.test_codes import NOW, code
from tests.contract.test_latest_readings import reading
from tests.servers import databases
from tests.servers.stoppable import RedisServer


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
async def test_a_user_that_is_let_in_again_has_the_new_password_and_no_other_rights() -> None:
    admin = databases.redis_server()
    name = f"test_{secrets.token_hex(4)}"
    try:
        await let_in(admin, name, password="first", rules=["~*", "+@all"])
        await let_in(admin, name, password="second", rules=ACL)
        with Redis.from_url(as_user(admin, name, password="second")) as user:
            assert user.hget("cursor:x", "slot") is None
            with pytest.raises(ResponseError, match=r"permission|can't access"):
                user.hget("latest:x", "slot")
        stranger = Redis.from_url(as_user(admin, name, password="first"))
        with stranger, pytest.raises(AuthenticationError):
            stranger.hget("cursor:x", "slot")
        with pytest.raises(SourceUnavailable, match="its ACL"):
            await let_in(
                as_user(admin, name, password="second"), name, password="third", rules=["+@all"]
            )
    finally:
        with Redis.from_url(admin) as server:
            server.execute_command("ACL", "DELUSER", name)


@pytest.mark.anyio
async def test_functions_that_redis_has_forgotten_are_let_in_again_to_their_own(
    tmp_path: Path,
) -> None:
    admin, mark = databases.named("LAB_REDIS_URL"), secrets.token_hex(4)
    users = {name: f"test_{name}_{mark}" for name in RIGHTS}
    own = {name: as_user(admin, user, password=mark) for name, user in users.items()}
    try:
        assert await forgotten(admin, tmp_path) == []
        for name, address in own.items():
            (tmp_path / f"{name}.redis").write_text(address)
        assert await forgotten(admin, tmp_path) == ["poll", "record"]
        await let_in_again(admin, tmp_path)
        assert await forgotten(admin, tmp_path) == []
        latest, told = RedisLatest(own["record"]), reading(10, tenant=mark)
        await latest.put([told])
        assert await latest.latest(mark, ["m"]) == {"m": told}
        await latest.close()
        for address in own.values():
            with Redis.from_url(address) as user, pytest.raises(ResponseError, match="permiss"):
                user.hget("code:x", "code")
    finally:
        with Redis.from_url(admin) as server:
            server.execute_command("ACL", "DELUSER", *users.values())
            server.delete(*server.keys(f"*{mark}*"))


class Remembering(RedisServer):
    """A Redis with a file for its users."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)  # which makes the folder
        file = folder / "users.acl"
        file.write_text("user default on nopass ~* &* +@all\n")
        self._command += ["--aclfile", str(file)]


@pytest.mark.anyio
async def test_a_server_with_a_file_for_its_users_knows_them_after_a_restart(
    tmp_path: Path,
) -> None:
    with Remembering(tmp_path / "redis") as server:
        await let_in(server.url, "poll", password="word", rules=ACL)
        with server.stopped():
            pass
        with Redis.from_url(as_user(server.url, "poll", password="word")) as user:
            assert user.hget("cursor:x", "slot") is None


@pytest.mark.parametrize("given", ["redis://h:1/2", "redis://u:p@h:1/2", "redis://:p%40@h:1/2"])
def test_the_address_of_another_user_is_the_same_server_and_database(given: str) -> None:
    assert as_user(given, "poll", password="word") == "redis://poll:word@h:1/2"


@pytest.mark.anyio
async def test_a_cursor_is_forgotten_when_nobody_polls_any_more(url: str) -> None:
    store = RedisCursors(url)
    await store.save("t", "m", slot=1, cursor=b"seen")
    with Redis.from_url(databases.redis_server()) as server:
        assert 0 < server.ttl('cursor:["t","m"]') <= LIFE
        server.expire('cursor:["t","m"]', 60)
        await store.load("t", "m")  # a poll that has nothing new to keep
        assert 60 < server.ttl('cursor:["t","m"]') <= LIFE
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
            codes = RedisCodes(f"redis://127.0.0.1:{port}/0", patience=0.3)
            with pytest.raises(SourceUnavailable, match="try again"):
                await codes.attempt("t", "me")
            await codes.close()


@pytest.mark.anyio
async def test_a_connection_that_redis_closed_meanwhile_costs_no_call(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        store = RedisCursors(server.url)
        await store.save("t", "m", slot=1, cursor=b"seen")
        with server.stopped():
            pass
        await asyncio.sleep(0.01)  # the loop hears that it was closed
        await store.save("t", "m", slot=2, cursor=b"more")
        assert await store.load("t", "m") == b"more"
        await store.close()


@pytest.mark.anyio
async def test_a_redis_that_takes_no_writes_any_more_is_looked_for_anew(tmp_path: Path) -> None:
    """As after a fail-over, when its name leads to another server."""
    with RedisServer(tmp_path / "redis") as server, Redis.from_url(server.url) as admin:
        store = RedisCursors(server.url)
        await store.save("t", "m", slot=1, cursor=b"seen")
        admin.execute_command("REPLICAOF", "127.0.0.1", "1")
        before = {one["id"] for one in admin.client_list()}
        with pytest.raises(SourceUnavailable, match="read-only"):
            await store.save("t", "m", slot=2, cursor=b"more")
        assert before - {one["id"] for one in admin.client_list()}
        await store.close()


@pytest.mark.anyio
async def test_a_redis_that_hangs_holds_up_one_call_and_no_other_until_it_has_rested() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        latest = RedisLatest(url, patience=0.5, rest=60)
        with pytest.raises(SourceUnavailable, match="does not answer"):
            await latest.put([reading(10)])
        calls = (
            latest.put([reading(10)]),
            latest.latest("t", ["m"]),
            latest.slots([("t", "m")]),
            latest.forget("t", "m"),
        )
        for call in calls:
            with pytest.raises(SourceUnavailable, match="asked again"):
                await call
        await latest.close()


@pytest.mark.anyio
async def test_a_monitor_takes_little_room_in_redis_and_none_for_ever() -> None:
    with databases.redis(["~*", "+@all"]) as url:
        latest = RedisLatest(url)
        await latest.put([reading(slot) for slot in range(10, 1010, 10)])
        [slots] = (await latest.slots([("t", "m")])).values()
        assert sorted(slots) == list(range(1010 - 10 * KEPT, 1010, 10))
        with Redis.from_url(url) as server:
            assert all(server.ttl(f'{kind}:["t","m"]') > 0 for kind in ("latest", "slots"))
        await latest.close()


@pytest.mark.anyio
async def test_codes_are_forgotten_even_if_nobody_asks_for_them() -> None:
    with databases.redis(["~*", "+@all"]) as url:
        codes = RedisCodes(url)
        await codes.put(code(tenant="t"))
        await codes.count_send("t", limit=1, at=NOW)
        with Redis.from_url(url) as server:
            for name in ('code:["t","me"]', 'codes:["t"]', 'code_sends:["t"]'):
                assert 0 < server.ttl(name) <= HOUR
        await codes.close()


@pytest.mark.anyio
async def test_a_reading_in_a_shape_of_another_version_is_unknown() -> None:
    with databases.redis(["~*", "+@all"]) as url:
        latest = RedisLatest(url)
        await latest.put([reading(10), reading(10, monitor="n")])
        with Redis.from_url(url) as server:
            server.hset('latest:["t","m"]', "reading", b'{"slot": "soon"}')
        assert list(await latest.latest("t", ["m", "n"])) == ["n"]
        await latest.close()
