"""Writing what is wanted, and asking the runtime to make it true at once."""

import asyncio

from functions.core.errors import MonitorError
from mcp_service.database.records import MonitorRecord
from mcp_service.desired import spec_of
from mcp_service.monitors.lookup import row_of
from mcp_service.service import Service

LATER = " The runtime did not take it yet; it is tried again until it does (see show_platform)."


async def put(
    service: Service,
    record: MonitorRecord,
    *,
    rules: dict[str, str],
    what: str,
    rules_version: int = 1,
    expected: int | None = None,
) -> str:
    """Write the monitor (new, or over the `expected` version) and its rules' row, then let it run.
    Returns a sentence of doubt when the runtime failed; the reconciler mends that."""
    await asyncio.to_thread(_write, service, record, rules=rules, what=what, expected=expected)
    row = row_of(record, rules, rules_version=rules_version)
    await asyncio.to_thread(service.records.put_monitor, row)
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


def _write(
    service: Service,
    record: MonitorRecord,
    *,
    rules: dict[str, str],
    what: str,
    expected: int | None,
) -> None:
    monitors, at = service.database.monitors, service.clock.now()
    if expected is None:
        monitors.add(record, rules=rules, what=what, at=at)
    else:
        monitors.change(record, rules=rules, expected=expected, what=what, at=at)
