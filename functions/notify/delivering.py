"""Sends what is owed: each message once, in order, and no channel at the cost of another."""

import asyncio
import logging
import random
from collections.abc import Callable

import msgspec

from functions.core.alert_ports import AlertStore, Channel, ChannelRow, Delivery
from functions.core.errors import (
    InvalidConfiguration,
    MonitorError,
    NotFound,
    SourceUnavailable,
    UnexpectedAnswer,
)
from functions.core.ports import Clock
from functions.notify.wording import message_id, message_of

LOG = logging.getLogger("claude_monitor.notify")

LEASE = 45.0
"""Seconds within which a message is sent and its answer stored; longer than a channel may take."""
ROOM = 1 / 3
"""Of the lease, left when a message begins to be sent: somebody else may send it after that."""
AT_ONCE = 32
BRIEFLY = 10.0
"""Seconds for which a sweep begins messages where somebody waits for its end: together with a cold
start and the last message's time less than the Triggers' time-out (every_trigger.yaml)."""
UNTIL_NEXT = 45.0
"""The same for the sweep of each minute, whose end nobody waits for."""
GIVE_UP = 24 * 3600
SHORTEST_WAIT, LONGEST_WAIT = 5.0, 900.0
LOOK_AGAIN = 1.0
"""Seconds after which a sweep that waits for slow channels looks for what became due meanwhile."""
STORE_AGAIN = 1.0
LONGEST_ANSWER = 200
FAULTY = "a fault of ours; whoever runs this service finds more in its log"

_FOR_GOOD = (InvalidConfiguration, NotFound, UnexpectedAnswer)


def backoff(attempt: int, chance: float) -> float:
    """Seconds to wait after this attempt (from 1): doubling up to a quarter of an hour, of which
    a random half (`chance` from 0 to 1) keeps those that failed together apart."""
    whole = min(SHORTEST_WAIT * 2.0 ** min(attempt - 1, 30), LONGEST_WAIT)
    return whole * (0.5 + 0.5 * chance)


class Delivering:
    """`channels` gives what sends to a channel; it raises a MonitorError when there is nothing.
    Several may work on one store at a time, in one process or in many."""

    def __init__(
        self,
        store: AlertStore,
        channels: Callable[[ChannelRow], Channel],
        *,
        clock: Clock,
        lease: float = LEASE,
    ) -> None:
        self._store = store
        self._channels = channels
        self._clock = clock
        self._lease = lease
        self._under_way: set[tuple[str, str]] = set()

    async def sweep(self, seconds: float = BRIEFLY) -> int:
        """Send everything that is due now, and what becomes due meanwhile; how many were sent.
        After so many seconds no more is begun: the rest is for the next sweep. Raises
        SourceUnavailable when the store cannot be asked; what is under way is finished."""
        running: set[asyncio.Task[bool]] = set()
        until = self._clock.monotonic() + seconds
        sent = 0
        try:
            while begun := await self._begin(AT_ONCE - len(running), until=until) or running:
                running |= begun
                done, _ = await asyncio.wait(
                    running, timeout=LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED
                )
                running -= done
                sent += sum(map(self._was_sent, done))
        finally:
            if running:
                await asyncio.wait(running)
        return sent

    async def _begin(self, limit: int, *, until: float) -> set[asyncio.Task[bool]]:
        now = self._clock.monotonic()
        if limit == 0 or now >= until:
            return set()
        send_by = now + self._lease * (1 - ROOM)
        due = await asyncio.to_thread(
            self._store.claim, self._clock.now(), lease=self._lease, limit=limit
        )
        return {
            asyncio.create_task(self._deliver(delivery, send_by))
            for delivery in due
            if (delivery.tenant, delivery.id) not in self._under_way
        }

    def _was_sent(self, task: asyncio.Task[bool]) -> bool:
        error = task.exception()
        if error is None:
            return task.result()
        # Its lease runs out and it is tried again; the others must not suffer.
        LOG.error("a delivery failed unexpectedly: %s", type(error).__name__)
        return False

    async def _deliver(self, delivery: Delivery, send_by: float) -> bool:
        key = (delivery.tenant, delivery.id)
        self._under_way.add(key)
        try:
            settled = await self._tried(delivery, send_by)
            if settled is None:
                return False
            await self._settle(settled)
        finally:
            self._under_way.discard(key)
        return settled.state == "sent"

    async def _tried(self, delivery: Delivery, send_by: float) -> Delivery | None:
        """As it is after this try; None when the database took so long that there was none."""
        try:
            channel = await self._channel(delivery)
            if self._clock.monotonic() > send_by:
                LOG.warning("delivery %s waits: no time was left to send it", delivery.id)
                return None
            answer = await channel.send(message_of(delivery))
        except MonitorError as error:
            return self._failed(delivery, error)
        except Exception as error:  # noqa: BLE001 - it must count as a try, or it never ends
            LOG.error("delivery %s met a fault of ours: %s", delivery.id, type(error).__name__)
            return self._failed(delivery, MonitorError(FAULTY))
        if delivery.attempts > 1:
            LOG.warning("delivery %s sent at attempt %d", delivery.id, delivery.attempts)
        return msgspec.structs.replace(delivery, state="sent", answer=answer)

    async def _channel(self, delivery: Delivery) -> Channel:
        row = await asyncio.to_thread(self._store.channel, delivery.tenant, delivery.channel)
        if row is None:
            raise NotFound("the channel was removed")
        if not row.confirmed:
            raise InvalidConfiguration(message="the channel is not confirmed by its owner")
        return self._channels(row)

    def _failed(self, delivery: Delivery, error: MonitorError) -> Delivery:
        """Tried again later, or given up: after 24 hours, or at once when nothing can help."""
        asked = error.retry_after if isinstance(error, SourceUnavailable) else 0.0
        wait = max(asked, backoff(delivery.attempts, random.random()))  # noqa: S311 - no secret
        next_try = self._clock.now() + wait
        over = isinstance(error, _FOR_GOOD) or next_try > delivery.owed_at + GIVE_UP
        if over or delivery.attempts == 1:
            LOG.warning(
                "delivery %s %s: %s", delivery.id, "given up" if over else "waits", error.message
            )
        return msgspec.structs.replace(
            delivery,
            state="given_up" if over else "owed",
            answer=error.message[:LONGEST_ANSWER],
            next_try=next_try,
        )

    async def _settle(self, delivery: Delivery) -> None:
        """Store the answer, however long the database is away: what was sent is not sent again as
        long as this process lives."""
        while True:
            try:
                return await asyncio.to_thread(
                    self._store.settle,
                    delivery,
                    at=self._clock.now(),
                    message_id=message_id(delivery),
                )
            except SourceUnavailable as error:
                LOG.warning("answer of delivery %s waits: %s", delivery.id, error.message)
                await asyncio.sleep(STORE_AGAIN)
