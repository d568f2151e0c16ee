"""Events that somebody inside the cluster might send: refused, logged, and without effect."""

import time
from collections.abc import Iterator

import msgspec
import pytest

from functions.clients.event_sender import EventSender, open_sender
from functions.clients.http import CurlHttp
from functions.core.events import PING, Event, reading_event
from functions.core.monitor import utc_text
from functions.core.outbound import Door
from functions.core.ports import HttpResponse
from functions.core.reading import Reading
from functions.core.seal import sign_spec
from tests.cluster.conftest import Deployment, put_rule
from tests.cluster.fleet import readings
from tests.cluster.kube import forwarded, until
from tests.cluster.test_skeleton import Loopback, dead_letters, told

pytestmark = pytest.mark.anyio

DEADLINE = 60.0


@pytest.fixture
def broker(deployment: Deployment) -> Iterator[EventSender]:
    """With the functions' own key: what is refused is refused for another reason."""
    with forwarded("knative-eventing", "broker-ingress") as address:
        url = f"{address}/{deployment.kube.namespace}/default"
        yield open_sender(url, shared_keys=deployment.keys.events, deadline=DEADLINE)


def down(number: int, *, tenant: str = "local") -> Reading:
    """One of the readings of the last minute, three of which would fire the shop's rule."""
    slot = int(time.time()) // 5 * 5 - 60 + 5 * number
    return Reading(
        tenant=tenant,
        monitor="shop",
        version=1,
        provider="website",
        slot=slot,
        interval=5,
        at=slot + 0.5,
        metrics={"up": 0.0},
    )


async def test_a_reading_for_another_tenants_monitor_is_refused_logged_and_a_dead_letter(
    deployment: Deployment, broker: EventSender
) -> None:
    put_rule(deployment.outside.databases.mysql, deployment.shop)
    before = len(told(deployment, "firing"))
    strange = down(1, tenant="mallory")
    assert (await broker.send(reading_event(strange))).status == 202

    def letter() -> list[Event]:
        letters = dead_letters(deployment, "shop")
        return [one for one in letters if one.extensions["tenant"] == "mallory"]

    [refused] = until("a dead letter", letter)
    assert refused.extensions["knativeerrorcode"] == "400"
    assert "//alert." in refused.extensions["knativeerrordest"]
    words = "This tenant has no such monitor"
    until("the refusal in the log", lambda: words in deployment.kube.log("alert"))
    assert len(told(deployment, "firing")) == before
    assert strange not in await readings(deployment, "shop")


async def test_readings_of_an_older_version_are_refused_logged_and_fire_nothing(
    deployment: Deployment, broker: EventSender
) -> None:
    changed = msgspec.structs.replace(deployment.shop, version=2)
    put_rule(deployment.outside.databases.mysql, changed)
    before = len(told(deployment, "firing"))
    old = [down(number) for number in (1, 2, 3)]
    for reading in old:
        assert (await broker.send(reading_event(reading))).status == 202
    words = f"{old[-1].id} refused: it is of version 1, and its monitor is at version 2"
    until("the refusal in the log", lambda: words in deployment.kube.log("alert"))
    assert len(told(deployment, "firing")) == before


async def test_an_altered_tick_and_an_old_one_are_refused_and_logged(
    deployment: Deployment,
) -> None:
    own = sign_spec(deployment.shop, deployment.keys.signing)
    altered = own.replace(deployment.website.url.encode(), b"http://10.96.0.1/")
    now = time.time()
    for document, sent, words in (
        (altered, now, "The monitor's document was altered after signing."),
        (own, now - 3600, "compare the clocks"),
    ):
        tick = Event(id="forged", source="/stranger", type=PING, time=utc_text(sent), data=document)
        answer = await ticked(deployment, tick)
        assert (answer.status, words in answer.body.decode()) == (400, True)
        until("the refusal in the log", lambda words=words: words in deployment.kube.log("poll"))


async def ticked(deployment: Deployment, tick: Event) -> HttpResponse:
    """What poll answers; its name leads through a forwarded port."""
    with forwarded("kourier-system", "kourier-internal") as gateway:
        port = gateway.rpartition(":")[2]
        url = f"http://poll.{deployment.kube.namespace}.svc.cluster.local:{port}/"
        http = CurlHttp(Door(Loopback(), ["127.0.0.0/8"]))
        return await EventSender(http, url, shared_keys="", deadline=DEADLINE).repeat(tick)
