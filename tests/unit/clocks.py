"""A clock that tests move by hand."""


class HandClock:
    """Implements ports.Clock; `advance` is time passing, `jump` only the wall clock being set."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._passed = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._passed += seconds

    def jump(self, seconds: float) -> None:
        self._now += seconds
