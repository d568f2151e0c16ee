"""Monitors of one website in the cluster, and what must be in balance whatever happened to them."""

import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
from mcp import Client

from functions.core.alert import State, Transition
from functions.core.alert_ports import Delivery, MonitorRow
from functions.core.monitor import phase_of
from functions.core.reading import Reading
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from tests.cluster.conftest import Deployment, WatchedFromPods, claude, deleted
from tests.cluster.kube import forwarded, until
from tests.conversation.play import Conversation, text

MONITORS, INTERVAL = 3, 5
RULE = "up is 0 for 1 reading, recover for 1 reading, critical"
FOREVER = 2**40
PATIENCE = 120.0
"""Seconds for the last mail: a try that died is repeated when its lease of 45 s is over, by the
next sweep."""


class Fleet:
    """Three monitors whose alerts are mailed. `flip` begins or ends an outage of the website."""

    def __init__(self, deployment: Deployment, site: WatchedFromPods) -> None:
        self.deployment = deployment
        self.kube = deployment.kube
        self.outside = deployment.outside
        self.site = site
        self.flips = 0
        self.monitors: list[str] = []
        self.ledger = ""
        """One more, which does not tick: a test posts its readings."""
        self._token = deployment.keys.token
        self._mails_before = len(self.outside.mailbox.messages())

    @asynccontextmanager
    async def claude(self) -> AsyncIterator[Client]:
        """A new way to the service each time: the pod may be another one."""
        with forwarded(self.kube.namespace, "claude-monitor") as address:
            async with claude(f"{address}/mcp", self._token) as client:
                yield client

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer to a call that cannot succeed now."""
        async with self.claude() as client:
            answer = await client.call_tool(tool, arguments)
        assert answer.is_error
        assert answer.structured_content is not None
        return answer.structured_content

    async def arm(self) -> None:
        async with self.claude() as client:
            talk, mailbox = Conversation(client, print), self.outside.mailbox
            await talk.call("set_channel", name="ops", kind="email", address="ops@shop.example")
            mail = mailbox.wait_for(self._mails_before + 1)[-1]
            [code] = re.findall(r"\d{8}", text(mail))
            await talk.call("set_channel", name="ops", code=code)
            for number in range(MONITORS):
                made = await talk.call("create_monitor", **self.wanted(f"shop {number}"))
                self.monitors.append(made["id"])
            paused = await talk.call("create_monitor", **self.wanted("ledger"))
            await talk.call("pause_monitor", monitor=paused["id"])
            await talk.next_reading(self.monitors[-1])
        self.ledger = paused["id"]

    def wanted(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "provider": "website",
            "config": {"url": self.site.url, "timeout": 3},
            "interval": INTERVAL,
            "rules": {"down": RULE},
            "channels": ["ops"],
            "untested": True,
        }

    async def disarm(self) -> None:
        async with self.claude() as client:
            for monitor in (await Conversation(client, print).call("list_monitors"))["monitors"]:
                await deleted(client, monitor["id"])

    def flip(self) -> None:
        """The website fails from now on, or works again."""
        self.flips += 1
        self.site.behave("500" if self.flips % 2 else "ok")

    def until_judged(self) -> None:
        """All monitors' rules have noticed the last flip."""
        wanted = State.FIRING if self.flips % 2 else State.RESOLVED
        with self.records() as known:
            until(
                f"all rules are {wanted}",
                lambda: all(row.states["down"].now.state is wanted for row in self.rows(known)),
                seconds=90,
            )

    def rows(self, known: SqlAlertRecords) -> list[MonitorRow]:
        return [row for row in known.monitors("local") if row.monitor in self.monitors]

    def deliveries(self, known: SqlAlertRecords) -> list[Delivery]:
        owed = known.deliveries("local", limit=10_000)
        return [one for one in owed if one.alert.monitor in self.monitors]

    @contextmanager
    def records(self) -> Iterator[SqlAlertRecords]:
        engine = open_engine(self.outside.databases.mysql)
        yield SqlAlertRecords(engine)
        engine.dispose()

    async def in_flight(self) -> None:
        """A moment after the next tick of the first monitor, while its reading is on its way."""
        moment = phase_of(self.monitors[0], INTERVAL) + 1.2
        await anyio.sleep(INTERVAL - (time.time() - moment) % INTERVAL)

    async def check_slots(self) -> Counter[str]:
        """Every slot so far has a reading, or is shown as missed. How many of each kind there
        are."""
        now, kinds = time.time(), Counter[str]()
        for monitor in self.monitors:
            stored = await until_none_is_silent(self.deployment, monitor, before=now)
            kinds.update(one.failure.kind.value if one.failure else "seen" for one in stored)
        return kinds

    def check_alerts(self, known: SqlAlertRecords) -> None:
        """Each flip was judged once by each monitor, and in its turn."""
        expected = [Transition.FIRING, Transition.RESOLVED] * (self.flips // 2)
        for monitor in self.monitors:
            taken = known.decisions("local", monitor, limit=1000)
            told = [one.decision.transition for one in reversed(taken) if one.alert]
            assert [change for change in told if change in expected[:2]] == expected

    def check_mails(self, known: SqlAlertRecords) -> Counter[str]:
        """One mail for each delivery. Repeated are at most those that were on their way, once when
        notify was killed and once when the mail server froze, with the same words."""
        owed = self.deliveries(known)
        assert {one.state for one in owed} == {"sent"}
        assert len(owed) >= MONITORS * self.flips
        mails = self.outside.mailbox.messages()[self._mails_before + 1 :]
        times = Counter(mail["Message-ID"] for mail in mails)
        assert len(times) == len(owed)
        assert len({(mail["Message-ID"], text(mail)) for mail in mails}) == len(owed)
        assert sum(times.values()) - len(owed) <= 2 * MONITORS
        return times


async def until_none_is_silent(
    deployment: Deployment, monitor: str, *, before: float
) -> list[Reading]:
    """The stored readings, once every slot from the first one on has one, or says that it was
    missed."""
    end = time.monotonic() + 60
    while True:
        stored = await readings(deployment, monitor)
        slots = {reading.slot for reading in stored}
        silent = set(range(min(slots), int(before), INTERVAL)) - slots
        if not silent:
            return stored
        assert time.monotonic() < end, f"{monitor}: {sorted(silent)}"
        await anyio.sleep(1)


async def readings(deployment: Deployment, monitor: str) -> list[Reading]:
    """All that InfluxDB has of a monitor."""
    store = deployment.outside.databases.readings()
    try:
        return await store.query("local", monitor, since=0, until=FOREVER, limit=10_000)
    finally:
        store.close()
