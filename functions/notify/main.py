"""notify: an alert or the sweep wakes it, and it sends all that is due. Translation only;
delivering.py does the work."""

import os
from functools import cache, partial

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.answer import answered
from functions.channels import opened
from functions.clock import SystemClock
from functions.core.channel import Lent
from functions.core.events import ALERT, PING, Event, believed, expect
from functions.notify.delivering import BRIEFLY, LOG, UNTIL_NEXT, Delivering
from functions.settings import Settings
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.engine import open_engine

NEEDS = ("database_url", "smtp_url or sendgrid_api_key", "mail_from")
SETTINGS = Settings.read(os.environ, needs=NEEDS, keys=["events.key"])
LENT = Lent(
    smtp_url=SETTINGS.smtp_url,
    sendgrid_api_key=SETTINGS.sendgrid_api_key,
    sendgrid_url=SETTINGS.sendgrid_url,
    mail_from=SETTINGS.mail_from,
)


@functions_framework.aio.http
async def notify(request: Request) -> Response:
    return await answered(request, work, log=LOG)


async def work(event: Event) -> None:
    """Whatever the event says, only what the database owes is sent."""
    expect(event, ALERT, PING)
    if event.type == ALERT:
        believed(event, SETTINGS.key("events.key"))
    await delivering().sweep(BRIEFLY if event.type == ALERT else UNTIL_NEXT)


@cache
def delivering() -> Delivering:
    store = SqlAlertStore(open_engine(SETTINGS.database_url))
    return Delivering(store, partial(opened, lent=LENT), clock=SystemClock())
