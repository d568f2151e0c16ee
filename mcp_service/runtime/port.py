"""The runtime port: where monitors run, and what each runtime must keep."""

from typing import Protocol

import msgspec

from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading


class Runtime(Protocol):
    """Where monitors run. Every call is idempotent."""

    async def apply(self, spec: MonitorSpec) -> None: ...
    async def remove(self, monitor: str) -> None: ...
    async def list(self) -> dict[str, "RuntimeStatus"]: ...
    async def find(self, monitor: str) -> "RuntimeStatus | None": ...
    async def check(self, spec: MonitorSpec) -> Reading:
        """One live run that stores nothing."""
        ...


class RuntimeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One monitor as its runtime shows it, in the words that `kn` prints."""

    monitor: str
    version: int
    ready: bool
    reason: str = ""
    schedule: str = ""
    sink: str = ""
    conditions: str = ""
    made_at: float = 0.0
    """Unix time; 0 where nobody knows."""

    def wanted_at(self, version: int) -> "RuntimeStatus":
        """The same to those who want this version: they do without one that runs at another."""
        if self.version == version:
            return self
        reason = self.reason or f"version {self.version} of {version} is running"
        return msgspec.structs.replace(self, ready=False, reason=reason)
