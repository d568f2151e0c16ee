"""Readings into the store; those that come too late for the rules are marked."""

import logging
from collections.abc import Sequence

import msgspec

from functions.core.errors import MonitorError
from functions.core.ports import LatestReadings, ReadingStore
from functions.core.reading import Reading, lateness, stands

LOG = logging.getLogger("claude_monitor.record")


class Recording:
    """Always keeps a reading, however late; idempotent by slot. `latest` is told afterwards."""

    def __init__(self, store: ReadingStore, latest: LatestReadings | None = None) -> None:
        self._store = store
        self._latest = latest
        self._untold = False

    async def record(self, readings: Sequence[Reading]) -> None:
        """Durable on return. Raises SourceUnavailable when the store cannot be written."""
        newest = await self._newest(readings)
        marked = [_marked(reading, newest) for reading in readings]
        await self._store.add(marked)
        if self._latest is not None:
            await self._tell(self._latest, [_kept(reading, newest) for reading in marked])

    async def _tell(self, latest: LatestReadings, readings: Sequence[Reading]) -> None:
        """What is not told now is found in the store. The first failure is logged."""
        try:
            await latest.put(readings)
        except MonitorError as error:
            if not self._untold:
                LOG.warning("the latest readings: %s (%s)", error.message, error.cause)
            self._untold = True
        else:
            self._untold = False

    async def _newest(self, readings: Sequence[Reading]) -> dict[tuple[str, str], Reading]:
        """The newest stored reading by tenant and monitor."""
        asked: dict[str, set[str]] = {}
        for reading in readings:
            asked.setdefault(reading.tenant, set()).add(reading.monitor)
        return {
            (tenant, monitor): reading
            for tenant, monitors in asked.items()
            for monitor, reading in (await self._store.latest(tenant, [*monitors])).items()
        }


def _marked(reading: Reading, newest: dict[tuple[str, str], Reading]) -> Reading:
    known = newest.get((reading.tenant, reading.monitor))
    if known is None or known.slot - reading.slot <= lateness(reading.interval):
        return reading
    return msgspec.structs.replace(reading, late=True)


def _kept(reading: Reading, newest: dict[tuple[str, str], Reading]) -> Reading:
    """What the store has of its slot now: a repetition takes nobody's place."""
    known = newest.get((reading.tenant, reading.monitor))
    if known is None or known.slot != reading.slot or stands(reading, known.missed):
        return reading
    return known
