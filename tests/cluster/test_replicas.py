"""Two replicas of the standing service: any of them answers, one of them works."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client

from mcp_service.lease import LASTS
from mcp_service.runtime.manifests import object_name
from tests.cluster.conftest import SELF, Deployment, WatchedFromPods, claude, deleted
from tests.cluster.fleet import INTERVAL, until_none_is_silent
from tests.cluster.kube import Kube, until, way_to
from tests.conversation.play import Conversation

pytestmark = pytest.mark.anyio

BEGINS = "holds the lease and begins"
SLOW = 1.0
"""Seconds that our looking may add to a silence."""


async def test_the_other_replica_takes_over_and_leaves_no_slot_unjudged(
    deployment: Deployment, service: str
) -> None:
    kube = deployment.kube
    kube.kubectl("scale", SELF, "--replicas=2")
    kube.kubectl("rollout", "status", SELF, "--timeout=90s")
    first, second = pods(kube)
    with WatchedFromPods() as site:
        async with at(deployment, first) as one, at(deployment, second) as other:
            monitor = await made_through_both(one, other, site)
        killed = holder(kube)
        assert [pod for pod in pods(kube) if BEGINS in log(kube, pod)] == [killed]
        source = f"pingsource/{object_name(monitor)}"
        kube.kubectl("delete", "pod", killed, "--force", "--grace-period=0", "--wait=false")
        began = time.time()
        until("another one holds it", lambda: is_taken(kube, killed, silence=source))
        silence = time.time() - began - SLOW
        until("the reconciler works", lambda: kube.has(source))
        working = [pod for pod in pods(kube) if BEGINS in log(kube, pod)]
        assert working == [holder(kube)]
        stored = await until_none_is_silent(deployment, monitor, before=began + LASTS)
        # Of those in the silence the first tick may still have come.
        assert len([one for one in stored if one.missed]) >= silence // INTERVAL - 1
        async with at(deployment, working[0]) as client:
            await deleted(client, monitor)


@pytest.mark.usefixtures("service")
def test_a_replica_that_is_told_to_end_hands_the_lease_over_at_once(
    deployment: Deployment,
) -> None:
    kube = deployment.kube
    kube.kubectl("scale", SELF, "--replicas=2")
    kube.kubectl("rollout", "status", SELF, "--timeout=90s")
    until("one of them holds it", lambda: holder(kube) in pods(kube))
    ended = holder(kube)
    kube.kubectl("delete", "pod", ended, "--wait=false")
    # One that ended without a word would be waited for longer.
    until("the next one holds it", lambda: holder(kube) not in ("", ended), seconds=LASTS - 3)


@asynccontextmanager
async def at(deployment: Deployment, pod: str) -> AsyncIterator[Client]:
    """A client of exactly this replica."""
    with way_to(deployment.kube.namespace, f"pod/{pod}", port=9122) as address:
        async with claude(f"{address}/mcp", deployment.keys.token) as client:
            yield client


async def made_through_both(one: Client, other: Client, site: WatchedFromPods) -> str:
    """What one replica said is believed by the other: the check, and the word to delete."""
    here, there = Conversation(one, print), Conversation(other, print)
    config = {"url": site.url}
    await here.call("check_monitor", provider="website", config=config)
    wish = {"provider": "website", "config": config, "interval": INTERVAL}
    doomed = await there.call("create_monitor", name="doomed", **wish)
    asked = await here.call("delete_monitor", monitor="doomed")
    await there.call("delete_monitor", monitor=doomed["id"], confirm=asked["confirm"])
    made = await there.call("create_monitor", name="steady", **wish)
    await here.next_reading(made["id"])
    told = [(await talk.call("show_platform"))["lease"] for talk in (here, there)]
    assert told[0] == told[1]
    return str(made["id"])


def is_taken(kube: Kube, killed: str, *, silence: str) -> bool:
    """Whether another one has the lease; until then nothing ticks, whatever a dying holder does."""
    if holder(kube) not in ("", killed):
        return True
    kube.kubectl("delete", silence, "--ignore-not-found", "--wait=false")
    return False


def pods(kube: Kube) -> list[str]:
    """The replicas that are there to stay."""
    selector = "app.kubernetes.io/component=service"
    found = json.loads(kube.kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def holder(kube: Kube) -> str:
    """The pod that the lease names; empty for nobody."""
    lease = json.loads(kube.kubectl("get", "lease", "claude-monitor", "-o", "json"))
    return str(lease["spec"].get("holderIdentity", "")).partition("_")[0]


def log(kube: Kube, pod: str) -> str:
    try:
        return kube.kubectl("logs", pod)
    except AssertionError:  # it is only starting
        return ""
