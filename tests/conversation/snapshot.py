"""What the service answers the same every day, for the bridge; `python -m` writes it anew."""

import asyncio
import json
from pathlib import Path
from typing import Any

from mcp.client import Client
from pydantic import BaseModel

from mcp_service.server import build
from mcp_service.service import Service

SNAPSHOT = Path("mcp_service/tools/snapshot.json")


def nobody() -> Service:
    raise AssertionError("definitions must not need a service")


async def constant_answers() -> dict[str, dict[str, Any]]:
    """Results by era and method, exactly as they are on the wire."""
    eras: dict[str, dict[str, Any]] = {}
    for era, mode in (("handshake", "legacy"), ("modern", "auto")):
        async with Client(build(nobody), mode=mode) as client:
            opening = {
                "initialize": client.session.initialize_result,
                "server/discover": client.session.discover_result,
            }
            answers = {method: result for method, result in opening.items() if result} | {
                "tools/list": await client.list_tools(),
                "prompts/list": await client.list_prompts(),
                "resources/list": await client.list_resources(),
                "resources/templates/list": await client.list_resource_templates(),
            }
            eras[era] = {method: _plain(result) for method, result in answers.items()}
    eras["handshake"]["ping"] = {}
    return eras


def _plain(result: BaseModel) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_unset=True)


if __name__ == "__main__":
    answers = asyncio.run(constant_answers())
    SNAPSHOT.write_text(json.dumps(answers, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
