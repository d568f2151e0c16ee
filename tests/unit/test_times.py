"""Instants and spans as people write them."""

import pytest

from functions.core.errors import InvalidConfiguration
from functions.core.monitor import span_text
from mcp_service.times import instant, period

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("30m", NOW - 1800),
        ("-24h", NOW - 86_400),
        ("7 d", NOW - 7 * 86_400),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14 22:13:20", NOW),
        ("2023-11-14", 1_699_920_000),
    ],
)
def test_an_instant_is_read(text: str, expected: float) -> None:
    assert instant(text, field="since", now=NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "24", "9999999h", "2023-13-01", "\uff11h", "5y", "999999w"),
        *("0001-01-01T00:00:00+10:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-10:00"),
    ],
)
def test_what_is_no_instant_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        instant(text, field="since", now=NOW)
    assert refused.value.faults[0].field == "since"
    assert "24h" in refused.value.faults[0].problem


def test_a_period_goes_forward() -> None:
    assert period("2h", "1h", now=NOW) == (NOW - 7200, NOW - 3600)
    with pytest.raises(InvalidConfiguration):
        period("1h", "2h", now=NOW)


def test_a_period_ends_now_at_the_latest() -> None:
    assert period("2h", "2023-12-24", now=NOW) == (NOW - 7200, NOW)
    with pytest.raises(InvalidConfiguration, match="than now"):
        period("2023-12-24", "2023-12-25", now=NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45 s"), (300, "5 min"), (7800, "2 h 10 min"), (36_000, "10 h"), (300_000, "3 d")],
)
def test_a_span_is_told_in_its_largest_units(seconds: float, text: str) -> None:
    assert span_text(seconds) == text
