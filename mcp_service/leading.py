"""Work that only the replica with the lease does, from when it has it until it has it no more."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine

from functions.core.errors import SourceUnavailable
from mcp_service.lease import Lease
from mcp_service.loops import tried

EVERY = 2.0
"""Seconds between two looks at the lease, a fifth sooner or later."""
PATIENCE = 5.0
"""Seconds for one look."""

Work = Callable[[], Coroutine[object, object, None]]

_log = logging.getLogger("claude_monitor.lease")


class Leading:
    """`work` goes on until it is cancelled; an error of it ends the service, visibly."""

    def __init__(
        self, lease: Lease, work: Work, *, every: float = EVERY, patience: float = PATIENCE
    ) -> None:
        self.fault = ""
        """Why the last look at the lease failed, or nothing."""
        self._lease = lease
        self._work = work
        self._every = every
        self._patience = patience
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until cancelled; the lease is released then."""
        try:
            while True:
                await self._look()
                await self._begin_or_end()
                await self._pause()
                await self._begin_or_end()  # what has run out ends before the next look, not after
        finally:
            await self._end()
            await self._told(self._lease.release(), seconds=self._patience)

    async def _look(self) -> None:
        ends = self._lease.left() if self._lease.held() else self._patience
        await self._told(self._lease.step(), seconds=min(self._patience, ends))

    async def _begin_or_end(self) -> None:
        if self._lease.held() and self._running is None:
            _log.info("%s holds the lease and begins", self._lease.name)
            self._running = asyncio.create_task(self._work())
        elif not self._lease.held() and self._running is not None:
            await self._end()
            _log.warning("%s has lost the lease and has stopped", self._lease.name)

    async def _pause(self) -> None:
        """Until the next look is due, the lease ends, or the work breaks."""
        seconds = self._every * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
        if self._running is None:
            await asyncio.sleep(seconds)
            return
        await asyncio.wait({self._running}, timeout=max(0.0, min(seconds, self._lease.left())))
        if self._running.done():
            await self._running

    async def _end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def _told(self, asked: Coroutine[object, object, None], *, seconds: float) -> None:
        timely = _within(asked, seconds=seconds)
        self.fault = await tried("lease", timely, fault=self.fault, log=_log)


async def _within(asked: Coroutine[object, object, None], *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await asked
    except TimeoutError:
        raise SourceUnavailable("The cluster does not answer about the lease.") from None
