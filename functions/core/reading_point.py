"""How a reading stands in InfluxDB: one point of its monitor's series in the second of its slot.

A point with the same series and time replaces the one before, field by field. So the nanoseconds
tell writes of one slot apart: none is replaced, and the last one of the second is the one that
counts. That is the earliest observation, whatever order they were written in; a missed slot is the
first nanosecond and yields to all others."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from functions.core.errors import UnexpectedAnswer
from functions.core.line_protocol import Field, Layout, Point
from functions.core.reading import Reading

Key = tuple[str, str, int]
"""Tenant, monitor and slot: of each there is one reading that counts."""

MEASUREMENT = "reading"
SECOND = 1_000_000_000
VALUE = "value."
"""What the field of a metric begins with, so that no metric takes the name of a field of ours."""
_EARLY = 500
"""Seconds that an observation may be before or after its slot and still be told from others."""
_OWN: dict[str, type[Field]] = {"failed": int, "missed": int, "reading": str}
_TAGS = ("monitor", "tenant")
_YIELDED = Layout(MEASUREMENT, tags=_TAGS, fields={"missed": int})


def first_writes(readings: Iterable[Reading]) -> dict[Key, Reading]:
    """The reading of each slot that would stand if they were written one after the other."""
    found: dict[Key, Reading] = {}
    for reading in readings:
        key = (reading.tenant, reading.monitor, reading.slot)
        if stands(reading, found[key].missed if key in found else None):
            found[key] = reading
    return found


def stands(reading: Reading, missed: bool | None) -> bool:
    """Whether it is the first of its slot (None), or the one that a missed slot yields to."""
    return missed is None or (missed and not reading.missed)


def lines_of(readings: Sequence[Reading]) -> str:
    """Line protocol of these readings. Raises UnexpectedAnswer for a tenant or monitor that cannot
    be a tag."""
    return "\n".join(_layout(tuple(sorted(_seen(r)))).lines([_point(r)]) for r in readings)


def yielded_lines(readings: Iterable[Reading]) -> str:
    """Take back that the slots of these readings were missed."""
    return _YIELDED.lines([((r.monitor, r.tenant), (0,), r.slot * SECOND) for r in readings])


def _point(reading: Reading) -> Point:
    for name in (reading.monitor, reading.tenant):
        if not name or not name.isprintable() or name.endswith("\\"):
            message = "A tenant or monitor has characters that InfluxDB cannot keep in a tag."
            raise UnexpectedAnswer(message, cause=ascii(name)[:80])
    failed = reading.failure is not None and not reading.missed
    own = (int(failed), int(reading.missed), msgspec.json.encode(reading).decode())
    values = (float(value) for _, value in sorted(_seen(reading).items()))
    return (reading.monitor, reading.tenant), (*own, *values), _time(reading)


def _seen(reading: Reading) -> dict[str, float]:
    return {} if reading.failure else reading.metrics


def _time(reading: Reading) -> int:
    if reading.missed:
        return reading.slot * SECOND
    after = round((reading.at - reading.slot + _EARLY) * (SECOND / (2 * _EARLY)))
    return (reading.slot + 1) * SECOND - 1 - min(max(after, 0), SECOND - 2)


@lru_cache(maxsize=4096)
def _layout(metrics: tuple[str, ...]) -> Layout:
    values: dict[str, type[Field]] = {VALUE + name: float for name in metrics}
    return Layout(MEASUREMENT, tags=_TAGS, fields=_OWN | values)
