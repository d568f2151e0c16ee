"""A CloudEvents 1.0 HTTP codec: binary mode out, binary and structured in. Our own because the SDK
costs ten times as much per event; a property test holds the two together."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, unquote

import msgspec

from functions.core.errors import Fault, InvalidConfiguration

EVENT_LIMIT = 1024 * 1024
"""Bytes of a body at most."""
_REQUIRED = ("id", "source", "type")
_SAFE = "".join(chr(n) for n in range(0x21, 0x7F) if chr(n) not in '"%')
_PLAIN = re.compile(r"[!#$&-~]*")
"""What goes into a header as it is; the rest is percent-encoded (HTTP binding, section 3.1.3.2)."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One CloudEvent. `time` is RFC 3339 or empty, `data` the bytes of the body."""

    id: str
    source: str
    type: str
    time: str = ""
    data: bytes = b""
    extensions: dict[str, str] = {}
    datacontenttype: str = "application/json"
    subject: str = ""


def encode(event: Event) -> tuple[dict[str, str], bytes]:
    """HTTP headers (lower case) and body in binary mode."""
    headers = {
        "content-type": event.datacontenttype,
        "ce-specversion": "1.0",
        "ce-id": _escaped(event.id),
        "ce-source": _escaped(event.source),
        "ce-type": _escaped(event.type),
    }
    if event.time:
        headers["ce-time"] = event.time
    if event.subject:
        headers["ce-subject"] = _escaped(event.subject)
    for name, value in event.extensions.items():
        headers["ce-" + name] = _escaped(value)
    return headers, event.data


def _escaped(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else quote(value, safe=_SAFE)


def decode(headers: Mapping[str, str], body: bytes) -> Event:
    """The event of an HTTP request. Raises InvalidConfiguration with everything that is wrong."""
    if len(body) > EVENT_LIMIT:
        raise InvalidConfiguration(Fault("body", f"is longer than {EVENT_LIMIT} bytes"))
    attributes: dict[str, str] = {}
    content_type = ""
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith("ce-"):
            attributes[lower[3:]] = unquote(value) if "%" in value else value
        elif lower == "content-type":
            content_type = value
    if content_type.startswith("application/cloudevents"):
        return _structured(content_type, body)
    return _event(attributes, body, content_type=content_type)


def _structured(content_type: str, body: bytes) -> Event:
    if not content_type.startswith("application/cloudevents+json"):
        raise InvalidConfiguration(Fault("content-type", "only JSON, one event at a time"))
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        data = _body(members)
        attributes = {name: _text(msgspec.json.decode(raw)) for name, raw in members.items()}
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        problem = "must be a JSON object with the event's attributes and data"
        raise InvalidConfiguration(Fault("body", problem), cause=type(error).__name__) from error
    return _event(attributes, data)


def _body(members: dict[str, msgspec.Raw]) -> bytes:
    """Takes the data out of a structured event: base64, plain text, or JSON as it stands."""
    encoded = members.pop("data_base64", None)
    raw = members.pop("data", None)
    if encoded is not None:
        return base64.b64decode(msgspec.json.decode(encoded, type=str), validate=True)
    if raw is None:
        return b""
    kind = members.get("datacontenttype")
    if kind and b"json" not in bytes(kind) and bytes(raw).startswith(b'"'):
        return msgspec.json.decode(raw, type=str).encode()
    return bytes(raw)


def _text(value: object) -> str:
    """An attribute as its canonical text (CloudEvents types are strings, integers, booleans)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int):
        raise ValueError
    return str(value)


def _event(attributes: dict[str, str], body: bytes, *, content_type: str = "") -> Event:
    if problems := _faults(attributes):
        raise InvalidConfiguration(*problems)
    del attributes["specversion"]
    kind = attributes.pop("datacontenttype", content_type)
    return Event(
        id=attributes.pop("id"),
        source=attributes.pop("source"),
        type=attributes.pop("type"),
        time=attributes.pop("time", ""),
        subject=attributes.pop("subject", ""),
        extensions=attributes,
        data=body,
        datacontenttype=kind or "application/json",
    )


def _faults(attributes: dict[str, str]) -> list[Fault]:
    found = [Fault(name, "is missing") for name in _REQUIRED if not attributes.get(name)]
    if attributes.get("specversion") != "1.0":
        found.append(Fault("specversion", "must be 1.0"))
    names = "".join(attributes)
    if names and not (names.isascii() and names.isalnum() and names == names.lower()):
        found.append(Fault("attributes", "names must be lower-case letters and digits"))
    if "time" in attributes and moment(attributes["time"]) is None:
        found.append(Fault("time", "must be RFC 3339 with a time zone"))
    return found


def moment(time: str) -> float | None:
    """An event's time as seconds since the epoch, or None when there is none to read."""
    if time[10:11] not in ("T", "t", " "):  # fromisoformat would take anything there
        return None
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None
