"""Bad arguments: refused in our own words, with what is accepted, and never echoed."""

from typing import Any, cast

import pytest

from mcp_service.app import App
from mcp_service.service import Service
from mcp_service.tools.catalogue import TOOLS
from tests.conversation.talk import Talk

pytestmark = pytest.mark.anyio

CANARY = "s3cr3t-canary-Zx9"
NOT_REACHED = cast(Service, None)
"""Arguments are refused before any part of the service is touched."""
WRONG: dict[str, Any] = {
    "string": {CANARY: CANARY},
    "integer": CANARY,
    "boolean": CANARY,
    "object": CANARY,
    "array": {CANARY: CANARY},
}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
async def test_an_argument_that_does_not_exist_is_refused_with_those_that_do(tool: Any) -> None:
    async with Talk(NOT_REACHED, "local") as talk:
        refused = await talk.refusal(tool.name, surprise=CANARY)
    properties = tool.definition()["inputSchema"]["properties"]
    assert refused["error"]["code"] == "invalid"
    assert "surprise" in [fault["field"] for fault in refused["error"]["fields"]]
    assert set(refused["error"].get("accepted", [])) == set(properties)
    assert refused["error"]["retry"] is False
    assert refused["error"]["request"]
    assert CANARY not in repr(refused)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
async def test_a_value_of_the_wrong_kind_is_named_and_never_echoed(tool: Any) -> None:
    properties = tool.definition()["inputSchema"]["properties"]
    if not properties:
        assert tool.name == "show_platform"
        return
    given = {
        name: CANARY * 50 if "enum" in schema or "pattern" in schema else WRONG[schema["type"]]
        for name, schema in properties.items()
    }
    async with Talk(NOT_REACHED, "local") as talk:
        refused = await talk.refusal(tool.name, **given)
    assert {fault["field"] for fault in refused["error"]["fields"]} == set(properties)
    assert CANARY not in repr(refused)


async def test_names_of_any_length_and_number_are_told_in_few_words() -> None:
    strange = {f"{number}\x1b[31m\u202e{'x' * 100_000}": 1 for number in range(30)}
    async with Talk(NOT_REACHED, "local") as talk:
        refused = await talk.refusal("list_monitors", **strange)
        single = await talk.refusal("list_monitors", **dict(list(strange.items())[:1]))
    assert refused["summary"].startswith("30 things are wrong; see error.fields (the first 20)")
    assert len(repr(refused)) < 6000
    assert single["summary"].startswith(f"0{'x' * 79}…: is not a field; known are state")
    assert "\x1b" not in single["summary"]
    assert "\u202e" not in repr(refused)


async def test_an_argument_one_level_too_deep_is_refused_with_those_of_the_tool(app: App) -> None:
    async with Talk(app.service, "local") as talk:
        refused = await talk.refusal(
            "check_monitor", provider="website", config={"url": "http://a.example/", "interval": 5}
        )
        other = await talk.refusal(
            "check_monitor", provider="website", config={"url": "http://a.example/", "colour": 5}
        )
    assert "interval" in refused["error"]["accepted"]
    assert "accepted" not in other["error"]


async def test_null_counts_as_not_given_and_usual_slips_are_understood(app: App) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.tell("list_monitors", state=None, limit="5", cursor=None)


async def test_a_defect_of_ours_leaves_only_an_id(app: App) -> None:
    """The service's store of readings is gone: something nobody foresaw."""
    app.readings.close()
    async with Talk(app.service, "local") as talk:
        platform, failed = await talk.answer("show_platform")
    said = repr(platform)
    assert "Traceback" not in said
    assert ".py" not in said
    assert failed is ("error" in platform)
