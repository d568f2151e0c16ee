"""What makes no sense in a rule, whether it was read from a line or built from types."""

import re
from collections.abc import Iterator
from math import inf, isfinite

from functions.core.errors import Fault
from functions.core.rule import LONGEST_WINDOW, Comparison, Condition, Lasting, Recovery, Rule
from functions.core.rule_words import number_text

LONGEST_TIME = LONGEST_WINDOW * 86_400
"""Seconds of any duration: that many readings at the longest interval."""

METRIC = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,99}")
RESERVED = frozenset(
    {"above", "at", "below", "blind", "for", "is", "not", "over", "recover", "under"}
)
"""Words that no metric can be called, since a line that forgot its metric begins with them."""


def faults(rule: Rule) -> tuple[Fault, ...]:
    """Everything in the rule that makes no sense, however it was made."""
    return tuple(Fault("rule", problem) for problem in _problems(rule))


def _problems(rule: Rule) -> Iterator[str]:
    condition, recovery = rule.condition, rule.recovery
    if not METRIC.fullmatch(condition.metric) or condition.metric.lower() in RESERVED:
        yield "the metric's name is a letter, then letters, digits and _ . : / -, and no keyword"
    if not isfinite(condition.threshold):
        yield "the threshold must be a finite number"
    if condition.window and not 0 < condition.window.seconds <= LONGEST_TIME:
        yield f"the time after `over` must be from 1 s to {LONGEST_TIME // 86_400} days"
    if rule.lasting:
        yield from _lasting_problems(rule.lasting)
    if recovery:
        yield from _recovery_problems(condition, recovery)
    if rule.patience is not None and not 1 <= rule.patience <= LONGEST_WINDOW:
        yield f"the readings after `blind` must be from 1 to {LONGEST_WINDOW}"


def _lasting_problems(lasting: Lasting) -> Iterator[str]:
    if lasting.seconds:
        if lasting.bad or lasting.of or not 0 < lasting.seconds <= LONGEST_TIME:
            yield f"the time after `for` must be from 1 s to {LONGEST_TIME // 86_400} days"
    elif not (lasting.bad >= 1 and 1 <= lasting.of <= LONGEST_WINDOW):
        yield f"the readings (or the time) after `for` must be from 1 to {LONGEST_WINDOW}"
    elif lasting.bad > lasting.of:
        yield f"{lasting.bad} of {lasting.of} readings cannot be; the first number is the smaller"


def _recovery_problems(condition: Condition, recovery: Recovery) -> Iterator[str]:
    if recovery.lasting:
        yield from _lasting_problems(recovery.lasting)
    if recovery.comparison is None:
        if not recovery.lasting:
            yield "after `recover` stands a comparison, or `for` and how long, or both"
    elif not isfinite(recovery.threshold):
        yield "the threshold after `recover` must be a finite number"
    elif _overlap(condition, recovery.comparison, threshold=recovery.threshold):
        other = f"{condition.comparison.opposite} {number_text(condition.threshold)}"
        yield (
            "the recovery would hold while the rule still fires; it must lie on the other side: "
            f"`recover {other}` or further away"
        )


def _overlap(condition: Condition, comparison: Comparison, *, threshold: float) -> bool:
    """Whether a value exists for which both hold: both change only at the two thresholds, so one
    value from each piece between them decides."""
    low, high = sorted((condition.threshold, threshold))
    return any(
        condition.comparison.holds(value, condition.threshold)
        and comparison.holds(value, threshold)
        for value in (-inf, low, low / 2 + high / 2, high, inf)
    )
