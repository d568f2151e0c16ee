"""A monitor's definition: what is watched and how, whole and proven as one."""

import asyncio
import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.monitor import SPEC_LIMIT, check_interval
from functions.core.provider import Provider, configured, faults
from mcp_service.database.records import SecretRecord
from mcp_service.program import terminal_line
from mcp_service.providers import kind_of
from mcp_service.refusals import near, wrong
from mcp_service.service import Service
from mcp_service.tolerance import meant

LARGEST = SPEC_LIMIT // 2
"""Bytes of a definition: signed and quoted inside a document it still has to fit in there."""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """`secrets` maps the provider's secret slots to the names of stored secrets."""

    provider: str
    config: dict[str, Any] = {}
    secrets: dict[str, str] = {}

    @property
    def digest(self) -> str:
        """The same for the same definition, whatever the order of its fields."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A definition without faults: with every default written out, so that a later default changes
    nothing that was proven; `sealed` are its secrets by slot."""

    definition: Definition
    provider: Provider
    sealed: dict[str, str]
    interval: int


async def ready(
    service: Service, tenant: str, *, definition: Definition, interval: int | None = None
) -> Ready:
    """Raises InvalidConfiguration with every fault of provider, configuration, secrets and
    interval at once."""
    kind = kind_of(definition.provider)
    seconds = kind.interval if interval is None else interval
    stored = {
        secret.name: secret
        for secret in await asyncio.to_thread(service.database.secrets.of, tenant)
    }
    config = meant(kind, definition.config)
    found = [_under("config", fault) for fault in faults(kind, config)]
    provider = None if found else configured(kind, config)
    found += _secret_faults(
        kind, provider, given=definition.secrets, stored=stored, runtime=service.runtime_name
    )
    found += _interval_faults(seconds)
    if found or provider is None:
        raise InvalidConfiguration(*found)
    # Through JSON, so that it equals what is read back from the row.
    config = msgspec.json.decode(msgspec.json.encode(provider))
    whole = msgspec.structs.replace(definition, config=config)
    if len(msgspec.json.encode(whole)) > LARGEST:
        raise wrong("config", f"is larger than {LARGEST // 1024} KiB in all; shorten it")
    sealed = {slot: stored[name].sealed for slot, name in definition.secrets.items()}
    return Ready(definition=whole, provider=provider, sealed=sealed, interval=seconds)


def _secret_faults(
    kind: type[Provider],
    provider: Provider | None,
    *,
    given: Mapping[str, str],
    stored: Mapping[str, SecretRecord],
    runtime: str,
) -> list[Fault]:
    slots = [slot.name for slot in kind.secrets]
    enter = partial(_entering, runtime, provider)
    found = []
    for slot, name in given.items():
        if slot not in slots:
            accepted = ", ".join(slots) or "none"
            found.append(Fault("secrets", f"has a slot this provider lacks; it has: {accepted}"))
        elif name not in stored:
            own = near(name, stored) or sorted(stored)[:5]
            known = f" (stored: {', '.join(own)})" if own else ""
            problem = (
                f"names no stored secret{known}; the person enters it with: {enter(slot=slot)}"
            )
            found.append(Fault(f"secrets.{slot}", problem))
        elif provider and not set(provider.hosts(slot)) <= set(stored[name].hosts):
            problem = (
                f"that secret may not be sent there; the person enters it again: {enter(slot=slot)}"
            )
            found.append(Fault(f"secrets.{slot}", problem))
    return found


def _entering(runtime: str, provider: Provider | None, *, slot: str) -> str:
    """The command with the hosts that are known; the name is the caller's text, so not repeated."""
    hosts = provider.hosts(slot) if provider else ("HOST",)
    options = [word for host in hosts for word in ("--host", host)]
    return terminal_line(runtime, "secret", "set", "NAME", *options)


def _interval_faults(seconds: int) -> list[Fault]:
    try:
        check_interval(seconds)
    except InvalidConfiguration as error:
        return list(error.faults)
    return []


def _under(path: str, fault: Fault) -> Fault:
    return Fault(f"{path}.{fault.field}", fault.problem)
