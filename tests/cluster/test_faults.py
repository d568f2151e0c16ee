"""Pods that die at bad moments: what was accepted stays, and no slot goes by in silence."""

import asyncio
import time

import pytest

from functions.core.reading import Reading
from tests.cluster.conftest import Deployment, WatchedFromPods, claude, deleted
from tests.cluster.kube import Kube
from tests.conversation.play import Conversation

pytestmark = pytest.mark.anyio

INTERVAL = 5


async def test_no_slot_goes_by_in_silence_while_pods_of_every_function_are_killed(
    deployment: Deployment, service: str
) -> None:
    with WatchedFromPods() as site:
        async with claude(service, deployment.keys.token) as client:
            talk = Conversation(client, print)
            config = {"url": site.url}
            await talk.call("check_monitor", provider="website", config=config)
            made = await talk.call(
                "create_monitor",
                name="steady",
                provider="website",
                config=config,
                interval=INTERVAL,
            )
            await talk.next_reading(made["id"])
            for function in ("poll", "record", "alert", "poll", "record"):
                kill(deployment.kube, function)
                await asyncio.sleep(1.5 * INTERVAL)
            judged = time.time()
            # The watchdog promises to show a slot without a reading within two intervals.
            await asyncio.sleep(3 * INTERVAL)
            slots = {reading.slot for reading in await readings(deployment, made["id"])}
            await deleted(client, made["id"])
    assert judged - min(slots) > 6 * INTERVAL
    assert set(range(min(slots), int(judged), INTERVAL)) <= slots


def kill(kube: Kube, function: str) -> None:
    """End all its pods at once, with whatever they are doing."""
    selector = f"serving.knative.dev/service={function}"
    kube.kubectl("delete", "pods", "-l", selector, "--force", "--grace-period=0", "--wait=false")


async def readings(deployment: Deployment, monitor: str) -> list[Reading]:
    store = deployment.outside.databases.readings()
    try:
        return await store.query("local", monitor, since=0, until=2**40, limit=1000)
    finally:
        store.close()
