"""Redis on the cluster: who may see what there, and that nobody depends on it."""

import base64
import json
import re
from collections.abc import AsyncIterator

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from functions.stores.redis.latest import RedisLatest
from mcp_service.runtime.redis_users import REDIS_URL, SECRETS, redis_user
from tests.cluster.conftest import Deployment, WatchedFromPods, claude, deleted
from tests.cluster.fleet import INTERVAL, readings
from tests.cluster.kube import Kube, until
from tests.cluster.receiver import HOST
from tests.conversation.play import Conversation, text

CODE = 'code:["local","redis"]'


def test_poll_and_record_see_their_own_in_redis_and_the_job_run_again_changes_nothing(
    deployment: Deployment,
) -> None:
    kube = deployment.kube
    addresses = {function: address_of(kube, function) for function in SECRETS}
    kube.kubectl("delete", "job/setup")
    kube.kubectl("apply", "-k", str(deployment.overlay))
    kube.kubectl("wait", "job/setup", "--for=condition=Complete", "--timeout=90s")
    assert {function: address_of(kube, function) for function in SECRETS} == addresses
    for function, own, strange in (("poll", "cursor:x", "latest:x"), ("record", "latest:x", CODE)):
        with Redis.from_url(addresses[function].replace(HOST, "127.0.0.1")) as user:
            assert user.hget(own, "slot") is None
            with pytest.raises(ResponseError, match=r"permission|can't access"):
                user.hget(strange, "code")


@pytest.mark.usefixtures("service")
def test_a_redis_that_forgot_its_users_is_told_them_again(deployment: Deployment) -> None:
    """As one without a file for them has after a restart."""
    users = [redis_user(function, deployment.kube.namespace) for function in SECRETS]
    with Redis.from_url(deployment.outside.databases.redis.url) as server:
        assert server.execute_command("ACL", "DELUSER", *users) == len(users)
        until("it knows them", lambda: set(users) <= set(server.acl_users()))


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
    mailbox = deployment.outside.mailbox
    before = len(mailbox.messages())
    with Redis.from_url(deployment.outside.databases.redis.url) as server:
        async with claude(service, deployment.keys.token) as client:
            talk = Conversation(client, print)
            await talk.call("set_channel", name="redis", address="redis@shop.example")
            assert server.hget(CODE, "tries") == b"5"
            [code] = re.findall(r"\d{8}", text(mailbox.wait_for(before + 1)[-1]))
            assert code.encode() not in (server.hget(CODE, "code") or b"")
            await talk.call("set_channel", name="redis", code=code)
        assert not server.exists(CODE)


def address_of(kube: Kube, function: str) -> str:
    """What this function is told of Redis."""
    found = json.loads(kube.kubectl("get", "secret", SECRETS[function], "-o", "json"))
    return base64.b64decode(found["data"][REDIS_URL]).decode()
