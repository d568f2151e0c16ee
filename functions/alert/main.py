"""alert: a reading in, the alerts it leads to out. Translation only; alerting.py does the work."""

import asyncio
import os
from functools import cache, lru_cache

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.alert.alerting import LOG, Alerting
from functions.alert.waking import WAKES_WITHIN, wake
from functions.answer import answered
from functions.clients.broker import Broker, open_broker
from functions.clock import SystemClock
from functions.core.events import Event, believed, reading_of
from functions.settings import Settings
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.engine import open_engine

SETTINGS = Settings.read(os.environ, needs=["broker_url", "database_url"], keys=["events.key"])


@functions_framework.aio.http
async def alert(request: Request) -> Response:
    return await answered(request, work, log=LOG)


async def work(event: Event) -> None:
    """What is owed is in the database before the event goes out, which is only a wake-up."""
    reading = reading_of(believed(event, SETTINGS.key("events.key")))
    if told := await asyncio.to_thread(alerting().apply, [reading]):
        await wake(broker(SETTINGS.key("events.key")), told)


@cache
def alerting() -> Alerting:
    return Alerting(SqlAlertStore(open_engine(SETTINGS.database_url)), SystemClock())


@lru_cache(maxsize=1)
def broker(keys: str) -> Broker:
    return open_broker(SETTINGS.broker_url, shared_keys=keys, deadline=WAKES_WITHIN)
