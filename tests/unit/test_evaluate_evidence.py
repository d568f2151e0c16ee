"""What decisions say: the readings that mattered, the value, the cause."""

from math import inf, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.core.alert import Seen, State
from functions.core.evaluate import EVIDENCE, evaluate, last_value, observed, replay
from functions.core.reading import Failure, FailureKind
from functions.core.rule import Aggregate
from functions.core.rule_text import parse
from tests.unit.rule_strategies import START, live, reading, readings

FIRES_AT_ONCE = parse("value above 5 for 1 reading")


def evidence(line: str, words: str) -> str:
    """The readings that the last decision carries, in the notation of the tables."""
    decision = live(parse(line), readings(words))[1][-1]
    values = ("x" if seen.value is None else f"{seen.value:g}" for seen in decision.evidence)
    return " ".join(values)


@pytest.mark.parametrize(
    ("line", "words", "expected"),
    [
        ("value above 5", "1 2 6 7 8", "6 7 8"),
        ("value above 5 for 3m", "1 6 7 x 8", "6 7 x 8"),
        ("value above 5 for 3 of 5 readings", "1 6 2 7 3 8", "6 2 7 3 8"),
        ("value above 5 for 1 reading", "6 4 3", "4 3"),
        ("value above 5", "1 6 7 2", "6 7 2"),
        ("value mean over 3m above 5 for 2 readings", "1 1 1 8 9 8", "1 8 9 8"),
        ("value above 5 for 1 reading, blind alerts", "1 1 x x x", "x x x"),
        ("value above 5 for 1 reading, blind alerts", "1 x x x 2", "x x x 2"),
        ("value above 5 for 10m", "1 " + "6 " * 11, "6 " * 10 + "6"),
    ],
)
def test_evidence_is_what_the_change_was_judged_on(line: str, words: str, expected: str) -> None:
    assert evidence(line, words) == expected


def test_evidence_is_bounded() -> None:
    decision = live(parse("value above 5 for 100 readings"), readings("6 " * 100))[1][-1]
    assert decision.after is State.FIRING
    assert len(decision.evidence) == EVIDENCE


@given(
    st.sampled_from(Aggregate),
    st.sampled_from([60, 300, 900, 1200]),
    st.lists(st.sampled_from(["1", "2", "5", "9", "x", "."]), min_size=1, max_size=40),
)
def test_an_aggregate_joins_every_value_of_its_window(
    function: Aggregate, seconds: int, words: list[str]
) -> None:
    rule = parse(f"value {function} over {seconds}s above 5")
    state, _ = live(rule, readings(" ".join(words)))
    slots = {START + n * 60: float(word) for n, word in enumerate(words) if word not in "x."}
    newest = max(slots, default=0)
    inside = [value for slot, value in slots.items() if slot > newest - seconds]
    kept = newest in [seen.slot for seen in state.window]
    assert last_value(rule, state) == (pytest.approx(function.of(inside)) if kept else None)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (Aggregate.MEAN, 22.0),
        (Aggregate.MIN, 1.0),
        (Aggregate.MAX, 100.0),
        (Aggregate.SUM, 110.0),
        (Aggregate.COUNT, 5),
        (Aggregate.MEDIAN, 3.0),
        (Aggregate.P90, 100.0),
        (Aggregate.P95, 100.0),
        (Aggregate.P99, 100.0),
    ],
)
def test_an_aggregate_of_five_values(function: Aggregate, expected: float) -> None:
    assert function.of([4.0, 1.0, 100.0, 2.0, 3.0]) == expected


def test_percentiles_are_of_the_nearest_rank_and_the_median_lies_between_two() -> None:
    hundred = [float(n) for n in range(100, 0, -1)]
    ranks = [function.of(hundred) for function in (Aggregate.P90, Aggregate.P95, Aggregate.P99)]
    assert ranks == [90.0, 95.0, 99.0]
    assert Aggregate.MEDIAN.of(hundred) == 50.5


def test_a_decision_says_the_aggregate_that_was_compared() -> None:
    rule = parse("value mean over 3m above 5 for 1 reading")
    assert live(rule, readings("1 6 11"))[1][-1].value == 6.0


def test_blindness_has_the_cause_of_the_first_failure() -> None:
    causes = ["token expired", "refused", "refused"]
    failed = [
        replace(each, failure=Failure(FailureKind.ACCESS, cause))
        for each, cause in zip(readings("x x x"), causes, strict=True)
    ]
    _, decisions = live(parse("value above 5"), failed)
    assert [decision.blind for decision in decisions] == ["token expired"]


def test_causes_are_never_empty_and_never_long() -> None:
    silent = replace(reading("x", START), failure=Failure(FailureKind.UNAVAILABLE, ""))
    wordy = replace(reading("x", START), failure=Failure(FailureKind.UNAVAILABLE, "x" * 9999))
    assert observed(FIRES_AT_ONCE, silent).cause == "unavailable"
    assert len(observed(FIRES_AT_ONCE, wordy).cause) == 200


def test_a_metric_that_is_missing_or_no_number_is_a_failure_with_its_name() -> None:
    missing = "the reading has no metric value"
    assert observed(FIRES_AT_ONCE, reading("-", START)) == Seen(START, None, missing)
    for strange in (nan, inf, -1.7e308):
        seen = observed(FIRES_AT_ONCE, replace(reading("1", START), metrics={"value": strange}))
        assert seen.cause == "the metric value is too large or no number"


def test_a_second_word_of_the_watchdog_changes_nothing() -> None:
    state, _ = live(FIRES_AT_ONCE, [reading("m", START)])
    again = replace(reading("m", START), failure=Failure(FailureKind.MISSED, "still not ticking"))
    assert evaluate(FIRES_AT_ONCE, state, reading=again) == (state, None)


def test_a_replay_takes_the_reading_of_a_slot_and_not_the_watchdogs_word() -> None:
    rule = parse("value above 5, blind alerts after 1 reading")
    assert replay(rule, [reading("m", START), reading("1", START)]) == []


def test_the_state_keeps_no_failures_that_can_no_longer_be_revised() -> None:
    state, _ = live(parse("value mean over 1h above 5"), readings("1 " + "x " * 50))
    assert [seen.value for seen in state.window] == [1.0] + [None] * 6


def test_the_state_of_a_plain_rule_stays_small() -> None:
    state, _ = live(parse("value above 5"), readings("1 " * 500))
    assert len(state.window) == 6
    assert len(msgspec.json.encode(state)) < 500
