"""At start: what the store accepted and the rules have not seen yet."""

import sys
from collections.abc import Iterable

from functions.core.ports import MonitorRow, ReadingStore
from mcp_service.runtime.sink import Submit

PAGE = 10_000
"""Readings per monitor at most; a process that dies leaves a handful."""


async def catch_up(rows: Iterable[MonitorRow], readings: ReadingStore, *, submit: Submit) -> int:
    """Evaluate every stored reading that is newer than its monitor's newest evaluated one.
    Idempotent. Returns how many there were."""
    count = 0
    for row in rows:
        if row.paused:
            continue
        unseen = await readings.query(
            row.tenant, row.monitor, since=row.newest + 1, until=sys.maxsize, limit=PAGE
        )
        for reading in unseen:
            await submit(reading)
        count += len(unseen)
    return count
