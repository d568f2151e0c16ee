"""Another tenant's things and things that do not exist are the same to every tool."""

from typing import Any

import pytest

from mcp_service.app import App
from mcp_service.tools.catalogue import TOOLS
from tests.conversation.talk import Talk, reading
from tests.servers.website import Website

pytestmark = pytest.mark.anyio

CANARY = "canary-7d1f"
VALID: dict[str, Any] = {
    "sentence": "watch my shop",
    "name": "down",
    "provider": "website",
    "version": 1,
    "rule": "up is 0",
    "address": "eve@example.com",
}
"""A valid value for each argument that does not name a thing of somebody's."""
NAMING = ("monitor", "alert")


@pytest.fixture
async def owner(app: App, website: Website) -> dict[str, Any]:
    """A monitor of somebody else's, with a reading and a firing alert."""
    async with Talk(app.service, "owner") as talk:
        monitor = await talk.watch(website.url, CANARY)
    for number in range(3):
        slot = 1_700_000_000 + 60 * number
        await app.sink.emit(reading(monitor, slot, up=0, tenant="owner"))
    return monitor


def arguments(tool: Any, **named: str) -> dict[str, Any]:
    schema = tool.definition()["inputSchema"]
    wanted = {*schema.get("required", ()), *named} | {"rule"} & schema["properties"].keys()
    return {key: named.get(key, VALID.get(key)) for key in wanted}


def naming() -> list[Any]:
    return [
        pytest.param(tool, key, id=f"{tool.name}-{key}")
        for tool in TOOLS
        for key in NAMING
        if key in tool.definition()["inputSchema"]["properties"]
    ]


@pytest.mark.parametrize(("tool", "key"), naming())
async def test_a_foreign_thing_is_answered_like_one_that_does_not_exist(
    app: App, owner: dict[str, Any], tool: Any, key: str
) -> None:
    [alert] = app.service.records.alerts("owner")
    theirs = {"monitor": owner["id"], "alert": alert.id}[key]
    unknown = {"monitor": "m" + "0" * 16, "alert": "m0/down/9"}[key]
    async with Talk(app.service, "eve") as eve:
        foreign = await eve.refusal(tool.name, **arguments(tool, **{key: theirs}))
        missing = await eve.refusal(tool.name, **arguments(tool, **{key: unknown}))
    for answer in (foreign, missing):
        del answer["error"]["request"]
    assert foreign["error"]["code"] == "not_found"
    assert foreign == missing


async def test_nothing_of_anybody_else_is_in_any_answer(app: App, owner: dict[str, Any]) -> None:
    async with Talk(app.service, "eve") as eve:
        for tool in TOOLS:
            given = arguments(tool)
            if "monitor" in given:
                given["monitor"] = "canary"
            if tool.name == "describe_provider":
                given["provider"] = "website"
            said, _ = await eve.answer(tool.name, **given)
            assert CANARY not in repr(said), tool.name
            assert owner["id"] not in repr(said), tool.name


async def test_near_misses_are_the_callers_own_names_only(app: App, website: Website) -> None:
    async with Talk(app.service, "owner") as talk:
        await talk.watch(website.url, "webshop-one")
    async with Talk(app.service, "eve") as eve:
        await eve.watch(website.url, "webshop-two")
        refused = await eve.refusal("show_monitor", monitor="webshop-on")
    assert refused["error"]["near"] == ["webshop-two"]


async def test_a_handle_of_one_tenant_is_nothing_to_another(app: App, website: Website) -> None:
    async with Talk(app.service, "owner") as talk:
        await talk.watch(website.url, "a")
        await talk.watch(website.url, "b")
        page = await talk.tell("list_monitors", limit=1)
        preview = await talk.tell("delete_monitor", monitor="a")
    async with Talk(app.service, "eve") as eve:
        await eve.watch(website.url, "a")
        await eve.refusal("list_monitors", limit=1, cursor=page["page"]["cursor"])
        handle = preview["data"]["confirm"]
        await eve.refusal("delete_monitor", monitor="a", confirm=handle)
