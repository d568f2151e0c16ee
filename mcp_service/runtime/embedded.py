"""The embedded runtime: scheduler, polls, store and rules in this one process."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from functions.core.errors import MonitorError
from functions.core.monitor import MonitorSpec
from functions.core.ports import Clock, EventSink
from functions.core.reading import Reading
from functions.core.seal import sign_spec
from functions.poll.polling import Polling
from mcp_service.runtime.missed import missed
from mcp_service.runtime.port import RuntimeStatus
from mcp_service.runtime.scheduler import Scheduler

OVERRUN = "the poll before it was still running"
CROWDED = "too many polls were running at once"


class Embedded:
    """Hands each monitor's signed document to Polling.tick at each slot, as Knative would
    (implements Runtime). At most one poll per monitor and `concurrency` in all at a time."""

    def __init__(
        self, polling: Polling, sink: EventSink, *, signing_key: str, clock: Clock, concurrency: int
    ) -> None:
        self._polling = polling
        self._sink = sink
        self._signing_key = signing_key
        self._clock = clock
        self._room = asyncio.Semaphore(concurrency)
        self._specs: dict[str, MonitorSpec] = {}
        self._documents: dict[str, bytes] = {}
        self._faults: dict[str, str] = {}
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = logging.getLogger("claude_monitor.embedded")
        self.scheduler = Scheduler(clock, self._due)

    async def apply(self, spec: MonitorSpec) -> None:
        if self._specs.get(spec.id) == spec:
            return
        self._documents[spec.id] = sign_spec(spec, self._signing_key)
        self._specs[spec.id] = spec
        self._faults.pop(spec.id, None)
        self.scheduler.put(spec.id, spec.schedule)

    async def remove(self, monitor: str) -> None:
        self.scheduler.drop(monitor)
        self._specs.pop(monitor, None)
        self._documents.pop(monitor, None)
        self._faults.pop(monitor, None)
        self._polls.pop(monitor, None)

    async def list(self) -> dict[str, RuntimeStatus]:
        return {monitor: self._status(spec) for monitor, spec in self._specs.items()}

    async def check(self, spec: MonitorSpec) -> Reading:
        return await self._polling.check(spec)

    async def run(self) -> None:
        """Tick until cancelled."""
        await self.scheduler.run()

    async def finish(self, seconds: float) -> None:
        """Wait for the polls in flight, at most so long; their readings are accepted or missed."""
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=seconds)
            for task in unfinished:
                task.cancel()

    def _status(self, spec: MonitorSpec) -> RuntimeStatus:
        fault = self._faults.get(spec.id, "")
        return RuntimeStatus(
            monitor=spec.id,
            version=spec.version,
            ready=not fault,
            reason=fault,
            schedule=spec.schedule.cron(),
        )

    def _due(self, monitor: str, slot: int) -> None:
        before = self._polls.get(monitor)
        task = self._start(self._turn(self._specs[monitor], slot, before=before))
        self._polls[monitor] = task

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._log.error("a poll broke off; the watchdog shows its slot", exc_info=error)

    async def _turn(
        self, spec: MonitorSpec, slot: int, *, before: asyncio.Task[None] | None
    ) -> None:
        """The slot is run when the poll before it ends in time, and missed otherwise."""
        late = slot + spec.interval / 2
        if before is not None and not before.done():
            await asyncio.wait((before,), timeout=late - self._clock.now())
            if not before.done():
                await self._miss(spec, slot, cause=OVERRUN)
                await asyncio.wait((before,))
                return
        async with self._room:
            if self._clock.now() > late:
                await self._miss(spec, slot, cause=CROWDED)
            elif spec.id in self._documents:
                await self._poll(spec.id, slot)

    async def _poll(self, monitor: str, slot: int) -> None:
        try:
            await self._polling.tick(self._documents[monitor], slot)
        except MonitorError as error:
            self._note(monitor, error.message)
        else:
            self._note(monitor, "")

    async def _miss(self, spec: MonitorSpec, slot: int, *, cause: str) -> None:
        try:
            await self._sink.emit(missed(spec, slot, at=self._clock.now(), cause=cause))
        except MonitorError as error:
            self._note(spec.id, error.message)

    def _note(self, monitor: str, fault: str) -> None:
        """Log the first failure and the recovery, not each repetition."""
        before = self._faults.get(monitor, "")
        if fault and not before:
            self._log.warning("monitor %s: no reading accepted: %s", monitor, fault)
        elif before and not fault:
            self._log.info("monitor %s: readings are accepted again", monitor)
        if fault and monitor in self._specs:
            self._faults[monitor] = fault
        else:
            self._faults.pop(monitor, None)
