"""What a wrong line is answered: the word, its place, what is accepted there, and our guess."""

import pytest

from functions.core.errors import InvalidConfiguration
from functions.core.evaluate import needed_slots
from functions.core.rule_text import parse

UNREADABLE = {
    "": ["the line ends at character 1", "the name of a metric"],
    "   ": ["the line ends at character 1"],
    "above 700": ["`above` at character 1", "the name of a metric"],
    "price": ["the line ends at character 6", "a comparison"],
    "price abvoe 7": ["`abvoe` at character 7", "Did you mean `above`?"],
    "price greater then 7": ["`greater` at character 7", "above, below, at least"],
    "latency p97 over 10m above 8": ["`p97` at character 9", "p95", "Did you mean `p99`?"],
    "latency p95 above 8": ["`above` at character 13", "`over` and a time"],
    "latency p95 over soon above 8": ["`soon` at character 18", "a time in s, m, h or d"],
    "latency above 800ms": ["`800ms` at character 15", "the metric's own unit"],
    "errors above 5%": ["`5%` at character 14", "percent sign"],
    "price above nan": ["`nan` at character 13", "a plain number"],
    "price above 1e999": ["`1e999` at character 13", "a plain number"],
    "price above 70,000": ["`000` at character 16", "numbers have no separators"],
    "price above 7 for 5": ["the line ends at character 20", "`readings`, or a unit"],
    "price above 7 for 5 minuets": ["`minuets` at character 21", "Did you mean `minutes`?"],
    "price above 7 for 1.5h": ["`1.5h` at character 19", "`for 3 of 5 readings`"],
    "price above 7 for ever": ["`ever` at character 19", "`for 5m`"],
    "price above 7, for 5m": ["`for` at character 16", "behind a number, without comma"],
    "price above 7, critcal": ["`critcal` at character 16", "Did you mean `critical`?"],
    "price above 7,": ["the line ends at character 15", "`recover`"],
    "price above 7,, critical": ["`,` at character 15"],
    "price above 7, recover": ["the line ends at character 23", "or `for`"],
    "price above 7, recover belwo 6": ["`belwo` at character 24", "Did you mean `below`?"],
    "price above 7, blind": ["keeps, alerts, resolves or `after`"],
    "price above 7, blind kepes": ["`kepes` at character 22", "Did you mean `keeps`?"],
    "price above 7, blind after 5m": ["`5m` at character 28", "a number of readings"],
    "price above 7, info, critical": ["says `critical` (or its like) twice"],
    "price above 7, blind keeps, blind alerts": ["says `blind`"],
}

SENSELESS = {
    "price above 7 for 5 of 3 readings": ["5 of 3 readings cannot be"],
    "price above 7 for 0 readings": ["after `for` must be from 1 to 1440"],
    "price above 7 for 0 of 3 readings": ["after `for` must be from 1 to 1440"],
    "price above 7 for 0m": ["after `for` must be from 1"],
    "price above 7 for 1441 readings": ["from 1 to 1440"],
    "price above 7 for 9999d": ["from 1 s to 1440 days"],
    "price mean over 0s above 7": ["the time after `over` must be from 1 s"],
    "price above 7, blind after 0 readings": ["after `blind` must be from 1 to 1440"],
    "price above 7, recover above 8": ["other side: `recover at most 7`"],
    "price above 7, recover below 8": ["other side: `recover at most 7`"],
    "price below 0.1, recover at most 0.05": ["`recover at least 0.1`"],
    "price below 5, recover below 3": ["`recover at least 5`"],
    "price at least 7, recover at most 7": ["`recover below 7`"],
    "status is 200, recover is 200": ["`recover not 200`"],
    "status not 200, recover above 200": ["`recover is 200`"],
    "price above 7 for 0m, recover above 8 for 3 of 2 readings": [
        "after `for`",
        "3 of 2 readings cannot be",
        "`recover at most 7`",
    ],
}

SENSIBLE = [
    "price above 7, recover at most 7",
    "price above 7, recover is 0",
    "price at most 7, recover above 7",
    "status not 200, recover is 200",
    "status is 500, recover not 500",
    "status is 500, recover below 400",
    "price above 1e308, recover below -1e308",
]


def message(line: str) -> str:
    with pytest.raises(InvalidConfiguration) as raised:
        parse(line)
    return raised.value.message


@pytest.mark.parametrize(("line", "parts"), UNREADABLE.items())
def test_an_unreadable_line_names_word_place_and_what_is_accepted(
    line: str, parts: list[str]
) -> None:
    said = message(line)
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize(("line", "parts"), SENSELESS.items())
def test_a_readable_line_without_sense_names_everything_wrong(line: str, parts: list[str]) -> None:
    said = message(line)
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize("line", SENSIBLE)
def test_a_recovery_outside_the_condition_is_accepted(line: str) -> None:
    assert parse(line).recovery


def test_every_example_in_an_error_is_itself_a_rule() -> None:
    said = [message(line) for line in UNREADABLE]
    examples = {text.rsplit("Example: `", 1)[1].rstrip("`") for text in said if "Example" in text}
    assert len(examples) >= 5
    assert all(parse(each) for each in examples)


def test_a_long_line_is_refused_with_its_length() -> None:
    assert "501 characters long; at most 500" in message("x" * 501)


def test_an_error_repeats_only_a_short_clean_piece_of_the_line() -> None:
    said = message("price \x1b[31m`" + "a" * 300 + "\n")
    assert "?[31m?aaaaaaaaaaaaaaaaa…" in said
    assert "a" * 24 not in said


def test_the_longest_window_is_named_for_the_interval() -> None:
    assert needed_slots(parse("x mean over 2h above 1"), 5) == 60 + 1440 + 1
    with pytest.raises(InvalidConfiguration, match="every 5 s; `over 2h` at most"):
        needed_slots(parse("x mean over 121m above 1"), 5)


def test_a_plain_rule_keeps_only_what_may_still_be_revised_and_its_evidence() -> None:
    assert needed_slots(parse("x above 1"), 60) == 5 + 1
    assert needed_slots(parse("x above 1 for 5 readings"), 60) == 5 + 5 + 1
    assert needed_slots(parse("x above 1 for 30d"), 60) == 5 + 50 + 1
