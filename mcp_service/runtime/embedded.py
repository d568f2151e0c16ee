"""The embedded runtime: scheduler, polls, store and rules in this one process."""

import asyncio
import logging

from functions.core.errors import MonitorError
from functions.core.monitor import MonitorSpec
from functions.core.ports import Clock
from functions.core.reading import Reading
from functions.core.seal import sign_spec
from functions.poll.polling import Polling
from mcp_service.runtime.port import RuntimeStatus
from mcp_service.runtime.scheduler import Scheduler

OVERRUN = "the poll before it was still running"
CROWDED = "too many polls were running at once"
SKIPPED_KEPT = 100_000
"""Causes of skipped slots that are remembered until the watchdog has asked."""

_log = logging.getLogger("claude_monitor.embedded")


class Embedded:
    """Hands each monitor's signed document to Polling.tick at each slot, as Knative would
    (implements Runtime). At most one poll per monitor and `concurrency` in all at a time."""

    def __init__(
        self, polling: Polling, *, signing_key: str, clock: Clock, concurrency: int
    ) -> None:
        self._polling = polling
        self._signing_key = signing_key
        self._clock = clock
        self._room = asyncio.Semaphore(concurrency)
        self._standing: dict[str, _Standing] = {}
        self._turns: set[asyncio.Task[None]] = set()
        self._skipped: dict[tuple[str, int], str] = {}
        self.scheduler = Scheduler(clock, self._due)

    async def apply(self, spec: MonitorSpec) -> None:
        before = self._standing.get(spec.id)
        if before is not None and before.spec == spec:
            return
        document = sign_spec(spec, self._signing_key)
        one_at_a_time = before.one_at_a_time if before else asyncio.Lock()
        self._standing[spec.id] = _Standing(spec, document, one_at_a_time=one_at_a_time)
        self.scheduler.put(spec.id, spec.schedule)

    async def remove(self, monitor: str) -> None:
        self.scheduler.drop(monitor)
        self._standing.pop(monitor, None)

    async def list(self) -> dict[str, RuntimeStatus]:
        return {monitor: _status(standing) for monitor, standing in self._standing.items()}

    async def find(self, monitor: str) -> RuntimeStatus | None:
        return (await self.list()).get(monitor)

    async def check(self, spec: MonitorSpec) -> Reading:
        return await self._polling.check(spec)

    def why(self, monitor: str, slot: int) -> str:
        """Why this slot was not run, in our words; nothing when it was."""
        return self._skipped.get((monitor, slot), "")

    async def run(self) -> None:
        """Tick until cancelled."""
        await self.scheduler.run()

    async def finish(self, seconds: float) -> None:
        """Wait for the polls in flight, at most so long; what is not accepted then is missed."""
        if self._turns:
            _, unfinished = await asyncio.wait(self._turns, timeout=seconds)
            for turn in unfinished:
                turn.cancel()

    def _due(self, monitor: str, slot: int) -> None:
        turn = asyncio.create_task(self._turn(self._standing[monitor], slot))
        self._turns.add(turn)
        turn.add_done_callback(self._ended)

    def _ended(self, turn: asyncio.Task[None]) -> None:
        self._turns.discard(turn)
        if not turn.cancelled() and (error := turn.exception()):
            _log.error("a poll broke off; the watchdog shows its slot", exc_info=error)

    async def _turn(self, standing: "_Standing", slot: int) -> None:
        """Run the slot, or skip it when its turn does not come within half an interval: then it
        would be nearer to the next one. Skipping costs nothing, so a backlog cannot grow."""
        cause = OVERRUN
        late = slot + standing.spec.interval / 2 - self._clock.now()
        try:
            async with asyncio.timeout(late) as patience, standing.one_at_a_time:
                cause = CROWDED
                async with self._room:
                    patience.reschedule(None)
                    await self._poll(standing, slot)
        except TimeoutError:
            self._skipped[standing.spec.id, slot] = cause
            if len(self._skipped) > SKIPPED_KEPT:
                del self._skipped[next(iter(self._skipped))]

    async def _poll(self, standing: "_Standing", slot: int) -> None:
        try:
            await self._polling.tick(standing.document, slot)
        except MonitorError as error:
            standing.note(error.message)
        else:
            standing.note("")


class _Standing:
    """One monitor that runs: its document, and why its last reading was not accepted."""

    def __init__(self, spec: MonitorSpec, document: bytes, *, one_at_a_time: asyncio.Lock) -> None:
        self.spec = spec
        self.document = document
        self.one_at_a_time = one_at_a_time
        self.fault = ""

    def note(self, fault: str) -> None:
        """Log the first failure and the recovery, not each repetition."""
        if fault and not self.fault:
            _log.warning("monitor %s: no reading accepted: %s", self.spec.id, fault)
        elif self.fault and not fault:
            _log.info("monitor %s: readings are accepted again", self.spec.id)
        self.fault = fault


def _status(standing: _Standing) -> RuntimeStatus:
    return RuntimeStatus(
        monitor=standing.spec.id,
        version=standing.spec.version,
        ready=not standing.fault,
        reason=standing.fault,
        schedule=standing.spec.schedule.cron(),
    )
