"""One tick: verify the document, look once (twice when the first look fails), emit one reading."""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from functions.core.errors import MonitorError
from functions.core.memory import Memory
from functions.core.monitor import MonitorSpec
from functions.core.ports import EventSink
from functions.core.provider import Context, Loan, Provider, configured
from functions.core.reading import Failure, FailureKind, Reading, is_number
from functions.core.seal import SpecVerifier
from functions.providers import load

LOG = logging.getLogger("claude_monitor.poll")

RECHECK_AFTER = 1.0
"""Seconds between a failed first look and the second, so that one lost packet alerts nobody."""
SHORTEST_LOOK = 2.0
"""Seconds that even a tick gets that comes when its slot is over, after a slow cold start."""
_MARGIN = 1.05
"""A provider that overlooks its deadline is stopped this much later."""
_KINDS = {
    "access": FailureKind.ACCESS,
    "unavailable": FailureKind.UNAVAILABLE,
    "limit": FailureKind.UNAVAILABLE,
}


class Polling:
    """`deadline` is the seconds of one look; never more than the monitor's interval."""

    def __init__(
        self,
        verifier: SpecVerifier,
        loan: Loan,
        *,
        sink: EventSink,
        deadline: float = 10.0,
        providers: Callable[[str], type[Provider]] = load,
    ) -> None:
        self._verifier = verifier
        self._loan = loan
        self._clock = loan.clock
        self._sink = sink
        self._deadline = deadline
        self._providers = providers
        self._failing: dict[str, str] = {}

    async def tick(self, document: bytes, at: float) -> Reading:
        """Poll the monitor of a signed document for the slot nearest to `at` (seconds since the
        epoch) and emit the reading; a failure of the source is a failed reading.

        Raises SourceUnavailable when the sink refused, AccessDenied or InvalidConfiguration for a
        document that is not ours."""
        spec = self._verifier.open(document)
        slot = spec.schedule.slot(at)
        ends = min(self._clock.now(), slot) + spec.interval  # the next slot is not held up
        reading, memory = await self._look(spec, slot, ends=ends)
        if _bad(reading) and self._clock.now() + RECHECK_AFTER < ends:
            await asyncio.sleep(RECHECK_AFTER)
            reading, memory = await self._look(spec, slot, ends=ends)
        await self._sink.emit(reading)
        self._note(reading)
        if reading.failure is None:
            await self._remember(memory, spec)
        return reading

    async def check(self, spec: MonitorSpec) -> Reading:
        """One look that is neither repeated nor emitted."""
        now = self._clock.now()
        reading, _ = await self._look(spec, spec.schedule.slot(now), ends=now + self._deadline)
        return reading

    async def answer(self, document: bytes) -> bytes:
        """The reading of a `check`, as JSON. Raises for a document that is not ours, as `tick`."""
        return msgspec.json.encode(await self.check(self._verifier.open(document)))

    async def _remember(self, memory: Memory, spec: MonitorSpec) -> None:
        """The reading is out: a cursor that cannot be saved makes the next poll repeat itself."""
        try:
            await memory.save()
        except MonitorError as error:
            LOG.warning("monitor %s forgets what it has seen: %s", spec.id, error.message)

    async def _look(self, spec: MonitorSpec, slot: int, *, ends: float) -> tuple[Reading, Memory]:
        """What was seen, and what the provider wants to know at the next poll."""
        deadline = min(self._deadline, max(ends - self._clock.now(), SHORTEST_LOOK))
        context = Context(
            spec=spec,
            slot=slot,
            clock=self._clock,
            http=self._loan.http,
            opener=self._loan.opener,
            log=LOG,
            deadline=deadline,
            memory=Memory(self._loan.cursors, spec, slot=slot),
        )
        try:
            provider = configured(self._providers(spec.provider), spec.config)
            async with asyncio.timeout(deadline * _MARGIN):
                reading = await provider.poll(context)
        except TimeoutError:
            failure = Failure(FailureKind.UNAVAILABLE, "no answer within the deadline")
        except MonitorError as error:
            failure = Failure(_KINDS.get(error.kind, FailureKind.UNEXPECTED), error.message)
        except Exception as error:  # noqa: BLE001 - a provider's fault must not stop the others
            LOG.error("provider %s has a fault: %s", spec.provider, type(error).__name__)
            failure = Failure(FailureKind.UNEXPECTED, "the provider has a fault")
        else:
            if all(map(is_number, reading.metrics.values())):
                return reading, context.memory
            failure = Failure(FailureKind.UNEXPECTED, "a value was too large or no number")
        blank = context.reading({}, started=self._clock.now())
        return msgspec.structs.replace(blank, failure=failure), context.memory

    def _note(self, reading: Reading) -> None:
        """Log the first failure and the recovery, not each repetition."""
        failing = reading.failure.cause if reading.failure else ""
        before = self._failing.pop(reading.monitor, "")
        if failing:
            self._failing[reading.monitor] = failing
        if failing and not before:
            LOG.warning("monitor %s is blind: %s", reading.monitor, failing)
        elif before and not failing:
            LOG.warning("monitor %s sees again", reading.monitor)


def _bad(reading: Reading) -> bool:
    return reading.failure is not None or reading.metrics.get("up") == 0
