"""The stores away and back, on a running service: said clearly, nothing accepted lost, and what was
not accepted is shown as missed."""

import asyncio
import json
import resource
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mcp import Client

from functions.core.reading import Reading
from mcp_service.home import standing
from tests.servers.service import StandingService
from tests.servers.website import Website

pytestmark = pytest.mark.anyio

INTERVAL = 5
OUTAGE = 4 * INTERVAL
PATIENCE = 60.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[StandingService]:
    with StandingService(tmp_path / "home") as running:
        yield running


async def arm(service: StandingService, site: Website) -> str:
    async with Client(service.url) as client:
        answer = await client.call_tool(
            "create_monitor",
            {
                "name": "shop",
                "provider": "website",
                "config": {"url": site.url},
                "interval": INTERVAL,
                "untested": True,
            },
        )
    assert answer.structured_content is not None
    monitor: str = answer.structured_content["data"]["id"]
    return monitor


def pid(service: StandingService) -> int:
    known = standing(service.home)
    assert known is not None
    return known.pid


def limit_files(service: StandingService, size: int) -> None:
    """No file of the service may grow beyond this: to SQLite the disk is full."""
    hard = resource.prlimit(pid(service), resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid(service), resource.RLIMIT_FSIZE, (size, hard))


def stored(service: StandingService) -> list[Reading]:
    with closing(sqlite3.connect(service.home / "readings.db")) as store:
        rows = store.execute("SELECT reading FROM readings ORDER BY slot").fetchall()
    return [msgspec.json.decode(row[0], type=Reading) for row in rows]


def good(service: StandingService) -> list[int]:
    return [reading.slot for reading in stored(service) if reading.failure is None]


def problems(service: StandingService) -> list[str]:
    try:
        with urllib.request.urlopen(f"{service.address}/readyz", timeout=5) as answer:
            found: Any = json.load(answer)
    except urllib.error.HTTPError as refusal:
        found = json.load(refusal)
    named: list[str] = found["problems"]
    return named


async def until(what: str, met: Callable[[], bool], service: StandingService) -> None:
    end = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < end, f"{what}: not so; {problems(service)}\n{service.output()}"
        await asyncio.to_thread(time.sleep, 0.2)


def unexplained(service: StandingService) -> list[int]:
    """Slots between the first and the last reading that have none."""
    slots = [reading.slot for reading in stored(service)]
    return sorted(set(range(slots[0], slots[-1], INTERVAL)) - set(slots))


async def every_slot_is_there(service: StandingService, count: int) -> None:
    """With two good readings more than `count`, and those that were missed."""

    def there() -> bool:
        return len(good(service)) >= count + 2 and not unexplained(service)

    await until("every slot has a reading", there, service)


async def test_a_full_disk_is_said_and_its_slots_are_shown_as_missed(
    service: StandingService, website: Website
) -> None:
    await arm(service, website)
    await until("two readings", lambda: len(good(service)) >= 2, service)
    before = good(service)
    limit_files(service, 1)
    full = "a full disk is said"
    await until(full, lambda: any("disk" in problem for problem in problems(service)), service)
    await asyncio.to_thread(time.sleep, OUTAGE)
    limit_files(service, resource.RLIM_INFINITY)
    await until("all is well", lambda: problems(service) == [], service)
    await every_slot_is_there(service, len(before))
    kinds = [reading.failure.kind for reading in stored(service) if reading.failure]
    assert set(before) <= set(good(service))
    assert set(kinds) == {"missed"}
    assert service.output().count("no reading accepted") == 1


async def test_a_locked_alert_database_is_said_and_nothing_is_lost(
    service: StandingService, website: Website
) -> None:
    await arm(service, website)
    await until("two readings", lambda: len(good(service)) >= 2, service)
    with closing(sqlite3.connect(service.home / "monitors.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await until("a lock is said", lambda: problems(service) != [], service)
        other.execute("ROLLBACK")
    await until("all is well", lambda: problems(service) == [], service)
    count = len(good(service))
    await every_slot_is_there(service, count)
