"""Slips of models that can mean only one thing: numbers, lists and objects sent as text, and whole
numbers where text is wanted."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec


def meant(kind: type[msgspec.Struct], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with slips taken for what was meant; what cannot be read stays as it is."""
    types = _types(kind)
    return {
        name: _value(value, types[name]) if name in types else value
        for name, value in given.items()
    }


@cache
def _types(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _value(value: Any, kind: Any) -> Any:
    for candidate in _readings(value):
        try:
            return msgspec.to_builtins(msgspec.convert(candidate, kind, strict=False))
        except msgspec.ValidationError:
            continue
    return value


def _readings(value: Any) -> list[Any]:
    """The value itself, then what a text may stand for: JSON, or the only entry of a list; and what
    a whole number, alone or inside, would be as text."""
    if not isinstance(value, str):
        written = _written(value)
        return [value, written, [written]]
    try:
        return [value, msgspec.json.decode(value), [value]]
    except msgspec.DecodeError:
        return [value, [value]]


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return [_written(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _written(entry) for name, entry in value.items()}
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
