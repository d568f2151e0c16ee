"""Group commit: readings that arrive while one transaction runs go into the next one together."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from functions.alert.alerting import Alerting, Outcome
from functions.core.alert import Alert
from functions.core.errors import SourceUnavailable
from functions.core.reading import Reading

BATCH = 500
"""Readings in one transaction at most."""


class _Waiting(NamedTuple):
    reading: Reading
    outcome: asyncio.Future[list[Alert]]


class AlertingQueue:
    """One thread of its own, so that a busy database holds up nothing else. For one event loop."""

    def __init__(self, alerting: Alerting) -> None:
        self._alerting = alerting
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alerting")
        self._waiting: list[_Waiting] = []
        self._work: asyncio.Task[None] | None = None

    async def submit(self, reading: Reading) -> list[Alert]:
        """Returns the alerts that people are told about, once everything is durable. Raises what
        this reading was refused for, or SourceUnavailable when nothing could be stored."""
        waiting = _Waiting(reading, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._drain())
        return await waiting.outcome

    def close(self) -> None:
        """Finish the transaction that runs."""
        self._thread.shutdown()

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            await self._commit(batch)

    async def _commit(self, batch: list[_Waiting]) -> None:
        readings = [waiting.reading for waiting in batch]
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._thread, self._alerting.each, readings)
        await asyncio.wait({call})
        error = call.exception()
        if error is None:
            for waiting, outcome in zip(batch, call.result(), strict=True):
                _answer(waiting, outcome)
        elif isinstance(error, SourceUnavailable) or len(batch) == 1:
            for waiting in batch:
                _answer(waiting, error)
        else:  # something is wrong with one of them: the others must not suffer
            for waiting in batch:
                await self._commit([waiting])


def _answer(waiting: _Waiting, outcome: Outcome | BaseException) -> None:
    if waiting.outcome.done():  # the caller was cancelled
        return
    if isinstance(outcome, BaseException):
        waiting.outcome.set_exception(outcome)
    else:
        waiting.outcome.set_result(outcome)
