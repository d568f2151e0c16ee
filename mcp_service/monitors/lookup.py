"""Finding a monitor of the caller's, by id or by name."""

import asyncio

from functions.core.alert_ports import MonitorRow
from functions.core.provider import Provider, configured
from mcp_service.database.records import MonitorRecord
from mcp_service.providers import kind_of
from mcp_service.refusals import Unknown
from mcp_service.service import Service


async def owned(service: Service, tenant: str, *, named: str) -> MonitorRecord:
    """Raises Unknown, the same for no such monitor and for somebody else's."""
    record = await asyncio.to_thread(service.database.monitors.get, tenant, named)
    if record is None:
        own = await asyncio.to_thread(service.database.monitors.of, tenant)
        raise Unknown("monitor", named, own=(monitor.name for monitor in own))
    return record


async def alert_row(service: Service, record: MonitorRecord) -> MonitorRow:
    """How the rules see it; rebuilt from its history when a crash came between the two writes."""
    row = await asyncio.to_thread(service.records.monitor, record.tenant, record.id)
    if row is None:
        history = await asyncio.to_thread(
            service.database.monitors.history, record.tenant, record.id
        )
        row = row_of(record, history[-1].rules)
        await asyncio.to_thread(service.records.put_monitor, row)
    return row


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


def provider_of(record: MonitorRecord) -> Provider:
    return configured(kind_of(record.provider), record.config)
