"""What every client is told about the tools: constant, complete, and small."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from mcp_service.server import VERSION, build
from mcp_service.tools.catalogue import INSTRUCTIONS, TOOLS
from tests.conversation.snapshot import SNAPSHOT, constant_answers, nobody

pytestmark = pytest.mark.anyio

TOKEN = 3.5
"""Characters of JSON in a token, at the least."""
ISSUE = [
    "find_provider",
    "describe_provider",
    "check_monitor",
    "create_monitor",
    "update_monitor",
    "pause_monitor",
    "resume_monitor",
    "list_monitors",
    "show_monitor",
    "delete_monitor",
    "set_rule",
    "replay_rule",
    "set_channel",
    "query_readings",
    "list_alerts",
    "explain_alert",
    "show_platform",
]


def size(definition: dict[str, Any]) -> float:
    return len(json.dumps(definition, ensure_ascii=False, separators=(",", ":"))) / TOKEN


async def test_the_snapshot_that_the_bridge_answers_from_is_what_the_service_says() -> None:
    """After a wanted change: python -m tests.conversation.snapshot."""
    assert json.loads(SNAPSHOT.read_bytes()) == await constant_answers()


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def test_the_tools_are_those_that_were_agreed_in_that_order() -> None:
    assert [tool.name for tool in TOOLS] == ISSUE


def test_all_definitions_fit_the_budget() -> None:
    sizes = {tool.name: size(tool.definition()) for tool in TOOLS}
    assert max(sizes.values()) <= 500, sizes
    assert sum(sizes.values()) <= 8000
    assert len(INSTRUCTIONS) < 2000


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_tool_says_when_how_and_what(tool: Any) -> None:
    definition = tool.definition()
    assert definition["description"].startswith("Use this when")
    assert "Example: {" in definition["description"]
    assert set(definition["annotations"]) == {
        "readOnlyHint",
        "destructiveHint",
        "idempotentHint",
        "openWorldHint",
    }
    schema = definition["inputSchema"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert len(schema["properties"]) <= 12
    assert all(one.get("description") for one in schema["properties"].values())


def test_few_tools_are_loaded_at_once_and_the_grave_ones_ask() -> None:
    metas = {tool.name: tool.definition()["_meta"] for tool in TOOLS}
    assert 3 <= sum("anthropic/alwaysLoad" in meta for meta in metas.values()) <= 5
    asking = {name for name, meta in metas.items() if "anthropic/requiresUserInteraction" in meta}
    assert asking == {"delete_monitor", "set_channel"}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_an_unknown_tool_is_an_error_of_the_protocol(mode: str) -> None:
    async with Client(build(nobody), mode=mode) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("watch_everything", {})
    assert refused.value.error.code == -32602


@pytest.mark.parametrize(
    ("sentence", "tool"),
    [
        ("can you watch my website", "find_provider"),
        ("stop monitor shop for maintenance", "pause_monitor"),
        ("delete the monitor shop", "delete_monitor"),
        ("what is firing right now", "list_monitors"),
        ("why did I get this alert", "explain_alert"),
        ("would this rule have fired last week", "replay_rule"),
        ("send alerts to my email address", "set_channel"),
        ("latency history of the shop", "query_readings"),
        ("is mail configured on the platform", "show_platform"),
        ("raise the threshold of the rule", "set_rule"),
    ],
)
def test_a_plain_search_for_a_wish_finds_its_tool_among_the_first_three(
    sentence: str, tool: str
) -> None:
    wish = set(sentence.lower().split())

    def score(definition: dict[str, Any]) -> int:
        hint = definition["_meta"]["anthropic/searchHint"].split()
        words = f"{definition['name']} {definition['title']} {definition['description']}"
        said = set(words.lower().replace("_", " ").split())
        return 3 * len(wish & set(hint)) + len(wish & said)

    ranked = sorted((one.definition() for one in TOOLS), key=score, reverse=True)
    assert tool in [one["name"] for one in ranked[:3]]
