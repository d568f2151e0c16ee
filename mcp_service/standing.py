"""Where a rule stands: what it waits for and how much of that it has seen so far."""

from msgspec.structs import replace

from functions.core.alert import Machine, RuleState, State
from functions.core.evaluate import last_value
from functions.core.machine import awaited, filling, patience_of
from functions.core.rule import Rule
from functions.core.rule_text import text
from functions.core.rule_words import time_text
from mcp_service.numbers import short


def standing(rule: Rule, state: RuleState, *, interval: int) -> str:
    """In sentences for a person, such as "It fires on `up is 0 for 3 readings`: 2 of 3 so far; the
    last value was 0." `interval` is the monitor's, in seconds."""
    now = state.now
    if not state.window:
        return "It has judged no reading yet."
    if now.blind:
        return (
            f"It is blind: {now.failed} readings in a row failed. The next good one counts again."
        )
    ends = "resolves" if now.state is State.FIRING else "fires"
    so_far = _so_far(rule, now, interval=interval)
    seen = f"It {ends} on `{_wanted(rule, now.state)}`: {so_far}; {_last(rule, state)}."
    return seen + _failed(now.failed, patience_of(rule))


def _wanted(rule: Rule, state: State) -> str:
    """The part of a rule's line that would end this state."""
    comparison, threshold, lasting = awaited(rule, state)
    condition = replace(rule.condition, comparison=comparison, threshold=threshold)
    return text(Rule(condition=condition, lasting=lasting))


def _so_far(rule: Rule, now: Machine, *, interval: int) -> str:
    if left := filling(rule, now, interval=interval):
        return f"judged once {time_text(left)} more have been seen"
    lasting = awaited(rule, now.state)[2]
    if lasting.seconds:
        lasted = time_text(now.seen - now.streak_from) if now.streak else "nothing"
        return f"{lasted} of {time_text(lasting.seconds)} so far"
    return f"{now.streak} of {lasting.bad} so far"


def _last(rule: Rule, state: RuleState) -> str:
    value = last_value(rule, state)
    return "no value was seen yet" if value is None else f"the last value was {short(value)}"


def _failed(failed: int, patience: int) -> str:
    if not failed:
        return ""
    which = "one" if failed == 1 else str(failed)
    return f" The last {which} failed, which counts neither way; {patience} in a row make it blind."
