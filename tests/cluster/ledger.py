"""Readings that a test posts to the Broker as poll does, and which of them it accepted."""

import asyncio
import threading
import time
from contextlib import ExitStack, suppress
from typing import Self

from functions.clients.event_sender import EventSender, open_sender
from functions.core.errors import SourceUnavailable
from functions.core.events import reading_event
from functions.core.reading import Reading
from tests.cluster.conftest import Deployment
from tests.cluster.kube import forwarded

EVERY = 2
DEADLINE = 60.0
"""Seconds: the Broker answers when everybody has taken the event, repetitions included."""


class Ledger:
    """One reading every two seconds, from `with` to `close`; none waits for another."""

    def __init__(self, deployment: Deployment, monitor: str) -> None:
        self.monitor = monitor
        self.posted = 0
        self.accepted: set[int] = set()
        self._deployment = deployment
        self._closing = threading.Event()
        self._poster = threading.Thread(target=lambda: asyncio.run(self._keep()))
        self._way = ExitStack()
        self._url = ""

    def close(self) -> None:
        """Post no more, and wait for what is on its way."""
        self._closing.set()
        self._poster.join()
        self._way.close()

    def __enter__(self) -> Self:
        address = self._way.enter_context(forwarded("knative-eventing", "broker-ingress"))
        self._url = f"{address}/{self._deployment.kube.namespace}/default"
        self._poster.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _keep(self) -> None:
        sender = open_sender(self._url, shared_keys=self._deployment.keys.events, deadline=DEADLINE)
        async with asyncio.TaskGroup() as posts:
            while not self._closing.is_set():
                posts.create_task(self._post(sender, int(time.time())))
                await asyncio.sleep(EVERY)

    async def _post(self, sender: EventSender, slot: int) -> None:
        self.posted += 1
        reading = Reading(
            tenant="local",
            monitor=self.monitor,
            version=99,
            provider="website",
            slot=slot,
            interval=EVERY,
            at=slot,
            metrics={"up": 1.0},
        )
        with suppress(SourceUnavailable):
            if (await sender.send(reading_event(reading))).status == 202:
                self.accepted.add(slot)
