"""From a sentence to the mails, on real parts: over HTTP and over stdio."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.conversation.play import INTERVAL, play, text
from tests.servers.mail import Mailbox
from tests.servers.service import COMMAND, StandingService
from tests.servers.website import Website

pytestmark = pytest.mark.anyio


@pytest.fixture
def service(tmp_path: Path, mailbox: Mailbox) -> Iterator[StandingService]:
    with StandingService(tmp_path / "home", SMTP_URL=mailbox.url) as running:
        yield running


def over_http(service: StandingService) -> Any:
    return service.url


def over_stdio(service: StandingService) -> Any:
    program, *arguments = (*COMMAND, "mcp")
    return StdioServerParameters(command=program, args=arguments, env=service.environment())


@pytest.mark.parametrize("way", [over_http, over_stdio])
async def test_one_outage_is_one_alert_and_two_mails(
    way: Any, service: StandingService, website: Website, mailbox: Mailbox
) -> None:
    told: list[str] = []
    async with Client(way(service)) as client:
        await play(client, website, mailbox, tell=told.append)
    await asyncio.sleep(2 * INTERVAL)
    _code, broken, well = mailbox.messages()
    assert {mail["To"] for mail in (broken, well)} == {"ops@shop.example"}
    assert "shop" in broken["Subject"]
    assert broken["Message-ID"] != well["Message-ID"]
    assert "up is 0 for 3 readings" in text(broken)
