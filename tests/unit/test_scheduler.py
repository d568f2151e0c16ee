"""The scheduler: each slot once, no catching up, whatever the clock does."""

import asyncio
import time

import pytest

from functions.core.monitor import Schedule
from mcp_service.clock import SteadyClock
from mcp_service.runtime.scheduler import Scheduler
from tests.unit.clocks import HandClock

pytestmark = pytest.mark.anyio


class Rounds:
    """A scheduler whose loop goes round when the test says so."""

    def __init__(self, clock: HandClock) -> None:
        self.seen: list[tuple[str, int]] = []
        self.scheduler = Scheduler(clock, lambda monitor, slot: self.seen.append((monitor, slot)))

    async def turn(self) -> list[tuple[str, int]]:
        self.seen.clear()
        loop = asyncio.create_task(self.scheduler.run())
        await asyncio.sleep(0)
        loop.cancel()
        return list(self.seen)


async def test_each_monitor_fires_at_its_own_phase() -> None:
    clock = HandClock(1_800_000_000.0)
    rounds = Rounds(clock)
    rounds.scheduler.put("a", Schedule(10, 3))
    rounds.scheduler.put("b", Schedule(10, 7))
    fired = []
    for _ in range(20):
        clock.advance(1)
        fired += await rounds.turn()
    base = 1_800_000_000
    assert fired == [("a", base + 3), ("b", base + 7), ("a", base + 13), ("b", base + 17)]


async def test_slots_that_passed_unseen_are_not_caught_up() -> None:
    clock = HandClock()
    rounds = Rounds(clock)
    rounds.scheduler.put("a", Schedule(10, 0))
    clock.advance(95)
    assert await rounds.turn() == []
    clock.advance(6)
    assert await rounds.turn() == [("a", 1_800_000_100)]


async def test_a_new_schedule_replaces_the_old_one() -> None:
    clock = HandClock()
    rounds = Rounds(clock)
    rounds.scheduler.put("a", Schedule(10, 0))
    rounds.scheduler.put("a", Schedule(60, 5))
    clock.advance(30)
    assert await rounds.turn() == [("a", 1_800_000_005)]


async def test_the_same_schedule_again_changes_nothing() -> None:
    clock = HandClock()
    rounds = Rounds(clock)
    for _ in range(3):
        rounds.scheduler.put("a", Schedule(10, 0))
    clock.advance(11)
    assert len(await rounds.turn()) == 1


async def test_monitors_of_one_second_fire_apart_within_it() -> None:
    clock = HandClock()
    rounds = Rounds(clock)
    for name in ("a", "b"):
        rounds.scheduler.put(name, Schedule(10, 0))
    clock.advance(10)
    assert await rounds.turn() == []
    clock.advance(0.5)
    assert await rounds.turn() == [("b", 1_800_000_010)]
    clock.advance(0.49)
    assert await rounds.turn() == [("a", 1_800_000_010)]


async def test_a_dropped_monitor_fires_no_more() -> None:
    clock = HandClock()
    rounds = Rounds(clock)
    rounds.scheduler.put("a", Schedule(10, 0))
    rounds.scheduler.drop("a")
    clock.advance(30)
    assert await rounds.turn() == []


async def test_a_monitor_that_comes_while_it_sleeps_wakes_it() -> None:
    fired = asyncio.Event()
    scheduler = Scheduler(SteadyClock(), lambda *_: fired.set())
    scheduler.put("far", Schedule(86_400, 0))
    loop = asyncio.create_task(scheduler.run())
    await asyncio.sleep(0.01)
    began = time.monotonic()
    scheduler.put("near", Schedule(5, int(time.time() + 1) % 5))
    await asyncio.wait_for(fired.wait(), 2.5)
    assert time.monotonic() - began < 2.1
    loop.cancel()


def test_the_clock_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, passed = [1000.0], [0.0]
    monkeypatch.setattr(time, "time", lambda: wall[0])
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    clock = SteadyClock()
    wall[0], passed[0] = 401.0, 1.0  # set back by ten minutes
    assert clock.now() == pytest.approx(1000.9)
    wall[0], passed[0] = 8401.0, 8001.0  # it has caught up with what it ran ahead
    assert clock.now() == pytest.approx(8401.0)


def test_a_clock_that_is_set_forward_is_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, passed = [1000.0], [0.0]
    monkeypatch.setattr(time, "time", lambda: wall[0])
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    clock = SteadyClock()
    wall[0], passed[0] = 4601.0, 1.0
    assert clock.now() == 4601.0
