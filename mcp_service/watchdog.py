"""Notices slots that nobody observed and makes them visible as missed readings."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec

from functions.core.monitor import MonitorSpec, Schedule
from functions.core.ports import Clock, EventSink, ReadingStore
from mcp_service.runtime.missed import missed

T = TypeVar("T")
Seen = Callable[[Sequence[tuple[str, str]]], Awaitable[Mapping[tuple[str, str], Collection[int]]]]
Rescheduled = Callable[[], Mapping[str, float]]

NOT_TICKING = "not ticking"
AT_ONCE = 100
"""Monitors that are looked at together: their missed readings share commits."""
PATIENCE = 1.75
"""Intervals after which a slot without a reading counts as missed; two are promised."""
JUMP = 5.0
"""Seconds by which the clock may run ahead of measured time before we say that it jumped, or that
the machine slept; the slots in between were never due while we ran."""
INHERITED = 4
"""Intervals before its last judgement that are looked through again after a predecessor."""
LONGEST_BACKLOG = 1000
"""Missed slots shown per monitor and round after an outage of the store."""


class _Watched(msgspec.Struct):
    schedule: Schedule
    through: int
    """Every slot up to this one is accounted for."""


class _Due(NamedTuple):
    """Slots of one monitor that have had their time."""

    spec: MonitorSpec
    watched: _Watched
    slots: range

    @property
    def whose(self) -> tuple[str, str]:
        return self.spec.tenant, self.spec.id


async def _nothing(_: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Collection[int]]:
    return {}


class Watchdog:
    """Looks only at slots that were due while a service ran. `why` gives the cause of a slot that
    the runtime knowingly skipped, or in which it ran an older version, whose readings no rule
    judges; else nothing. `seen` tells in one call of many monitors some slots that have a reading;
    the store is asked about the others."""

    def __init__(
        self,
        wanted: Callable[[], Iterable[MonitorSpec]],
        readings: ReadingStore,
        *,
        sink: EventSink,
        clock: Clock,
        why: Callable[[str, int], str] = lambda _monitor, _slot: "",
        seen: Seen = _nothing,
    ) -> None:
        self._wanted = wanted
        self._readings = readings
        self._sink = sink
        self._clock = clock
        self._why = why
        self._seen = seen
        self._rescheduled: Rescheduled = dict
        self._before = self._judged = 0.0
        self._since = clock.now()
        self._offset = clock.now() - clock.monotonic()
        self._watched: dict[str, _Watched] = {}
        self._adopting = False

    def take_over(
        self, before: float, *, judged: float = 0.0, rescheduled: Rescheduled = dict
    ) -> None:
        """Judge the last slots before `before`, too, when monitors last ran without us (0: never):
        what they led to may not have been accepted. `judged` is how far the watchdog before us
        came, where that is known; `rescheduled` tells since when a monitor that was paused, or had
        another interval, has its present slots."""
        self._rescheduled = rescheduled
        self._before, self._adopting = before, before > 0
        self._judged = min(judged or before, before)

    @property
    def judged(self) -> float:
        """Up to when every slot that had had its time was accounted for."""
        return self._judged

    async def step(self) -> None:
        """Account for every slot that has had its time. Raises SourceUnavailable when a store
        refuses; the slots are looked at again in the next round."""
        now = self._clock.now()
        self._notice_jump(now)
        wanted = {spec.id: spec for spec in self._wanted()}
        for gone in self._watched.keys() - wanted.keys():
            del self._watched[gone]
        new = await asyncio.to_thread(self._rescheduled) if self._adopting and wanted else {}
        left = iter(wanted.values())
        while some := list(islice(left, AT_ONCE)):
            due = [one for one in await _all(self._due(spec, new, now=now) for spec in some) if one]
            seen = await self._seen([one.whose for one in due]) if due else {}
            await _all(self._account(one, seen=seen.get(one.whose, ())) for one in due)
        self._adopting = self._adopting and not wanted
        if not self._adopting:
            self._judged = now

    def _notice_jump(self, now: float) -> None:
        offset = now - self._clock.monotonic()
        if offset - self._offset > JUMP:
            self._before, self._since = now - (offset - self._offset), now
        self._offset = offset

    async def _due(self, spec: MonitorSpec, new: Mapping[str, float], *, now: float) -> _Due | None:
        watched = await self._watching(spec, new, now=now)
        last = spec.schedule.next_after(now - PATIENCE * spec.interval) - spec.interval
        first = max(
            spec.schedule.next_after(watched.through), last - LONGEST_BACKLOG * spec.interval
        )
        slots = range(first, last + 1, spec.interval)
        return _Due(spec, watched, slots) if slots else None

    async def _account(self, due: _Due, *, seen: Collection[int]) -> None:
        spec, slots = due.spec, due.slots
        if not all(slot in seen for slot in slots):
            stored = await self._readings.query(
                spec.tenant, spec.id, since=slots[0], until=slots[-1] + 1, limit=LONGEST_BACKLOG + 1
            )
            seen = {reading.slot for reading in stored}
        for slot in slots:
            cause = self._why(spec.id, slot) or ("" if slot in seen else NOT_TICKING)
            if cause and (slot <= self._before or slot >= self._since):
                await self._sink.emit(missed(spec, slot, at=self._clock.now(), cause=cause))
            due.watched.through = slot

    async def _watching(
        self, spec: MonitorSpec, new: Mapping[str, float], *, now: float
    ) -> _Watched:
        watched = self._watched.get(spec.id)
        if watched is None or watched.schedule != spec.schedule:
            watched = _Watched(spec.schedule, int(now))
            if self._adopting and (ran := await self._ran_from(spec)):
                watched.through = max(ran, int(new.get(spec.id, 0)))
            self._watched[spec.id] = watched
        return watched

    async def _ran_from(self, spec: MonitorSpec) -> int:
        """The oldest reading since shortly before the predecessor's last judgement (0: none): from
        there on the monitor ran, and a slot without a reading may be one it could not miss."""
        known = await self._readings.query(
            spec.tenant,
            spec.id,
            since=int(self._judged) - INHERITED * spec.interval,
            until=int(self._before) + 1,
            limit=LONGEST_BACKLOG,
        )
        return known[0].slot if known else 0


async def _all(looks: Iterable[Awaitable[T]]) -> list[T]:
    """What each gave; one that fails does not stop the others, and is raised in the end."""
    done = await asyncio.gather(*looks, return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return [result for result in done if not isinstance(result, BaseException)]
