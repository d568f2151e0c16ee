"""A lease that one replica of the service holds at a time, by the rules of client-go's leader
election: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection"""

from typing import Protocol

import msgspec

from functions.core.ports import Clock

LASTS = 15
"""Seconds for which nobody else takes a lease whose holder is silent."""
GIVE_UP = 10.0
"""Seconds after its last renewal at which a holder stops: earlier than anybody else begins."""


class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What all replicas see. The times are by the holder's clock, and nobody else reckons with
    them; `holder` is empty when it was released; `mark` is what the holder leaves to the next one;
    `version` is what a write is compared with (empty: there is no lease yet)."""

    holder: str
    lasts: int = LASTS
    acquired: float
    renewed: float
    transitions: int = 0
    mark: float = 0.0
    version: str = ""


class LeaseStore(Protocol):
    """Raises SourceUnavailable or AccessDenied."""

    async def read(self) -> LeaseRecord | None: ...
    async def write(self, record: LeaseRecord) -> bool:
        """Says whether it was written; False when the lease is no longer of that version."""
        ...


class Lease:
    """One replica's view of the lease. `name` is its own name, unlike any other's."""

    def __init__(self, store: LeaseStore, *, name: str, clock: Clock) -> None:
        self.name = name
        self.holder = ""
        """Who held it when we last looked; empty when nobody did."""
        self.mark = 0.0
        """While it is ours: how far its work has come. What the holder before us had written, until
        the work says more."""
        self._store = store
        self._clock = clock
        self._ends = clock.monotonic()
        self._seen: tuple[str, float, str] | None = None
        self._seen_at = 0.0

    def left(self) -> float:
        """Seconds for which it is ours without another renewal; not above 0 when it is not ours."""
        return self._ends - self._clock.monotonic()

    def held(self) -> bool:
        return self.left() > 0

    async def step(self) -> None:
        """Renew it, take it if it is free, or see who has it. Errors as of the store."""
        found = await self._store.read()
        self.holder = found.holder if found else ""
        if not self._is_free(found):
            self._ends = min(self._ends, self._clock.monotonic())
            return
        if found is not None and not self.held():
            self.mark = found.mark
        began = self._clock.monotonic()
        if await self._store.write(self._ours(found)):
            self._ends = began + GIVE_UP
            self.holder = self.name

    async def release(self) -> None:
        """Let the next one begin at once. Errors as of the store."""
        if not self.held():
            return
        self._ends = self._clock.monotonic()
        found = await self._store.read()
        if found is not None and found.holder == self.name:
            now = self._clock.now()
            left = msgspec.structs.replace(found, holder="", renewed=now, mark=self.mark)
            await self._store.write(left)

    def _is_free(self, found: LeaseRecord | None) -> bool:
        """A silent holder's time runs by our own clock from when we first saw its last sign."""
        if found is None or found.holder in ("", self.name):
            return True
        sign = (found.holder, found.renewed, found.version)
        if sign != self._seen:
            self._seen, self._seen_at = sign, self._clock.monotonic()
        return self._clock.monotonic() - self._seen_at >= found.lasts

    def _ours(self, found: LeaseRecord | None) -> LeaseRecord:
        now = self._clock.now()
        if found is None:
            return LeaseRecord(holder=self.name, acquired=now, renewed=now, mark=self.mark)
        same = found.holder == self.name
        return LeaseRecord(
            holder=self.name,
            acquired=found.acquired if same else now,
            renewed=now,
            transitions=found.transitions + (not same),
            mark=self.mark,
            version=found.version,
        )
