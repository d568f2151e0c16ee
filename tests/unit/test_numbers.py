"""Numbers as a person reads them."""

import pytest

from mcp_service.numbers import counted, short


@pytest.mark.parametrize(
    ("value", "shown"),
    [(26.415899003, 26.416), (1.0, 1), (1234567.0, 1234567), (0.00012, 0.00012), (None, None)],
)
def test_a_number_is_as_long_as_a_person_reads_it(value: float | None, shown: object) -> None:
    assert repr(short(value)) == repr(shown)


def test_one_of_a_thing_is_not_many() -> None:
    assert (counted(1, "reading"), counted(0, "reading")) == ("1 reading", "0 readings")
