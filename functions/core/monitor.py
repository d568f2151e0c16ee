"""MonitorSpec, the one document that travels, and the Schedule it is polled on."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from functions.core.errors import Fault, InvalidConfiguration

MINUTE, HOUR, DAY = 60, 3600, 86_400
SHORTEST_INTERVAL = 5
SPEC_LIMIT = 64 * 1024
"""Bytes of a signed document at most."""

INTERVALS: tuple[int, ...] = tuple(
    sorted(
        {n for n in range(SHORTEST_INTERVAL, MINUTE + 1) if MINUTE % n == 0}
        | {n * MINUTE for n in range(1, 61) if 60 % n == 0}
        | {n * HOUR for n in range(1, 25) if 24 % n == 0}
    )
)
"""Seconds that cron can say: divisors of a minute, of an hour in whole minutes, of a day in whole
hours. Others would fire unevenly (`*/45` fires at 0 and 45)."""


def check_interval(seconds: int) -> None:
    """Raise InvalidConfiguration naming the two nearest intervals when cron cannot say this one."""
    if seconds in INTERVALS:
        return
    below = [n for n in INTERVALS if n < seconds][-1:]
    above = [n for n in INTERVALS if n > seconds][:1]
    nearest = " or ".join(f"{n} s" for n in below + above)
    problem = f"{seconds} s does not divide a minute, an hour or a day; use {nearest}"
    raise InvalidConfiguration(Fault("interval", problem))


def phase_of(monitor: str, interval: int) -> int:
    """Seconds after the interval's start at which this monitor fires: hash(monitor) mod interval,
    so that ten thousand monitors never fire together."""
    return int.from_bytes(_digest(monitor)[:8]) % interval


def share_of_second(monitor: str) -> float:
    """From 0 to below 1: where within its slot's second this monitor fires. PingSource adds up to
    half a second of its own accord."""
    return int.from_bytes(_digest(monitor)[8:10]) / 65_536


def _digest(monitor: str) -> bytes:
    return hashlib.sha256(monitor.encode()).digest()


class Schedule(msgspec.Struct, frozen=True):
    """Slots at `phase + k * interval` seconds since the epoch (UTC)."""

    interval: int
    phase: int

    def slot(self, at: float) -> int:
        """The scheduled instant nearest to `at` (seconds since the epoch)."""
        return round((at - self.phase) / self.interval) * self.interval + self.phase

    def next_after(self, at: float) -> int:
        """The first slot strictly later than `at`."""
        return int((at - self.phase) // self.interval + 1) * self.interval + self.phase

    def cron(self) -> str:
        """The six-field cron line (seconds first) that PingSource's parser takes, in UTC."""
        second = self.phase % MINUTE
        if self.interval < MINUTE:
            return f"{_listed(second % self.interval, self.interval, end=MINUTE)} * * * * *"
        minute = self.phase // MINUTE
        if self.interval < HOUR:
            return f"{second} {_listed(minute, self.interval // MINUTE, end=60)} * * * *"
        hours = _listed(minute // 60, self.interval // HOUR, end=24)
        return f"{second} {minute % 60} {hours} * * *"


def _listed(first: int, step: int, *, end: int) -> str:
    if step == 1:
        return "*"
    return ",".join(str(n) for n in range(first % step, end, step))


class MonitorSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One monitor at one version. `config` are the provider's fields, `interval` and `phase` are
    seconds, `secrets` maps the provider's secret names to values sealed for the function's role."""

    id: str
    tenant: str
    version: int
    provider: str
    config: dict[str, Any]
    interval: int
    phase: int
    secrets: dict[str, str] = {}

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.interval, self.phase)

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the spec itself (not with the provider's fields)."""
        found = []
        if self.version < 1:
            found.append(Fault("version", "must be 1 or more"))
        if self.interval not in INTERVALS:
            found.append(Fault("interval", "is not one that cron can say"))
        if not 0 <= self.phase < max(self.interval, 1):
            found.append(Fault("phase", "must lie within the interval"))
        return tuple(found)


def utc_text(at: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC, for events and for people. The fraction has no
    trailing zeros: brokers write times anew without them, and an event's MAC covers the text."""
    text = datetime.fromtimestamp(at, UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


def span_text(seconds: float) -> str:
    """A duration in its largest fitting units: `45 s`, `5 min`, `2 h 10 min`, `3 d`."""
    total = round(seconds)
    if total < 120:
        return f"{total} s"
    if total < 7200:
        return f"{total // 60} min"
    if total < 2 * 86_400:
        minutes = total % 3600 // 60
        return f"{total // 3600} h" + (f" {minutes} min" if minutes else "")
    return f"{total // 86_400} d"
