"""A secret on the cluster: entered in the service's pod, opened in poll's alone, shown nowhere."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.cluster.conftest import SELF, Deployment, claude, deleted
from tests.cluster.kube import Kube
from tests.cluster.receiver import HOST
from tests.cluster.test_service import claude_monitor
from tests.conversation.play import Conversation
from tests.servers.maze import Maze

pytestmark = pytest.mark.anyio

CANARY = "tok-canary-8b1f6d"
PATHS = {"waiting": "$.waiting"}


@pytest.fixture
async def api() -> AsyncIterator[Maze]:
    """It wants the token, and repeats it in its answer."""
    async with Maze() as maze:
        maze.wants = f"Authorization: Bearer {CANARY}"
        body = json.dumps({"waiting": 7, "token": CANARY}).encode()
        maze.answer("/", 200, "Content-Type: application/json", body=body)
        yield maze


async def test_a_secret_entered_in_the_services_pod_is_sent_by_poll_to_its_host_alone(
    deployment: Deployment, service: str, api: Maze
) -> None:
    kube = deployment.kube
    await entered(kube)
    wish = {
        "provider": "rest_api",
        "config": {"url": api.url(host=HOST), "values": PATHS},
        "secrets": {"bearer": "queue"},
    }
    async with Maze() as elsewhere, claude(service, deployment.keys.token) as client:
        talk = Conversation(client, print)
        api.redirect("/moved", elsewhere.url("/landed", host=HOST))
        elsewhere.answer("/landed", 200, body=b'{"waiting": 8}')
        moved = wish | {"config": {"url": api.url("/moved", host=HOST), "values": PATHS}}
        seen = await talk.call("check_monitor", **moved)
        assert seen["reading"]["metrics"]["waiting"] == 8
        other = wish | {"config": {"url": elsewhere.url(), "values": PATHS}}
        refused = await client.call_tool("check_monitor", other)
        assert "--host 127.0.0.1" in repr(refused.structured_content)
        assert (await talk.call("check_monitor", **wish))["ok"]
        made = await talk.call("create_monitor", name="queue", interval=5, **wish)
        reading = await talk.next_reading(made["id"])
        assert (reading["metrics"]["up"], reading["metrics"]["waiting"]) == (1, 7)
        told = [seen, refused.structured_content, reading]
        told += [
            await talk.call(tool, monitor="queue") for tool in ("show_monitor", "query_readings")
        ]
        written = await asyncio.to_thread(everything, kube)
        await deleted(client, made["id"])
    await asyncio.to_thread(claude_monitor, kube, "secret", "delete", "queue")
    assert [CANARY in request for request in elsewhere.requests] == [False]
    assert made["id"] in written
    assert CANARY not in written + repr(told)


async def entered(kube: Kube) -> None:
    """The server of this test must go on while the command runs."""
    set_it = ("secret", "set", "queue", "--host", HOST)
    said = await asyncio.to_thread(claude_monitor, kube, *set_it, stdin=CANARY)
    assert CANARY not in said


def everything(kube: Kube) -> str:
    """What the cluster shows of it: the monitor's object, and the log of every pod."""
    logs = [kube.log(function) for function in ("poll", "record", "alert", "notify")]
    return (
        kube.kubectl("get", "pingsources", "-o", "yaml")
        + kube.kubectl("logs", SELF)
        + "".join(logs)
    )
