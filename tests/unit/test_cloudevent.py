"""Our CloudEvents codec agrees with the SDK, and says everything that is wrong with an event."""

import base64
import json
import string

import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent, from_http
from hypothesis import given
from hypothesis import strategies as st

from functions.core.cloudevent import EVENT_LIMIT, Event, decode, encode, moment
from functions.core.errors import InvalidConfiguration

PRINTABLE = "".join(chr(n) for n in range(0x21, 0x7F) if chr(n) not in '"%')
CORE = {"id", "source", "type", "time", "subject", "specversion", "data", "datacontenttype"}
names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20).filter(
    lambda name: name not in CORE | {"dataschema", "extensions", "content_type", "schema"}
)
plain = st.text(PRINTABLE, min_size=1, max_size=40)
anything = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=40
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def events(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Event]:
    return st.builds(
        Event,
        id=texts,
        source=texts,
        type=texts,
        time=st.sampled_from(["2026-07-01T12:00:00Z", "2026-07-01T12:00:00.125+02:00"]),
        subject=texts,
        extensions=st.dictionaries(names, texts, max_size=5),
        # The SDK takes a null or an empty text for no data at all, so these are left out.
        data=json_values.filter(lambda value: value not in (None, "")).map(
            lambda value: json.dumps(value).encode()
        ),
    )


def as_sdk(event: Event) -> CloudEvent:
    attributes = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "subject": event.subject,
        "datacontenttype": event.datacontenttype,
    }
    return CloudEvent(attributes | event.extensions, json.loads(event.data))


def seen(event: Event | CloudEvent) -> tuple[dict[str, str], object]:
    """Attributes and data, comparable between the two."""
    if isinstance(event, Event):
        event = as_sdk(event)
    return event.get_attributes(), event.get_data()


@given(events(plain))
def test_what_the_sdk_encodes_in_binary_mode_we_decode_to_the_same_event(event: Event) -> None:
    assert seen(decode(*to_binary(as_sdk(event)))) == seen(as_sdk(event))


@given(events(anything))
def test_what_the_sdk_encodes_structured_we_decode_to_the_same_event(event: Event) -> None:
    assert seen(decode(*to_structured(as_sdk(event)))) == seen(as_sdk(event))


@given(events(plain))
def test_what_we_encode_the_sdk_decodes_to_the_same_event(event: Event) -> None:
    headers, body = encode(event)
    assert seen(from_http(headers, body)) == seen(event)


@given(events(anything))
def test_any_event_survives_our_own_encoding_in_ascii_headers(event: Event) -> None:
    headers, body = encode(event)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert decode(headers, body) == event


def test_attributes_are_percent_encoded_as_the_http_binding_shows() -> None:
    """The example of section 3.1.3.2: Euro sign, and a smiley outside the basic plane."""
    headers, _ = encode(Event(id="Euro € 😀", source='"%', type="t"))
    assert headers["ce-id"] == "Euro%20%E2%82%AC%20%F0%9F%98%80"
    assert headers["ce-source"] == "%22%25"


def test_binary_data_of_a_structured_event_is_decoded() -> None:
    body = {"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
    body["data_base64"] = base64.b64encode(b"\0\xff").decode()
    event = decode({"Content-Type": "application/cloudevents+json"}, json.dumps(body).encode())
    assert event.data == b"\0\xff"


def test_plain_text_of_a_structured_event_is_not_quoted() -> None:
    body = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": "hé"}
    body["datacontenttype"] = "text/plain"
    event = decode({"content-type": "application/cloudevents+json"}, json.dumps(body).encode())
    assert event.data == "hé".encode()


def test_every_missing_attribute_is_named_at_once() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        decode({"ce-time": "yesterday", "ce-Foo-Bar": "x"}, b"{}")
    assert {fault.field for fault in caught.value.faults} == {
        "id",
        "source",
        "type",
        "specversion",
        "time",
        "attributes",
    }


@pytest.mark.parametrize("between", ["T", "t", " "])
def test_a_time_has_a_letter_or_a_blank_before_its_hours(between: str) -> None:
    headers, _ = encode(Event(id="1", source="s", type="t", time=f"2026-07-01{between}12:00:00Z"))
    assert moment(decode(headers, b"").time) == moment("2026-07-01T12:00:00Z")


@pytest.mark.parametrize("between", ["%0A", "%0D%0AX-Evil:", "_", "", "%C3%A9", "0"])
def test_a_time_that_could_not_be_sent_on_is_refused(between: str) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}
    with pytest.raises(InvalidConfiguration, match="RFC 3339"):
        decode(headers | {"ce-time": f"2026-07-01{between}12:00:00Z"}, b"")


def test_a_body_beyond_the_limit_is_refused() -> None:
    headers, _ = encode(Event(id="1", source="s", type="t"))
    assert len(decode(headers, b" " * EVENT_LIMIT).data) == EVENT_LIMIT
    with pytest.raises(InvalidConfiguration, match="body: is longer"):
        decode(headers, b" " * (EVENT_LIMIT + 1))


@pytest.mark.parametrize("kind", ["application/cloudevents-batch+json", "application/cloudevents"])
def test_batches_are_refused(kind: str) -> None:
    with pytest.raises(InvalidConfiguration, match="content-type"):
        decode({"content-type": kind}, b"[]")


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_broken_structured_event_is_refused_and_nothing_else_happens(body: bytes) -> None:
    with pytest.raises(InvalidConfiguration):
        decode({"content-type": "application/cloudevents+json"}, body)


def test_a_structured_event_that_is_nested_too_deeply_is_refused() -> None:
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": None}
    body = json.dumps(event).replace("null", "[" * 5000 + "]" * 5000).encode()
    with pytest.raises(InvalidConfiguration, match="body"):
        decode({"content-type": "application/cloudevents+json"}, body)


@given(events(plain), st.data())
def test_a_truncated_structured_event_is_refused(event: Event, data: st.DataObject) -> None:
    headers, body = to_structured(as_sdk(event))
    end = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(InvalidConfiguration):
        decode(headers, body[:end])
