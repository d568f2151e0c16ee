"""One deployment for all cluster tests, in a namespace that goes away afterwards."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from functions.core.monitor import MonitorSpec, phase_of
from functions.core.ports import MonitorRow
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from tests.cluster.databases import NEEDED, databases
from tests.cluster.deployment import Keys, Outside, build_images, deploy
from tests.cluster.kube import Kube, run
from tests.cluster.receiver import HOST, Receiver
from tests.servers.mail import Mailbox
from tests.servers.website import Website

HOW_TO_RUN = (
    "THE CLUSTER TESTS DID NOT RUN: they need a cluster and databases. Run them with: "
    '../shared/lab/lab up; ../shared/lab/services up; eval "$(../shared/lab/lab env)"; '
    'eval "$(../shared/lab/services env)"; make cluster-test'
)
RULE = "up is 0 for 3 readings, critical"


class WatchedFromPods(Website):
    """The same web server, by the name that pods have for this machine."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"


class Deployment(msgspec.Struct, frozen=True):
    """What is deployed and what the tests know about it. `shop` watches `website`."""

    kube: Kube
    keys: Keys
    outside: Outside
    website: Website
    shop: MonitorSpec


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
    if not all(os.environ.get(name) for name in ("KUBECONFIG", *NEEDED)):
        pytest.skip(HOW_TO_RUN)
    folder = tmp_path_factory.mktemp("overlay")
    kube = Kube(f"monitor-test-{os.getpid()}-{int(time.time()) % 10_000}")
    with outside(kube.namespace.replace("-", "_")) as reached, WatchedFromPods() as website:
        tag = build_images()
        shop = monitor("shop", website)
        run("kubectl", "create", "namespace", kube.namespace)
        try:
            keys = deploy(kube, tag, outside=reached, folder=folder)
            put_rule(reached.databases.mysql, shop)
            yield Deployment(kube, keys, reached, website, shop)
        finally:
            run("kubectl", "delete", "namespace", kube.namespace, "--wait=false")


@contextmanager
def outside(name: str) -> Iterator[Outside]:
    with databases(f"test_{name}") as own, Mailbox() as mailbox, Receiver() as receiver:
        yield Outside(own, mailbox, receiver)


def put_rule(database: str, spec: MonitorSpec) -> None:
    """The row by which alert knows the monitor and its rule."""
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
