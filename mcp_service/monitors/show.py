"""One monitor as a person wants to see it."""

import asyncio

from functions.core.alert import RuleState, State
from functions.core.alert_ports import Delivery, MonitorRow
from functions.core.errors import MonitorError
from functions.core.monitor import Schedule, span_text, utc_text
from functions.core.reading import Reading
from functions.core.rule_text import parse
from mcp_service.database.records import MonitorRecord
from mcp_service.monitors.lookup import alert_row, owned, provider_of
from mcp_service.outside import cleaned, shown
from mcp_service.providers import units
from mcp_service.results import Next, Result
from mcp_service.rules import unheard
from mcp_service.service import Service
from mcp_service.standing import standing


async def show_monitor(service: Service, tenant: str, *, named: str) -> Result:
    """Everything about one monitor: definition, state of each rule, latest reading, next slot,
    and messages that could not be delivered."""
    record = await owned(service, tenant, named=named)
    row = await alert_row(service, record)
    latest = (await service.readings.latest(tenant, [record.id])).get(record.id)
    problems = await asyncio.to_thread(_problems, service, record)
    now = service.clock.now()
    state = overall(record, row)
    slot = Schedule(record.interval, record.phase).next_after(now)
    return Result(
        summary=" ".join((_state(record, row), _last(latest, now), *unheard(record, row.rules))),
        data={
            **_definition(record),
            "state": state,
            "rules": [
                _rule(name, line, state=row.states.get(name), interval=row.interval)
                for name, line in row.rules.items()
            ],
            "latest": shown(latest) if latest else None,
            "units": units(provider_of(record), latest.metrics) if latest else None,
            "next_slot": utc_text(slot) if record.state == "active" else None,
            "runtime": await _runs(service, record),
            "delivery_problems": problems,
        },
        next=_steps(record, state),
    )


async def _runs(service: Service, record: MonitorRecord) -> dict[str, object] | None:
    """What the runtime says of it. All else is worth showing while the runtime cannot be asked."""
    try:
        status = await service.runtime.find(record.id)
    except MonitorError as error:
        return {"reason": error.message}
    if status is None:
        return None
    seen = status.wanted_at(record.version)
    return {"ready": seen.ready, "reason": seen.reason}


def overall(record: MonitorRecord, row: MonitorRow) -> str:
    """One word: paused, firing, blind, pending, ok, or waiting for the first reading."""
    if record.state == "paused":
        return "paused"
    now = [state.now for state in row.states.values()]
    states = {machine.state for machine in now}
    if State.FIRING in states:
        return "firing"
    if any(machine.blind for machine in now):
        return "blind"
    if State.PENDING in states:
        return "pending"
    return "ok" if row.newest else "waiting for its first reading"


def _definition(record: MonitorRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "provider": record.provider,
        "config": record.config,
        "secrets": record.secrets,
        "interval": record.interval,
        "channels": list(record.channels),
        "untested": record.untested or None,
    }


def _rule(name: str, line: str, *, state: RuleState | None, interval: int) -> dict[str, object]:
    state = state or RuleState()
    now = state.now
    return {
        "name": name,
        "rule": line,
        "state": now.state.value,
        "since": utc_text(now.since) if now.since else None,
        "standing": standing(parse(line), state, interval=interval),
        "blind": cleaned(now.blind),
    }


def _problems(service: Service, record: MonitorRecord) -> list[dict[str, object]]:
    """Messages of this monitor's alerts that failed or were given up."""
    found: list[Delivery] = []
    for state in ("owed", "given_up"):
        found += service.records.deliveries(record.tenant, state=state, limit=200)
    return [
        {
            "alert": delivery.alert.id,
            "channel": delivery.channel,
            "state": delivery.state,
            "attempts": delivery.attempts,
            "answer": delivery.answer,
        }
        for delivery in found
        if delivery.alert.monitor == record.id and delivery.answer
    ][:10]


def blind_cause(record: MonitorRecord, row: MonitorRow) -> str:
    """Why a monitor that runs cannot see now, whatever else its rules say; else nothing."""
    causes = (cleaned(state.now.blind) for state in row.states.values())
    return "" if record.state == "paused" else next(filter(None, causes), "")


def _state(record: MonitorRecord, row: MonitorRow) -> str:
    """In a sentence; an alert that fires does not hide that nothing can be seen now."""
    state = overall(record, row)
    both = state != "blind" and blind_cause(record, row)
    return f"It is {state}, and blind now." if both else f"It is {state}."


def _last(latest: Reading | None, now: float) -> str:
    if latest is None:
        return "No reading is stored yet."
    seen = "failed" if latest.failure else "seen"
    return f"Last {seen} {span_text(max(0, now - latest.at))} ago."


def _steps(record: MonitorRecord, state: str) -> tuple[Next, ...]:
    which = {"monitor": record.id}
    if state == "paused":
        return (Next("resume_monitor", "Let it run again.", which),)
    if state in ("firing", "blind"):
        return (
            Next("list_alerts", "See its alerts.", which),
            Next("query_readings", "See what led to it.", which),
        )
    return (Next("query_readings", "See its readings.", which),)
