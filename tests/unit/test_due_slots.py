"""Which slots were due: as the monitor then was, and none while it was paused."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.core.monitor import Schedule
from mcp_service.database.records import Change, MonitorRecord
from mcp_service.readings import due_slots


def change(number: int, at: float, **state: Any) -> Change:
    record = MonitorRecord(
        id="m1",
        tenant="ann",
        name="shop",
        version=number,
        provider="website",
        config={},
        **({"interval": 60, "phase": 7} | state),
    )
    return Change(number=number, at=at, what="", record=record, rules={})


def test_nothing_is_due_before_it_was_made_or_while_it_was_paused() -> None:
    history = [change(1, 100), change(2, 250, state="paused"), change(3, 500)]
    assert list(due_slots(history, 0, until=620)) == [127, 187, 247, 547, 607]


def test_another_interval_counts_from_its_change_on() -> None:
    history = [change(1, 0), change(2, 200, interval=30, phase=10)]
    assert list(due_slots(history, 60, until=280)) == [67, 127, 187, 220, 250]


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 2000))
def test_every_slot_of_the_schedule_between_the_two_ends_and_no_other(
    made: int, since: int, until: int
) -> None:
    schedule = Schedule(60, 7)
    expected = [
        slot
        for slot in range(7, 2000, 60)
        if max(made, since - 1) < slot < until and slot == schedule.slot(slot)
    ]
    assert list(due_slots([change(1, made)], since, until=until)) == expected
