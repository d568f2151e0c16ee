"""A secret's value is nowhere but inside its seal, and in what it was entered for."""

import base64
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from functions.core.errors import InvalidConfiguration
from mcp_service.app import App
from mcp_service.desired import desired
from mcp_service.refusals import Unknown
from mcp_service.secrets import drop_secret, list_secrets, put_secret
from mcp_service.tools.catalogue import TOOLS
from tests.conversation.talk import Talk
from tests.conversation.test_isolation import arguments
from tests.servers.maze import Maze

pytestmark = pytest.mark.anyio

CANARY = "tok-canary-51c9e2"
PAIR = base64.b64encode(f"ann:{CANARY}".encode()).decode()
SENT = {
    "bearer": (CANARY, f"Authorization: Bearer {CANARY}"),
    "basic": (f"ann:{CANARY}", f"Authorization: Basic {PAIR}"),
    "header": (f"X-Api-Key: {CANARY}", f"X-Api-Key: {CANARY}"),
}
"""What is entered for each slot, and the line of the request that it becomes."""
ASKED = {"website": {}, "rest_api": {"values": {"waiting": "$.waiting"}}}
"""Providers that send secrets, and what they are asked for besides an address."""


@pytest.fixture
async def api() -> AsyncIterator[Maze]:
    """It wants the token, and repeats it in all that it answers."""
    async with Maze() as maze:
        maze.wants = f"Authorization: Bearer {CANARY}"
        body = json.dumps({"waiting": 7, "token": CANARY}).encode()
        maze.answer("/", 200, f"X-Token: {CANARY}", body=body)
        yield maze


async def keep(
    app: App, *, value: str = CANARY, name: str = "shop-token", host: str = "127.0.0.1"
) -> None:
    await put_secret(app.service, "local", name=name, value=value, hosts=[host], role="poll")


def files_with(text: str, folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


@pytest.mark.parametrize("provider", ASKED)
async def test_no_answer_log_or_row_shows_it(
    app: App, api: Maze, tmp_path: Path, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await keep(app)
    async with Talk(app.service, "local") as talk:
        wish = {"provider": provider, "config": {"url": api.url(), **ASKED[provider]}}
        without = await talk.tell("check_monitor", **wish)
        assert without["data"]["reading"]["metrics"]["up"] == 0
        wish["secrets"] = {"bearer": "shop-token"}
        seen = await talk.tell("check_monitor", **wish)
        assert seen["data"]["ok"] is True
        await talk.tell("create_monitor", name="shop", **wish)
        answers = [(without, False), (seen, False)]
        for tool in TOOLS:
            named = {"monitor": "shop"} if "monitor" in arguments(tool) else {}
            answers.append(await talk.answer(tool.name, **arguments(tool, **named)))
    assert "shop-token" in repr(answers)
    assert CANARY not in repr(answers)
    assert CANARY not in caplog.text
    assert not files_with(CANARY, tmp_path)
    assert files_with("shop-token", tmp_path)


@pytest.mark.parametrize("slot", SENT)
@pytest.mark.parametrize("provider", ASKED)
async def test_it_is_sent_to_its_host_and_along_no_redirect_elsewhere(
    app: App, provider: str, slot: str
) -> None:
    value, line = SENT[slot]
    await keep(app, value=value)
    async with Maze() as api, Maze() as elsewhere, Talk(app.service, "local") as talk:
        api.wants = line
        api.redirect("/", elsewhere.url("/landed"))
        elsewhere.answer("/landed", 200, body=b'{"waiting": 7}')
        config = {"url": api.url(), **ASKED[provider]}
        seen = await talk.tell(
            "check_monitor", provider=provider, config=config, secrets={slot: "shop-token"}
        )
    assert (seen["data"]["ok"], seen["data"]["reading"]["metrics"]["redirects"]) == (True, 1)
    [landed] = elsewhere.requests
    assert not [secret for secret in (CANARY, PAIR) if secret in landed]


async def test_a_token_that_is_no_longer_taken_blinds_and_is_not_told(app: App, api: Maze) -> None:
    await keep(app, value="tok-old-canary")
    async with Talk(app.service, "local") as talk:
        config = {"url": api.url(), **ASKED["rest_api"]}
        wish = {"provider": "rest_api", "config": config, "secrets": {"bearer": "shop-token"}}
        seen = await talk.tell("check_monitor", **wish)
    assert seen["data"]["reading"]["failed"].startswith("access: the API does not take the secret")
    assert "tok-old-canary" in api.requests[-1]
    assert "tok-old-canary" not in repr(seen)


@pytest.mark.parametrize("provider", ASKED)
async def test_a_secret_that_was_left_behind_at_a_redirect_is_not_blamed(
    app: App, api: Maze, provider: str
) -> None:
    await keep(app)
    async with Maze() as first, Talk(app.service, "local") as talk:
        first.redirect("/", api.url("/landed"))
        config = {"url": first.url(), **ASKED[provider]}
        seen = await talk.tell(
            "check_monitor", provider=provider, config=config, secrets={"bearer": "shop-token"}
        )
    assert seen["data"]["ok"] is False
    assert "secrets do not follow a redirect to another host" in repr(seen)
    assert "enter it again" not in repr(seen)


@pytest.mark.parametrize("provider", ASKED)
async def test_a_secret_for_another_host_is_refused_before_anything_is_sent(
    app: App, api: Maze, provider: str
) -> None:
    await keep(app, host="shop.example")
    async with Talk(app.service, "local") as talk:
        refused = await talk.refusal(
            "check_monitor",
            provider=provider,
            config={"url": api.url(), **ASKED[provider]},
            secrets={"bearer": "shop-token"},
        )
    [fault] = refused["error"]["fields"]
    assert fault["field"] == "secrets.bearer"
    assert "--host 127.0.0.1" in fault["problem"]
    assert api.requests == []


async def test_a_secret_entered_again_reaches_the_running_monitor(app: App, api: Maze) -> None:
    await keep(app)
    secrets = {"bearer": "shop-token"}
    async with Talk(app.service, "local") as talk:
        wish = {"provider": "website", "config": {"url": api.url()}, "secrets": secrets}
        await talk.tell("check_monitor", **wish)
        made = await talk.tell("create_monitor", name="shop", **wish)
    await keep(app)
    assert (await app.runtime.list())[made["data"]["id"]].version == 2


async def test_a_secret_is_not_deleted_while_a_monitor_sends_it(app: App, api: Maze) -> None:
    await keep(app)
    async with Talk(app.service, "local") as talk:
        wish = {"provider": "website", "config": {"url": api.url()}}
        await talk.tell("check_monitor", **wish, secrets={"bearer": "shop-token"})
        await talk.tell("create_monitor", name="shop", **wish, secrets={"bearer": "shop-token"})
        with pytest.raises(InvalidConfiguration, match=r"sent by shop; delete or change them"):
            await drop_secret(app.service, "local", name="shop-token")
        assert await list_secrets(app.service, "local")
        await talk.tell("update_monitor", monitor="shop", version=1, secrets={}, untested=True)
    await drop_secret(app.service, "local", name="shop-token")
    with pytest.raises(Unknown):
        await drop_secret(app.service, "local", name="shop-token")


async def test_a_target_is_never_asked_without_a_secret_that_is_gone(app: App, api: Maze) -> None:
    await keep(app)
    async with Talk(app.service, "local") as talk:
        wish = {"provider": "website", "config": {"url": api.url()}}
        await talk.tell("check_monitor", **wish, secrets={"bearer": "shop-token"})
        await talk.tell("create_monitor", name="shop", **wish, secrets={"bearer": "shop-token"})
    app.service.database.secrets.drop("local", "shop-token")
    [spec] = desired(app.service.database)
    asked = len(api.requests)
    seen = await app.runtime.check(spec)
    assert seen.failure is not None
    assert (seen.failure.kind, len(api.requests)) == ("access", asked)
    assert "is not stored any more. Enter it again" in seen.failure.cause


async def test_every_fault_of_a_secret_is_told_without_its_value(app: App) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        await put_secret(
            app.service, "local", name="a b", value=CANARY * 999, hosts=[], role="none"
        )
    assert {fault.field for fault in refused.value.faults} == {"name", "value", "host", "role"}
    assert CANARY not in str(refused.value)
