"""A heap of slots: calls back at each slot of each monitor, without ever catching up. Slots are
whole seconds, as cron says them; within that second each monitor has a moment of its own."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from functions.core.monitor import Schedule, share_of_second
from functions.core.ports import Clock

LONGEST_SLEEP = 1.0
"""Seconds after which the wall clock is looked at again, so that a jump is noticed."""


class Scheduler:
    """`due(monitor, slot)` must not block. A slot of which half passed while the loop was held up,
    the machine slept or the clock jumped is skipped; the watchdog shows it as missed."""

    def __init__(self, clock: Clock, due: Callable[[str, int], None]) -> None:
        self._clock = clock
        self._due = due
        self._schedules: dict[str, Schedule] = {}
        self._heap: list[tuple[float, int, int, str, Schedule]] = []
        # Between equal moments the number decides, so that schedules are never compared.
        self._pushed = count()
        self._changed = asyncio.Event()
        self.beat = clock.monotonic()
        """When the loop last came round; the heartbeat goes by it."""

    def put(self, monitor: str, schedule: Schedule) -> None:
        """Begin with the next slot; the same schedule again changes nothing."""
        if self._schedules.get(monitor) == schedule:
            return
        self._schedules[monitor] = schedule
        self._push(monitor, schedule)
        self._changed.set()

    def drop(self, monitor: str) -> None:
        self._schedules.pop(monitor, None)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.beat = self._clock.monotonic()
            self._fire()
            try:
                async with asyncio.timeout(self._wait()):
                    await self._changed.wait()
            except TimeoutError:
                continue
            self._changed.clear()

    def _fire(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, _, slot, monitor, schedule = heapq.heappop(self._heap)
            if self._schedules.get(monitor) is not schedule:
                continue
            self._push(monitor, schedule)
            if now < slot + schedule.interval / 2:
                self._due(monitor, slot)

    def _push(self, monitor: str, schedule: Schedule) -> None:
        slot = schedule.next_after(self._clock.now())
        moment = slot + share_of_second(monitor)
        heapq.heappush(self._heap, (moment, next(self._pushed), slot, monitor, schedule))

    def _wait(self) -> float:
        if not self._heap:
            return LONGEST_SLEEP
        return min(LONGEST_SLEEP, max(0.0, self._heap[0][0] - self._clock.now()))
