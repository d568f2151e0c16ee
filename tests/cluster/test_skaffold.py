"""The whole way of a developer: `skaffold dev`, the conversation on the real databases, an edit,
and Ctrl-C."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.runtime.manifests import object_name
from tests.cluster.conftest import (
    HOW_TO_RUN,
    SELF,
    WatchedFromPods,
    claude,
    deleted,
    outside,
)
from tests.cluster.copied import ROOT, copied
from tests.cluster.databases import Databases
from tests.cluster.kube import Kube, forwarded, run, until
from tests.cluster.skaffold import Skaffold, edit, with_servers_of_this_run
from tests.conversation.play import Conversation, play

pytestmark = pytest.mark.anyio

OTHERS = ("record", "alert", "notify")
FUNCTIONS = ("poll", *OTHERS)
README_BLOCKS = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
FOREVER = 2**40
BUILT = 480.0
"""Seconds that five images may take to build on a machine with two cores."""


@pytest.fixture
def kube() -> Iterator[Kube]:
    """skaffold makes the namespace and takes it away; here it goes whatever happened."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip(HOW_TO_RUN)
    kube = Kube(f"skaffold-test-{os.getpid()}-{int(time.time()) % 10_000}")
    yield kube
    run("kubectl", "delete", "namespace", kube.namespace, "--wait=false", "--ignore-not-found")


async def test_a_conversation_an_edit_and_the_end_of_skaffold_dev(
    kube: Kube, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    tree = copied(tmp_path, kube.namespace)
    with outside() as reached, WatchedFromPods() as site:
        with_servers_of_this_run(tree, kube, reached)
        with Skaffold(tree) as dev:
            token = deployed(kube, dev)
            read_by_kn(kube)
            for owner in (*(f"ksvc/{name}" for name in FUNCTIONS), SELF):
                figure(f"image of {owner}: {megabytes(kube, owner):.0f} MB")
            assert not kube.pods("poll")
            with forwarded(kube.namespace, "claude-monitor") as address:
                async with claude(f"{address}/mcp", token) as client:
                    monitor = await play(client, site, reached.mailbox, tell=print)
            assert listed(kube, monitor) == "True"
            await stored(reached.databases, monitor)
            a_new_revision_of_poll_alone(kube, dev, tree)
            with forwarded(kube.namespace, "claude-monitor") as address:
                async with claude(f"{address}/mcp", token) as client:
                    seen = await Conversation(client, print).next_reading(monitor)
                    assert seen["metrics"]["up"] == 1
                    await deleted(client, monitor)
            until("its PingSource is gone", lambda: not listed(kube, monitor))
            for name in FUNCTIONS:
                until(f"{name} is at zero", lambda name=name: not kube.pods(name), seconds=120)
        until("nothing is left", lambda: not kube.has(f"namespace/{kube.namespace}"), seconds=120)


def deployed(kube: Kube, dev: Skaffold) -> str:
    """Waits until all of it is Ready. Returns the service's token, got as the README says."""
    last = ("ksvc/notify", "broker/default", "trigger/notify")
    until(
        "skaffold has deployed",
        lambda: dev.is_running() and all(map(kube.has, last)),
        seconds=BUILT,
    )
    kube.ready("broker,trigger", "--all")
    until("the set-up Job makes the last Secret", lambda: kube.has("secret/notify-keys"))
    kube.kubectl("rollout", "status", SELF, "--timeout=90s")
    [words] = [block for block in README_BLOCKS if "token=" in block]
    until_claude = words.partition("claude mcp add")[0]
    here = until_claude.replace("-n claude-monitor", f"-n {kube.namespace}")
    return run("bash", "-ec", here + 'printf %s "$token"').split()[-1]


def read_by_kn(kube: Kube) -> None:
    """What deployment brings along, in the words of kn's own lists."""
    services = [row for row in kube.kn("service", "list")[1:] if "True" in row]
    assert sorted(row[0] for row in services) == sorted(FUNCTIONS)
    sinks = {row[0]: row[2] for row in kube.kn("trigger", "list")[1:] if "True" in row}
    assert sinks == {name: f"ksvc:{name}" for name in OTHERS}
    types = {row[0] for row in kube.kn("eventtype", "list")[1:]}
    assert {"io.claudemonitor.reading", "io.claudemonitor.alert"} <= types


def megabytes(kube: Kube, owner: str) -> float:
    """Of its image, unpacked."""
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    image = kube.kubectl("get", owner, "-o", path).partition("@")[0]
    return int(run("docker", "image", "inspect", "--format={{.Size}}", image)) / 1e6


def listed(kube: Kube, monitor: str) -> str:
    """What `kn` says under READY of the monitor's PingSource; nothing where there is none."""
    rows = kube.kn("source", "ping", "list")
    named = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return "".join(row["READY"] for row in named if row["NAME"] == object_name(monitor))


async def stored(databases: Databases, monitor: str) -> None:
    """What the functions wrote, asked of InfluxDB and MariaDB without the service."""
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


def a_new_revision_of_poll_alone(kube: Kube, dev: Skaffold, tree: Path) -> None:
    before = {name: revision(kube, name) for name in FUNCTIONS}
    edit(tree / "functions" / "poll" / "main.py", "a tick in", "one tick in")
    until(
        "the new revision is Ready",
        lambda: dev.is_running() and revision(kube, "poll") != before["poll"],
        seconds=BUILT,
    )
    kube.kubectl("rollout", "status", SELF, "--timeout=90s")
    assert [revision(kube, name) for name in OTHERS] == [before[name] for name in OTHERS]


def revision(kube: Kube, service: str) -> str:
    path = "jsonpath={.status.latestReadyRevisionName}"
    return kube.kubectl("get", "ksvc", service, "-o", path)
