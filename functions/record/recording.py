"""Readings into the store; those that come too late for the rules are marked."""

from collections.abc import Sequence

import msgspec

from functions.core.ports import ReadingStore
from functions.core.reading import Reading, lateness


class Recording:
    """Always keeps a reading, however late; idempotent by slot."""

    def __init__(self, store: ReadingStore) -> None:
        self._store = store

    async def record(self, readings: Sequence[Reading]) -> None:
        """Durable on return. Raises SourceUnavailable when the store cannot be written."""
        newest = await self._newest(readings)
        await self._store.add([_marked(reading, newest) for reading in readings])

    async def _newest(self, readings: Sequence[Reading]) -> dict[tuple[str, str], int]:
        """The newest stored slot by tenant and monitor."""
        asked: dict[str, set[str]] = {}
        for reading in readings:
            asked.setdefault(reading.tenant, set()).add(reading.monitor)
        return {
            (tenant, monitor): reading.slot
            for tenant, monitors in asked.items()
            for monitor, reading in (await self._store.latest(tenant, [*monitors])).items()
        }


def _marked(reading: Reading, newest: dict[tuple[str, str], int]) -> Reading:
    behind = newest.get((reading.tenant, reading.monitor), 0) - reading.slot
    if behind <= lateness(reading.interval):
        return reading
    return msgspec.structs.replace(reading, late=True)
