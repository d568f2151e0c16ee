"""The whole conversation through the standing service in the cluster, on the real databases."""

import pytest

from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.runtime.manifests import object_name
from tests.cluster.conftest import Deployment, WatchedFromPods, claude, deleted
from tests.cluster.kube import until
from tests.conversation.play import play

pytestmark = pytest.mark.anyio

FOREVER = 2**40


async def test_the_conversation_ends_in_the_real_databases_and_the_mailbox(
    deployment: Deployment, service: str
) -> None:
    kube, outside = deployment.kube, deployment.outside
    with WatchedFromPods() as site:
        async with claude(service, deployment.keys.token) as client:
            monitor = await play(client, site, outside.mailbox, tell=print)
            kube.ready(f"pingsource/{object_name(monitor)}")
            await stored(deployment, monitor)
            await deleted(client, monitor)
            until("its PingSource is gone", lambda: not kube.has(source(monitor)))


async def stored(deployment: Deployment, monitor: str) -> None:
    """What the functions wrote, asked of InfluxDB and MariaDB without the service."""
    databases = deployment.outside.databases
    readings = databases.readings()
    try:
        seen = await readings.query("local", monitor, since=0, until=FOREVER, limit=1000)
    finally:
        readings.close()
    assert {reading.metrics["up"] for reading in seen if reading.failure is None} == {0.0, 1.0}
    engine = open_engine(databases.mysql)
    [alert] = SqlAlertRecords(engine).alerts("local", monitor=monitor)
    assert alert.state == "resolved"
    states = {sent.state for sent in SqlAlertRecords(engine).deliveries("local", alert=alert.id)}
    assert states == {"sent"}
    engine.dispose()


def source(monitor: str) -> str:
    return f"pingsource/{object_name(monitor)}"
