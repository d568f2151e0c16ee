"""The watchdog: a slot that nobody observed becomes visible, and nothing else does."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from functions.core.errors import SourceUnavailable
from functions.core.monitor import SHORTEST_INTERVAL, MonitorSpec
from functions.core.reading import Reading
from functions.record.recording import Recording
from functions.stores.sqlite import SqliteReadings
from mcp_service.reconciler import ROUND
from mcp_service.runtime.sink import InProcessSink
from mcp_service.watchdog import PATIENCE, Watchdog
from tests.unit.clocks import HandClock

pytestmark = pytest.mark.anyio

START = 1_800_000_000


def spec(interval: int = 10, version: int = 1) -> MonitorSpec:
    return MonitorSpec(
        id="m", tenant="t", version=version, provider="website", config={},
        interval=interval, phase=0,
    )  # fmt: skip


def reading(slot: int) -> Reading:
    return Reading(
        tenant="t", monitor="m", version=1, provider="website", slot=slot, interval=10, at=slot,
        metrics={"up": 1.0},
    )  # fmt: skip


class Scene:
    """A store, a sink that can be closed, and what is wanted."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock(START)
        self.store = SqliteReadings(folder / "readings.db")
        self.sink = InProcessSink(self, self.evaluate)
        self.wanted = [spec()]
        self.is_open = True
        self.rescheduled: dict[str, float] = {}
        self.judged: list[tuple[int, str]] = []

    async def record(self, readings: Sequence[Reading]) -> None:
        if not self.is_open:
            raise SourceUnavailable("the store is away")
        await Recording(self.store).record(readings)

    async def evaluate(self, reading: Reading) -> None:
        """No rules; what they would judge."""
        self.judged.append((reading.slot - START, reading.failure.cause if reading.failure else ""))

    def watchdog(self, before: float = 0.0, *, judged: float = 0.0) -> Watchdog:
        watchdog = Watchdog(
            lambda: self.wanted,
            self.store,
            sink=self.sink,
            clock=self.clock,
            why=lambda _monitor, slot: "too busy" if slot == START + 20 else "",
        )
        watchdog.take_over(before, judged=judged, rescheduled=lambda: self.rescheduled)
        return watchdog

    async def pass_time(self, watchdog: Watchdog, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            await watchdog.step()

    async def missed(self) -> list[int]:
        stored = await self.store.query("t", "m", since=0, until=START * 2, limit=5000)
        return [
            reading.slot - START
            for reading in stored
            if reading.failure is not None and reading.failure.kind == "missed"
        ]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.store.close()


async def test_a_silent_monitor_is_missed_within_two_intervals(scene: Scene) -> None:
    watchdog = scene.watchdog()
    await scene.pass_time(watchdog, 27)
    assert await scene.missed() == []
    await scene.pass_time(watchdog, 3)
    assert await scene.missed() == [10]


async def test_a_slot_with_a_reading_is_not_missed(scene: Scene) -> None:
    watchdog = scene.watchdog()
    await scene.store.add([reading(START + 10), reading(START + 30)])
    await scene.pass_time(watchdog, 60)
    assert await scene.missed() == [20, 40]


async def test_a_reading_that_comes_after_all_takes_the_place(scene: Scene) -> None:
    watchdog = scene.watchdog()
    await scene.pass_time(watchdog, 30)
    await scene.store.add([reading(START + 10)])
    assert await scene.missed() == []


async def test_what_the_store_refused_is_missed_once_it_is_back(scene: Scene) -> None:
    watchdog = scene.watchdog()
    await scene.pass_time(watchdog, 5)
    scene.is_open = False
    for _ in range(60):
        scene.clock.advance(1)
        try:
            await watchdog.step()
        except SourceUnavailable:
            assert scene.sink.fault == "the store is away"
    scene.is_open = True
    await watchdog.step()
    assert await scene.missed() == [10, 20, 30, 40]
    assert scene.sink.fault == ""


async def test_a_paused_monitor_misses_nothing(scene: Scene) -> None:
    watchdog = scene.watchdog()
    await scene.pass_time(watchdog, 5)
    scene.wanted = []
    await scene.pass_time(watchdog, 100)
    scene.wanted = [spec(version=2)]
    await scene.pass_time(watchdog, 15)
    assert await scene.missed() == []


async def test_another_interval_starts_anew(scene: Scene) -> None:
    watchdog = scene.watchdog()
    await scene.pass_time(watchdog, 9)
    scene.wanted = [spec(interval=60, version=2)]
    await scene.pass_time(watchdog, 90)
    assert await scene.missed() == []


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_clock_that_jumps_misses_nothing_that_was_never_due(
    scene: Scene, seconds: int
) -> None:
    watchdog = scene.watchdog()
    await scene.pass_time(watchdog, 5)
    scene.clock.jump(seconds)
    await scene.pass_time(watchdog, 5)
    assert await scene.missed() == []


async def test_slots_while_no_service_ran_are_not_missed(scene: Scene) -> None:
    await scene.store.add([reading(START - 1000)])
    watchdog = scene.watchdog(before=START - 995)
    await scene.pass_time(watchdog, 15)
    assert await scene.missed() == []


async def test_the_last_slots_before_a_crash_are_judged_by_the_next_service(scene: Scene) -> None:
    await scene.store.add([reading(START - 130)])
    watchdog = scene.watchdog(before=START - 105)  # 120 and 110 s ago were due and not accepted
    await scene.pass_time(watchdog, 5)
    assert await scene.missed() == [-120, -110]


async def test_a_gap_before_the_last_reading_of_a_crashed_service_is_judged_too(
    scene: Scene,
) -> None:
    await scene.store.add([reading(START - 130), reading(START - 110)])
    await scene.pass_time(scene.watchdog(before=START - 105), 5)
    assert await scene.missed() == [-120]


async def test_every_slot_since_the_last_judgement_of_a_lost_leader_is_judged(
    scene: Scene,
) -> None:
    await scene.store.add([reading(START - 1000), reading(START - 600)])
    await scene.pass_time(scene.watchdog(before=START, judged=START - 990), 5)
    found = await scene.missed()
    assert found == sorted({*range(-990, -10, 10)} - {-600})


async def test_a_monitor_that_went_on_after_a_pause_was_due_from_then_on(scene: Scene) -> None:
    await scene.store.add([reading(START - 1000), reading(START - 110)])
    scene.rescheduled = {"m": START - 95.0}
    await scene.pass_time(scene.watchdog(before=START, judged=START - 990), 5)
    assert await scene.missed() == list(range(-90, -10, 10))


async def test_how_far_it_has_come_is_told_only_of_what_was_judged(scene: Scene) -> None:
    watchdog = scene.watchdog(before=START, judged=START - 60)
    wanted, scene.wanted = scene.wanted, []
    await scene.pass_time(watchdog, 3)
    assert watchdog.judged == START - 60
    scene.wanted = wanted
    scene.is_open = False
    await scene.store.add([reading(START - 70)])
    with pytest.raises(SourceUnavailable):
        await watchdog.step()
    assert watchdog.judged == START - 60
    scene.is_open = True
    await watchdog.step()
    assert watchdog.judged == scene.clock.now()


async def test_what_an_older_version_saw_is_missed_for_the_rules_and_stays_stored(
    scene: Scene,
) -> None:
    """Slot 20, in which the runtime could not bring the newest version."""
    await scene.store.add([reading(START + slot) for slot in (10, 20, 30)])
    await scene.pass_time(scene.watchdog(), 50)
    assert scene.judged == [(20, "too busy")]
    assert await scene.missed() == []


async def test_the_cause_of_a_skipped_slot_is_told(scene: Scene) -> None:
    await scene.pass_time(scene.watchdog(), 50)
    stored = await scene.store.query("t", "m", since=START, until=START + 99, limit=9)
    causes = [reading.failure.cause for reading in stored if reading.failure]
    assert causes == ["not ticking", "too busy", "not ticking"]


def test_a_slot_after_a_pause_has_its_time_no_sooner_than_the_pause_is_known() -> None:
    a_loops_lateness, a_slow_round = 1.1, 1.0
    assert a_loops_lateness * ROUND + a_slow_round < PATIENCE * SHORTEST_INTERVAL
