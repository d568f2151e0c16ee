"""The events that travel: their types, extension attributes and MAC."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from functions.core.cloudevent import Event, decode, encode, moment
from functions.core.errors import AccessDenied, Fault, InvalidConfiguration
from functions.core.keyring import mac, mac_matches
from functions.core.monitor import utc_text
from functions.core.reading import Reading

__all__ = [
    "ALERT",
    "CHECK",
    "PING",
    "READING",
    "SOURCE",
    "Event",
    "believed",
    "decode",
    "encode",
    "expect",
    "inside",
    "is_ours",
    "reading_event",
    "reading_of",
    "sealed",
    "sent_at",
]

READING = "io.claudemonitor.reading"
ALERT = "io.claudemonitor.alert"
CHECK = "io.claudemonitor.check"
PING = "dev.knative.sources.ping"

SOURCE = "claude-monitor"
_ADDED_ON_THE_WAY = ("knative", "trace")
"""Attributes that brokers add (arrival time, errors of a dead letter, traceparent); outside the
MAC, and nothing of ours reads them."""

_LONGEST_UNDERWAY = 600
"""Seconds between a tick's sending and its arrival, retries and cold starts included."""
_AHEAD = 60
"""Seconds that the sender's clock may be ahead of ours. After a reading of a slot to come, all
until then are behind the newest one: far less than `lateness`, or rules would leave them out."""

T = TypeVar("T")


def sealed(event: Event, shared_keys: str) -> Event:
    """The event with the MAC of the functions' shared key over its attributes and body."""
    extensions = event.extensions | {"mac": mac(shared_keys, _covered(event))}
    return msgspec.structs.replace(event, extensions=extensions)


def believed(event: Event, shared_keys: str) -> Event:
    """The event itself. Raises AccessDenied unless its MAC is ours."""
    if not is_ours(event, shared_keys):
        raise AccessDenied("The event does not carry the functions' signature.")
    return event


def is_ours(event: Event, shared_keys: str) -> bool:
    """Whether its MAC is of a shared key that is valid."""
    return mac_matches(shared_keys, _covered(event), given=event.extensions.get("mac", ""))


def _covered(event: Event) -> Iterator[bytes]:
    attributes = {
        name: value
        for name, value in event.extensions.items()
        if name != "mac" and not name.startswith(_ADDED_ON_THE_WAY)
    }
    for name in ("id", "source", "type", "time", "subject", "datacontenttype"):
        attributes[name] = getattr(event, name)
    for name in sorted(attributes):
        yield name.encode()
        yield attributes[name].encode()
    yield event.data


def expect(event: Event, *kinds: str) -> None:
    """Raise InvalidConfiguration unless the event is of one of these types."""
    if event.type not in kinds:
        raise InvalidConfiguration(Fault("type", f"must be {' or '.join(kinds)}"))


def sent_at(event: Event, now: float) -> float:
    """When a tick was sent. Nothing seals a tick's time, so it must be near `now`: a repeated
    document must not write into other slots. Raises InvalidConfiguration when it is not."""
    at = moment(event.time)
    if at is None or not -_AHEAD <= now - at <= _LONGEST_UNDERWAY:
        limits = f"at most {_LONGEST_UNDERWAY} s ago and {_AHEAD} s ahead"
        raise InvalidConfiguration(Fault("time", f"must be {limits}; compare the clocks"))
    return at


def reading_event(reading: Reading) -> Event:
    """A reading on its way to record and alert; the same id for every repetition."""
    return Event(
        id=reading.id,
        source=SOURCE,
        type=READING,
        time=utc_text(reading.at),
        data=msgspec.json.encode(reading),
        extensions={
            "tenant": reading.tenant,
            "monitor": reading.monitor,
            "monitortype": reading.provider,
            "quality": reading.quality,
        },
    )


def reading_of(event: Event) -> Reading:
    """The reading inside. Raises InvalidConfiguration when it is not one."""
    return inside(event, READING, shape=Reading)


def inside(event: Event, kind: str, *, shape: type[T]) -> T:
    """The data of an event of this kind. Raises InvalidConfiguration when it is not one."""
    expect(event, kind)
    try:
        return msgspec.json.decode(event.data, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        problem = "is broken, or not in a form that this version can read"
        raise InvalidConfiguration(Fault("data", problem), cause=type(error).__name__) from error
