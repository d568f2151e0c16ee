"""What every provider that asks over HTTP refuses before it asks."""

import pytest

from functions.core.provider import faults
from functions.providers.website import Website

URL = "https://shop.example/"


def wrong_fields(**more: object) -> list[str]:
    return [fault.field for fault in faults(Website, {"url": URL, **more})]


def test_a_range_of_status_that_runs_backwards_is_refused() -> None:
    ranges = ["200", "300-200", "200-200", "404-499"]
    [fault] = faults(Website, {"url": URL, "expected_status": ranges})
    assert fault.field == "expected_status[1]"
    assert "200-300" in fault.problem


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Auth", "x-authorisation", "Cookie", "X-API-Key", "apikey"]
)
def test_a_header_that_is_named_like_a_secret_is_refused(name: str) -> None:
    assert wrong_fields(headers={name: "x"}) == [f"headers.{name}"]


@pytest.mark.parametrize("name", ["X-Author", "X-Authored-By", "X-Size"])
def test_a_header_that_only_begins_like_a_secret_is_not(name: str) -> None:
    assert wrong_fields(headers={name: "x"}) == []
