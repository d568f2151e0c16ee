"""Can it be watched? Yes, nearly, or no; and what is missing is said."""

import pytest

from mcp_service.providers import describe_provider, find_provider
from mcp_service.refusals import Unknown


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("tell me when my shop is offline", "can"),
        ("is https://example.com down?", "can"),
        ("warn me before the certificate of my site expires", "can"),
        ("tell me when the queue in the JSON of my API fills up", "can"),
        ("watch the price in the JSON of my API and tell me when it is above 100", "can"),
        ("the disk usage that my health API reports", "can"),
        ("failed pipeline jobs in our JSON endpoint", "can"),
        ("my checkout process is slow", "can"),
        ("tell me when the disk of my server is nearly full", "nearest"),
        ("watch the bitcoin price", "cannot"),
        ("mail me when my mailbox gets an invoice", "cannot"),
        ("sing a song", "cannot"),
    ],
)
def test_the_answer_is_honest(sentence: str, verdict: str) -> None:
    assert find_provider(sentence).data["verdict"] == verdict


def test_what_is_missing_is_named() -> None:
    assert find_provider("watch the bitcoin price").data["missing"] == ["a price or an exchange"]


def test_what_can_only_be_read_where_somebody_tells_it_is_promised_on_that_condition() -> None:
    found = find_provider("the disk usage that my health API reports")
    assert found.summary == "Yes: rest_api can do this, if its source tells it as a number."
    assert found.data["missing"] == []
    assert find_provider("my API").summary == "Yes: rest_api can do this."


def test_a_description_has_all_that_a_configuration_needs() -> None:
    described = describe_provider("website").data
    assert {"up", "latency", "certificate_days"} <= {one["name"] for one in described["metrics"]}
    assert described["default_rules"][0]["text"] == "up is 0 for 3 readings, critical"


def test_metrics_that_people_name_themselves_are_not_promised_to_everybody() -> None:
    described = describe_provider("rest_api").data
    names = {one["name"] for one in described["metrics"]}
    assert {"up", "latency"} <= names
    assert "waiting" not in names
    assert {"url", "values"} == {q["name"] for q in described["questions"] if q.get("required")}


@pytest.mark.parametrize(
    "sentence",
    ["watch the bitcoin price", "tell me the number of visitors", "when is my parcel due"],
)
def test_no_general_word_makes_an_api_of_a_wish(sentence: str) -> None:
    assert "rest_api" not in {find_provider(sentence).data.get("provider")}


def test_an_unknown_provider_is_refused_with_the_nearest() -> None:
    with pytest.raises(Unknown) as refused:
        describe_provider("web-site")
    assert refused.value.near == ["website"]
