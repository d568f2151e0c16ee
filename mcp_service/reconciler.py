"""Makes the runtime agree with the rows, again and again, so that a crash half-way mends itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from functions.core.errors import MonitorError
from functions.core.monitor import MonitorSpec
from mcp_service.runtime.port import Runtime

ROUND = 7.0
"""Seconds to the next round. The watchdog goes by what the last one saw, and must not miss a slot
of a monitor that was paused or deleted since then."""
AT_ONCE = 50
"""Monitors that are applied before the rows are read anew: in a long round they change."""

_log = logging.getLogger("claude_monitor.reconciler")


class Reconciler:
    """`desired` reads the active monitors from the database; it blocks and runs on a thread."""

    def __init__(self, desired: Callable[[], Iterable[MonitorSpec]], runtime: Runtime) -> None:
        self._desired = desired
        self._runtime = runtime
        self._refused: dict[str, str] = {}
        self.wanted: dict[str, MonitorSpec] = {}
        """The active monitors as of the last round."""

    async def step(self) -> None:
        """One round. A monitor that the runtime refuses does not hold up the others."""
        # The runtime first: whoever changes a monitor writes its row before asking the runtime, so
        # these rows are never older than what runs, and no change of a moment ago is taken back.
        try:
            running = await self._runtime.list()
        except MonitorError:
            await self._read()  # the watchdog goes by what should run
            raise
        await self._read()
        versions = {monitor: status.version for monitor, status in running.items()}
        unwanted = running.keys() - self.wanted.keys()
        other = [one.id for one in self.wanted.values() if versions.get(one.id) != one.version]
        self._refused = {one: self._refused[one] for one in {*unwanted, *other} & {*self._refused}}
        for monitor in unwanted:
            await self._attempt(monitor, self._runtime.remove(monitor), words="be removed")
        for number, monitor in enumerate(other, 1):
            if spec := self.wanted.get(monitor):
                await self._attempt(monitor, self._runtime.apply(spec), words="run")
            if number % AT_ONCE == 0:
                await self._read()

    def refusal(self, monitor: str) -> str:
        """Why it does not run as it should, in our words; nothing when it does."""
        return self._refused.get(monitor, "")

    async def _read(self) -> None:
        self.wanted = {spec.id: spec for spec in await asyncio.to_thread(self._desired)}

    async def _attempt(self, monitor: str, asked: Awaitable[None], *, words: str) -> None:
        try:
            await asked
        except MonitorError as error:
            if self._refused.get(monitor) != error.message:
                why = error.cause or error.kind
                _log.warning("monitor %s cannot %s: %s (%s)", monitor, words, error.message, why)
            self._refused[monitor] = error.message
        else:
            self._refused.pop(monitor, None)
