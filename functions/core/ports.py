"""The ports of polling and storing: what the pure code needs from the outside, and what every
adapter must keep."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from functions.core.reading import Reading


class Clock(Protocol):
    """`now` is seconds since the epoch, `monotonic` seconds for measuring intervals."""

    def now(self) -> float: ...
    def monotonic(self) -> float: ...


class SecretOpener(Protocol):
    """Opens sealed secrets for one role."""

    def open(self, tenant: str, name: str, *, host: str, sealed: str) -> str:
        """The plain value. Raises AccessDenied unless sealed for this role, tenant and host."""
        ...


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request through the outbound door. `deadline` is in seconds for everything, redirects
    included; at most `body_limit` decoded bytes are kept."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes = b""
    redirects: int = 3
    deadline: float = 10.0
    body_limit: int = 1024 * 1024


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Phases are milliseconds of the last hop, `total` of all hops; `certificate_days` is None
    without TLS; `truncated` says that the body was longer than the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    redirects: int
    address: str
    dns: float
    connect: float
    tls: float
    first_byte: float
    total: float
    certificate_days: float | None = None
    truncated: bool = False


class HttpClient(Protocol):
    """Raises SourceUnavailable for refused, timed out, reset, TLS and DNS failures of the target,
    InvalidConfiguration for an address the door does not let through."""

    async def fetch(self, request: HttpRequest) -> HttpResponse: ...


class EventSink(Protocol):
    """Where readings go. Returning means accepted; SourceUnavailable means that nobody has it."""

    async def emit(self, reading: Reading) -> None: ...


class ReadingStore(Protocol):
    """Readings by (tenant, monitor, slot). The first write of a slot wins, except that a missed
    slot yields to the reading that comes after all. Durable when `add` returns."""

    async def add(self, readings: Sequence[Reading]) -> None: ...
    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]: ...
    async def query(
        self, tenant: str, monitor: str, *, since: int, until: int, limit: int
    ) -> list[Reading]:
        """Oldest first, `since <= slot < until`; the newest `limit` of them."""
        ...

    async def rollups(
        self, tenant: str, monitor: str, *, since: int, until: int, step: int
    ) -> list["Rollup"]:
        """Buckets that begin in the range, oldest first, one row per metric. A bucket in which
        nothing could be seen is one row with an empty metric and count 0. Minutes reach back only
        as far as raw readings do."""
        ...

    async def forget(self, tenant: str, monitor: str) -> None: ...
    async def expire(self, before: int, *, rollups_before: int) -> int:
        """Delete raw readings of whole hours before this slot, and hours that began before that
        one. Returns how many raw readings; what they amounted to stays. To be called each hour."""
        ...


class LatestReadings(Protocol):
    """What many ask often, without the store. It may forget at any time, so what it does not know
    has to be asked of the store; what it knows is stored. SourceUnavailable when it is away."""

    async def put(self, readings: Sequence[Reading]) -> None:
        """Only forward by slot; a missed slot yields to the reading that comes after all."""
        ...

    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]: ...
    async def slots(
        self, monitors: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Collection[int]]:
        """By tenant and monitor some of the last slots that have a reading."""
        ...

    async def forget(self, tenant: str, monitor: str) -> None: ...


class Rollup(msgspec.Struct, frozen=True, kw_only=True):
    """One metric over one bucket of `step` seconds beginning at `start`; `failed` and `missed`
    count slots without a value."""

    start: int
    step: int
    metric: str
    count: int
    mean: float
    min: float
    max: float
    failed: int = 0
    missed: int = 0


class CursorStore(Protocol):
    """A provider's memory between polls, at most 64 KiB, compare-and-set on the slot."""

    async def load(self, tenant: str, monitor: str) -> bytes | None: ...
    async def save(self, tenant: str, monitor: str, *, slot: int, cursor: bytes) -> bool: ...
