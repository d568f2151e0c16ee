"""Pods and servers that go away at bad moments, one after the other under one fleet of monitors:
what was accepted stays, what was not is shown as missed, and every alert is mailed once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from typing import Any

import pytest
import yaml

from functions.stores.sql.engine import open_engine
from mcp_service.database.database import Database
from mcp_service.database.monitors import Monitors
from mcp_service.runtime.manifests import object_name
from tests.cluster.conftest import PODS, SELF, Deployment, WatchedFromPods, served
from tests.cluster.deployment import ROOT
from tests.cluster.fleet import INTERVAL, MONITORS, PATIENCE, Fleet, readings
from tests.cluster.kube import Kube, until
from tests.cluster.ledger import Ledger
from tests.cluster.test_service import claude_monitor
from tests.conversation.play import Conversation

pytestmark = pytest.mark.anyio

OUTAGE = 2 * INTERVAL
AWAY = 4 * INTERVAL
"""Longer than a tick is repeated."""
TRIGGERS = ("record", "alert", "notify")
[AS_DEPLOYED] = yaml.safe_load((ROOT / "knative" / "base" / "every_trigger.yaml").read_text())
BROKER = Kube("knative-eventing")
PARTS_OF_BROKER = {
    "mt-broker-ingress": "eventing.knative.dev/brokerRole=ingress",
    "mt-broker-filter": "eventing.knative.dev/brokerRole=filter",
    "imc-dispatcher": "messaging.knative.dev/channel=in-memory-channel,"
    "messaging.knative.dev/role=dispatcher",
}
"""Of the whole cluster, by the label of its pods: all Brokers go through these."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def fleet(deployment: Deployment) -> AsyncIterator[Fleet]:
    """Behind Triggers that deliver as they do when deployed: the other tests have them hasty."""
    kube = deployment.kube
    hasty = {name: trigger(kube, name)["spec"]["delivery"] for name in TRIGGERS}
    for name in TRIGGERS:
        deliver(kube, name, AS_DEPLOYED["value"])
    with WatchedFromPods() as site, served(kube):
        fleet = Fleet(deployment, site)
        await fleet.arm()
        yield fleet
        await fleet.disarm()
    for name, delivery in hasty.items():
        deliver(kube, name, delivery)


@pytest.fixture(scope="module")
def ledger(fleet: Fleet) -> Iterator[Ledger]:
    """Kept from the first fault on, until everything it was given is looked for."""
    with Ledger(fleet.deployment, fleet.ledger) as kept:
        yield kept


@pytest.mark.usefixtures("ledger")
async def test_functions_die_with_a_reading_an_alert_and_a_mail_in_their_hands(
    fleet: Fleet,
) -> None:
    servers, kube = fleet.outside.databases, fleet.kube
    with fleet.outside.mailbox.frozen(), fleet.records() as known:
        fleet.flip()
        until("notify has begun", lambda: any(one.attempts for one in fleet.deliveries(known)))
        kill(kube, "notify")
    fleet.site.behave("hang")
    await fleet.in_flight()
    kill(kube, "poll")
    fleet.site.behave("500")
    await fleet.in_flight()
    with servers.influxdb.frozen():
        await fleet.in_flight()
        kill(kube, "record")
    fleet.until_judged()
    fleet.flip()
    with servers.mariadb.frozen():
        await fleet.in_flight()
        kill(kube, "alert")
    fleet.until_judged()


async def test_the_service_dies_while_it_makes_monitors_and_finishes_them_afterwards(
    fleet: Fleet,
) -> None:
    kube = fleet.kube
    engine = open_engine(fleet.outside.databases.mysql)
    rows = Database(engine).monitors
    making = asyncio.create_task(make(fleet))
    await asyncio.to_thread(until, "some are made", lambda: len(active(rows)) > MONITORS + 1)
    await asyncio.to_thread(end, kube, PODS)
    await asyncio.gather(making, return_exceptions=True)
    kube.kubectl("rollout", "status", SELF, "--timeout=90s")
    made = {object_name(monitor) for monitor in active(rows)}
    engine.dispose()
    until("rows and PingSources agree", lambda: sources(kube) == made)


async def test_mariadb_stops_and_hangs(fleet: Fleet) -> None:
    mariadb = fleet.outside.databases.mariadb
    for away in (mariadb.stopped, mariadb.frozen):
        fleet.flip()
        with away():
            await asyncio.sleep(OUTAGE)
            said = await fleet.refused("list_monitors")
        assert "database cannot be used right now; try again" in said["summary"]
        assert said["error"]["retry"] is True
        fleet.until_judged()


async def test_influxdb_and_the_mail_server_stop_and_hang(fleet: Fleet) -> None:
    influxdb, mailbox = fleet.outside.databases.influxdb, fleet.outside.mailbox
    for readings_away, mail_away in (
        (influxdb.stopped, mailbox.stopped),
        (influxdb.frozen, mailbox.frozen),
    ):
        fleet.flip()
        with readings_away(), mail_away():
            await asyncio.sleep(OUTAGE)
            said = await fleet.refused("query_readings", monitor=fleet.monitors[0])
            # Rules are judged without the readings' database.
            fleet.until_judged()
        assert "InfluxDB cannot be used: it does not answer" in said["summary"]
        assert said["error"]["retry"] is True


async def test_redis_stops_and_hangs_and_nobody_notices(fleet: Fleet) -> None:
    redis = fleet.outside.databases.redis
    for away in (redis.stopped, redis.frozen):
        fleet.flip()
        with away():
            fleet.until_judged()
            async with fleet.claude() as client:
                talk = Conversation(client, print)
                reading = await talk.next_reading(fleet.monitors[0])
                listed = (await talk.call("list_monitors"))["monitors"]
        assert reading["metrics"]["up"] == 1 - fleet.flips % 2
        [seen] = [one["up"] for one in listed if one["id"] == fleet.monitors[0]]
        assert seen == reading["metrics"]["up"]


async def test_all_that_the_broker_has_accepted_so_far_is_stored(
    fleet: Fleet, ledger: Ledger, figure: Callable[[str], None]
) -> None:
    """Before the next test changes a Trigger: Knative then deletes the Subscription and makes it
    anew, and what the Broker accepts in between goes to nobody."""
    await asyncio.to_thread(ledger.close)
    stored = {reading.slot for reading in await readings(fleet.deployment, ledger.monitor)}
    assert ledger.accepted - stored == set()
    assert len(ledger.accepted) > ledger.posted / 2
    figure(f"faults: {len(ledger.accepted)} of {ledger.posted} readings accepted, all stored")


async def test_what_could_not_be_recorded_is_a_dead_letter_and_arrives_when_replayed(
    fleet: Fleet,
) -> None:
    kube, influxdb = fleet.kube, fleet.outside.databases.influxdb
    patient = trigger(kube, "record")["spec"]["delivery"]
    deliver(kube, "record", patient | {"retry": 1})
    wanted = fleet.monitors[0]
    with influxdb.stopped():
        listed = until("a dead letter", lambda: one_of(wanted, letters(kube)))
        deliver(kube, "record", patient)
    slot = int(listed[0].rpartition("/")[2].rstrip("'"))
    assert "record." in listed[1]
    assert "status '503'" in listed[1]
    until("none is left", lambda: replayed(kube) and not letters(kube))
    stored = {reading.slot: reading for reading in await readings(fleet.deployment, wanted)}
    assert stored[slot].failure is None


async def test_the_broker_dies_with_a_reading_in_its_hands_and_comes_back(fleet: Fleet) -> None:
    for name, selector in PARTS_OF_BROKER.items():
        fleet.flip()
        with fleet.outside.databases.influxdb.frozen():
            await fleet.in_flight()
            end(BROKER, selector)
        BROKER.kubectl("rollout", "status", f"deployment/{name}", "--timeout=90s")
        fleet.until_judged()


async def test_what_the_broker_does_not_accept_comes_again_or_is_shown_as_missed(
    fleet: Fleet, figure: Callable[[str], None]
) -> None:
    ingress = "deployment/mt-broker-ingress"
    BROKER.kubectl("scale", ingress, "--replicas=0")
    end(BROKER, PARTS_OF_BROKER["mt-broker-ingress"])
    try:
        await asyncio.sleep(AWAY)
    finally:
        BROKER.kubectl("scale", ingress, "--replicas=1")
        BROKER.kubectl("rollout", "status", ingress, "--timeout=90s")
    figure(f"a Broker that is away for {AWAY} s: slots {dict(await fleet.check_slots())}")


async def test_in_the_end_no_slot_is_silent_and_every_alert_was_mailed_once(
    fleet: Fleet, figure: Callable[[str], None]
) -> None:
    if fleet.flips % 2:
        fleet.flip()
        fleet.until_judged()
    kinds = await fleet.check_slots()
    with fleet.records() as known:
        until("all is sent", lambda: not known.deliveries("local", state="owed"), PATIENCE)
        fleet.check_alerts(known)
        mails = fleet.check_mails(known)
    assert letters(fleet.kube) == []
    figure(f"faults: slots {dict(kinds)}, {mails.total()} mails for {len(mails)} messages")


async def make(fleet: Fleet) -> None:
    """Monitors that are seldom polled and tell nobody, until the service is gone."""
    async with fleet.claude() as client:
        for number in count():
            quiet = {"interval": 60, "rules": {}, "channels": []}
            await client.call_tool("create_monitor", fleet.wanted(f"made {number}") | quiet)


def active(rows: Monitors) -> list[str]:
    return [record.id for record in rows.all() if record.state == "active"]


def kill(kube: Kube, function: str) -> None:
    """End all its pods at once, with whatever they are doing."""
    end(kube, f"serving.knative.dev/service={function}")


def end(kube: Kube, selector: str) -> None:
    kube.kubectl("delete", "pods", "-l", selector, "--force", "--grace-period=0", "--wait=false")


def trigger(kube: Kube, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kube.kubectl("get", f"trigger/{name}", "-o", "json"))
    return found


def deliver(kube: Kube, name: str, delivery: dict[str, Any]) -> None:
    change = [{"op": "replace", "path": "/spec/delivery", "value": delivery}]
    kube.kubectl("patch", f"trigger/{name}", "--type=json", "-p", json.dumps(change))
    kube.ready(f"trigger/{name}")
    until("the Broker's channel has followed", lambda: has_followed(kube))


def has_followed(kube: Kube) -> bool:
    """Whether its subscribers are those that are wanted. Knative writes their whole list from what
    it last saw: of two changes at once, one may leave a subscriber for ever that is gone."""
    kinds = "inmemorychannels,subscriptions"
    found = json.loads(kube.kubectl("get", kinds, "-o", "json"))["items"]
    wanted = [one["metadata"]["uid"] for one in found if one["kind"] == "Subscription"]
    listed = [one["spec"].get("subscribers", []) for one in found if "Channel" in one["kind"]]
    return sorted(wanted) == sorted(one["uid"] for each in listed for one in each)


def letters(kube: Kube) -> list[str]:
    """The lines of `dead-letters list` without the one that counts them."""
    return claude_monitor(kube, "dead-letters", "list").splitlines()[:-1]


def one_of(monitor: str, listed: list[str]) -> list[str]:
    """Both lines of the first letter of this monitor, or nothing."""
    places = (number for number, line in enumerate(listed) if f"'{monitor}/" in line)
    return next((listed[number : number + 2] for number in places), [])


def replayed(kube: Kube) -> bool:
    return "given to the Broker again" in claude_monitor(kube, "dead-letters", "replay")


def sources(kube: Kube) -> set[str]:
    found = json.loads(kube.kubectl("get", "pingsources", "-o", "json"))["items"]
    return {one["metadata"]["name"] for one in found} - {"sweep"}
