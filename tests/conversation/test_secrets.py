"""A secret's value is nowhere but inside its seal."""

import logging
from pathlib import Path

import pytest

from functions.core.errors import InvalidConfiguration
from mcp_service.app import App
from mcp_service.secrets import put_secret
from mcp_service.tools.catalogue import TOOLS
from tests.conversation.talk import Talk
from tests.conversation.test_isolation import arguments
from tests.servers.website import Website

pytestmark = pytest.mark.anyio

CANARY = "tok-canary-51c9e2"


async def keep(app: App, *, name: str = "shop-token", host: str = "127.0.0.1") -> None:
    await put_secret(app.service, "local", name=name, value=CANARY, hosts=[host], role="poll")


def files_with(text: str, folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


async def test_no_answer_log_or_row_shows_it(
    app: App, website: Website, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await keep(app)
    async with Talk(app.service, "local") as talk:
        wish = {
            "provider": "website",
            "config": {"url": website.url},
            "secrets": {"bearer": "shop-token"},
        }
        seen = await talk.tell("check_monitor", **wish)
        assert seen["data"]["ok"] is True
        await talk.tell("create_monitor", name="shop", **wish)
        answers = []
        for tool in TOOLS:
            named = {"monitor": "shop"} if "monitor" in arguments(tool) else {}
            answers.append(await talk.answer(tool.name, **arguments(tool, **named)))
    assert "shop-token" in repr(answers)
    assert CANARY not in repr(answers)
    assert CANARY not in caplog.text
    assert not files_with(CANARY, tmp_path)
    assert files_with("shop-token", tmp_path)


async def test_a_secret_for_another_host_is_refused_before_anything_is_sent(
    app: App, website: Website
) -> None:
    await keep(app, host="shop.example")
    async with Talk(app.service, "local") as talk:
        refused = await talk.refusal(
            "check_monitor",
            provider="website",
            config={"url": website.url},
            secrets={"bearer": "shop-token"},
        )
    [fault] = refused["error"]["fields"]
    assert fault["field"] == "secrets.bearer"
    assert "--host 127.0.0.1" in fault["problem"]


async def test_a_secret_entered_again_reaches_the_running_monitor(
    app: App, website: Website
) -> None:
    await keep(app)
    secrets = {"bearer": "shop-token"}
    async with Talk(app.service, "local") as talk:
        wish = {"provider": "website", "config": {"url": website.url}, "secrets": secrets}
        await talk.tell("check_monitor", **wish)
        made = await talk.tell("create_monitor", name="shop", **wish)
    await keep(app)
    assert (await app.runtime.list())[made["data"]["id"]].version == 2


async def test_every_fault_of_a_secret_is_told_without_its_value(app: App) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        await put_secret(
            app.service, "local", name="a b", value=CANARY * 999, hosts=[], role="none"
        )
    assert {fault.field for fault in refused.value.faults} == {"name", "value", "host", "role"}
    assert CANARY not in str(refused.value)
