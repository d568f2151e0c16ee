"""Repeats, disorder and replays: the outcome depends on the readings, not on how they arrived."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.core.alert import Decision, RuleState, State, Transition
from functions.core.evaluate import evaluate, replay
from functions.core.reading import Reading, lateness
from functions.core.rule import Rule
from functions.core.rule_text import parse
from tests.unit.rule_strategies import START, live, reading, readings, rules

INTERVALS = st.sampled_from([5, 60, 300])
words = st.sampled_from(["0", "0", "1", "1", "2", "x", "m", "-"])
small_rules = rules(
    metric=st.just("value"),
    threshold=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    count=st.integers(1, 5),
    time=st.sampled_from([1, 60, 120, 300, 900, 1500]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Reading]:
    """Readings in order of their slots, with gaps; each version of the monitor at its interval."""
    history, slot = [], START
    for version in range(1, draw(st.integers(1, 3)) + 1):
        interval = draw(INTERVALS)
        for word in draw(st.lists(words | st.just("."), min_size=1, max_size=40)):
            if word != ".":
                history.append(reading(word, slot, interval=interval, version=version))
            slot += interval
    return history


@st.composite
def disordered(draw: st.DrawFn) -> list[Reading]:
    """A history as it may arrive: repeated, in any order within the lateness, and with the
    watchdog's word for slots whose reading came after all; nothing after a newer version."""
    history = draw(histories())
    arriving = []
    for each in history:
        missed = reading("m", each.slot, interval=each.interval, version=each.version)
        same = [each, each, missed] if draw(st.booleans()) else [each]
        for one in same[: draw(st.integers(1, 3))]:
            delay = draw(st.integers(0, lateness(each.interval)))
            arriving.append((each.version, each.slot + delay, draw(st.integers(0, 9)), one))
    return [one for *_, one in sorted(arriving, key=lambda entry: entry[:3])]


def outcome(state: RuleState) -> RuleState:
    """All but the count of changes, which does depend on what was known when."""
    return replace(state, transition=0)


def known(arrived: list[Reading]) -> list[Reading]:
    """What a store keeps of them: the first of each slot, the missed one yielding."""
    kept: dict[int, Reading] = {}
    for each in arrived:
        first = kept.get(each.slot)
        if first is None or (first.id.endswith("missed") and not each.id.endswith("missed")):
            kept[each.slot] = each
    return [kept[slot] for slot in sorted(kept)]


@given(small_rules, disordered())
def test_any_order_and_repeats_within_the_lateness_end_in_the_same_state(
    rule: Rule, arriving: list[Reading]
) -> None:
    in_order, _ = live(rule, known(arriving))
    assert outcome(live(rule, arriving)[0]) == outcome(in_order)


@given(small_rules, histories())
def test_a_replay_decides_what_was_decided_live(rule: Rule, history: list[Reading]) -> None:
    assert replay(rule, history) == live(rule, history)[1]


@given(small_rules, histories(), st.randoms())
def test_a_replay_ends_as_life_did_with_readings_too_late_left_out(
    rule: Rule, history: list[Reading], random: Random
) -> None:
    random.shuffle(history)
    arriving = _marked(sorted(history, key=lambda each: each.version))
    state, _ = live(rule, arriving)
    in_time = sorted((each for each in arriving if not each.late), key=lambda each: each.slot)
    assert outcome(state) == outcome(live(rule, in_time)[0])
    decisions = replay(rule, arriving)
    assert decisions == live(rule, in_time)[1]
    assert (decisions[-1].after if decisions else State.OK) is state.now.state


def _marked(arriving: list[Reading]) -> list[Reading]:
    """With `late` as the recorder writes it."""
    newest, marked = 0, []
    for each in arriving:
        late = each.slot < newest - lateness(each.interval)
        marked.append(replace(each, late=late))
        newest = max(newest, each.slot)
    return marked


@given(small_rules, disordered())
def test_every_decision_is_the_difference_between_two_states(
    rule: Rule, arriving: list[Reading]
) -> None:
    state = RuleState()
    for each in arriving:
        moved, decision = evaluate(rule, state, reading=each)
        changed = (state.now.state, bool(state.now.blind)) != (
            moved.now.state,
            bool(moved.now.blind),
        )
        assert changed == (decision is not None)
        if decision:
            _describes(decision, state, moved, each)
        state = moved


def _describes(decision: Decision, before: RuleState, after: RuleState, cause: Reading) -> None:
    assert decision.number == after.transition == before.transition + 1
    assert (decision.before, decision.after) == (before.now.state, after.now.state)
    assert (decision.slot, decision.reading) == (cause.slot, cause.id)
    assert decision.blind == after.now.blind
    assert 1 <= len(decision.evidence) <= 50
    assert set(decision.evidence) <= set(after.window)


@given(small_rules, disordered())
def test_people_are_told_of_every_firing_exactly_once_and_of_its_end(
    rule: Rule, arriving: list[Reading]
) -> None:
    told = [
        decision.transition
        for decision in live(rule, arriving)[1]
        if decision.notify and decision.transition in (Transition.FIRING, Transition.RESOLVED)
    ]
    assert told == [Transition.FIRING, Transition.RESOLVED] * (len(told) // 2) + told[-1:] * (
        len(told) % 2
    )


@given(small_rules, disordered())
def test_the_state_survives_being_stored_after_every_reading(
    rule: Rule, arriving: list[Reading]
) -> None:
    stored, decisions = RuleState(), []
    for each in arriving:
        read_back = msgspec.json.decode(msgspec.json.encode(stored), type=RuleState)
        assert read_back == stored
        stored, decision = evaluate(rule, read_back, reading=each)
        decisions += [decision] if decision else []
    assert (stored, decisions) == live(rule, arriving)


def test_a_repeated_reading_changes_nothing_at_all() -> None:
    rule = parse("value above 5 for 1 reading")
    state, _ = live(rule, readings("9 1"))
    for repeated in readings("9 1"):
        assert evaluate(rule, state, reading=repeated) == (state, None)


def test_the_first_reading_of_a_slot_wins() -> None:
    rule = parse("value above 5 for 1 reading")
    state, _ = live(rule, [reading("1", START)])
    assert evaluate(rule, state, reading=reading("9", START)) == (state, None)


def test_a_missed_slot_yields_to_the_reading_that_comes_after_all() -> None:
    rule = parse("value above 5 for 3 readings")
    state, decisions = live(rule, [*readings("9 m 9"), reading("9", START + 60)])
    assert state.now.state is State.FIRING
    assert decisions[-1].reading == f"shop/{START + 60}"


def test_a_late_reading_that_was_in_between_ends_a_firing() -> None:
    rule = parse("value above 5 for 3 readings")
    state, decisions = live(rule, [*readings("9 9 . 9"), reading("1", START + 120)])
    assert [str(decision.transition) for decision in decisions] == ["pending", "firing", "resolved"]
    assert decisions[-1].notify
    assert state.now.state is State.PENDING


def test_a_firing_that_was_over_before_it_was_known_is_recorded_but_not_told() -> None:
    rule = parse("value above 5 for 1 reading, recover for 1 reading")
    _, decisions = live(rule, [*readings("1 . 1"), reading("9", START + 60)])
    assert [(str(one.transition), one.notify) for one in decisions] == [("resolved", False)]


def test_an_alert_does_not_end_by_a_change_of_the_interval() -> None:
    rule = parse("value above 5 for 3h")
    hourly = readings("9 9 9 9 9", interval=3600)
    minutes = [reading("9", hourly[-1].slot + 60 * place, version=2) for place in range(1, 12)]
    in_between = [minutes.pop(3), minutes.pop(6)]
    state, decisions = live(rule, [*hourly, *minutes, *in_between])
    assert [str(decision.transition) for decision in decisions] == ["pending", "firing"]
    assert state.now.state is State.FIRING


def test_a_state_that_was_stored_before_it_knew_its_interval_goes_on() -> None:
    rule = parse("value above 5 for 3 readings")
    state, _ = live(rule, readings("9 . 9"))
    stored = replace(state, interval=0)
    assert evaluate(rule, stored, reading=reading("9", START + 60))[0].now.state is State.FIRING


def test_a_reading_at_the_edge_of_the_lateness_counts_and_one_beyond_does_not() -> None:
    rule = parse("value above 5 for 2 readings")
    newest = reading("9", START + 600)
    at_edge, beyond = reading("1", START + 300), reading("1", START + 240)
    state, _ = live(rule, [newest])
    assert len(evaluate(rule, state, reading=at_edge)[0].window) == 2
    assert evaluate(rule, state, reading=beyond) == (state, None)


def test_a_reading_marked_late_is_left_out() -> None:
    rule = parse("value above 5 for 1 reading")
    late = replace(reading("9", START), late=True)
    assert evaluate(rule, RuleState(), reading=late) == (RuleState(), None)
    assert replay(rule, [late]) == []
