"""The one line of a rule: what it means, its canonical form, and that both directions agree."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.core.errors import InvalidConfiguration
from functions.core.rule import (
    Aggregate,
    BlindPolicy,
    Comparison,
    Condition,
    Lasting,
    Recovery,
    Rule,
    Severity,
    Window,
)
from functions.core.rule_text import parse, text
from functions.core.rule_words import COMPARISONS
from tests.unit.rule_strategies import rules

CANONICAL = [
    "price above 70000 for 5m, recover below 69500 for 2m, critical",
    "status not 200 for 3 of 5 readings",
    "latency p95 over 10m above 800, warning",
    "up is 0 for 3 readings, critical",
    "up is 0 for 1 reading, recover for 2 readings",
    "balance at least -0.25, info, blind keeps",
    "balance at most 1e+16 for 90s, blind alerts after 5 readings",
    "orders count over 1d below 1, recover at least 1, blind after 1 reading",
    "BTC/USDT.last mean over 36h above 1.5e-07, blind resolves",
]

MEANT = {
    "latency>800": "latency above 800",
    "latency >= 800": "latency at least 800",
    "latency ≤ 800.0": "latency at most 800",
    "status != 200": "status not 200",
    "status is not 200": "status not 200",
    "Status IS 200 FOR 3 Readings": "Status is 200 for 3 readings",
    "x is not above 5": "x at most 5",
    "x no less than 5": "x at least 5",
    "x is greater than 5": "x above 5",
    "x under .5": "x below 0.5",
    "x is +5": "x is 5",
    "x is -0": "x is 0",
    "x avg over 90 seconds above 1": "x mean over 90s above 1",
    "x median over 120 s above 1": "x median over 2m above 1",
    "x above 1 for 3 of 3 readings": "x above 1 for 3 readings",
    "x above 1 for 60m critical recover for 1 reading": (
        "x above 1 for 1h, recover for 1 reading, critical"
    ),
    "x above 1, warn, blind alert after 1 reading, recover < 1": (
        "x above 1, recover below 1, warning, blind alerts after 1 reading"
    ),
    "  x\tabove   1 ,critical ": "x above 1, critical",
}


def test_every_part_of_a_line_is_read() -> None:
    line = (
        "latency p95 over 10m above 800 for 3 of 5 readings, "
        "recover at most 700.5 for 2m, critical, blind alerts after 4 readings"
    )
    window = Window(Aggregate.P95, 600)
    assert parse(line) == Rule(
        condition=Condition(
            metric="latency", comparison=Comparison.ABOVE, threshold=800, window=window
        ),
        lasting=Lasting(3, 5),
        recovery=Recovery(Comparison.AT_MOST, 700.5, Lasting(seconds=120)),
        severity=Severity.CRITICAL,
        blind=BlindPolicy.ALERT,
        patience=4,
    )


@pytest.mark.parametrize("line", CANONICAL)
def test_a_canonical_line_is_given_back(line: str) -> None:
    assert text(parse(line)) == line


@pytest.mark.parametrize(("line", "canonical"), MEANT.items())
def test_a_line_in_other_words_is_given_back_canonically(line: str, canonical: str) -> None:
    assert text(parse(line)) == canonical


@pytest.mark.parametrize(("phrase", "comparison"), COMPARISONS.items())
def test_every_comparison_can_be_written_as_listed(phrase: str, comparison: Comparison) -> None:
    assert parse(f"x {phrase.upper()} 5").condition.comparison is comparison


@given(rules())
def test_parsing_the_text_of_a_rule_gives_the_rule(rule: Rule) -> None:
    line = text(rule)
    assert parse(line) == rule
    assert text(parse(line)) == line


VOCABULARY = """x above below at least is not < 5 -1.5 70,000 5m 0s over p95 for 3 of readings ,
recover critical blind alerts after 1e999 nan minutes ` İ"""
words = st.sampled_from([*VOCABULARY.split(), "\x00", "\n"])


@given(st.text(max_size=600) | st.lists(words, max_size=20).map(" ".join))
@example("x above " + "9" * 490)
@example("x above 1 for " + "9" * 480 + " readings")
@example("x mean over " + "9" * 480 + "d above 1")
def test_any_text_is_a_rule_or_explains_itself(line: str) -> None:
    said = explained(line)
    assert said.isprintable()
    assert len(said) < 500


def explained(line: str) -> str:
    """The rule's canonical line, or what is wrong with this one."""
    try:
        rule = parse(line)
    except InvalidConfiguration as error:
        return error.message
    assert parse(text(rule)) == rule
    return text(rule)
