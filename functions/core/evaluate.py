"""The evaluator: one rule, its state, one reading. The same live, in replays and in backtests.

Readings arrive repeated and in any order. The state keeps the recent ones by slot, and the machine
as it was before them; one that comes late is put in its place and the machine run again from there.
So the outcome depends on the readings alone, as long as none is later than `lateness`. What came
before another interval stands as it was judged.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from functions.core.alert import Decision, Machine, RuleState, Seen, State, Transition
from functions.core.errors import Fault, InvalidConfiguration
from functions.core.machine import advance, judged_value, slot_of
from functions.core.reading import FailureKind, Reading, is_number, lateness
from functions.core.rule import DEFAULT_BLIND, LONGEST_WINDOW, BlindPolicy, Lasting, Rule
from functions.core.rule_words import time_text

EVIDENCE = 50
"""Readings that a decision carries at most."""
LONGEST_CAUSE = 200


def evaluate(
    rule: Rule, state: RuleState, *, reading: Reading
) -> tuple[RuleState, Decision | None]:
    """The state after the reading, and the change it made, if any.

    Repeated readings and those later than `lateness` change nothing: the same state comes back."""
    if reading.late:
        return state, None
    moved = _placed(rule, state, seen=observed(rule, reading), interval=reading.interval)
    if moved is None:
        return state, None
    decision = _decision(rule, state.now, state=moved, reading=reading)
    if decision is None:
        return moved, None
    return replace(moved, transition=decision.number), decision


def replay(rule: Rule, readings: Iterable[Reading]) -> list[Decision]:
    """What `evaluate` would have decided, had these readings (any order) arrived in time."""
    state, decisions = RuleState(), []
    for reading in sorted(readings, key=lambda reading: (reading.slot, _is_missed(reading))):
        state, decision = evaluate(rule, state, reading=reading)
        if decision:
            decisions.append(decision)
    return decisions


def observed(rule: Rule, reading: Reading) -> Seen:
    """The reading as this rule sees it."""
    metric, failure = rule.condition.metric, reading.failure
    if failure:
        cause = (failure.cause or failure.kind)[:LONGEST_CAUSE]
        return Seen(reading.slot, None, cause, _is_missed(reading))
    value = reading.metrics.get(metric)
    if value is None:
        return Seen(reading.slot, None, f"the reading has no metric {metric}")
    if not is_number(value):
        return Seen(reading.slot, None, f"the metric {metric} is too large or no number")
    return Seen(reading.slot, value)


def needed_slots(rule: Rule, interval: int) -> int:
    """How many readings the state keeps at this interval (seconds).

    Raises InvalidConfiguration when the rule looks back over more than LONGEST_WINDOW of them."""
    back = -(-_lookback(rule, interval) // interval)
    if back > LONGEST_WINDOW:
        longest = time_text(LONGEST_WINDOW * interval)
        problem = f"looks back too far for readings every {interval} s; `over {longest}` at most"
        raise InvalidConfiguration(Fault("rule", problem))
    return lateness(interval) // interval + back + 1


def _is_missed(reading: Reading) -> bool:
    return reading.failure is not None and reading.failure.kind is FailureKind.MISSED


def _placed(rule: Rule, state: RuleState, *, seen: Seen, interval: int) -> RuleState | None:
    if state.window and state.interval not in (0, interval):
        state = replace(state, base=state.now, base_slot=state.window[-1].slot + 1)
    if not state.window or seen.slot > state.window[-1].slot:
        window: Sequence[Seen] | None = (*state.window, seen)
        start, machine = len(state.window), state.now
    else:
        window = _inserted(state, seen)
        start, machine = bisect_left(state.window, state.base_slot, key=slot_of), state.base
    if window is None:
        return None
    now = _run(rule, machine, window=window, places=range(start, len(window)), interval=interval)
    return _settled(rule, state, now=now, window=window, interval=interval)


def _inserted(state: RuleState, seen: Seen) -> tuple[Seen, ...] | None:
    """The window with a late reading in its place; None when it is too late or a repetition. The
    first of a slot wins, except over the watchdog's word that there was none."""
    window = state.window
    place = bisect_left(window, seen.slot, key=slot_of)
    taken = window[place].slot == seen.slot
    if seen.slot < state.base_slot or (taken and (seen.missed or not window[place].missed)):
        return None
    return (*window[:place], seen, *window[place + taken :])


def _run(
    rule: Rule, machine: Machine, *, window: Sequence[Seen], places: range, interval: int
) -> Machine:
    for place in places:
        machine = advance(rule, machine, window=window, place=place, interval=interval)
    return machine


def _settled(
    rule: Rule, state: RuleState, *, now: Machine, window: Sequence[Seen], interval: int
) -> RuleState:
    """Move the base behind the readings that can no longer be revised, and forget those that the
    rule does not look back to."""
    base_slot = max(state.base_slot, window[-1].slot - lateness(interval))
    done = bisect_left(window, state.base_slot, key=slot_of)
    settled = bisect_left(window, base_slot, key=slot_of)
    base = _run(rule, state.base, window=window, places=range(done, settled), interval=interval)
    kept = bisect_left(window, base_slot - _lookback(rule, interval), key=slot_of)
    valued = [seen for seen in window[max(kept, done) : settled] if seen.value is not None]
    return RuleState(
        window=(*window[kept:done], *valued, *window[settled:]),
        base=base,
        base_slot=base_slot,
        now=now,
        interval=interval,
        transition=state.transition,
    )


def _lookback(rule: Rule, interval: int) -> int:
    """Seconds before the base that are kept: for the aggregate, and as evidence."""
    lastings = [rule.lasting, rule.recovery.lasting if rule.recovery else None]
    spans = [_evidence_span(lasting, interval) for lasting in lastings if lasting]
    window = rule.condition.window
    return max([*spans, window.seconds if window else 0])


def _evidence_span(lasting: Lasting, interval: int) -> int:
    return min(lasting.seconds or lasting.of * interval, EVIDENCE * interval)


def _decision(
    rule: Rule, before: Machine, *, state: RuleState, reading: Reading
) -> Decision | None:
    now, alerts = state.now, (rule.blind or DEFAULT_BLIND) is BlindPolicy.ALERT
    transition = _transition(before, now, alerts=alerts)
    if transition is None:
        return None
    sight = transition in (Transition.BLIND, Transition.SEEING)
    return Decision(
        transition=transition,
        number=state.transition + 1,
        slot=reading.slot,
        reading=reading.id,
        before=before.state,
        after=now.state,
        blind=now.blind,
        evidence=_evidence(rule, before, window=state.window),
        notify=alerts if sight else State.FIRING in (before.state, now.state),
        value=last_value(rule, state),
    )


def _transition(before: Machine, now: Machine, *, alerts: bool) -> Transition | None:
    """The one change that is told when the state and the sight may both have changed: a firing and
    its end first, then blindness if people are told of it."""
    moved = _moved(before.state, now.state)
    if bool(before.blind) == bool(now.blind):
        return moved
    if moved and (not alerts or State.FIRING in (before.state, now.state)):
        return moved
    return Transition.BLIND if now.blind else Transition.SEEING


def _moved(before: State, after: State) -> Transition | None:
    if before is after:
        return None
    if before is State.FIRING:
        return Transition.RESOLVED  # also when a late reading shows that it need not have fired
    return Transition.CLEARED if after is State.OK else Transition(after)


def _evidence(rule: Rule, before: Machine, *, window: Sequence[Seen]) -> tuple[Seen, ...]:
    """The readings since the run began that led here, with the window of an aggregate."""
    joined = rule.condition.window
    start = before.streak_from if before.streak else window[-1].slot
    first = bisect_left(window, start - (joined.seconds - 1 if joined else 0), key=slot_of)
    count = max(len(window) - first, before.failed + 1)
    return tuple(window[-min(count, EVIDENCE) :])


def last_value(rule: Rule, state: RuleState) -> float | None:
    """What was held against the threshold last, or None when no kept reading has a value."""
    places = reversed(range(len(state.window)))
    place = next((n for n in places if state.window[n].value is not None), None)
    return None if place is None else judged_value(rule, state.window, place=place)
