"""Work that the service repeats for as long as it lives."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from functions.core.errors import MonitorError

AGAIN = 10.0
"""Seconds after which a step that failed is tried again, however seldom it is due."""

_log = logging.getLogger("claude_monitor.loops")


class Loop:
    """Runs `step` every `every` seconds, a tenth sooner or later, or at once after `wake()`. An
    expected failure is logged once until it is over, and tried again soon; a defect ends the
    service, visibly. Nothing is done while `allowed` says no."""

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[object]],
        *,
        every: float,
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.fault = ""
        self._step = step
        self._every = every
        self._allowed = allowed
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._woken.clear()
            if self._allowed():
                await self._once()
            seconds = min(self._every, AGAIN) if self.fault else self._every
            try:
                async with asyncio.timeout(seconds * random.uniform(0.9, 1.1)):  # noqa: S311 - spreads load, guards nothing
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _once(self) -> None:
        try:
            await self._step()
        except MonitorError as error:
            if not self.fault:
                _log.warning("%s: %s (%s)", self.name, error.message, error.cause or error.kind)
            self.fault = error.message
        else:
            if self.fault:
                _log.info("%s: works again", self.name)
            self.fault = ""
