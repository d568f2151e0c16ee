"""The main path on a real Knative: tick, poll from zero, Broker, alert; and what is refused."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from functions.clients.event_sender import EventSender
from functions.clients.http import CurlHttp, outbound_http
from functions.core.alert import Alert
from functions.core.alert_event import alert_of
from functions.core.events import Event, believed, encode, reading_event
from functions.core.monitor import MonitorSpec
from functions.core.outbound import Door
from functions.core.ports import HttpRequest
from functions.core.reading import Reading
from functions.core.seal import new_signing_key
from mcp_service.runtime.knative import Knative, connect
from mcp_service.runtime.manifests import object_name
from mcp_service.runtime.poll_function import DEADLINE, PollFunction
from tests.cluster.conftest import Deployment, monitor, put_rule
from tests.cluster.deployment import ALERTS, DEAD_LETTERS
from tests.cluster.fleet import readings
from tests.cluster.kube import forwarded, until

pytestmark = pytest.mark.anyio

UNSIGNED = "unsigned or signed with an unknown key"
UNSEALED = "does not carry the functions' signature"
INSIDE = """
import glob, importlib.util, json, os, sys
import functions.serve, functions.poll.main
loaded = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
sources = [path for path in loaded if path.endswith(".py")]
for folder in ("/app", "/venv/lib"):
    sources += glob.glob(folder + "/**/*.py", recursive=True)
print(json.dumps({
    "uid": os.getuid(),
    "token": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),
    "writable": not os.statvfs("/app").f_flag & os.ST_RDONLY,
    "keys": sorted(name for name in os.listdir("/etc/claude-monitor/keys") if name[0] != "."),
    "without byte code": [
        path for path in sources if not os.path.exists(importlib.util.cache_from_source(path))
    ],
}))
"""
"""Run in a pod: what the function there is and what it could do."""


@asynccontextmanager
async def connected(
    deployment: Deployment, *, signing_key: str = "", poll: PollFunction | None = None
) -> AsyncIterator[Knative]:
    """The runtime as the service has it; by default without a way to ask poll."""
    runtime = Knative(
        connect(deployment.kube.namespace),
        signing_key=signing_key or deployment.keys.signing,
        ask=poll.check if poll else nobody,
    )
    try:
        yield runtime
    finally:
        await runtime.close()


@asynccontextmanager
async def ticking(
    deployment: Deployment, runtime: Knative, spec: MonitorSpec
) -> AsyncIterator[None]:
    """The monitor runs until the end of the block."""
    kube, source = deployment.kube, f"pingsource/{object_name(spec.id)}"
    await runtime.apply(spec)
    try:
        kube.ready(source)
        yield
    finally:
        await runtime.remove(spec.id)
        # What is applied to an object that is still going away goes with it.
        until("it is gone", lambda: not kube.has(source))


class Loopback:
    """Says of every name that it is here: the names of the cluster end at forwarded ports."""

    async def resolve(self, host: str, *, seconds: float) -> tuple[str, ...]:
        return ("127.0.0.1",)


async def nobody(spec: MonitorSpec, document: bytes) -> Reading:
    raise AssertionError(f"nothing here checks {spec.id} ({len(document)} bytes)")


def told(deployment: Deployment, state: str) -> list[Alert]:
    """The alerts of the shop that arrived in this state, each with the functions' MAC."""
    events = deployment.outside.receiver.received.get(ALERTS, [])
    of_shop = [event for event in events if event.extensions["monitor"] == "shop"]
    alerts = [alert_of(believed(event, deployment.keys.events)) for event in of_shop]
    return [alert for alert in alerts if alert.state == state]


def dead_letters(deployment: Deployment, monitor: str) -> list[Event]:
    """Each once, in the order of who refused them: the Broker may deliver anything twice."""
    events = deployment.outside.receiver.received.get(DEAD_LETTERS, [])
    of_it = [event for event in events if event.extensions["monitor"] == monitor]
    once = {(e.extensions["knativeerrordest"], e.extensions["tenant"], e.id): e for e in of_it}
    return [once[key] for key in sorted(once)]


async def test_a_killed_website_wakes_all_from_zero_and_raises_one_alert_until_it_is_back(
    deployment: Deployment,
) -> None:
    kube, website = deployment.kube, deployment.website
    put_rule(deployment.outside.databases.mysql, deployment.shop)
    before = dead_letters(deployment, "shop")
    for name in ("poll", "record", "alert"):  # notify is woken each minute
        until(f"no {name} runs", lambda name=name: not kube.pods(name), seconds=120)
    async with connected(deployment) as runtime, ticking(deployment, runtime, deployment.shop):
        until("the first tick wakes poll", lambda: kube.pods("poll"))
        for name in ("record", "alert"):
            until(f"its reading wakes {name}", lambda name=name: kube.pods(name))
        website.kill()
        until("the alert", lambda: told(deployment, "firing"))
        until("it wakes notify", lambda: kube.pods("notify"))
        until("its line in the log", lambda: "firing" in kube.log("alert"))
        website.start()
        until("its end", lambda: told(deployment, "resolved"))
    assert [alert.rule for alert in told(deployment, "firing")] == ["down"]
    # With one retry, an answer that the Broker does not take for a success would be here by now.
    assert dead_letters(deployment, "shop") == before


async def test_kn_shows_monitors_and_functions_ready(deployment: Deployment) -> None:
    async with connected(deployment) as runtime, ticking(deployment, runtime, deployment.shop):
        headings, *rows = deployment.kube.kn("source", "ping", "list")
        assert [row[0] for row in rows if row[0] != object_name("shop")] == ["sweep"]
        assert headings == ["NAME", "SCHEDULE", "SINK", "AGE", "CONDITIONS", "READY", "REASON"]
        name, schedule = object_name("shop"), deployment.shop.schedule.cron()
        [row] = (row for row in rows if row[0] == name)
        assert (row[:3], row[5:]) == ([name, schedule, "ksvc:poll"], ["True", ""])
        known = (await runtime.list())["shop"]
        assert await runtime.find("shop") == known
        assert await runtime.find("bank") is None
        assert (known.version, known.made_at > 0) == (1, True)
        shown = [known.schedule, known.sink, known.conditions, str(known.ready), known.reason]
        assert shown == row[1:3] + row[4:]
    headings, *rows = deployment.kube.kn("service", "list")
    ready = headings.index("READY")
    assert [(row[0], row[ready]) for row in rows] == [
        (name, "True") for name in ("alert", "notify", "poll", "record")
    ]


async def test_an_equal_monitor_is_left_alone_and_a_changed_one_repaired(
    deployment: Deployment,
) -> None:
    kube, source = deployment.kube, f"pingsource/{object_name('shop')}"
    version = ("get", source, "-o", "jsonpath={.metadata.generation}")
    async with connected(deployment) as runtime, ticking(deployment, runtime, deployment.shop):
        before = kube.kubectl(*version)
        await runtime.apply(deployment.shop)
        assert kube.kubectl(*version) == before
        somebody = '{"spec": {"schedule": "0 0 1 1 *"}}'
        kube.kubectl("patch", source, "--type=merge", "-p", somebody)
        assert (await runtime.list())["shop"].reason == "Changed"
        await runtime.apply(deployment.shop)
        known = (await runtime.list())["shop"]
        assert (known.version, known.schedule) == (1, deployment.shop.schedule.cron())


async def test_a_function_has_its_byte_code_no_token_and_nowhere_to_write(
    deployment: Deployment,
) -> None:
    kube = deployment.kube
    async with connected(deployment) as runtime, ticking(deployment, runtime, deployment.shop):
        [pod, *_] = until("a pod", lambda: kube.pods("poll"))
        kube.kubectl("wait", f"pod/{pod}", "--for=condition=Ready", "--timeout=60s")
        inside = ("exec", pod, "-c", "user-container", "--", "python", "-c", INSIDE)
        assert json.loads(kube.kubectl(*inside)) == {
            "uid": 65532,
            "token": False,
            "writable": False,
            "keys": ["events.key", "poll.key", "spec.pub"],
            "without byte code": [],
        }


async def test_the_signature_of_a_stranger_is_refused_and_logged(deployment: Deployment) -> None:
    stranger = monitor("stranger", deployment.website)
    async with (
        connected(deployment, signing_key=new_signing_key()) as runtime,
        ticking(deployment, runtime, stranger),
    ):
        until("the refusal in the log", lambda: UNSIGNED in deployment.kube.log("poll"))
    assert dead_letters(deployment, "stranger") == []


async def test_a_reading_without_our_mac_is_refused_logged_and_a_dead_letter(
    deployment: Deployment,
) -> None:
    forged = Reading(
        tenant="local",
        monitor="shop",
        version=1,
        provider="website",
        slot=0,
        interval=5,
        at=1.0,
        metrics={"up": 0.0},
    )
    before = len(told(deployment, "firing"))
    headers, body = encode(reading_event(forged))
    with forwarded("knative-eventing", "broker-ingress") as broker:
        request = HttpRequest(
            url=f"{broker}/{deployment.kube.namespace}/default",
            method="POST",
            headers=headers,
            body=body,
            deadline=60.0,
        )
        assert (await outbound_http(["127.0.0.0/8"]).fetch(request)).status == 202

    def of_both() -> list[Event]:
        return [one for one in dead_letters(deployment, "shop") if one.id == forged.id]

    until("a dead letter of both", lambda: len(of_both()) == 2)
    for letter, name in zip(of_both(), ("alert", "record"), strict=True):
        assert letter.extensions["knativeerrorcode"] == "400"
        assert f"//{name}." in letter.extensions["knativeerrordest"]
        until("the refusal in the log", lambda name=name: UNSEALED in deployment.kube.log(name))
    assert len(told(deployment, "firing")) == before


async def test_a_check_runs_in_the_cluster_and_stores_nothing(deployment: Deployment) -> None:
    namespace = deployment.kube.namespace
    with forwarded("kourier-system", "kourier-internal") as gateway:
        http = CurlHttp(Door(Loopback(), ["127.0.0.0/8"]))
        url = f"http://poll.{namespace}.svc.cluster.local:{gateway.rpartition(':')[2]}/"
        keys = deployment.keys.events
        poll = PollFunction(EventSender(http, url, shared_keys=keys, deadline=DEADLINE))
        async with connected(deployment, poll=poll) as runtime:
            reading = await runtime.check(monitor("tried", deployment.website))
            assert await runtime.list() == {}
    assert (reading.monitor, reading.metrics["up"]) == ("tried", 1.0)
    assert await readings(deployment, "tried") == []


async def test_without_monitors_all_functions_go_back_to_zero(deployment: Deployment) -> None:
    for name in ("poll", "record", "alert", "notify"):
        until(f"no {name}", lambda name=name: not deployment.kube.pods(name), seconds=120)
