"""Trying a definition once, live, without saving anything but the proof."""

import asyncio

import msgspec

from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading
from mcp_service.database.records import Check
from mcp_service.definitions import Definition, Ready, ready
from mcp_service.outside import cleaned, shown
from mcp_service.providers import units
from mcp_service.refusals import wrong
from mcp_service.results import Next, Result
from mcp_service.service import Service


async def check_monitor(
    service: Service, tenant: str, *, definition: Definition, interval: int | None = None
) -> Result:
    """One live reading, remembered under the definition's hash. Raises InvalidConfiguration with
    every fault at once, AccessDenied for a secret that cannot be used."""
    prepared = await ready(service, tenant, definition=definition, interval=interval)
    reading = await service.runtime.check(_spec(tenant, prepared))
    ok = reading.failure is None and reading.metrics.get("up", 1.0) != 0
    check = Check(
        tenant=tenant,
        definition=prepared.definition.digest,
        ok=ok,
        reading=reading,
        at=service.clock.now(),
    )
    await asyncio.to_thread(service.database.checks.put, check)
    return _seen(prepared, reading, ok=ok)


async def require_check(service: Service, tenant: str, *, definition: Definition) -> None:
    """Raises InvalidConfiguration unless exactly this (whole) definition was seen to work."""
    now = service.clock.now()
    check = await asyncio.to_thread(service.database.checks.get, tenant, definition.digest, now=now)
    if check is None:
        raise wrong("check", f"exactly this definition was not checked within 24 h; {_REPAIR}")
    if not check.ok:
        raise wrong("check", f"the last check of this definition did not see it up; {_REPAIR}")


_REPAIR = "call check_monitor with the same provider, config and secrets, or set untested"


def _spec(tenant: str, prepared: Ready) -> MonitorSpec:
    return MonitorSpec(
        id="check",
        tenant=tenant,
        version=1,
        provider=prepared.definition.provider,
        config=prepared.definition.config,
        interval=prepared.interval,
        phase=0,
        secrets=prepared.sealed,
    )


def _seen(prepared: Ready, reading: Reading, *, ok: bool) -> Result:
    definition = prepared.definition
    answer = shown(reading)
    answer.pop("id")
    return Result(
        summary=_summary(reading, ok),
        data={
            "ok": ok,
            "reading": answer,
            "units": units(prepared.provider, reading.metrics),
            "definition": {"provider": definition.provider, "interval": prepared.interval},
            "suggested_rules": msgspec.to_builtins(prepared.provider.default_rules) if ok else [],
        },
        next=_next(definition, ok),
    )


def _summary(reading: Reading, ok: bool) -> str:
    took = f"{reading.duration * 1000:.0f} ms"
    if ok:
        return f"It works: one live reading of {len(reading.metrics)} metrics in {took}."
    if reading.failure:
        return f"Nothing could be seen, tried for {took}: {cleaned(reading.failure.cause)}"
    return f"The target is down: up is 0, tried for {took}; the reading has the cause."


def _next(definition: Definition, ok: bool) -> tuple[Next, ...]:
    arguments = msgspec.to_builtins(definition)
    if ok:
        create = Next("create_monitor", "Arm it with exactly this definition.", arguments)
        return (create,)
    return (
        Next("check_monitor", "Repair the configuration or the target, then try again."),
        Next("create_monitor", "Arm it all the same, with untested: true."),
    )
