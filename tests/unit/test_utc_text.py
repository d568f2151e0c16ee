"""Times as they stand in events."""

import pytest

from functions.core.monitor import utc_text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (1_750_000_000, "2025-06-15T15:06:40Z"),
        (1_750_000_000.5, "2025-06-15T15:06:40.5Z"),
        (1_750_000_000.25, "2025-06-15T15:06:40.25Z"),
        (1_749_999_960.125, "2025-06-15T15:06:00.125Z"),
        (1_749_999_960, "2025-06-15T15:06:00Z"),
    ],
)
def test_a_time_reads_as_brokers_write_it_so_that_the_mac_stays_valid(at: float, text: str) -> None:
    assert utc_text(at) == text
