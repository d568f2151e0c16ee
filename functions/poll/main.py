"""poll: a tick in, one reading to the broker. Translation only; polling.py does the work."""

import os
from functools import lru_cache

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.answer import answered
from functions.clients.broker import BrokerSink, open_broker
from functions.clock import SystemClock
from functions.core.events import CHECK, PING, Event, believed, expect, sent_at
from functions.core.seal import SpecVerifier
from functions.poll.loan import loan_of
from functions.poll.polling import LOG, Polling
from functions.settings import Settings

KEYS = ("spec.pub", "poll.key", "events.key")
SETTINGS = Settings.read(os.environ, needs=["broker_url"], keys=KEYS)


@functions_framework.aio.http
async def poll(request: Request) -> Response:
    return await answered(request, work, log=LOG)


async def work(event: Event) -> bytes | None:
    """A tick is polled and passed on; a check is answered with its reading."""
    expect(event, PING, CHECK)
    now = polling(*map(SETTINGS.key, KEYS))
    if event.type == PING:
        await now.tick(event.data, sent_at(event, SystemClock().now()))
        return None
    believed(event, SETTINGS.key("events.key"))
    return await now.answer(event.data)


@lru_cache(maxsize=1)
def polling(*keys: str) -> Polling:
    """Anew when a key was rotated: its file changes under a running pod."""
    specs, secrets, events = keys
    return Polling(
        SpecVerifier(specs),
        loan_of(SETTINGS, key=secrets),
        sink=BrokerSink(open_broker(SETTINGS.broker_url, shared_keys=events)),
        deadline=SETTINGS.deadline,
    )
