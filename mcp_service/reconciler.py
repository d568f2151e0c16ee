"""Makes the runtime agree with the rows, again and again, so that a crash half-way mends itself."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from functions.core.errors import MonitorError
from functions.core.monitor import MonitorSpec
from mcp_service.runtime.port import Runtime

ROUND = 7.0
"""Seconds to the next round. The watchdog goes by what the last one saw, and must not miss a slot
of a monitor that was paused or deleted since then."""

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
        for monitor in running.keys() - self.wanted.keys():
            await self._runtime.remove(monitor)
        for spec in self.wanted.values():
            status = running.get(spec.id)
            if status is None or status.version != spec.version:
                await self._apply(spec)

    async def _read(self) -> None:
        self.wanted = {spec.id: spec for spec in await asyncio.to_thread(self._desired)}

    async def _apply(self, spec: MonitorSpec) -> None:
        try:
            await self._runtime.apply(spec)
        except MonitorError as error:
            if self._refused.get(spec.id) != error.message:
                why = error.cause or error.kind
                _log.warning("monitor %s cannot run: %s (%s)", spec.id, error.message, why)
            self._refused[spec.id] = error.message
        else:
            self._refused.pop(spec.id, None)
