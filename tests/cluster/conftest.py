"""One deployment for all cluster tests, in a namespace that goes away afterwards."""

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from redis import Redis

from functions.core.alert_ports import MonitorRow
from functions.core.monitor import MonitorSpec, phase_of
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.runtime.redis_users import SECRETS, redis_user
from tests.cluster.databases import databases
from tests.cluster.deployment import Keys, Outside, build_images, deploy
from tests.cluster.kube import Kube, forwarded, run, until
from tests.cluster.receiver import HOST, Receiver
from tests.conversation.play import Conversation
from tests.servers.stoppable import MailProcess
from tests.servers.website import Website

HOW_TO_RUN = (
    "THE CLUSTER TESTS DID NOT RUN: they need a cluster, and the programs of MariaDB, Redis and "
    "InfluxDB. Run them with: ../shared/lab/lab up; ../shared/lab/services up; "
    'eval "$(../shared/lab/lab env)"; make cluster-test'
)
SELF = "deployment/claude-monitor"
PODS = "app.kubernetes.io/name=claude-monitor,app.kubernetes.io/component=service"
RULE = "up is 0 for 3 readings, critical"


class WatchedFromPods(Website):
    """The same web server, by the name that pods have for this machine."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"


class Deployment(msgspec.Struct, frozen=True):
    """What is deployed, from which overlay, and what the tests know about it. `shop` watches
    `website`."""

    kube: Kube
    keys: Keys
    outside: Outside
    website: Website
    shop: MonitorSpec
    overlay: Path


def monitor(name: str, website: Website) -> MonitorSpec:
    """A monitor of the website, every 5 seconds."""
    return MonitorSpec(
        id=name,
        tenant="local",
        version=1,
        provider="website",
        config={"url": website.url},
        interval=5,
        phase=phase_of(name, 5),
    )


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    if not os.environ.get("KUBECONFIG"):
        pytest.skip(HOW_TO_RUN)
    with outside() as reached, deployed(reached, tmp_path_factory.mktemp("overlay")) as found:
        yield found


@contextmanager
def deployed(reached: Outside, folder: Path) -> Iterator[Deployment]:
    """All of knative/ in a namespace of its own, which goes away afterwards."""
    kube = Kube(f"monitor-test-{os.getpid()}-{int(time.time()) % 10_000}")
    with WatchedFromPods() as website:
        tag = build_images()
        shop = monitor("shop", website)
        run("kubectl", "create", "namespace", kube.namespace)
        try:
            keys = deploy(kube, tag, outside=reached, folder=folder)
            yield Deployment(kube, keys, reached, website, shop, folder)
        finally:
            run("kubectl", "delete", "namespace", kube.namespace, "--wait=false")
            with Redis.from_url(reached.databases.redis.url) as redis:
                users = [redis_user(function, kube.namespace) for function in SECRETS]
                redis.execute_command("ACL", "DELUSER", *users)


@pytest.fixture
def service(deployment: Deployment) -> Iterator[str]:
    with served(deployment.kube) as address:
        yield address


@contextmanager
def served(kube: Kube) -> Iterator[str]:
    """The address of the standing service, which has one pod meanwhile and none afterwards."""
    kube.kubectl("scale", SELF, "--replicas=1")
    try:
        kube.kubectl("rollout", "status", SELF, "--timeout=90s")
        with forwarded(kube.namespace, "claude-monitor") as address:
            yield f"{address}/mcp"
    finally:
        kube.kubectl("scale", SELF, "--replicas=0")
        # While it ends its reconciler may still remove what the next test applies by itself.
        until("its pod is gone", lambda: not kube.kubectl("get", "pod", "-l", PODS, "-o", "name"))


@asynccontextmanager
async def claude(url: str, token: str) -> AsyncIterator[Client]:
    """A client of the service, as Claude is one."""
    shown = {"Authorization": f"Bearer {token}"}
    async with (
        create_mcp_http_client(headers=shown) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def deleted(client: Client, monitor: str) -> None:
    talk = Conversation(client, print)
    asked = await talk.call("delete_monitor", monitor=monitor)
    await talk.call("delete_monitor", monitor=monitor, confirm=asked["confirm"])


@contextmanager
def outside() -> Iterator[Outside]:
    with (
        TemporaryDirectory() as name,
        databases(Path(name)) as made,
        MailProcess(Path(name) / "mail") as mailbox,
        Receiver() as receiver,
    ):
        yield Outside(made, mailbox, receiver)


def put_rule(database: str, spec: MonitorSpec) -> None:
    """The row by which alert knows the monitor and its rule. A service that starts takes it away,
    since no user of its own wants that monitor."""
    engine = open_engine(database)
    row = MonitorRow(
        tenant=spec.tenant,
        monitor=spec.id,
        version=spec.version,
        name=spec.id,
        interval=spec.interval,
        rules={"down": RULE},
    )
    SqlAlertRecords(engine).put_monitor(row)
    engine.dispose()
