"""The latest readings in memory, for tests of those who ask for them."""

from collections.abc import Sequence

from functions.core.errors import SourceUnavailable
from functions.core.reading import Reading


class MemoryLatest:
    """Implements ports.LatestReadings. It can be away, and counts how often it is asked."""

    def __init__(self) -> None:
        self._readings: dict[tuple[str, str], Reading] = {}
        self._slots: dict[tuple[str, str], set[int]] = {}
        self.is_away = False
        self.asked = 0

    async def put(self, readings: Sequence[Reading]) -> None:
        self._look()
        for reading in readings:
            whose = (reading.tenant, reading.monitor)
            known = self._readings.get(whose)
            if known is None or _order(known) < _order(reading):
                self._readings[whose] = reading
            self._slots.setdefault(whose, set()).add(reading.slot)

    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]:
        self._look()
        found = {name: self._readings.get((tenant, name)) for name in monitors}
        return {name: reading for name, reading in found.items() if reading is not None}

    async def slots(
        self, monitors: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], frozenset[int]]:
        self._look()
        return {whose: frozenset(self._slots.get(whose, ())) for whose in monitors}

    async def forget(self, tenant: str, monitor: str) -> None:
        self._look()
        self._readings.pop((tenant, monitor), None)
        self._slots.pop((tenant, monitor), None)

    def _look(self) -> None:
        self.asked += 1
        if self.is_away:
            raise SourceUnavailable("Redis is away")


def _order(reading: Reading) -> tuple[int, bool]:
    return reading.slot, not reading.missed
