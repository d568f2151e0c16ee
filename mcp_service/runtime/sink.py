"""Where readings go when everything runs in one process: the store, then the rules."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol

from functions.core.alert_ports import MonitorRow
from functions.core.errors import MonitorError, SourceUnavailable
from functions.core.ports import ReadingStore
from functions.core.reading import Reading, lateness


class Records(Protocol):
    """Durable when it returns; SourceUnavailable when the store refuses."""

    async def record(self, readings: Sequence[Reading]) -> None: ...


Submit = Callable[[Reading], Awaitable[object]]
"""Evaluates one reading; durable when it returns, idempotent by the reading's slot."""

BEHIND_LIMIT = 100_000
"""Stored readings that the rules have not seen; beyond it only the restart's catch-up helps."""
TOGETHER = 500
"""Readings submitted at once when there is much to catch up with: they share a transaction."""

_log = logging.getLogger("claude_monitor.sink")


class InProcessSink:
    """A reading is accepted when the store and the rules both have it for good (implements
    EventSink). What only the store has is owed to the rules and submitted again by `settle`."""

    def __init__(self, recording: Records, submit: Submit) -> None:
        self._recording = recording
        self._submit = submit
        self._behind: dict[str, Reading] = {}
        self.fault = ""
        """Why the last reading was not accepted, or nothing."""

    async def emit(self, reading: Reading) -> None:
        try:
            await self._accept(reading)
        except MonitorError as error:
            self.fault = error.message
            raise
        self.fault = ""

    async def catch_up(self, rows: Iterable[MonitorRow], readings: ReadingStore) -> int:
        """At start: have every stored reading evaluated that the rules may not have seen, a missed
        slot behind the newest evaluated one included; what they have seen changes nothing.
        Returns how many there were."""
        for row in rows:
            first = row.newest - lateness(row.interval)
            for reading in await readings.query(
                row.tenant, row.monitor, since=first, until=sys.maxsize, limit=BEHIND_LIMIT
            ):
                self._behind[reading.id] = reading
        count = len(self._behind)
        await self.settle()
        return count

    async def settle(self) -> None:
        """Submit what the rules have not seen, oldest first. Raises SourceUnavailable."""
        while some := list(islice(self._behind.items(), TOGETHER)):
            await asyncio.gather(*(self._evaluate(reading) for _, reading in some))
            for key, _ in some:
                self._behind.pop(key, None)

    async def _accept(self, reading: Reading) -> None:
        await self._recording.record((reading,))
        try:
            await self._evaluate(reading)
        except SourceUnavailable:
            if len(self._behind) < BEHIND_LIMIT:
                self._behind[reading.id] = reading
            raise

    async def _evaluate(self, reading: Reading) -> None:
        try:
            await self._submit(reading)
        except SourceUnavailable:
            raise
        except MonitorError as error:
            # Never again is right for it: the monitor was deleted or changed while it was polled.
            _log.info("reading %s not evaluated: %s", reading.id, error.message)
