"""A lease that is kept in memory, with the one promise that the cluster gives: a write counts only
over the version it was read at."""

import asyncio

import msgspec

from functions.core.errors import SourceUnavailable
from mcp_service.lease import LeaseRecord


class MemoryLease:
    """Implements lease.LeaseStore."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.writes = 0

    async def read(self) -> LeaseRecord | None:
        return self.record

    async def write(self, record: LeaseRecord) -> bool:
        if record.version != (self.record.version if self.record else ""):
            return False
        self.writes += 1
        self.record = msgspec.structs.replace(record, version=str(self.writes))
        return True


class Line:
    """The way of one replica to the store; it can be cut, and can lead nowhere."""

    def __init__(self, store: MemoryLease) -> None:
        self._store = store
        self.is_cut = self.hangs = False

    async def read(self) -> LeaseRecord | None:
        await self._look()
        return await self._store.read()

    async def write(self, record: LeaseRecord) -> bool:
        await self._look()
        return await self._store.write(record)

    async def _look(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_cut:
            raise SourceUnavailable("the line is cut")
