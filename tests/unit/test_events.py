"""Readings and alerts as events, and the MAC that makes them believed."""

import msgspec
import pytest

from functions.core.alert import Alert
from functions.core.alert_event import alert_event, alert_of
from functions.core.errors import AccessDenied, InvalidConfiguration
from functions.core.events import (
    CHECK,
    PING,
    Event,
    believed,
    decode,
    encode,
    expect,
    reading_event,
    reading_of,
    sealed,
    sent_at,
)
from functions.core.keyring import new_shared_key
from functions.core.monitor import utc_text
from functions.core.reading import Failure, FailureKind, Reading
from functions.core.rule import Severity

KEY = new_shared_key()
READING = Reading(
    tenant="t",
    monitor="shop",
    version=3,
    provider="website",
    slot=1_800_000_000,
    interval=60,
    at=1_800_000_000.5,
    metrics={"up": 1.0},
)
ALERT = Alert(
    id="shop/down/1",
    tenant="t",
    monitor="shop",
    rule="down",
    rule_text="up is 0",
    severity=Severity.CRITICAL,
    state="firing",
    number=1,
    started=1_800_000_000,
    slot=1_800_000_060,
)


def changed(event: Event, **fields: object) -> Event:
    return msgspec.structs.replace(event, **fields)


def test_a_reading_survives_the_journey_and_is_believed() -> None:
    sent = sealed(reading_event(READING), KEY)
    assert reading_of(believed(decode(*encode(sent)), KEY)) == READING


def test_an_alert_survives_the_journey() -> None:
    event = alert_event(ALERT)
    assert alert_of(decode(*encode(event))) == ALERT
    assert event.id == "shop/down/1/1"
    assert event.extensions["severity"] == "critical"


def test_a_repeated_reading_has_the_same_id_and_a_missed_slot_another() -> None:
    missed = msgspec.structs.replace(READING, failure=Failure(FailureKind.MISSED, "not ticking"))
    assert reading_event(READING).id == "shop/1800000000"
    assert reading_event(missed).id == "shop/1800000000/missed"
    assert reading_event(missed).extensions["quality"] == "failed"


@pytest.mark.parametrize(
    "fields",
    [
        {"data": b"{}"},
        {"id": "shop/1800000060"},
        {"source": "elsewhere"},
        {"type": CHECK},
        {"time": "2026-07-01T12:00:00Z"},
        {"subject": "x"},
        {"datacontenttype": "text/plain"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_no_attribute_can_be_changed_after_sealing(fields: dict[str, object]) -> None:
    event = changed(sealed(reading_event(READING), KEY), **fields)
    with pytest.raises(AccessDenied):
        believed(event, KEY)


@pytest.mark.parametrize("name", ["tenant", "monitor", "quality", "added"])
def test_no_extension_can_be_changed_or_added_after_sealing(name: str) -> None:
    event = sealed(reading_event(READING), KEY)
    with pytest.raises(AccessDenied):
        believed(changed(event, extensions=event.extensions | {name: "other"}), KEY)


def test_text_cannot_be_moved_from_one_attribute_to_the_next() -> None:
    first = sealed(Event(id="ab", source="c", type="t", extensions={"x": "1", "y": ""}), KEY)
    moved = {"x": "", "y": "1", "mac": first.extensions["mac"]}
    for forged in (changed(first, id="a", source="bc"), changed(first, extensions=moved)):
        with pytest.raises(AccessDenied):
            believed(forged, KEY)


def test_what_brokers_add_on_the_way_does_not_break_the_mac() -> None:
    event = sealed(reading_event(READING), KEY)
    added = {"knativearrivaltime": "2026-07-01T12:00:00Z", "traceparent": "00-1-2-01"}
    assert believed(changed(event, extensions=event.extensions | added), KEY)


@pytest.mark.parametrize("mac", ["", ".", "x", "ffffffff.00", "known.ü"])
def test_an_event_without_our_mac_is_not_believed(mac: str) -> None:
    event = reading_event(READING)
    mac = mac.replace("known", KEY.partition(" ")[0])
    with pytest.raises(AccessDenied):
        believed(changed(event, extensions=event.extensions | {"mac": mac}), KEY)


def test_two_keys_are_valid_while_one_is_replaced() -> None:
    new = new_shared_key()
    both = f"{new}\n{KEY}\n"
    assert believed(sealed(reading_event(READING), KEY), both)
    assert believed(sealed(reading_event(READING), both), new)
    with pytest.raises(AccessDenied):
        believed(sealed(reading_event(READING), KEY), new)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"tenant": 5}', b"\xff"])
def test_data_that_is_not_a_reading_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidConfiguration, match="data: is broken"):
        reading_of(changed(reading_event(READING), data=data))


def test_an_event_of_another_type_is_refused_with_what_was_expected() -> None:
    with pytest.raises(InvalidConfiguration, match=f"type: must be {PING} or {CHECK}"):
        expect(reading_event(READING), PING, CHECK)


@pytest.mark.parametrize("age", [-61, 601])
def test_a_tick_far_from_now_is_refused(age: int) -> None:
    now = 1_800_000_000.0
    tick = Event(id="1", source="s", type=PING, time=utc_text(now - age))
    with pytest.raises(InvalidConfiguration, match="compare the clocks"):
        sent_at(tick, now)
    for near in (-59, 599):
        assert sent_at(changed(tick, time=utc_text(now - near)), now) == now - near
