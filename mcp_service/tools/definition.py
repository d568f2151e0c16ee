"""A tool as Claude sees it: its words, its arguments, its hints, and the use case behind it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple

from mcp_service.results import Result
from mcp_service.service import Service
from mcp_service.tools.arguments import A, converted, schema_of

Effect = Literal["reads", "writes", "repeats", "destroys"]
"""`repeats` writes, but the same call twice is the same as once."""


class Caller(NamedTuple):
    """Whose call it is: what the use cases take first and second."""

    service: Service
    tenant: str


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[A]):
    """`outside` says that the call reaches addresses beyond our own service; `hint` are the words
    a person would search with; `core` tools are loaded at once, `asks` forces a prompt."""

    name: str
    title: str
    description: str
    hint: str
    arguments: type[A]
    run: Callable[[Caller, A], Awaitable[Result]]
    effect: Effect = "reads"
    outside: bool = False
    core: bool = False
    asks: bool = False

    async def call(self, caller: Caller, given: Mapping[str, Any]) -> Result:
        """Convert what was sent and run. Raises the family of MonitorError."""
        return await self.run(caller, converted(self.arguments, given))

    def definition(self) -> dict[str, Any]:
        """The tool on the wire. All four hints are written out; nothing here is dynamic."""
        meta: dict[str, Any] = {"anthropic/searchHint": self.hint}
        meta |= {"anthropic/alwaysLoad": True} if self.core else {}
        meta |= {"anthropic/requiresUserInteraction": True} if self.asks else {}
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": schema_of(self.arguments),
            "annotations": {
                "readOnlyHint": self.effect == "reads",
                "destructiveHint": self.effect == "destroys",
                "idempotentHint": self.effect in ("reads", "repeats"),
                "openWorldHint": self.outside,
            },
            "_meta": meta,
        }
