"""Notices slots that nobody observed and makes them visible as missed readings."""

from collections.abc import Callable, Iterable

import msgspec

from functions.core.monitor import MonitorSpec, Schedule
from functions.core.ports import Clock, EventSink, ReadingStore
from mcp_service.runtime.missed import missed

CAUSE = "not ticking"
PATIENCE = 1.75
"""Intervals after which a slot without a reading counts as missed; two are promised."""
JUMP = 5.0
"""Seconds by which the clock may run ahead of measured time before we say that it jumped, or that
the machine slept; the slots in between were never due while we ran."""
LONGEST_BACKLOG = 1000
"""Missed slots shown per monitor and round after an outage of the store."""


class _Watched(msgspec.Struct):
    schedule: Schedule
    through: int
    """Every slot up to this one is accounted for."""


class Watchdog:
    """Looks only at slots that were due while the service ran: until `before` (when an earlier
    process was last alive, 0 when there was none) and from now on."""

    def __init__(
        self,
        wanted: Callable[[], Iterable[MonitorSpec]],
        readings: ReadingStore,
        *,
        sink: EventSink,
        clock: Clock,
        before: float = 0.0,
    ) -> None:
        self._wanted = wanted
        self._readings = readings
        self._sink = sink
        self._clock = clock
        self._before = before
        self._since = clock.now()
        self._offset = clock.now() - clock.monotonic()
        self._watched: dict[str, _Watched] = {}
        self._adopting = True

    async def step(self) -> None:
        """Account for every slot that has had its time. Raises SourceUnavailable when a store
        refuses; the slot is looked at again in the next round."""
        now = self._clock.now()
        self._notice_jump(now)
        wanted = {spec.id: spec for spec in self._wanted()}
        for gone in self._watched.keys() - wanted.keys():
            del self._watched[gone]
        for spec in wanted.values():
            watched = self._watched.get(spec.id)
            if watched is None or watched.schedule != spec.schedule:
                watched = _Watched(spec.schedule, await self._start_of(spec, now))
                self._watched[spec.id] = watched
            await self._account(spec, watched, now=now)
        self._adopting = self._adopting and not wanted

    def _notice_jump(self, now: float) -> None:
        offset = now - self._clock.monotonic()
        if offset - self._offset > JUMP:
            self._before, self._since = now - (offset - self._offset), now
        self._offset = offset

    async def _start_of(self, spec: MonitorSpec, now: float) -> int:
        """After a restart the last slots of the process before us are still to be judged."""
        if self._adopting and self._before:
            newest = (await self._readings.latest(spec.tenant, (spec.id,))).get(spec.id)
            if newest and newest.slot >= self._before - 4 * spec.interval:
                return newest.slot
        return int(now)

    async def _account(self, spec: MonitorSpec, watched: _Watched, *, now: float) -> None:
        schedule = watched.schedule
        last = schedule.next_after(now - PATIENCE * spec.interval) - spec.interval
        first = schedule.next_after(watched.through)
        if last < first:
            return
        first = max(first, last - LONGEST_BACKLOG * spec.interval)
        seen = await self._readings.query(
            spec.tenant, spec.id, since=first, until=last + 1, limit=LONGEST_BACKLOG + 1
        )
        observed = {reading.slot for reading in seen}
        for slot in range(first, last + 1, spec.interval):
            if slot not in observed and (slot <= self._before or slot >= self._since):
                at = self._clock.now()
                await self._sink.emit(missed(spec, slot, at=at, cause=CAUSE))
            watched.through = slot
