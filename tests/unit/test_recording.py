"""What record adds to the store: the mark of a reading that came too late for the rules."""

from pathlib import Path

import pytest

from functions.core.reading import Reading
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


async def test_slow_monitors_may_be_five_intervals_late(tmp_path: Path) -> None:
    store = SqliteReadings(tmp_path / "readings.db")
    recording = Recording(store)
    await recording.record([reading(36_000, interval=3600)])
    await recording.record([reading(18_000, interval=3600), reading(14_400, interval=3600)])
    found = await store.query("t", "m", since=0, until=99_999, limit=9)
    assert [one.late for one in found] == [True, False, False]
    store.close()
