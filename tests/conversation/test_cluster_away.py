"""What Claude is told about monitors while the cluster on which they run does not answer."""

import dataclasses

import pytest

from functions.core.errors import SourceUnavailable
from mcp_service.app import App
from mcp_service.runtime.port import Runtime, RuntimeStatus
from tests.conversation.talk import Talk, reading
from tests.servers.website import Website

pytestmark = pytest.mark.anyio

AWAY = "The cluster does not answer."


class Away:
    """A runtime that cannot be asked; monitors tick on without it."""

    async def list(self) -> dict[str, RuntimeStatus]:
        raise SourceUnavailable(AWAY)

    async def find(self, monitor: str) -> RuntimeStatus | None:
        raise SourceUnavailable(AWAY)


async def test_a_monitor_is_shown_with_what_is_known(app: App, website: Website) -> None:
    async with Talk(app.service, "local") as talk:
        monitor = await talk.watch(website.url)
    await app.sink.emit(reading(monitor, 1_700_000_000))
    service = dataclasses.replace(app.service, runtime=Away())
    async with Talk(service, "local") as talk:
        shown = (await talk.tell("show_monitor", monitor=monitor["id"]))["data"]
    assert shown["state"] == "ok"
    assert shown["latest"]["metrics"]["up"] == 1
    assert shown["runtime"] == {"reason": AWAY}


class Crowded:
    """A runtime with so many monitors that nobody should ask for all to show one."""

    def __init__(self, runtime: Runtime) -> None:
        self.find = runtime.find


async def test_one_monitor_is_shown_without_a_look_at_all(app: App, website: Website) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.watch(website.url)
    service = dataclasses.replace(app.service, runtime=Crowded(app.runtime))
    async with Talk(service, "local") as talk:
        shown = (await talk.tell("show_monitor", monitor="shop"))["data"]
    assert shown["runtime"]["ready"]


async def test_the_platform_says_that_it_does_not_answer(app: App, website: Website) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.watch(website.url)
    service = dataclasses.replace(app.service, runtime=Away())
    async with Talk(service, "local") as talk:
        platform = await talk.tell("show_platform")
    [line] = platform["data"]["not_ready"]
    assert line["REASON"] == AWAY
    assert platform["summary"].endswith(f" {AWAY}")
