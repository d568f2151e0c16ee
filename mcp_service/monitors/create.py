"""Arming a monitor: only what was seen to work, or what is said to be untested."""

import asyncio
import secrets

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.monitor import phase_of, span_text
from mcp_service.channels import confirmed_faults
from mcp_service.checks import require_check
from mcp_service.database.records import MonitorRecord
from mcp_service.definitions import Definition, Ready, ready
from mcp_service.monitors.apply import put
from mcp_service.monitors.lookup import alert_row, provider_of, row_of
from mcp_service.refusals import wrong
from mcp_service.results import Next, Result
from mcp_service.rules import default_rules, left_out, read_rules, unheard
from mcp_service.service import Service


class NewMonitor(msgspec.Struct, frozen=True, kw_only=True):
    """`rules` are lines by name; None means the provider's default rules."""

    name: str
    definition: Definition
    interval: int | None = None
    rules: dict[str, str] | None = None
    channels: tuple[str, ...] = ()
    untested: bool = False


async def create_monitor(service: Service, tenant: str, *, wanted: NewMonitor) -> Result:
    """Idempotent by name: the same wish gives the same monitor, another one is refused. Raises
    InvalidConfiguration with all faults, and without a fresh successful check."""
    prepared, rules = await _examined(service, tenant, wanted=wanted)
    existing = await asyncio.to_thread(service.database.monitors.get, tenant, wanted.name)
    if existing is not None:
        return await _again(
            service, existing, wished=_record(tenant, wanted, prepared=prepared), rules=rules
        )
    if not wanted.untested:
        await require_check(service, tenant, definition=prepared.definition)
    record = _record(tenant, wanted, prepared=prepared)
    record = msgspec.structs.replace(record, created_at=service.clock.now())
    doubt = await put(service, record, row=row_of(record, rules), what="created")
    return _created(record, rules, doubt=doubt)


async def _examined(
    service: Service, tenant: str, *, wanted: NewMonitor
) -> tuple[Ready, dict[str, str]]:
    """The definition and the canonical rules. Raises with the faults of everything at once."""
    found: list[Fault] = list(await confirmed_faults(service, tenant, names=wanted.channels))
    try:
        prepared = await ready(
            service, tenant, definition=wanted.definition, interval=wanted.interval
        )
    except InvalidConfiguration as error:
        raise InvalidConfiguration(*error.faults, *found) from None
    lines = default_rules(prepared.provider) if wanted.rules is None else wanted.rules
    try:
        rules = read_rules(lines, prepared.provider, interval=prepared.interval)
    except InvalidConfiguration as error:
        raise InvalidConfiguration(*error.faults, *found) from None
    if found:
        raise InvalidConfiguration(*found)
    return prepared, rules


def _record(tenant: str, wanted: NewMonitor, *, prepared: Ready) -> MonitorRecord:
    monitor = "m" + secrets.token_hex(8)
    return MonitorRecord(
        id=monitor,
        tenant=tenant,
        name=wanted.name,
        version=1,
        provider=prepared.definition.provider,
        config=prepared.definition.config,
        interval=prepared.interval,
        phase=phase_of(monitor, prepared.interval),
        secrets=prepared.definition.secrets,
        untested=wanted.untested,
        channels=wanted.channels,
    )


async def _again(
    service: Service, existing: MonitorRecord, *, wished: MonitorRecord, rules: dict[str, str]
) -> Result:
    """A repeated call finds its monitor; a different wish under that name is not one."""
    row = await alert_row(service, existing)
    same = all(
        getattr(existing, part) == getattr(wished, part)
        for part in ("provider", "config", "secrets", "interval", "channels")
    )
    if not same or row.rules != rules:
        problem = "is taken by your monitor with another definition; change that one with"
        raise wrong("name", f"{problem} update_monitor or set_rule, or choose another name")
    return _created(existing, rules, opening="It exists already, exactly like this.")


def _created(
    record: MonitorRecord, rules: dict[str, str], *, opening: str = "Armed.", doubt: str = ""
) -> Result:
    silent = "".join(f" {said}" for said in unheard(record, rules))
    untested = " It was armed without a successful check." if record.untested else ""
    pace = f"One reading every {span_text(record.interval)}."
    steps = [Next("show_monitor", "See its state and first reading.", {"monitor": record.id})]
    if record.state == "paused":
        pace = "It is paused: no readings and no alerts until it is resumed."
        steps.insert(0, Next("resume_monitor", "Let it run again.", {"monitor": record.id}))
    for one in left_out(rules, provider_of(record)):
        usual = {"monitor": record.id, "name": one.name, "rule": one.text}
        steps.append(Next("set_rule", f"Add the default rule, too. {one.why}", usual))
    if not record.channels:
        steps.append(Next("set_channel", "Confirm an address for its alerts."))
    return Result(
        summary=f"{opening} {pace}{untested}{silent}{doubt}",
        data={
            "id": record.id,
            "name": record.name,
            "version": record.version,
            "provider": record.provider,
            "interval": record.interval,
            "rules": rules,
            "channels": list(record.channels),
            "untested": record.untested or None,
        },
        next=tuple(steps),
    )
