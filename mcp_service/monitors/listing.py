"""A tenant's monitors, page by page."""

import asyncio
from typing import Literal

from functions.core.monitor import utc_text
from functions.core.reading import Reading
from mcp_service import handles
from mcp_service.database.records import MonitorRecord
from mcp_service.monitors.lookup import alert_row
from mcp_service.monitors.show import blind_cause, overall
from mcp_service.numbers import counted, short
from mcp_service.results import Next, Page, Result, fitting
from mcp_service.service import Service

CURSOR = "cursor list_monitors"
Filter = Literal["all", "active", "paused", "firing", "blind"]


async def list_monitors(
    service: Service, tenant: str, *, state: Filter, limit: int, cursor: str
) -> Result:
    """By name; the cursor holds the last name shown, so it is stable when monitors are added."""
    own = await asyncio.to_thread(service.database.monitors.of, tenant)
    kept = await _filtered(service, tenant, own=own, state=state)
    after = _after(service, tenant, state=state, cursor=cursor)
    rest = [record for record in kept if record.name > after]
    page = rest[:limit]
    latest = await service.readings.latest(tenant, [record.id for record in page])
    lines = [await _line(service, record, reading=latest.get(record.id)) for record in page]
    lines = lines[: fitting(lines)]
    more = len(rest) > len(lines)
    last = page[len(lines) - 1].name if more else ""
    return Result(
        summary=_counted(len(own), len(kept), state=state),
        data={"monitors": lines},
        page=Page(
            shown=len(lines),
            total=len(kept),
            cursor=_cursor(service, tenant, state=state, last=last) if more else "",
        ),
        next=() if own else (Next("find_provider", "Say in a sentence what to watch."),),
    )


async def _filtered(
    service: Service, tenant: str, *, own: list[MonitorRecord], state: Filter
) -> list[MonitorRecord]:
    if state == "all":
        return own
    if state in ("active", "paused"):
        return [record for record in own if record.state == state]
    found = await asyncio.to_thread(service.records.monitors, tenant)
    rows = {row.monitor: row for row in found}
    if state == "blind":
        return [one for one in own if one.id in rows and blind_cause(one, rows[one.id])]
    return [one for one in own if one.id in rows and overall(one, rows[one.id]) == state]


async def _line(
    service: Service, record: MonitorRecord, *, reading: Reading | None
) -> dict[str, object]:
    row = await alert_row(service, record)
    return {
        "id": record.id,
        "name": record.name,
        "provider": record.provider,
        "state": overall(record, row),
        "blind": blind_cause(record, row),
        "version": record.version,
        "interval": record.interval,
        "latest": utc_text(reading.slot) if reading else None,
        "up": short(reading.metrics.get("up")) if reading else None,
    }


def _counted(total: int, kept: int, *, state: Filter) -> str:
    if not total:
        return "There are no monitors yet."
    if state == "all":
        return f"{counted(total, 'monitor')}."
    which = kept or "None"
    return f"{which} of {counted(total, 'monitor')} {'are' if kept > 1 else 'is'} {state}."


def _after(service: Service, tenant: str, *, state: Filter, cursor: str) -> str:
    if not cursor:
        return ""
    now = service.clock.now()
    kind, after = handles.read(service.pepper, CURSOR, tenant=tenant, handle=cursor, now=now)
    if kind != state:
        raise handles.refused(CURSOR)
    return str(after)


def _cursor(service: Service, tenant: str, *, state: Filter, last: str) -> str:
    now = service.clock.now()
    return handles.make(service.pepper, CURSOR, tenant=tenant, content=[state, last], now=now)
