"""What a person is told about a rule that has not fired, or not resolved, yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.alert import RuleState
from functions.core.rule import Rule
from functions.core.rule_text import parse
from mcp_service.standing import standing
from tests.unit.rule_strategies import live, readings, rules


@pytest.mark.parametrize(
    ("line", "words", "expected"),
    [
        ("value above 5", "", "It has judged no reading yet."),
        (
            "value above 5, critical",
            "1 2",
            "It fires on `value above 5 for 3 readings`: 0 of 3 so far; the last value was 2.",
        ),
        (
            "value above 5",
            "1 6 7",
            "It fires on `value above 5 for 3 readings`: 2 of 3 so far; the last value was 7.",
        ),
        (
            "value above 5 for 3 of 5 readings",
            "6 1 6",
            "It fires on `value above 5 for 3 of 5 readings`: 2 of 3 so far; the last value was 6.",
        ),
        (
            "value above 5 for 5m",
            "1 6 7 8",
            "It fires on `value above 5 for 5m`: 2m of 5m so far; the last value was 8.",
        ),
        (
            "value above 5 for 5m",
            "1",
            "It fires on `value above 5 for 5m`: nothing of 5m so far; the last value was 1.",
        ),
        (
            "value above 5 for 1 reading, recover below 3 for 4 readings",
            "6 2 2",
            "It resolves on `value below 3 for 4 readings`: 2 of 4 so far; the last value was 2.",
        ),
        (
            "value is 0 for 1 reading",
            "0",
            "It resolves on `value not 0 for 2 readings`: 0 of 2 so far; the last value was 0.",
        ),
        (
            "value mean over 5m above 5",
            "9 9",
            "It fires on `value mean over 5m above 5 for 3 readings`: judged once 3m more have "
            "been seen; the last value was 9.",
        ),
        (
            "value above 5",
            "6 x",
            "It fires on `value above 5 for 3 readings`: 1 of 3 so far; the last value was 6. "
            "The last one failed, which counts neither way; 3 in a row make it blind.",
        ),
        (
            "value above 5",
            "x",
            "It fires on `value above 5 for 3 readings`: 0 of 3 so far; no value was seen yet. "
            "The last one failed, which counts neither way; 3 in a row make it blind.",
        ),
        (
            "value above 5",
            "6 x x x x",
            "It is blind: 4 readings in a row failed. The next good one counts again.",
        ),
    ],
)
def test_a_rule_says_what_it_waits_for(line: str, words: str, expected: str) -> None:
    rule = parse(line)
    assert standing(rule, live(rule, readings(words))[0], interval=60) == expected


@given(rules(), st.lists(st.sampled_from(["0", "1", "5", "9", "x", "m", "-", "."]), max_size=20))
def test_every_rule_says_something_whatever_came(rule: Rule, words: list[str]) -> None:
    state, _ = live(rule, readings(" ".join(words)))
    said = standing(rule, state, interval=60)
    assert said.startswith("It ")
    assert said.endswith(".")
    assert (said == "It has judged no reading yet.") == (state == RuleState())
