"""Trying a definition once, live, without saving anything but the proof."""

import asyncio
from typing import Any

import msgspec

from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading
from mcp_service.database.records import Check
from mcp_service.definitions import Definition, Ready, ready
from mcp_service.outside import cleaned, shown
from mcp_service.providers import units
from mcp_service.refusals import Unproven
from mcp_service.results import Next, Result
from mcp_service.service import Service


async def check_monitor(
    service: Service, tenant: str, *, definition: Definition, interval: int | None = None
) -> Result:
    """One live reading, remembered under the definition's hash. Raises InvalidConfiguration with
    every fault at once, AccessDenied for a secret that cannot be used."""
    prepared = await ready(service, tenant, definition=definition, interval=interval)
    reading = await service.runtime.check(_spec(tenant, prepared))
    reading = msgspec.structs.replace(reading, slot=int(reading.at))  # it stands for no slot
    ok = reading.failure is None and reading.metrics.get("up", 1.0) != 0
    check = Check(
        tenant=tenant,
        definition=prepared.definition.digest,
        ok=ok,
        reading=reading,
        at=service.clock.now(),
    )
    await asyncio.to_thread(service.database.checks.put, check)
    return _seen(prepared, reading, ok=ok, interval=interval)


async def require_check(service: Service, tenant: str, *, definition: Definition) -> None:
    """Raises InvalidConfiguration unless exactly this (whole) definition was seen to work."""
    now = service.clock.now()
    check = await asyncio.to_thread(service.database.checks.get, tenant, definition.digest, now=now)
    if check is not None and check.ok:
        return
    problem = "was not checked within 24 h" if check is None else "was not up when last checked"
    repair = "call check_monitor with the same provider, config and secrets, or set untested"
    raise Unproven(f"exactly this definition {problem}; {repair}", check=_arguments(definition))


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


def _seen(prepared: Ready, reading: Reading, *, ok: bool, interval: int | None) -> Result:
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
        next=_armed(definition, interval) if ok else _repaired(prepared, reading),
    )


def _summary(reading: Reading, ok: bool) -> str:
    if reading.failure:
        return f"Nothing could be seen: {cleaned(reading.failure.cause)}"
    took = f"{reading.duration * 1000:.0f} ms"
    if ok:
        return f"It works: one live reading of {len(reading.metrics)} metrics in {took}."
    return f"The target is down: up is 0, tried for {took}; the reading has the cause."


def _armed(definition: Definition, interval: int | None) -> tuple[Next, ...]:
    """The monitor that was tried, at the interval that was asked for."""
    asked = {} if interval is None else {"interval": interval}
    arguments = _arguments(definition) | asked
    return (Next("create_monitor", "Arm it with exactly this definition.", arguments),)


def _repaired(prepared: Ready, reading: Reading) -> tuple[Next, ...]:
    """What helps. Only a target that is down is worth watching as it is: what cannot be seen now
    would stay blind."""
    again = Next("check_monitor", "Repair the configuration or the target, then try again.")
    if reading.failure:
        return (again,)
    untested = Next("create_monitor", "Arm it all the same, with untested: true.")
    refused = reading.metrics.get("status") in _REFUSED
    if not refused or prepared.definition.secrets or not prepared.provider.secrets:
        return (again, untested)
    which = {"provider": prepared.definition.provider}
    secret = Next("describe_provider", "It wants a secret: see which ones can be sent.", which)
    return (secret, again, untested)


_REFUSED = (401, 403)
"""HTTP status of an answer to somebody who is not known, or not let in."""


def _arguments(definition: Definition) -> dict[str, Any]:
    whole: dict[str, Any] = msgspec.to_builtins(definition)
    return {name: value for name, value in whole.items() if value}
