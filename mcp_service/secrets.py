"""Secrets of a tenant: sealed the moment they are entered, and never shown again."""

import asyncio
import re
from collections.abc import Sequence
from functools import partial

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.seal import seal
from functions.core.web import parse_url
from mcp_service.database.records import MonitorRecord, SecretRecord
from mcp_service.monitors.apply import put
from mcp_service.monitors.lookup import changed_row, last_change, unhurried
from mcp_service.refusals import Unknown, listed, wrong
from mcp_service.service import Service

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LONGEST = 8192
NO_TEXT = "must be text in UTF-8; write other bytes in letters, such as base64"


async def put_secret(
    service: Service, tenant: str, *, name: str, value: str, hosts: Sequence[str], role: str
) -> None:
    """Seal and store; only the function of `role` can open it, only for sending to `hosts`.

    Raises InvalidConfiguration with every fault, none of which shows the value."""
    names = tuple(sorted({_host(host) for host in hosts}))
    found = _faults(service, name, value=value, hosts=names, role=role)
    if found:
        raise InvalidConfiguration(*found)
    public = service.sealing_keys[role]
    sealed = seal(value, role=role, tenant=tenant, name=name, hosts=names, public_key=public)
    record = SecretRecord(
        tenant=tenant,
        name=name,
        role=role,
        hosts=names,
        sealed=sealed,
        created_at=service.clock.now(),
    )
    await asyncio.to_thread(service.database.secrets.put, record)
    for monitor in await asyncio.to_thread(service.database.monitors.of, tenant):
        if name in monitor.secrets.values():
            await unhurried(partial(_renew, service, monitor))


async def _renew(service: Service, monitor: MonitorRecord) -> None:
    """A new version of the monitor carries the new secret to where it runs."""
    before = await last_change(service, monitor.tenant, named=monitor.id)
    newer = msgspec.structs.replace(before.record, version=before.record.version + 1)
    row = await changed_row(service, newer, rules=before.rules)
    await put(service, newer, row=row, before=before, what="a secret was entered again")


async def list_secrets(service: Service, tenant: str) -> list[SecretRecord]:
    """Names, roles and hosts; the sealed text is of no use to a person."""
    return await asyncio.to_thread(service.database.secrets.of, tenant)


async def drop_secret(service: Service, tenant: str, *, name: str) -> None:
    """Raises Unknown when there is none of that name, InvalidConfiguration while a monitor sends
    it: no healthy target shall be called down for want of it."""
    own = [secret.name for secret in await list_secrets(service, tenant)]
    if name not in own:
        raise Unknown("secret", name, own=own)
    monitors = await asyncio.to_thread(service.database.monitors.of, tenant)
    if users := [monitor.name for monitor in monitors if name in monitor.secrets.values()]:
        problem = f"is still sent by {listed(users)}; delete or change them first, or enter a new"
        raise wrong("name", f"{problem} value with `claude-monitor secret set`")
    await asyncio.to_thread(service.database.secrets.drop, tenant, name)


def _faults(
    service: Service, name: str, *, value: str, hosts: tuple[str, ...], role: str
) -> list[Fault]:
    found = []
    if not _NAME.fullmatch(name):
        found.append(Fault("name", "must be up to 64 letters, digits, dots, hyphens, underscores"))
    if not 0 < len(value) <= LONGEST:
        found.append(Fault("value", f"must have 1 to {LONGEST} characters"))
    elif any("\ud800" <= letter <= "\udfff" for letter in value):  # bytes that are no letters
        found.append(Fault("value", NO_TEXT))
    if not hosts or "" in hosts:
        problem = (
            "must be the hosts it may be sent to, such as shop.example; no http://, port or path"
        )
        found.append(Fault("host", problem))
    if role not in service.sealing_keys:
        found.append(Fault("role", f"must be one of {', '.join(sorted(service.sealing_keys))}"))
    return found


def _host(text: str) -> str:
    """The name as the door compares it; nothing when it is not one host."""
    try:
        parsed = parse_url(f"https://{text.strip()}/")
    except InvalidConfiguration:
        return ""
    return parsed.host if parsed.path == "/" and parsed.port == 443 else ""
