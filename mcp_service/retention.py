"""What is kept for how long."""

import asyncio

from functions.core.rollup import DAY, rollup_days
from mcp_service.service import Service

HISTORY_DAYS = 400
"""Days that alerts, decisions, settled deliveries and what was said of them are kept."""


async def expire(service: Service, *, days: int) -> None:
    """Forget what is older: raw readings and dead letters are kept for so many days, hours of
    readings for 13 months."""
    now, database = service.clock.now(), service.database
    hours_from = int(now) - rollup_days(days) * DAY
    await service.readings.expire(int(now) - days * DAY, rollups_before=hours_from)
    await asyncio.to_thread(database.dead_letters.expire, now - days * DAY)
    history_from = now - HISTORY_DAYS * DAY
    await asyncio.to_thread(service.records.expire, history_from)
    await asyncio.to_thread(database.confessions.expire, history_from)
