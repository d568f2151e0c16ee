"""Finding a monitor of the caller's, by id or by name."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from functions.core.alert_ports import MonitorRow
from functions.core.provider import Provider, configured
from mcp_service.database.monitors import Outdated
from mcp_service.database.records import Change, MonitorRecord
from mcp_service.providers import kind_of
from mcp_service.refusals import Unknown
from mcp_service.service import Service

T = TypeVar("T")
TRIES = 20
"""Of a change that others overtake: each time one of them has been made."""


async def owned(service: Service, tenant: str, *, named: str) -> MonitorRecord:
    """Raises Unknown, the same for no such monitor and for somebody else's."""
    record = await asyncio.to_thread(service.database.monitors.get, tenant, named)
    if record is None:
        own = await asyncio.to_thread(service.database.monitors.of, tenant)
        raise Unknown("monitor", named, own=(monitor.name for monitor in own))
    return record


async def last_change(service: Service, tenant: str, *, named: str) -> Change:
    """The monitor and its rules as they are now, and the number that says whether they still are
    when they are written. Raises Unknown."""
    return await _last(service, await owned(service, tenant, named=named))


async def unhurried(attempt: Callable[[], Awaitable[T]]) -> T:
    """What a change gives; begun anew as long as somebody else is faster. Raises Outdated in the
    end."""
    for _ in range(TRIES):
        try:
            return await attempt()
        except Outdated:
            continue
    return await attempt()


async def alert_row(service: Service, record: MonitorRecord) -> MonitorRow:
    """How the rules see it; rebuilt from its last change when it is gone. Raises Unknown."""
    row = await asyncio.to_thread(service.records.monitor, record.tenant, record.id)
    if row is None:
        last = await _last(service, record)
        row = row_of(last.record, last.rules)
        await asyncio.to_thread(service.records.put_monitor, row)
    return row


async def changed_row(
    service: Service, record: MonitorRecord, *, rules: dict[str, str]
) -> MonitorRow:
    """How the rules see the monitor from now on; other rules are a new version of them."""
    row = await alert_row(service, record)
    version = row.rules_version + (rules != row.rules)
    return row_of(record, rules, rules_version=version)


def row_of(record: MonitorRecord, rules: dict[str, str], *, rules_version: int = 1) -> MonitorRow:
    """What the alert function has to know about a monitor."""
    return MonitorRow(
        tenant=record.tenant,
        monitor=record.id,
        version=record.version,
        name=record.name,
        interval=record.interval,
        rules=rules,
        rules_version=rules_version,
        channels=record.channels,
        paused=record.state == "paused",
    )


async def _last(service: Service, record: MonitorRecord) -> Change:
    found = await asyncio.to_thread(service.database.monitors.last, record.tenant, record.id)
    if found is None:  # deleted since it was looked up
        raise Unknown("monitor", record.name, own=())
    return found


def provider_of(record: MonitorRecord) -> Provider:
    return configured(kind_of(record.provider), record.config)
