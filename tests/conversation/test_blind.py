"""A monitor that cannot see says so everywhere, even while one of its alerts fires."""

import time

import pytest

from functions.core.reading import Failure, FailureKind
from mcp_service.app import App
from tests.conversation.talk import Talk, reading
from tests.servers.website import Website

pytestmark = pytest.mark.anyio


async def test_an_alert_that_fires_does_not_hide_that_nothing_is_seen(
    talk: Talk, app: App, website: Website
) -> None:
    monitor = await talk.watch(website.url)
    first = int(time.time()) // 60 * 60 - 900
    for number in range(3):
        await app.sink.emit(reading(monitor, first + 60 * number, up=0))
    failure = Failure(FailureKind.ACCESS, "token expired")
    for number in range(3, 8):
        blind = reading(monitor, first + 60 * number, metrics={}, failure=failure)
        await app.sink.emit(blind)
    shown = await talk.tell("show_monitor", monitor="shop")
    assert shown["summary"].startswith("It is firing, and blind now.")
    for state in ("all", "firing", "blind"):
        [line] = (await talk.tell("list_monitors", state=state))["data"]["monitors"]
        assert (line["state"], line["blind"]) == ("firing", "token expired")
    assert (await talk.tell("list_alerts", state="resolved"))["summary"] == "No alert matches."
