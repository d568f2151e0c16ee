"""What was observed of a monitor at one slot: metrics, or the reason nothing could be seen."""

from enum import StrEnum
from typing import Literal

import msgspec

LATENESS = 300
"""Seconds (and at least five intervals) within which a late reading is still evaluated in its
place. Older ones are kept with quality `late` and left out, live and in replays alike."""
LARGEST = 1e300
"""Of either sign: a year of such values still adds up to a number that databases can keep."""


class FailureKind(StrEnum):
    """Why nothing could be seen; `missed` is the watchdog's word for a slot that never ticked."""

    ACCESS = "access"
    UNAVAILABLE = "unavailable"
    UNEXPECTED = "unexpected"
    MISSED = "missed"


class Failure(msgspec.Struct, frozen=True):
    """`cause` is in our own words and safe to show."""

    kind: FailureKind
    cause: str


Quality = Literal["good", "failed", "late"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One reading. `slot` is the scheduled instant and `at` the moment of observation (seconds
    since the epoch), `duration` the seconds it took, `interval` the monitor's own. Metrics have the
    units their provider declares; texts come from outside and are never joined to our sentences."""

    tenant: str
    monitor: str
    version: int
    provider: str
    slot: int
    interval: int
    at: float
    duration: float = 0.0
    metrics: dict[str, float] = {}
    texts: dict[str, str] = {}
    failure: Failure | None = None
    late: bool = False

    @property
    def missed(self) -> bool:
        """Whether this only says that the slot never ticked."""
        return self.failure is not None and self.failure.kind is FailureKind.MISSED

    @property
    def id(self) -> str:
        """The same for every repetition; a missed slot has an id of its own kind, so that the
        reading that comes after all is not taken for a repetition."""
        return f"{self.monitor}/{self.slot}" + ("/missed" if self.missed else "")

    @property
    def quality(self) -> Quality:
        if self.late:
            return "late"
        return "failed" if self.failure else "good"


def stands(reading: Reading, missed: bool | None) -> bool:
    """Whether it is the first of its slot (None), or the one that a missed slot yields to."""
    return missed is None or (missed and not reading.missed)


def is_number(value: float) -> bool:
    """Whether it can be the value of a metric: finite, and not beyond LARGEST."""
    return abs(value) <= LARGEST


def lateness(interval: int) -> int:
    """Seconds that a reading may be behind the newest one and still be evaluated."""
    return max(LATENESS, 5 * interval)
