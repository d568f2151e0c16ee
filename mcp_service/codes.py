"""Who keeps the codes that prove that a channel's owner wants it, and counts their mails."""

from typing import Protocol

from mcp_service.database.records import CodeRecord

HOUR = 3600
"""Seconds in which mails are counted; no code lives as long."""


class Codes(Protocol):
    """Any replica sees what another one did. Everything raises SourceUnavailable when the store is
    away: then no code counts and none is mailed."""

    async def put(self, code: CodeRecord) -> None:
        """The channel's one live code; an older one is dead."""
        ...

    async def of(self, tenant: str) -> list[CodeRecord]:
        """The codes that were not used; some may be too old by now."""
        ...

    async def attempt(self, tenant: str, channel: str) -> CodeRecord | None:
        """The last code, with one try spent before anybody compares it; None without tries."""
        ...

    async def drop(self, tenant: str, channel: str) -> None: ...

    async def count_send(self, tenant: str, *, limit: int, at: float) -> float | None:
        """Count one mail against `limit` an hour; when it is used up, the time it frees again."""
        ...
