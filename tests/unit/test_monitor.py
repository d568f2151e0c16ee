"""Intervals that cron can say, slots, phases, and the cron line itself."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import InvalidConfiguration
from functions.core.monitor import DAY, INTERVALS, Schedule, check_interval, phase_of

MIDNIGHT = 1_799_971_200
phases = st.sampled_from(INTERVALS).flatmap(
    lambda interval: st.tuples(st.just(interval), st.integers(0, interval - 1))
)
moments = st.floats(MIDNIGHT, MIDNIGHT + 10 * DAY)


def fires(line: str) -> set[int]:
    """Every second of a day at which a six-field cron line fires, found by trying them all."""
    seconds, minutes, hours, *rest = line.split()
    assert rest == ["*", "*", "*"]
    return {
        hour * 3600 + minute * 60 + second
        for hour in numbers(hours, 24)
        for minute in numbers(minutes, 60)
        for second in numbers(seconds, 60)
    }


def numbers(field: str, end: int) -> list[int]:
    return list(range(end)) if field == "*" else [int(n) for n in field.split(",")]


def some_phases(interval: int) -> list[int]:
    return sorted({0, 1, interval // 3, interval // 2 + 1, interval - 1} & set(range(interval)))


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_cron_line_fires_exactly_at_the_slots(interval: int) -> None:
    for phase in some_phases(interval):
        line = Schedule(interval, phase).cron()
        assert fires(line) == set(range(phase, DAY, interval)), line


def test_every_interval_divides_a_day_so_that_slots_meet_cron_after_midnight() -> None:
    assert MIDNIGHT % DAY == 0
    assert datetime.fromtimestamp(MIDNIGHT, UTC).hour == 0
    assert all(DAY % interval == 0 for interval in INTERVALS)
    assert min(INTERVALS) == 5
    assert max(INTERVALS) == DAY


@given(phases, moments)
def test_the_slot_is_the_scheduled_instant_nearest_to_the_event(
    schedule: tuple[int, int], at: float
) -> None:
    interval, phase = schedule
    slot = Schedule(interval, phase).slot(at)
    assert slot % interval == phase
    assert abs(slot - at) <= interval / 2


@given(phases, moments)
def test_the_next_slot_is_the_first_one_later(schedule: tuple[int, int], at: float) -> None:
    interval, phase = schedule
    following = Schedule(interval, phase).next_after(at)
    assert following % interval == phase
    assert following - interval <= at < following


@given(phases, st.floats(-0.4, 2.0))
def test_a_tick_that_is_a_little_late_stands_for_its_own_slot(
    schedule: tuple[int, int], delay: float
) -> None:
    interval, phase = schedule
    due = MIDNIGHT + phase
    assert Schedule(interval, phase).slot(due + delay) == due


def test_phases_spread_monitors_over_the_interval() -> None:
    found = [phase_of(f"monitor-{n}", 60) for n in range(6000)]
    counts = [found.count(phase) for phase in range(60)]
    assert min(counts) > 50
    assert max(counts) < 160
    assert phase_of("shop", 60) == phase_of("shop", 60)


@pytest.mark.parametrize(
    ("seconds", "nearest"),
    [(45, "30 s or 60 s"), (1, "5 s"), (7, "6 s or 10 s"), (90_000, "86400 s"), (0, "5 s")],
)
def test_an_interval_cron_cannot_say_is_refused_with_the_nearest(
    seconds: int, nearest: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=f"use {nearest}$"):
        check_interval(seconds)


def test_intervals_cron_can_say_pass() -> None:
    for seconds in INTERVALS:
        check_interval(seconds)
