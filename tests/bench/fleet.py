"""`python -m tests.bench.fleet`: many monitors on the embedded runtime against one local server,
the whole way: polled, stored, evaluated. One line of JSON; exit code 1 when a slot was missed."""

import argparse
import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import psutil

from functions.core.monitor import Schedule, share_of_second
from functions.core.reading import Reading
from mcp_service.app import plug
from mcp_service.clock import SteadyClock
from mcp_service.database.migrate import migrate
from mcp_service.definitions import Definition
from mcp_service.home import standing
from mcp_service.keys import make_keys
from mcp_service.monitors.create import NewMonitor, create_monitor
from mcp_service.settings import LOCAL_TENANT, Settings, load
from tests.bench.frame import tell
from tests.servers.service import StandingService

RULES = {"down": "up is 0 for 3 readings, critical"}
SHARE = 0.005
"""Of the interval: the goal for the 99th percentile of lateness."""


class Fleet(msgspec.Struct, frozen=True):
    monitors: int
    interval: int
    seconds: int


def run(fleet: Fleet) -> dict[str, Any]:
    """The verdict over every slot of `seconds`, begun once the fleet has been taken up."""
    with tempfile.TemporaryDirectory() as folder:
        service = StandingService(Path(folder))
        settings = load(service.settings())
        target = _target()
        try:
            url = f"http://127.0.0.1:{_line(target)}/"
            schedules = asyncio.run(_enlist(settings, url, fleet=fleet))
            service.start()
            time.sleep(2 * fleet.interval)
            since, until, used = _watched(service.home, fleet.seconds)
            time.sleep(2 * fleet.interval)
        finally:
            service.kill()
            target.kill()
        readings = _readings(settings.readings, since, until)
    due = sum((until - one.next_after(since - 1) - 1) // one.interval + 1 for one in schedules)
    return {"bench": "fleet", **msgspec.structs.asdict(fleet), **_verdict(readings, due), **used}


async def _enlist(settings: Settings, url: str, *, fleet: Fleet) -> list[Schedule]:
    """Create the monitors as a tool call would, before the service begins."""
    make_keys(Path(settings.keys))
    migrate(settings.database_url)
    app = plug(settings, SteadyClock())
    definition = Definition(provider="website", config={"url": url}, secrets={})
    for number in range(fleet.monitors):
        wanted = NewMonitor(
            name=f"monitor {number}",
            definition=definition,
            interval=fleet.interval,
            rules=RULES,
            untested=True,
        )
        await create_monitor(app.service, LOCAL_TENANT, wanted=wanted)
    records = app.service.database.monitors.of(LOCAL_TENANT)
    await app.close()
    return [Schedule(record.interval, record.phase) for record in records]


def _watched(home: Path, seconds: int) -> tuple[int, int, dict[str, float]]:
    """From when, until when, and what the service used meanwhile."""
    known = standing(home)
    assert known is not None
    process = psutil.Process(known.pid)
    since, before = time.time(), process.cpu_times()
    time.sleep(seconds)
    until, after = time.time(), process.cpu_times()
    cpu = (after.user + after.system - before.user - before.system) / (until - since)
    memory = process.memory_info().rss / 2**20
    used = {"cpu_percent": round(cpu * 100, 1), "rss_mib": round(memory, 1)}
    return int(since), int(until), used


def _readings(path: str, since: int, until: int) -> list[Reading]:
    with closing(sqlite3.connect(path)) as store:
        rows = store.execute(
            "SELECT reading FROM readings WHERE slot >= ? AND slot < ?", (since, until)
        )
        return [msgspec.json.decode(row[0], type=Reading) for row in rows]


def _verdict(readings: Sequence[Reading], due: int) -> dict[str, Any]:
    """`lateness` is how long after its moment (its slot and its monitor's share of that second) a
    poll began, in milliseconds."""
    good = [reading for reading in readings if reading.metrics.get("up") == 1]
    late = sorted(map(_lateness, good)) or [float("inf")]
    interval = good[0].interval if good else 0
    return {
        "slots": due,
        "missed": due - len(good),
        "lateness_p50_ms": round(late[len(late) // 2], 1),
        "lateness_p99_ms": round(late[len(late) * 99 // 100], 1),
        "lateness_max_ms": round(late[-1], 1),
        "lateness_goal_ms": SHARE * interval * 1000,
        "pass": due == len(good),
    }


def _lateness(reading: Reading) -> float:
    due = reading.slot + share_of_second(reading.monitor)
    return (reading.at - reading.duration - due) * 1000


def _target() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.checking", "target"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip().partition(".")[0]


def main() -> int:
    """Defaults are the issue's: 1,000 monitors at 10 s for two minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=120)
    given = parser.parse_args()
    line = run(Fleet(given.monitors, given.interval, given.seconds))
    tell(line)
    return 0 if line["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
