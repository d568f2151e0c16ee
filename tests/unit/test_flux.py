"""Flux scripts hold no values, and answers in CSV are read to their bitter end."""

import pytest

from functions.clients import flux
from functions.core.errors import SourceUnavailable

TABLES = [
    ["", "result", "table", "_field", "_value"],
    ["", "sum", "0", "failed", "2"],
    [],
    ["", "result", "table", "_value", "_field"],
    ["", "max", "0", "1.5", "value.up"],
]


def test_each_table_of_an_answer_has_names_of_its_own() -> None:
    first, second = flux.rows_of(TABLES)
    assert (first["result"], first["_field"], first["_value"]) == ("sum", "failed", "2")
    assert (second["result"], second["_field"], second["_value"]) == ("max", "value.up", "1.5")


def test_an_error_after_half_of_the_answer_is_no_answer() -> None:
    broken = [*TABLES, [], ["", "error", "reference"], ["", "out of memory", "897"]]
    with pytest.raises(SourceUnavailable, match="in the middle") as refused:
        list(flux.rows_of(broken))
    assert refused.value.cause == "out of memory"
    assert "memory" not in refused.value.message


def test_no_name_stands_in_a_script() -> None:
    for many in (1, flux.MANY, flux.MANY + 1):
        names = [f"the-monitor-{number}" for number in range(many)]
        script, values = flux.of_tenant(names, flux.LATEST)
        assert "the-monitor" not in script
        assert list(values.values()) == (names if many <= flux.MANY else [])
    script, values = flux.buckets_of("the-monitor", 60)
    assert "the-monitor" not in script
    assert values["m0"] == "the-monitor"


def test_a_deletion_names_exactly_its_tags_and_ends_before_its_second() -> None:
    told = flux.predicate({"tenant": 'a" OR tenant="b', "monitor": "c\\"})
    assert told == 'tenant="a\\" OR tenant=\\"b" AND monitor="c\\\\"'
    assert flux.last_before(3600) == "1970-01-01T00:59:59.999999999Z"


def test_a_range_stays_within_what_influxdb_can_say() -> None:
    asked = flux.span(-5, 10**12)
    assert (asked["since"], asked["until"]) == (0, flux.END * 10**9)
    assert flux.span(20, 10)["until"] == 20 * 10**9
