"""Redis on the cluster: who may see what there, and that nobody depends on it."""

import base64
import json
import re
from collections.abc import AsyncIterator

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from functions.stores.redis.latest import RedisLatest
from mcp_service.runtime.key_secrets import POLL_REDIS, REDIS_URL, poll_user
from tests.cluster.conftest import Deployment, WatchedFromPods, claude, deleted
from tests.cluster.fleet import INTERVAL, readings
from tests.cluster.kube import Kube, until
from tests.cluster.receiver import HOST
from tests.conversation.play import Conversation, text


def test_poll_gets_a_user_that_sees_cursors_only_and_gets_it_back(deployment: Deployment) -> None:
    kube = deployment.kube
    url = polls_address(kube)
    until("the Job of the beginning is over", lambda: not kube.has("job/setup"))
    # As after a restart of a Redis that keeps no users: the set-up Job, run again, mends it.
    with Redis.from_url(deployment.outside.databases.redis.url) as server:
        server.execute_command("ACL", "DELUSER", poll_user(kube.namespace))
    kube.kubectl("apply", "-k", str(deployment.overlay))
    kube.kubectl("wait", "job/setup", "--for=condition=Complete", "--timeout=90s")
    assert polls_address(kube) == url
    with Redis.from_url(url.replace(HOST, "127.0.0.1")) as poll:
        assert poll.hget("cursor:x", "slot") is None
        with pytest.raises(ResponseError, match=r"permission|can't access"):
            poll.hget("latest:x", "reading")


@pytest.fixture
async def latest(deployment: Deployment) -> AsyncIterator[RedisLatest]:
    latest = RedisLatest(deployment.outside.databases.redis.url)
    yield latest
    await latest.close()


@pytest.mark.anyio
async def test_redis_knows_the_latest_reading_and_is_told_again_what_it_lost(
    deployment: Deployment, service: str, latest: RedisLatest
) -> None:
    with WatchedFromPods() as site:
        async with claude(service, deployment.keys.token) as client:
            talk = Conversation(client, print)
            config = {"url": site.url}
            await talk.call("check_monitor", provider="website", config=config)
            wish = {"provider": "website", "config": config, "interval": INTERVAL}
            made = await talk.call("create_monitor", name="kept", **wish)
            await talk.next_reading(made["id"])
            told = (await latest.latest("local", [made["id"]]))[made["id"]]
            assert told in await readings(deployment, made["id"])
            await latest.forget("local", made["id"])
            [listed] = (await talk.call("list_monitors"))["monitors"]
            assert listed["up"] == 1
            assert (await latest.latest("local", [made["id"]]))[made["id"]].slot >= told.slot
            await deleted(client, made["id"])
    assert await latest.latest("local", [made["id"]]) == {}


@pytest.mark.anyio
async def test_a_code_and_its_tries_wait_in_redis_until_the_channel_is_confirmed(
    deployment: Deployment, service: str
) -> None:
    mailbox, key = deployment.outside.mailbox, 'code:["local","redis"]'
    before = len(mailbox.messages())
    with Redis.from_url(deployment.outside.databases.redis.url) as server:
        async with claude(service, deployment.keys.token) as client:
            talk = Conversation(client, print)
            await talk.call("set_channel", name="redis", address="redis@shop.example")
            assert server.hget(key, "tries") == b"5"
            [code] = re.findall(r"\d{8}", text(mailbox.wait_for(before + 1)[-1]))
            assert code.encode() not in (server.hget(key, "code") or b"")
            await talk.call("set_channel", name="redis", code=code)
        assert not server.exists(key)


def polls_address(kube: Kube) -> str:
    found = json.loads(kube.kubectl("get", "secret", POLL_REDIS, "-o", "json"))
    return base64.b64decode(found["data"][REDIS_URL]).decode()
