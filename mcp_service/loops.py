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
                self.fault = await tried(self.name, self._step(), fault=self.fault, log=_log)
            seconds = min(self._every, AGAIN) if self.fault else self._every
            try:
                async with asyncio.timeout(seconds * random.uniform(0.9, 1.1)):  # noqa: S311 - spreads load, guards nothing
                    await self._woken.wait()
            except TimeoutError:
                continue


async def tried(name: str, step: Awaitable[object], *, fault: str, log: logging.Logger) -> str:
    """The fault of this try, or nothing; `fault` is that of the try before. An expected failure is
    logged once until it is over."""
    try:
        await step
    except MonitorError as error:
        if not fault:
            log.warning("%s: %s (%s)", name, error.message, error.cause or error.kind)
        return error.message
    if fault:
        log.info("%s: works again", name)
    return ""
