"""The clock of the service: wall time that never goes back."""

import time


class SteadyClock:
    """Follows the wall clock; when that is set back, runs at nine tenths of its pace until the two
    meet again, because slots that repeat would be taken for repetitions (implements Clock)."""

    def __init__(self) -> None:
        self._now = time.time()
        self._measured = time.monotonic()

    def now(self) -> float:
        measured = time.monotonic()
        self._now = max(time.time(), self._now + 0.9 * (measured - self._measured))
        self._measured = measured
        return self._now

    def monotonic(self) -> float:
        return time.monotonic()
