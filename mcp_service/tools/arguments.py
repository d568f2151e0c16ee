"""What Claude sends: converted with every fault at once, in our own words, echoing no value."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from functions.core.errors import Fault, InvalidConfiguration

A = TypeVar("A", bound="Arguments")


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every tool's arguments; fields carry their words in msgspec.Meta."""


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """The flat JSON schema of a tool's arguments."""
    _, definitions = msgspec.json.schema_components([kind])
    schema: dict[str, Any] = definitions[kind.__name__]
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def converted(kind: type[A], given: Mapping[str, Any]) -> A:
    """The arguments. Raises InvalidConfiguration with every fault; a null counts as not given,
    and numbers, lists and objects are also taken as text."""
    schema = schema_of(kind)
    known: dict[str, Any] = schema["properties"]
    faults = [_unknown(name, known) for name in given if name not in known]
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        raw = given.get(field.name)
        if raw is None:
            if field.required:
                faults.append(Fault(field.name, f"is required: {_accepted(known[field.name])}"))
            continue
        try:
            values[field.name] = _value(raw, field.type, known[field.name])
        except msgspec.DecodeError:
            faults.append(Fault(field.name, f"must be {_accepted(known[field.name])}"))
    if faults:
        raise InvalidConfiguration(*faults)
    return kind(**values)


def _unknown(name: str, known: Mapping[str, Any]) -> Fault:
    shown = name if name.isidentifier() and len(name) <= 40 else "(a name we cannot show)"
    return Fault(shown, f"is not an argument of this tool; accepted: {', '.join(known) or 'none'}")


def _value(raw: Any, kind: Any, schema: Mapping[str, Any]) -> Any:
    """Lists and objects sent as JSON text, and one text where a list of texts is meant, are taken
    for what was meant. Raises msgspec.DecodeError (its ValidationError included)."""
    wanted = schema.get("type")
    if isinstance(raw, str) and wanted in ("object", "array"):
        raw = [raw] if wanted == "array" and not raw.startswith("[") else msgspec.json.decode(raw)
    return msgspec.convert(raw, kind, strict=False)


def _accepted(schema: Mapping[str, Any]) -> str:
    """What the field takes, from its schema."""
    if choices := schema.get("enum"):
        return "one of " + ", ".join(str(choice) for choice in choices)
    words = {"object": "an object", "array": "a list", "integer": "a whole number"}
    kind = str(schema.get("type", "text"))
    limits = [f"{word} {schema[key]}" for key, word in _LIMITS.items() if key in schema]
    name = {"string": "text", "number": "a number", "boolean": "true or false"} | words
    return " ".join([name.get(kind, kind), ", ".join(limits)]).strip()


_LIMITS = {
    "minimum": "of at least",
    "maximum": "of at most",
    "minLength": "with a length of at least",
    "maxLength": "with a length of at most",
    "maxItems": "with at most this many entries:",
}
