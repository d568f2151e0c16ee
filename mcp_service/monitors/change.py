"""Changing a monitor: a new version, proven like the first one unless only its dress changed."""

from typing import Any

import msgspec

from functions.core.errors import InvalidConfiguration
from functions.core.monitor import phase_of
from mcp_service.channels import confirmed_faults
from mcp_service.checks import require_check
from mcp_service.database.records import CHANGED, INTERVAL, Change, MonitorRecord
from mcp_service.definitions import Definition, ready
from mcp_service.monitors.apply import put
from mcp_service.monitors.lookup import changed_row, last_change, unhurried
from mcp_service.refusals import wrong
from mcp_service.results import Next, Result
from mcp_service.rules import read_rules, unheard
from mcp_service.service import Service


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is None stays. `config` is laid over the present one; a null in it goes back to the
    provider's default. `untested` false asks for the check that was left out before."""

    name: str | None = None
    config: dict[str, Any] | None = None
    secrets: dict[str, str] | None = None
    interval: int | None = None
    channels: tuple[str, ...] | None = None
    untested: bool | None = None


async def update_monitor(
    service: Service, tenant: str, *, named: str, version: int, changes: Changes
) -> Result:
    """Raises InvalidConfiguration with all faults, for another version than the present one, and
    without a fresh successful check of a changed definition."""
    return await unhurried(
        lambda: _update(service, tenant, named=named, version=version, changes=changes)
    )


async def _update(
    service: Service, tenant: str, *, named: str, version: int, changes: Changes
) -> Result:
    last = await last_change(service, tenant, named=named)
    before = last.record
    if before.version != version:
        raise wrong("version", f"is {before.version} now; look with show_monitor and decide again")
    after = await _changed(service, before, changes=changes, rules=last.rules)
    if msgspec.structs.replace(after, version=before.version) == before:
        return _result(last, [], summary="Nothing changed: it is already like this.")
    parts = [part for part in _PARTS if getattr(after, part) != getattr(before, part)]
    row = await changed_row(service, after, rules=last.rules)
    doubt = await put(service, after, row=row, before=last, what=CHANGED + ", ".join(parts))
    changed = msgspec.structs.replace(last, record=after)
    return _result(changed, parts, summary=f"Changed, now version {after.version}.{doubt}")


_PARTS = ("name", "config", "secrets", INTERVAL, "channels", "untested")


async def _changed(
    service: Service, before: MonitorRecord, *, changes: Changes, rules: dict[str, str]
) -> MonitorRecord:
    wanted = Definition(
        provider=before.provider,
        config=_laid_over(before.config, changes.config or {}),
        secrets=before.secrets if changes.secrets is None else changes.secrets,
    )
    interval = before.interval if changes.interval is None else changes.interval
    channels = before.channels if changes.channels is None else changes.channels
    prepared = await ready(service, before.tenant, definition=wanted, interval=interval)
    if found := await confirmed_faults(service, before.tenant, names=channels):
        raise InvalidConfiguration(*found)
    read_rules(rules, prepared.provider, interval=interval)
    # A field that a newer provider added is no change of this monitor's owner.
    touched = changes.config is not None or changes.secrets is not None
    config = prepared.definition.config if touched else before.config
    same = (config, wanted.secrets) == (before.config, before.secrets)
    kept = before.untested and changes.untested is not False
    untested = kept if same else bool(changes.untested)
    if not untested and (before.untested or not same):
        await require_check(service, before.tenant, definition=prepared.definition)
    return msgspec.structs.replace(
        before,
        name=before.name if changes.name is None else changes.name,
        version=before.version + 1,
        config=config,
        secrets=wanted.secrets,
        interval=interval,
        phase=phase_of(before.id, interval),
        channels=channels,
        untested=untested,
    )


def _laid_over(config: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = config | changes
    return {
        name: value for name, value in merged.items() if value is not None or name not in changes
    }


def _result(change: Change, parts: list[str], *, summary: str) -> Result:
    record = change.record
    return Result(
        summary=" ".join((summary, *unheard(record, change.rules))),
        data={"id": record.id, "version": record.version, "changed": parts},
        next=(Next("show_monitor", "See it as it is now.", {"monitor": record.id}),),
    )
