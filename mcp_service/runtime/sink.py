"""Where readings go when everything runs in one process: the store, then the rules."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from functions.core.errors import MonitorError, SourceUnavailable
from functions.core.reading import Reading


class Records(Protocol):
    """Durable when it returns; SourceUnavailable when the store refuses."""

    async def record(self, readings: Sequence[Reading]) -> None: ...


Submit = Callable[[Reading], Awaitable[object]]
"""Evaluates one reading; durable when it returns, idempotent by the reading's slot."""

BEHIND_LIMIT = 100_000
"""Stored readings that the rules have not seen; beyond it only the restart's catch-up helps."""


class InProcessSink:
    """A reading is accepted when the store and the rules both have it for good (implements
    EventSink). What only the store has is owed to the rules and submitted again by `settle`."""

    def __init__(self, recording: Records, submit: Submit, *, log: logging.Logger) -> None:
        self._recording = recording
        self._submit = submit
        self._log = log
        self._behind: dict[str, Reading] = {}
        self.fault = ""
        """Why the last reading was not accepted, or nothing."""

    async def emit(self, reading: Reading) -> None:
        try:
            await self._accept(reading)
        except MonitorError as error:
            self.fault = error.message
            raise
        self.fault = ""

    async def settle(self) -> None:
        """Submit what the rules have not seen, oldest first. Raises SourceUnavailable."""
        for key, reading in list(self._behind.items()):
            await self._evaluate(reading)
            del self._behind[key]

    async def _accept(self, reading: Reading) -> None:
        await self._recording.record((reading,))
        try:
            await self._evaluate(reading)
        except SourceUnavailable:
            if len(self._behind) < BEHIND_LIMIT:
                self._behind[reading.id] = reading
            raise

    async def _evaluate(self, reading: Reading) -> None:
        try:
            await self._submit(reading)
        except SourceUnavailable:
            raise
        except MonitorError as error:
            # Never again is right for it: the monitor was deleted or changed while it was polled.
            self._log.info("reading %s not evaluated: %s", reading.id, error.message)
