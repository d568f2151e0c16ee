"""The in-process sink: accepted means stored and judged, now or at the next start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.core.alert_ports import MonitorRow
from functions.core.errors import AccessDenied, SourceUnavailable
from functions.core.reading import Reading
from functions.record.recording import Recording
from functions.stores.sqlite import SqliteReadings
from mcp_service.runtime.sink import InProcessSink

pytestmark = pytest.mark.anyio


class Rules:
    """What evaluates; away or unwilling when the test says so."""

    def __init__(self) -> None:
        self.judged: list[int] = []
        self.refusal: Exception | None = None

    async def submit(self, reading: Reading) -> None:
        if self.refusal:
            raise self.refusal
        self.judged.append(reading.slot)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteReadings]:
    made = SqliteReadings(tmp_path / "readings.db")
    yield made
    made.close()


def reading(slot: int) -> Reading:
    return Reading(
        tenant="t", monitor="m", version=1, provider="website", slot=slot, interval=10, at=slot
    )


async def slots(store: SqliteReadings) -> list[int]:
    return [one.slot for one in await store.query("t", "m", since=0, until=10**9, limit=99)]


async def test_accepted_means_stored_and_judged(store: SqliteReadings) -> None:
    rules = Rules()
    await InProcessSink(Recording(store), rules.submit).emit(reading(10))
    assert await slots(store) == rules.judged == [10]


async def test_what_the_rules_could_not_take_is_refused_and_judged_later(
    store: SqliteReadings,
) -> None:
    rules = Rules()
    sink = InProcessSink(Recording(store), rules.submit)
    rules.refusal = SourceUnavailable("the alert database is away")
    for slot in (10, 20):
        with pytest.raises(SourceUnavailable):
            await sink.emit(reading(slot))
    with pytest.raises(SourceUnavailable):
        await sink.settle()
    assert sink.fault == "the alert database is away"
    rules.refusal = None
    await sink.settle()
    await sink.settle()
    assert rules.judged == [10, 20]


async def test_a_reading_of_a_monitor_that_is_gone_is_stored_and_forgotten(
    store: SqliteReadings,
) -> None:
    rules = Rules()
    sink = InProcessSink(Recording(store), rules.submit)
    rules.refusal = AccessDenied("no such monitor")
    await sink.emit(reading(10))
    rules.refusal = None
    await sink.settle()
    assert (await slots(store), rules.judged, sink.fault) == ([10], [], "")


async def test_at_start_the_rules_see_again_what_could_still_change_their_verdict(
    store: SqliteReadings,
) -> None:
    rules = Rules()
    await store.add([reading(slot) for slot in (100, 190, 200, 500, 510)])
    row = MonitorRow(tenant="t", monitor="m", version=1, name="m", interval=10, newest=500)
    sink = InProcessSink(Recording(store), rules.submit)
    assert await sink.catch_up([row], store) == 3
    assert rules.judged == [200, 500, 510]
