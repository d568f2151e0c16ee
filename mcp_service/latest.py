"""The readings as the service sees them on a cluster: what is asked often is asked of Redis first,
and of the store whatever Redis does not know or is too old to be believed."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from functions.core.errors import SourceUnavailable
from functions.core.ports import Clock, LatestReadings, ReadingStore, Rollup
from functions.core.reading import Reading
from mcp_service.watchdog import PATIENCE


class LatestFirst:
    """Implements ports.ReadingStore. Redis away, or none at all, costs time and nothing else."""

    def __init__(self, store: ReadingStore, latest: LatestReadings | None, *, clock: Clock) -> None:
        self._store = store
        self._latest = latest
        self._clock = clock

    async def add(self, readings: Sequence[Reading]) -> None:
        await self._store.add(readings)

    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]:
        """A reading in whose place there should be another by now is asked of the store anew, and
        so heals what Redis missed."""
        known = await self._known(tenant, monitors)
        fresh = {name: reading for name, reading in known.items() if self._is_fresh(reading)}
        unsure = [name for name in monitors if name not in fresh]
        if monitors and not unsure:
            return fresh
        stored = await self._store.latest(tenant, unsure)
        await self._heal([r for name, r in stored.items() if known.get(name) != r])
        return fresh | stored

    async def slots(
        self, monitors: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Collection[int]]:
        """Some of the last slots that have a reading; nothing when Redis is away."""
        if self._latest is None:
            return {}
        try:
            return await self._latest.slots(monitors)
        except SourceUnavailable:
            return {}

    async def query(
        self, tenant: str, monitor: str, *, since: int, until: int, limit: int
    ) -> list[Reading]:
        return await self._store.query(tenant, monitor, since=since, until=until, limit=limit)

    async def rollups(
        self, tenant: str, monitor: str, *, since: int, until: int, step: int
    ) -> list[Rollup]:
        return await self._store.rollups(tenant, monitor, since=since, until=until, step=step)

    async def forget(self, tenant: str, monitor: str) -> None:
        await self._store.forget(tenant, monitor)
        if self._latest is not None:
            with suppress(SourceUnavailable):  # it forgets by itself
                await self._latest.forget(tenant, monitor)

    async def expire(self, before: int, *, rollups_before: int) -> int:
        return await self._store.expire(before, rollups_before=rollups_before)

    async def _known(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]:
        if self._latest is None:
            return {}
        try:
            return await self._latest.latest(tenant, monitors)
        except SourceUnavailable:
            return {}

    def _is_fresh(self, reading: Reading) -> bool:
        return self._clock.now() <= reading.slot + PATIENCE * reading.interval

    async def _heal(self, readings: Sequence[Reading]) -> None:
        if self._latest is not None:
            with suppress(SourceUnavailable):  # the next reading tells it
                await self._latest.put(readings)
