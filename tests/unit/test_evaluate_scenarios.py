"""What a rule does, reading by reading. Above: the readings of consecutive minutes (a value, `x`
failed, `m` missed, `-` without the metric, `.` no reading at all). Below: what changed at each,
in capitals when people are told."""

import pytest

from functions.core.alert import RuleState
from functions.core.evaluate import evaluate
from functions.core.rule_text import parse
from tests.unit.rule_strategies import readings

SCENARIOS = {
    "three bad readings fire and two good ones resolve unless the rule says otherwise": (
        "value above 5",
        "1 9       9 9      9 1 9 1 1         1",
        "- pending - FIRING - - - - RESOLVED -",
    ),
    "a run that ends early is a near miss": (
        "value above 5 for 3 readings",
        "9       9 1       9       1",
        "pending - cleared pending cleared",
    ),
    "one reading is enough when the rule says so": (
        "value is 0 for 1 reading, recover for 1 reading",
        "0      1        0      1",
        "FIRING RESOLVED FIRING RESOLVED",
    ),
    "k of n fires without a run": (
        "value above 5 for 3 of 5 readings",
        "9       1 9 1 9      1 1",
        "pending - - - FIRING - RESOLVED",
    ),
    "k of n forgets what is older than n": (
        "value above 5 for 3 of 5 readings",
        "9       9 1 1 1 9 1       1 1 1",
        "pending - - - - - - - - -",
    ),
    "k of n clears when none of the last n is bad": (
        "value above 5 for 2 of 3 readings",
        "9       1 1 1",
        "pending - - cleared",
    ),
    "k of n counts afresh after it resolved": (
        "value above 5 for 2 of 5 readings",
        "9       9      1 1        9       9",
        "pending FIRING - RESOLVED pending FIRING",
    ),
    "a duration is counted from the first bad reading": (
        "value above 5 for 2m, recover for 1m",
        "9       9 9      1 1",
        "pending - FIRING - RESOLVED",
    ),
    "a good reading breaks a duration": (
        "value above 5 for 2m",
        "9       9 1       9       9 9",
        "pending - cleared pending - FIRING",
    ),
    "time in which nothing was seen does not count as lasting": (
        "value above 5 for 5m",
        "9       . . . . . 9 9 9 9 9 9",
        "pending . . . . . - - - - - FIRING",
    ),
    "the recovery has its own threshold": (
        "value above 70 for 2 readings, recover below 60 for 2 readings",
        "71      71     65 65 59 61 59 59",
        "pending FIRING - - - - - RESOLVED",
    ),
    "failed readings neither fire, nor clear, nor break a run": (
        "value above 5 for 3 readings, blind after 5 readings",
        "9       x 9 x x 9      x 1 x 1",
        "pending - - - - FIRING - - - RESOLVED",
    ),
    "a reading without the metric is a failed one": (
        "value above 5 for 1 reading",
        "9      - - -     9",
        "FIRING - - blind seeing",
    ),
    "blind keeps the state and nobody is told": (
        "value above 5 for 1 reading",
        "9      x x x     x 9      1 1",
        "FIRING - - blind - seeing - RESOLVED",
    ),
    "blind alerts when the rule says so": (
        "value above 5, blind alerts after 2 readings",
        "1 x x     x 1      x x",
        "- - BLIND - SEEING - BLIND",
    ),
    "seeing again is told even when the rule becomes pending with it": (
        "value above 5, blind alerts after 1 reading",
        "x     9      9 9",
        "BLIND SEEING - FIRING",
    ),
    "blind resolves what fired, and says it once": (
        "value above 5 for 1 reading, blind resolves",
        "9      x x x        x 9",
        "FIRING - - RESOLVED - FIRING",
    ),
    "blind resolves ends a pending rule": (
        "value above 5, blind resolves after 2 readings",
        "9       9 x x       9",
        "pending - - cleared pending",
    ),
    "a missed slot is a failed reading": (
        "value above 5, blind alerts",
        "1 m m m     1",
        "- - - BLIND SEEING",
    ),
    "an aggregate is judged once its window has been watched": (
        "value mean over 3m above 5 for 1 reading",
        "9 9 9      1 1 1",
        "- - FIRING - - RESOLVED",
    ),
    "a sum does not fire because it has only begun": (
        "value sum over 3m below 3 for 1 reading",
        "1 1 1 1 0",
        "- - - - FIRING",
    ),
    "an aggregate begins anew after nothing was seen for longer than its window": (
        "value count over 3m below 3 for 1 reading",
        "1 1 1 . . . . 1 1 1 1",
        "- - - . . . . - - - -",
    ),
    "an aggregate leaves failed readings out": (
        "value max over 3m above 5 for 1 reading",
        "1 1 9      x x 1        1",
        "- - FIRING - - -        RESOLVED",
    ),
}


@pytest.mark.parametrize(("line", "words", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_scenario(line: str, words: str, expected: str) -> None:
    rule, state, told = parse(line), RuleState(), []
    for each in readings(words):
        state, decision = evaluate(rule, state, reading=each)
        word = str(decision.transition) if decision else "-"
        told.append(word.upper() if decision and decision.notify else word)
    assert told == [word for word in expected.split() if word != "."]
