"""What a message says, and what it never says."""

import unicodedata

import msgspec
import pytest

from functions.core.alert import Alert
from functions.core.alert_ports import Delivery
from functions.core.rule import Severity
from functions.notify.delivering import GIVE_UP, LONGEST_WAIT, SHORTEST_WAIT, backoff
from functions.notify.wording import message_id, message_of

FIRING = Alert(
    id="m-1/down/2",
    tenant="t",
    monitor="m-1",
    rule="down",
    rule_text="up is 0 for 3 readings, critical",
    severity=Severity.CRITICAL,
    state="firing",
    number=2,
    started=1_800_000_000,
    slot=1_800_000_000,
    value=0.0,
)
SLOW = msgspec.structs.replace(
    FIRING, rule_text="latency p95 over 10m above 800", value=912.34567, severity=Severity.WARNING
)


def delivery(name: str = "Shop", of: Alert = FIRING, **changes: object) -> Delivery:
    alert = msgspec.structs.replace(of, **changes)
    return Delivery(
        id=f"{alert.id}/{alert.number}/mail",
        tenant=alert.tenant,
        channel="mail",
        alert=alert,
        monitor_name=name,
        owed_at=1_800_000_030.0,
    )


def test_a_firing_alert_says_what_since_when_and_how_to_ask() -> None:
    message = message_of(delivery())
    assert message.subject == "[critical] Shop: up is 0"
    assert message.text.splitlines() == [
        "Shop: up is 0.",
        "",
        "The rule fires. You get one more message when that is over.",
        "Since: 2027-01-15 08:00:00 UTC",
        "Rule: up is 0 for 3 readings, critical",
        "",
        'To know more, ask Claude: "Why did I get this?"',
        "Alert: m-1/down/2",
    ]


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "[warning] Shop: latency p95 over 10m is 912.346, above 800"),
        ({"state": "resolved", "value": 7e-5}, "[resolved] Shop: latency p95 over 10m is 7e-05"),
        ({"state": "resolved", "value": None}, "[resolved] Shop: the alert is over"),
        ({"value": None}, "[warning] Shop: its rule fired"),
        ({"rule_text": "status not 200", "value": 500.0}, "[warning] Shop: status is 500, not 200"),
        (
            {"state": "blind", "blind": "token expired"},
            "[cannot see] Shop: it cannot be seen (token expired)",
        ),
        (
            {"state": "resolved", "blind": "token expired"},
            "[closed unseen] Shop: it cannot be seen (token expired)",
        ),
        (
            {"rule_text": "from a later version"},
            "[warning] Shop: the value of its rule is 912.346",
        ),
    ],
)
def test_the_subject_says_what_happened(changes: dict[str, object], subject: str) -> None:
    assert message_of(delivery(of=SLOW, **changes)).subject == subject


def test_a_resolved_alert_says_how_long_it_lasted() -> None:
    message = message_of(delivery(state="resolved", slot=FIRING.slot + 300, value=1.0))
    assert "The rule no longer fires." in message.text
    assert "From 2027-01-15 08:00:00 UTC to 2027-01-15 08:05:00 UTC, 5 min in all" in message.text


def test_a_monitor_that_cannot_be_seen_is_never_called_recovered() -> None:
    blind = message_of(delivery(state="blind", blind="bot wall"))
    closed = message_of(delivery(state="resolved", blind="bot wall"))
    assert "nobody knows whether the rule would fire" in blind.text
    assert "was not seen to recover" in closed.text
    assert "no longer fires" not in blind.text + closed.text


@pytest.mark.parametrize(
    "name",
    [
        "Shop\r\nBcc: everybody@example.org",
        "Shop\x00\x1b[31m\x07",
        "\u202eShop\u2066 gnp.exe\u200b",
        "Shop\u2028\u2029\x85",
        "  ",
        "\ud800 half",
        "Shop" * 200,
    ],
)
def test_no_name_breaks_out_of_its_line(name: str) -> None:
    message = message_of(delivery(name))
    assert len(message.text.splitlines()) == 8
    assert len(message.subject) < 140
    visible = message.subject + message.text.replace("\n", "")
    assert not [c for c in visible if c != " " and unicodedata.category(c)[0] in "CZ"]


def test_the_message_id_is_the_same_each_time_and_each_deliverys_own() -> None:
    ids = {
        message_id(delivery()),
        message_id(delivery("Other name")),
        message_id(delivery(number=3)),
        message_id(delivery(tenant="other")),
    }
    assert len(ids) == 3
    assert all(part.endswith("@claude-monitor") for part in ids)


def test_waits_double_up_to_a_limit_and_differ_by_chance() -> None:
    waits = [backoff(attempt, 1.0) for attempt in range(1, 12)]
    assert waits[:4] == [SHORTEST_WAIT * n for n in (1, 2, 4, 8)]
    assert waits[-1] == LONGEST_WAIT == backoff(10_000, 1.0)
    assert backoff(3, 0.0) == backoff(3, 1.0) / 2
    assert sum(backoff(attempt, 0.0) for attempt in range(1, 300)) > GIVE_UP
