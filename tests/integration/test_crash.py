"""The service killed with -9 at random moments under load: what it accepted is kept and judged
exactly once."""

import asyncio
import os
import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mcp import Client

from functions.core.alert import RuleState, Transition
from functions.core.alert_ports import MonitorRow
from functions.core.evaluate import evaluate, replay
from functions.core.monitor import Schedule
from functions.core.reading import Reading
from functions.core.rule_text import parse
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.background import stop
from mcp_service.settings import LOCAL_TENANT
from tests.conversation.play import text
from tests.servers.mail import Mailbox
from tests.servers.service import StandingService
from tests.servers.website import Website

pytestmark = pytest.mark.anyio

MONITORS, KILLS, INTERVAL = 12, 6, 5
RULE = "up is 0 for 2 readings, critical"
ALIVE_EVERY = 1.2
"""Seconds before a kill whose slots nobody can know to have been due: see home.Ownership.touch."""
SETTLED = 75.0
"""Seconds for the last messages: a try that died is repeated when its lease of 45 s is over."""


class Ledger:
    """What the service has shown as stored, and when it was up."""

    def __init__(self) -> None:
        self.shown: set[tuple[str, str]] = set()
        self.up: list[tuple[float, float]] = []


@pytest.fixture
def seed(figure: Callable[[str], None]) -> int:
    """Of this run; CRASH_SEED repeats an earlier one."""
    drawn = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(10**6))
    figure(f"crash test: CRASH_SEED={drawn}")
    return drawn


@pytest.fixture
def service(tmp_path: Path, mailbox: Mailbox) -> Iterator[StandingService]:
    with StandingService(tmp_path / "home", SMTP_URL=mailbox.url) as running:
        yield running


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert answer.structured_content is not None, answer
    assert not answer.is_error, answer
    data: dict[str, Any] = answer.structured_content["data"]
    return data


async def arm(service: StandingService, site: Website, mailbox: Mailbox) -> list[str]:
    async with Client(service.url) as client:
        await called(client, "set_channel", name="ops", kind="email", address="ops@shop.example")
        [mail] = await asyncio.to_thread(mailbox.wait_for, 1)
        code = re.findall(r"\d{8}", text(mail))[0]
        await called(client, "set_channel", name="ops", code=code)
        made = [
            await called(
                client,
                "create_monitor",
                name=f"shop {number}",
                provider="website",
                config={"url": site.url, "timeout": 1},
                interval=INTERVAL,
                rules={"down": RULE},
                channels=["ops"],
                untested=True,
            )
            for number in range(MONITORS)
        ]
    return [one["id"] for one in made]


async def look(service: StandingService, monitors: list[str], ledger: Ledger) -> None:
    async with Client(service.url) as client:
        for monitor in monitors:
            data = await called(client, "query_readings", monitor=monitor, limit=200)
            ledger.shown |= {(monitor, reading["at"]) for reading in data.get("readings", [])}


async def torment(
    service: StandingService, site: Website, monitors: list[str], *, chance: random.Random
) -> Ledger:
    """Kills at random moments while the site goes down and up; at the end all is well."""
    ledger = Ledger()
    for number in range(KILLS):
        began = time.time()
        site.behave("500" if number % 3 else "ok")
        least = 2 if number % 3 == 2 else 0  # an outage that every monitor sees twice
        await asyncio.sleep(chance.uniform(least, 2.5) * INTERVAL)
        await look(service, monitors, ledger)
        await asyncio.sleep(chance.uniform(0, 1))
        ledger.up.append((began, time.time()))
        service.kill()
        await asyncio.to_thread(service.start)
    site.behave("ok")
    return ledger


async def test_nothing_accepted_is_lost_and_every_rule_is_judged_once(
    service: StandingService, website: Website, mailbox: Mailbox, seed: int
) -> None:
    monitors = await arm(service, website, mailbox)
    ledger = await torment(service, website, monitors, chance=random.Random(seed))
    until = time.monotonic() + SETTLED
    while time.monotonic() < until and not settled(service.home):
        await asyncio.to_thread(time.sleep, 1)
    await look(service, monitors, ledger)
    await asyncio.to_thread(stop, service.home)
    assert await asyncio.to_thread(service.wait) == 0
    for row in records(service.home).monitors():
        check_readings(row, stored(service.home, row.monitor), ledger)
        check_decisions(row, stored(service.home, row.monitor), records(service.home))
    check_mails(records(service.home), mailbox)


def records(home: Path) -> SqlAlertRecords:
    return SqlAlertRecords(open_engine(f"sqlite:///{home / 'monitors.db'}"))


def stored(home: Path, monitor: str) -> list[Reading]:
    with sqlite3.connect(home / "readings.db") as connection:
        rows = connection.execute(
            "SELECT reading FROM readings WHERE monitor = ? ORDER BY slot", (monitor,)
        ).fetchall()
    connection.close()
    return [msgspec.json.decode(row[0], type=Reading) for row in rows]


def settled(home: Path) -> bool:
    """All monitors recovered and every message sent."""
    known = records(home)
    owed = known.deliveries(LOCAL_TENANT, state="owed", limit=1)
    return not owed and not known.alerts(LOCAL_TENANT, state="firing", limit=1)


def check_readings(row: MonitorRow, readings: list[Reading], ledger: Ledger) -> None:
    """All that was ever shown is there; no slot that was due while it ran is without a word."""
    slots = {reading.slot for reading in readings}
    assert row.newest == max(slots), "the rules have not seen the newest reading"
    schedule = Schedule(INTERVAL, readings[0].slot % INTERVAL)
    for began, killed in ledger.up[1:]:
        first, last = schedule.next_after(began), int(killed - ALIVE_EVERY)
        silent = set(range(first, last, INTERVAL)) - slots
        assert not silent, f"{row.monitor}: slots {sorted(silent)} of {began:.1f}-{killed:.1f}"


def check_decisions(row: MonitorRow, readings: list[Reading], known: SqlAlertRecords) -> None:
    """The rules' history is what the same readings give when they come once and in order. A missed
    slot is noticed after the reading that follows it, so that blindness already over when it is
    noticed is nobody's news: of that the history may have less, never more."""
    rule, state = parse(RULE), RuleState()
    expected = Counter((one.transition, one.slot) for one in replay(rule, readings))
    decisions = known.decisions(row.tenant, row.monitor, limit=1000)
    taken = Counter((one.decision.transition, one.decision.slot) for one in decisions)
    assert not taken - expected
    assert {change for change, _ in expected - taken} <= {Transition.BLIND, Transition.SEEING}
    for reading in readings:
        state, _ = evaluate(rule, state, reading=reading)
    assert row.states["down"].now == state.now


def check_mails(known: SqlAlertRecords, mailbox: Mailbox) -> None:
    """Each message arrived; a repeated one is recognisable and rare."""
    deliveries = known.deliveries(LOCAL_TENANT, limit=1000)
    assert len(deliveries) > MONITORS, "too few alerts to show anything"
    assert {delivery.state for delivery in deliveries} == {"sent"}
    arrived = Counter(mail["Message-ID"] for mail in mailbox.messages()[1:])
    tried = {
        attempt.message_id
        for delivery in deliveries
        for attempt in known.attempts(LOCAL_TENANT, delivery.id)
    }
    assert len(arrived) == len(deliveries)
    assert {key.strip("<>") for key in arrived} == {key.strip("<>") for key in tried}
    assert sum(arrived.values()) - len(arrived) <= KILLS
