"""poll: a tick in, one reading to the broker. Translation only; polling.py does the work."""

import os
from functools import cache

import functions_framework.aio
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from functions.answer import answered
from functions.clients.broker import BrokerSink, open_broker
from functions.clients.http import outbound_http
from functions.clock import SystemClock
from functions.core.events import CHECK, PING, Event, believed, expect, sent_at
from functions.core.seal import Opener, SpecVerifier
from functions.poll.polling import LOG, Polling
from functions.settings import Settings

SETTINGS = Settings.read(
    os.environ, needs=["broker_url"], keys=["spec.pub", "poll.key", "events.key"]
)
VERIFIER = SpecVerifier(SETTINGS.key("spec.pub"))


@functions_framework.aio.http
async def poll(request: Request) -> Response:
    return await answered(request, work, log=LOG)


async def work(event: Event) -> bytes | None:
    """A tick is polled and passed on; a check is answered with its reading."""
    expect(event, PING, CHECK)
    if event.type == PING:
        await polling().tick(event.data, sent_at(event, SystemClock().now()))
        return None
    believed(event, SETTINGS.key("events.key"))
    return msgspec.json.encode(await polling().check(VERIFIER.open(event.data)))


@cache
def polling() -> Polling:
    return Polling(
        VERIFIER,
        outbound_http(SETTINGS.allow_private),
        opener=Opener("poll", SETTINGS.key("poll.key")),
        sink=BrokerSink(open_broker(SETTINGS.broker_url, shared_keys=SETTINGS.key("events.key"))),
        clock=SystemClock(),
        deadline=SETTINGS.deadline,
    )
