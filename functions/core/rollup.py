"""What a rollup bucket keeps of its readings, the same for every store. Hours are stored; minutes
are counted from raw readings, and days are hours put together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from functions.core.ports import Rollup
from functions.core.reading import Failure, FailureKind, Reading

HOUR, DAY = 3600, 86_400
ROLLUP_DAYS = 400
"""How long hours are kept at least: 13 months."""


class Values(msgspec.Struct, array_like=True):
    """What a bucket keeps of one metric."""

    count: int
    total: float
    min: float
    max: float


class Bucket(msgspec.Struct):
    """The readings of one monitor between two instants."""

    failed: int = 0
    missed: int = 0
    metrics: dict[str, Values] = {}

    def merge(self, other: "Bucket") -> None:
        """Take in what another one, of other readings, has counted."""
        self.failed += other.failed
        self.missed += other.missed
        for name, more in other.metrics.items():
            seen = self.metrics.setdefault(name, Values(0, 0.0, more.min, more.max))
            seen.count += more.count
            seen.total += more.total
            seen.min = min(seen.min, more.min)
            seen.max = max(seen.max, more.max)

    def rollups(self, start: int, step: int) -> list[Rollup]:
        """One for each metric. A bucket in which nothing could be seen is one with an empty metric
        and count 0, so that it is not taken for a bucket without readings."""
        return [
            Rollup(
                start=start,
                step=step,
                metric=name,
                count=seen.count,
                mean=seen.total / max(seen.count, 1),
                min=seen.min,
                max=seen.max,
                failed=self.failed,
                missed=self.missed,
            )
            for name, seen in (self.metrics or {"": Values(0, 0.0, 0.0, 0.0)}).items()
        ]


class Outcome(msgspec.Struct, gc=False):
    """As much of a stored reading as a bucket counts: a third faster to decode than all of it."""

    metrics: dict[str, float] = {}
    failure: Failure | None = None


decoded = msgspec.json.Decoder(Bucket).decode


def counted(readings: Iterable[Reading | Outcome]) -> Bucket:
    """What they amount to together."""
    bucket = Bucket()
    values: defaultdict[str, list[float]] = defaultdict(list)
    for reading in readings:
        if reading.failure is None:
            for name, value in reading.metrics.items():
                values[name].append(value)
        elif reading.failure.kind is FailureKind.MISSED:
            bucket.missed += 1
        else:
            bucket.failed += 1
    bucket.metrics = {
        name: Values(len(all_), sum(all_), min(all_), max(all_)) for name, all_ in values.items()
    }
    return bucket


def rollup_days(retention_days: int) -> int:
    """Days that hours are kept when raw readings are kept for so many."""
    return max(retention_days, ROLLUP_DAYS)


def fine(step: int) -> int:
    """The step that buckets of this one are made of."""
    return min(step, HOUR)


def span(since: int, until: int, *, step: int) -> tuple[int, int]:
    """From the first bucket that begins in the range to the end of the last one."""
    return since + -since % step, until + -until % step


def rolled_up(buckets: Mapping[int, Bucket], step: int) -> list[Rollup]:
    """Buckets by their start, put together to longer ones, oldest first."""
    longer: dict[int, Bucket] = {}
    for start, bucket in sorted(buckets.items()):
        longer.setdefault(start - start % step, Bucket()).merge(bucket)
    return [row for start, bucket in longer.items() for row in bucket.rollups(start, step)]
