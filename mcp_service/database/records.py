"""What the database gives and takes: plain frozen values, one per row."""

from typing import Any, Literal

import msgspec

from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading


class MonitorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor as its owner wants it. `secrets` maps the provider's secret slots to the names of
    stored secrets; `untested` says that it was armed without a successful check."""

    id: str
    tenant: str
    name: str
    version: int
    provider: str
    config: dict[str, Any]
    interval: int
    phase: int
    secrets: dict[str, str] = {}
    state: Literal["active", "paused"] = "active"
    untested: bool = False
    channels: tuple[str, ...] = ()
    created_at: float = 0.0

    def spec(self, sealed: dict[str, str]) -> MonitorSpec:
        """The document that travels; `sealed` maps the secret slots to sealed values."""
        return MonitorSpec(
            id=self.id,
            tenant=self.tenant,
            version=self.version,
            provider=self.provider,
            config=self.config,
            interval=self.interval,
            phase=self.phase,
            secrets=sealed,
        )


RESUMED, CHANGED, INTERVAL = "resumed", "changed: ", "interval"
"""Words of changes by which `Monitors.rescheduled` finds those that moved a monitor's slots."""


class Change(msgspec.Struct, frozen=True):
    """One step in a monitor's life, with everything needed to go back to it."""

    number: int
    at: float
    what: str
    record: MonitorRecord
    rules: dict[str, str]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The latest live run of one definition. `ok`: it could see, and what it saw was up."""

    tenant: str
    definition: str
    ok: bool
    reading: Reading
    at: float


class SecretRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed value and where it may go. The `hosts` inside the seal are what counts."""

    tenant: str
    name: str
    role: str
    hosts: tuple[str, ...]
    sealed: str
    created_at: float


class CodeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The one live code of a channel that waits for its owner's confirmation."""

    tenant: str
    channel: str
    kind: str
    config: dict[str, str]
    code_hash: str
    expires_at: float
    tries_left: int
