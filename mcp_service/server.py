"""The MCP server: the tools over the use cases, and the one place where errors become answers."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, TextContent
from mcp.types import Tool as ListedTool
from starlette.applications import Starlette

from functions.core.errors import MonitorError
from mcp_service.answers import answered, broken, refused
from mcp_service.results import compact
from mcp_service.service import Service
from mcp_service.settings import LOCAL_TENANT
from mcp_service.tools.catalogue import BY_NAME, INSTRUCTIONS, TOOLS
from mcp_service.tools.definition import Caller

VERSION = "0.1.0"
DAY_MS = 86_400_000

_log = logging.getLogger("claude_monitor.tools")


class MonitorServer(MCPServer[Any]):
    """`service` gives the service a call works with; `tenant` says whose call it is."""

    def __init__(self, service: Callable[[], Service], tenant: Callable[[], str]) -> None:
        definitions = CacheHint(ttl_ms=DAY_MS, scope="public")
        super().__init__(
            name="claude-monitor",
            title="Claude Monitor",
            version=VERSION,
            instructions=INSTRUCTIONS,
            cache_hints={"tools/list": definitions, "server/discover": definitions},
            subscriptions=False,
        )
        self._service = service
        self._tenant = tenant
        self._listed = [ListedTool.model_validate(tool.definition()) for tool in TOOLS]

    async def list_tools(self) -> list[ListedTool]:
        """The same for everybody, always, in the same order."""
        return self._listed

    async def call_tool(
        self, name: str, arguments: dict[str, Any], *_context: Any, **_named: Any
    ) -> CallToolResult:
        """An unknown tool is an error of the protocol; all else is an answer the model sees."""
        if name not in BY_NAME:
            raise MCPError(INVALID_PARAMS, "Unknown tool.")
        content, failed = await self._answer(name, arguments)
        return CallToolResult(
            content=[TextContent(type="text", text=compact(content))],
            structured_content=content,
            is_error=failed,
        )

    async def _answer(self, name: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        request = secrets.token_hex(6)
        try:
            caller = Caller(self._service(), self._tenant())
            result = await BY_NAME[name].call(caller, arguments)
            return await answered(caller, result), False
        except MonitorError as error:
            _log.info("%s %s: %s (%s)", name, request, error.kind, error.cause)
            return refused(BY_NAME[name], error, request=request), True
        except Exception:  # noqa: BLE001 - around one tool call; the log has it all, Claude an id
            _log.exception("%s %s broke", name, request)
            return broken(request), True


def local_tenant() -> str:
    """The one account there is while nobody signs in."""
    return LOCAL_TENANT


def build(
    service: Callable[[], Service], tenant: Callable[[], str] = local_tenant
) -> MonitorServer:
    return MonitorServer(service, tenant)


def web(
    server: MonitorServer, *, sse: bool, hosts: Sequence[str], origins: Sequence[str]
) -> Starlette:
    """The server over HTTP at /mcp, or over legacy SSE at /sse; only for these Host and Origin
    headers, so that no web page reaches it by a name of its own."""
    security = TransportSecuritySettings(allowed_hosts=list(hosts), allowed_origins=list(origins))
    if sse:
        return server.sse_app(transport_security=security)
    return server.streamable_http_app(stateless_http=True, transport_security=security)
