"""How the parts of the service are, as far as they concern the caller."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from functions.core.alert_ports import ChannelRow
from functions.core.errors import MonitorError
from functions.core.monitor import span_text
from mcp_service.database.records import MonitorRecord
from mcp_service.numbers import counted
from mcp_service.results import Next, Result
from mcp_service.runtime.port import RuntimeStatus
from mcp_service.service import Service

SHOWN = 10
_NOBODY = {"address": "nobody@example.com"}

_Rows = tuple[list[MonitorRecord], dict[str, int], list[dict[str, object]], int]


async def show_platform(service: Service, tenant: str) -> Result:
    """Runtime, monitors ready, stores, mail, unsent messages and version. What can be told is told
    while a store is away, too: this is what one asks then."""
    stores = {"database": "ok", "readings": await _readings(service, tenant)}
    data: dict[str, object] = {
        "version": service.version,
        "runtime": service.runtime_name,
        **({"lease": service.leader() or "held by nobody"} if service.leader else {}),
        "stores": stores,
        "mail": _mail(service, tenant),
    }
    try:
        own, unsent, channels, dead = await asyncio.to_thread(_rows, service, tenant)
    except MonitorError as error:
        stores["database"] = error.message
        summary = f"Monitors and messages cannot be listed. {error.message}"
        return Result(summary=summary, data=data)
    waiting, stores["codes"] = await _waiting(service, tenant)
    active = [record for record in own if record.state == "active"]
    statuses, more = await _statuses(service, active)
    now = service.clock.now()
    unready = [line for record in active if (line := _unready(record, statuses, now=now))]
    ready = len(active) - len(unready)
    away = "".join(f" {said}" for said in stores.values() if said != "ok")
    return Result(
        summary=f"{ready} of {len(active)} active monitors are ready on the "
        f"{service.runtime_name} runtime; {sum(unsent.values())} messages are unsent.{away}{more}"
        f"{_repeatable(dead)}",
        data=data
        | {
            "monitors": {"all": len(own), "active": len(active), "ready": ready},
            "not_ready": unready[:SHOWN],
            "channels": channels + waiting,
            "unsent": unsent,
            **({"dead_letters": dead} if service.leader else {}),
        },
        next=_steps(own, unready),
    )


def _rows(service: Service, tenant: str) -> _Rows:
    own = service.database.monitors.of(tenant)
    dead = service.database.dead_letters.count_ours() if service.leader else 0
    return own, _unsent(service, tenant), _channels(service, tenant), dead


def _repeatable(dead: int) -> str:
    """A sentence about the readings and alerts that no function could take, if there are any."""
    if not dead:
        return ""
    told = f"{counted(dead, 'event')} of monitors could not be taken"
    return f" {told}; whoever runs this repeats them with `claude-monitor dead-letters replay`."


async def _statuses(
    service: Service, active: Sequence[MonitorRecord]
) -> tuple[Mapping[str, RuntimeStatus], str]:
    """By monitor; and a sentence why they cannot be seen, where the runtime cannot be asked."""
    try:
        return await service.runtime.list(), ""
    except MonitorError as error:
        unseen = partial(RuntimeStatus, version=0, ready=False, reason=error.message)
        return {one.id: unseen(monitor=one.id) for one in active}, f" {error.message}"


def _unready(
    record: MonitorRecord, statuses: Mapping[str, RuntimeStatus], *, now: float
) -> dict[str, object] | None:
    """What `kn source ping list` prints under these headings; nothing when it is ready."""
    absent = RuntimeStatus(monitor=record.id, version=0, ready=False, reason="not applied")
    known = statuses.get(record.id, absent).wanted_at(record.version)
    if known.ready:
        return None
    return {
        "id": record.id,
        "name": record.name,
        "SCHEDULE": known.schedule,
        "SINK": known.sink,
        "AGE": span_text(now - known.made_at) if known.made_at else "",
        "CONDITIONS": known.conditions,
        "READY": str(known.ready),
        "REASON": known.reason,
    }


async def _readings(service: Service, tenant: str) -> str:
    try:
        await service.readings.latest(tenant, [])
    except MonitorError as error:
        return error.message
    return "ok"


def _mail(service: Service, tenant: str) -> str:
    """`configured`, or the message that names the missing setting."""
    row = ChannelRow(tenant=tenant, name="x", kind="email", config=_NOBODY, confirmed=False)
    try:
        service.channels(row)
    except MonitorError as error:
        return error.message
    return "configured"


def _channels(service: Service, tenant: str) -> list[dict[str, object]]:
    return [
        {"name": row.name, "kind": row.kind, "state": "confirmed"}
        for row in service.records.channels(tenant)
    ]


async def _waiting(service: Service, tenant: str) -> tuple[list[dict[str, object]], str]:
    """The channels that wait for their code, and how the store of codes is."""
    try:
        codes = await service.codes.of(tenant)
    except MonitorError as error:
        return [], error.message
    now = service.clock.now()
    return [
        {"name": code.channel, "kind": code.kind, "state": "waiting for its code"}
        for code in codes
        if code.expires_at > now
    ], "ok"


def _unsent(service: Service, tenant: str) -> dict[str, int]:
    found = service.records.deliveries
    return {state: len(found(tenant, state=state, limit=1000)) for state in ("owed", "given_up")}


def _steps(own: Sequence[MonitorRecord], unready: Sequence[object]) -> tuple[Next, ...]:
    if not own:
        return (Next("find_provider", "Say in a sentence what to watch."),)
    if unready:
        return (Next("list_monitors", "See the monitors and their states."),)
    return ()
