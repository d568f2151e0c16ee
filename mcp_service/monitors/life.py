"""Pausing, resuming and deleting a monitor."""

import asyncio
from contextlib import suppress
from typing import Literal

import msgspec

from functions.core.errors import MonitorError
from mcp_service import handles
from mcp_service.database.records import RESUMED, MonitorRecord
from mcp_service.monitors.apply import LATER, put
from mcp_service.monitors.lookup import (
    alert_row,
    changed_row,
    last_change,
    owned,
    unhurried,
)
from mcp_service.results import Next, Result
from mcp_service.service import Service

CONFIRM = "confirm delete_monitor"
"""The purpose of a confirmation; its first word is the argument that carries it."""


async def set_state(
    service: Service, tenant: str, *, named: str, state: Literal["active", "paused"]
) -> Result:
    """Pause or resume; the same again changes nothing."""
    return await unhurried(lambda: _set_state(service, tenant, named=named, state=state))


async def _set_state(
    service: Service, tenant: str, *, named: str, state: Literal["active", "paused"]
) -> Result:
    before = await last_change(service, tenant, named=named)
    if before.record.state == state:
        return _stated(before.record, f"Nothing changed: it is {state} already.")
    changed = msgspec.structs.replace(before.record, state=state)
    row = await changed_row(service, changed, rules=before.rules)
    what = "paused" if state == "paused" else RESUMED
    doubt = await put(service, changed, row=row, before=before, what=what)
    meaning = {
        "paused": "Paused: no readings and no alerts until it is resumed.",
        RESUMED: "Resumed: the next reading comes at its next slot.",
    }
    return _stated(changed, meaning[what] + doubt)


async def delete_monitor(service: Service, tenant: str, *, named: str, confirm: str) -> Result:
    """Without a handle: what would be lost, and a handle good for 10 minutes. With it: gone. Raises
    SourceUnavailable when its readings cannot be deleted now; the same call again goes on."""
    record = await owned(service, tenant, named=named)
    if not confirm:
        return await _preview(service, record)
    now = service.clock.now()
    asked = handles.read(service.pepper, CONFIRM, tenant=tenant, handle=confirm, now=now)
    if asked != record.id:
        raise handles.refused(CONFIRM)
    # Readings first: while their store is away the monitor stays, and can be deleted later.
    await service.readings.forget(tenant, record.id)
    await asyncio.to_thread(service.database.monitors.drop, tenant, record.id)
    await asyncio.to_thread(service.records.drop_monitor, tenant, record.id)
    doubt = ""
    try:
        await service.runtime.remove(record.id)
    except MonitorError:
        doubt = LATER
    with suppress(MonitorError):  # of a poll under way meanwhile; else it goes with its age
        await service.readings.forget(tenant, record.id)
    return Result(
        summary=f"Deleted, with its rules, history and readings.{doubt}",
        data={"id": record.id, "name": record.name},
        next=(Next("list_monitors", "See what is left."),),
    )


async def _preview(service: Service, record: MonitorRecord) -> Result:
    row = await alert_row(service, record)
    firing = [rule for rule, state in row.states.items() if state.now.state == "firing"]
    handle = handles.make(
        service.pepper, CONFIRM, tenant=record.tenant, content=record.id, now=service.clock.now()
    )
    return Result(
        summary="Nothing is deleted yet. Its rules, history and readings would be lost for good; "
        "ask the person, then call again with the handle.",
        data={
            "id": record.id,
            "name": record.name,
            "state": record.state,
            "rules": len(row.rules),
            "firing": firing,
            "confirm": handle,
        },
        next=(
            Next(
                "delete_monitor",
                "Delete it after the person said yes.",
                {"monitor": record.id, "confirm": handle},
            ),
            Next("pause_monitor", "Only stop it.", {"monitor": record.id}),
        ),
    )


def _stated(record: MonitorRecord, summary: str) -> Result:
    return Result(
        summary=summary,
        data={"id": record.id, "name": record.name, "state": record.state},
        next=(Next("show_monitor", "See it as it is now.", {"monitor": record.id}),),
    )
