"""One deployment for all cluster tests, in a namespace that goes away afterwards."""

import os
import time
from collections.abc import Iterator

import msgspec
import pytest

from functions.core.monitor import MonitorSpec, phase_of
from functions.core.ports import MonitorRow
from tests.cluster.deployment import (
    Keys,
    build_images,
    deploy,
    new_keys,
    prepared_database,
    secrets,
)
from tests.cluster.kube import Kube, run
from tests.cluster.receiver import HOST, Receiver
from tests.servers.website import Website

HOW_TO_RUN = (
    "THE CLUSTER TESTS DID NOT RUN: KUBECONFIG names no cluster. Run them with: "
    '../shared/lab/lab up; eval "$(../shared/lab/lab env)"; make cluster-test'
)
RULE = "up is 0 for 3 readings, critical"


class Deployment(msgspec.Struct, frozen=True):
    """What is deployed and what the tests know about it. `shop` watches `website`."""

    kube: Kube
    keys: Keys
    receiver: Receiver
    website: Website
    shop: MonitorSpec


def monitor(name: str, website: Website) -> MonitorSpec:
    """A monitor of the website, every 5 seconds."""
    return MonitorSpec(
        id=name,
        tenant="local",
        version=1,
        provider="website",
        config={"url": f"http://{HOST}:{website.port}/"},
        interval=5,
        phase=phase_of(name, 5),
    )


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    if not os.environ.get("KUBECONFIG"):
        pytest.skip(HOW_TO_RUN)
    folder = tmp_path_factory.mktemp("overlay")
    kube, keys = Kube(f"monitor-test-{os.getpid()}-{int(time.time()) % 10_000}"), new_keys()
    with Website() as website, Receiver() as receiver:
        shop = monitor("shop", website)
        tag = build_images()
        run("kubectl", "create", "namespace", kube.namespace)
        try:
            kube.apply(*secrets(keys, prepared_database(folder / "alerts.db", row(shop))))
            deploy(kube, tag, receiver=receiver, folder=folder)
            yield Deployment(kube, keys, receiver, website, shop)
        finally:
            run("kubectl", "delete", "namespace", kube.namespace, "--wait=false")


def row(spec: MonitorSpec) -> MonitorRow:
    return MonitorRow(
        tenant=spec.tenant,
        monitor=spec.id,
        version=spec.version,
        name=spec.id,
        interval=spec.interval,
        rules={"down": RULE},
    )
