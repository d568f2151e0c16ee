"""Writing what is wanted, and asking the runtime to make it true at once."""

import asyncio

from functions.core.alert_ports import MonitorRow
from functions.core.errors import MonitorError
from mcp_service.database.records import Change, MonitorRecord
from mcp_service.desired import spec_of
from mcp_service.service import Service

LATER = " The runtime did not take it yet; it is tried again until it does (see show_platform)."


async def put(
    service: Service,
    record: MonitorRecord,
    *,
    row: MonitorRow,
    what: str,
    before: Change | None = None,
) -> str:
    """Write the monitor (new, or on the ground of its last change) and its rules' row, then let it
    run. Returns a sentence of doubt when the runtime failed; the reconciler mends that."""
    monitors, at = service.database.monitors, service.clock.now()
    if before is None:
        await asyncio.to_thread(monitors.add, record, row=row, what=what, at=at)
    else:
        await asyncio.to_thread(monitors.change, record, row=row, before=before, what=what, at=at)
    return await run(service, record)


async def run(service: Service, record: MonitorRecord) -> str:
    """Start or stop it, whichever its state says."""
    try:
        if record.state == "paused":
            await service.runtime.remove(record.id)
        else:
            spec = await asyncio.to_thread(spec_of, service.database, record)
            await service.runtime.apply(spec)
    except MonitorError:
        return LATER
    return ""
