"""What record adds to the store: the mark of a reading that came too late for the rules."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from functions.core.reading import Failure, FailureKind, Reading
from functions.record.recording import Recording
from functions.stores.sqlite import SqliteReadings

pytestmark = pytest.mark.anyio


def reading(slot: int, *, monitor: str = "m", interval: int = 10) -> Reading:
    return Reading(
        tenant="t",
        monitor=monitor,
        version=1,
        provider="website",
        slot=slot,
        interval=interval,
        at=slot,
    )


async def test_a_reading_behind_the_window_is_kept_and_marked_late(tmp_path: Path) -> None:
    store = SqliteReadings(tmp_path / "readings.db")
    recording = Recording(store)
    await recording.record([reading(10_000)])
    await recording.record([reading(9_700), reading(9_690), reading(9_600, monitor="other")])
    found = await store.query("t", "m", since=0, until=99_999, limit=9)
    assert [(one.slot, one.quality) for one in found] == [
        (9_690, "late"),
        (9_700, "good"),
        (10_000, "good"),
    ]
    assert not (await store.latest("t", ["other"]))["other"].late
    store.close()


class Told:
    """What a Redis beside the store would be told."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []

    async def put(self, readings: Sequence[Reading]) -> None:
        self.readings += readings


async def test_a_repetition_tells_what_the_store_kept_of_its_slot(tmp_path: Path) -> None:
    store, told = SqliteReadings(tmp_path / "readings.db"), Told()
    recording = Recording(store, told)
    first = reading(10_000)
    again = msgspec.structs.replace(first, metrics={"up": 0.0})
    silent = Failure(FailureKind.MISSED, "not ticking")
    missed = msgspec.structs.replace(reading(10_010), failure=silent)
    after_all = reading(10_010)
    for one in (first, again, missed, after_all, missed):
        await recording.record([one])
    assert told.readings == [first, first, missed, after_all, after_all]
    store.close()


async def test_slow_monitors_may_be_five_intervals_late(tmp_path: Path) -> None:
    store = SqliteReadings(tmp_path / "readings.db")
    recording = Recording(store)
    await recording.record([reading(36_000, interval=3600)])
    await recording.record([reading(18_000, interval=3600), reading(14_400, interval=3600)])
    found = await store.query("t", "m", since=0, until=99_999, limit=9)
    assert [one.late for one in found] == [True, False, False]
    store.close()
