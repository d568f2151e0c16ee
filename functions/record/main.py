"""record: a believed reading into the store. Translation only; recording.py does the work."""

import logging
import os
from functools import cache

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.answer import answered
from functions.core.events import Event, believed, reading_of
from functions.record.recording import Recording
from functions.record.stores import open_latest, open_store
from functions.settings import Settings

SETTINGS = Settings.read(os.environ, needs=["influxdb_url or readings"], keys=["events.key"])
LOG = logging.getLogger("claude_monitor.record")


@functions_framework.aio.http
async def record(request: Request) -> Response:
    return await answered(request, work, log=LOG)


async def work(event: Event) -> None:
    reading = reading_of(believed(event, SETTINGS.key("events.key")))
    await recording().record([reading])


@cache
def recording() -> Recording:
    return Recording(open_store(SETTINGS), open_latest(SETTINGS))
