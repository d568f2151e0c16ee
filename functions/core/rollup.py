"""What a rollup bucket keeps of its readings: the same for every store that has no rollups of its
own."""

import msgspec

from functions.core.ports import Rollup
from functions.core.reading import Reading


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

    def count(self, reading: Reading) -> None:
        """Take one reading in."""
        if reading.failure is None:
            for name, value in reading.metrics.items():
                self._add(name, value)
        elif reading.missed:
            self.missed += 1
        else:
            self.failed += 1

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

    def _add(self, name: str, value: float) -> None:
        seen = self.metrics.setdefault(name, Values(0, 0.0, value, value))
        seen.count += 1
        seen.total += value
        seen.min = min(seen.min, value)
        seen.max = max(seen.max, value)

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


decoded = msgspec.json.Decoder(Bucket).decode
