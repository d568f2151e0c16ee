"""notify: an alert or the sweep wakes it, and it sends all that is due. Translation only;
delivering.py does the work."""

import os
from functools import cache

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.answer import answered
from functions.channels import load
from functions.clock import SystemClock
from functions.core.channel import Lent, configured_channel
from functions.core.events import ALERT, PING, SWEEP, Event, believed, expect
from functions.core.ports import Channel, ChannelRow
from functions.notify.delivering import LOG, Delivering
from functions.settings import Settings
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.engine import open_engine

SETTINGS = Settings.read(
    os.environ, needs=["database_url", "smtp_url", "mail_from"], keys=["events.key"]
)


@functions_framework.aio.http
async def notify(request: Request) -> Response:
    return await answered(request, work, log=LOG)


async def work(event: Event) -> None:
    """Whatever the event says, only what the database owes is sent."""
    expect(event, ALERT, SWEEP, PING)
    if event.type == ALERT:
        believed(event, SETTINGS.key("events.key"))
    await delivering().sweep()


@cache
def delivering() -> Delivering:
    store = SqlAlertStore(open_engine(SETTINGS.database_url))
    return Delivering(store, channel, clock=SystemClock())


def channel(row: ChannelRow) -> Channel:
    lent = Lent(smtp_url=SETTINGS.smtp_url, mail_from=SETTINGS.mail_from)
    return configured_channel(load(row.kind), row.config).sender(lent)
