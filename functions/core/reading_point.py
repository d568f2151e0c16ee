"""How a reading stands in InfluxDB: one point of its monitor's series in the second of its slot.

A point with the same series and time replaces the one before, field by field. So the nanoseconds
tell writes of one slot apart: none is replaced, and the last one of the second is the one that
counts. That is the earliest observation, whatever order they were written in; a missed slot is the
first nanosecond and yields to all others."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from functions.core.errors import UnexpectedAnswer
from functions.core.line_protocol import Floats, beginning, json_text, line
from functions.core.reading import Reading, stands
from functions.core.rollup import Bucket

Key = tuple[str, str, int]
"""Tenant, monitor and slot: of each there is one reading that counts."""

MEASUREMENT, HOURS = "reading", "hour"
SECOND = 1_000_000_000
VALUE = "value."
"""What the field of a metric begins with, so that no metric takes the name of a field of ours."""
_EARLY = 500
"""Seconds that an observation may be before or after its slot and still be told from others."""
_SHARE = SECOND / (2 * _EARLY)


def first_writes(readings: Iterable[Reading]) -> dict[Key, Reading]:
    """The reading of each slot that would stand if they were written one after the other."""
    found: dict[Key, Reading] = {}
    for reading in readings:
        key = (reading.tenant, reading.monitor, reading.slot)
        if stands(reading, found[key].missed if key in found else None):
            found[key] = reading
    return found


def lines_of(readings: Iterable[Reading]) -> str:
    """Line protocol of these readings. Raises UnexpectedAnswer for a tenant or monitor that cannot
    be a tag."""
    return "\n".join(map(_line, readings))


def yielded_lines(readings: Iterable[Reading]) -> str:
    """Take back that the slots of these readings were missed."""
    points = ((_begin(r.monitor, r.tenant), r.slot * SECOND) for r in readings)
    return "\n".join(line(begin, {"missed": 0}, at=at) for begin, at in points)


def hour_lines(hours: Mapping[int, Bucket], whose: tuple[str, str]) -> str:
    """Line protocol of what hours of this tenant's monitor amount to, by their start."""
    begin = beginning(HOURS, {"tenant": whose[0], "monitor": whose[1]})
    told = ((json_text(bucket), start * SECOND) for start, bucket in hours.items())
    return "\n".join(f"{begin}bucket={text} {at}" for text, at in told)


def _line(reading: Reading) -> str:
    failed, missed, metrics = 0, 0, reading.metrics
    if reading.failure:
        failed, missed, metrics = int(not reading.missed), int(reading.missed), {}
    return (
        f"{_begin(reading.monitor, reading.tenant)}failed={failed}i,missed={missed}i,"
        f"reading={json_text(reading)}"
        f"{_floats(tuple(metrics)).text(metrics)} {nanoseconds(reading)}"
    )


@lru_cache(maxsize=65_536)
def _begin(monitor: str, tenant: str) -> str:
    for name in (monitor, tenant):
        if not name or not name.isprintable() or name.endswith("\\"):
            message = "A tenant or monitor has characters that InfluxDB cannot keep in a tag."
            raise UnexpectedAnswer(message, cause=ascii(name)[:80])
    return beginning(MEASUREMENT, {"monitor": monitor, "tenant": tenant})


@lru_cache(maxsize=4096)
def _floats(metrics: tuple[str, ...]) -> Floats:
    return Floats(metrics, prefix=VALUE)


def nanoseconds(reading: Reading) -> int:
    """When its point stands, since the epoch."""
    if reading.missed:
        return reading.slot * SECOND
    after = round((reading.at - reading.slot + _EARLY) * _SHARE)
    if not 0 <= after < SECOND - 1:
        after = 0 if after < 0 else SECOND - 2
    return (reading.slot + 1) * SECOND - 1 - after
