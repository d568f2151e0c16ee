"""An MCP client that talks to a service in the same process, on behalf of one tenant."""

from typing import Any, Self

from mcp.client import Client

from functions.core.reading import Reading
from mcp_service.server import build
from mcp_service.service import Service


class Talk:
    """`tell` expects an answer, `refusal` an error; both come back as the model sees them."""

    def __init__(self, service: Service, tenant: str, *, mode: str = "auto") -> None:
        self.service = service
        self.tenant = tenant
        self._client = Client(build(lambda: service, lambda: tenant), mode=mode)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *end: Any) -> None:
        await self._client.__aexit__(*end)

    async def answer(self, tool: str, **arguments: Any) -> tuple[dict[str, Any], bool]:
        """The structured answer, equal to its text copy, and whether it is an error."""
        result = await self._client.call_tool(tool, arguments)
        assert result.structured_content is not None
        return result.structured_content, bool(result.is_error)

    async def tell(self, tool: str, **arguments: Any) -> dict[str, Any]:
        said, failed = await self.answer(tool, **arguments)
        assert not failed, said
        return said

    async def refusal(self, tool: str, **arguments: Any) -> dict[str, Any]:
        said, failed = await self.answer(tool, **arguments)
        assert failed, said
        return said

    async def watch(self, url: str, name: str = "shop", **more: Any) -> dict[str, Any]:
        """A monitor that was seen to work."""
        wish = {"provider": "website", "config": {"url": url}}
        await self.tell("check_monitor", **wish)
        made = await self.tell("create_monitor", name=name, **wish, **more)
        data: dict[str, Any] = made["data"]
        return data


def reading(monitor: dict[str, Any], slot: int, *, up: float = 1, **more: Any) -> Reading:
    """One reading of a monitor, as its poll would make it."""
    return Reading(
        tenant=more.pop("tenant", "local"),
        monitor=monitor["id"],
        version=1,
        provider="website",
        slot=slot,
        interval=monitor["interval"],
        at=float(slot),
        **({"metrics": {"up": up, "latency": 12.0}} | more),
    )
