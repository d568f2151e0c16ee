"""What Claude sends: converted with every fault at once, in our own words, echoing no value."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.form import form_faults
from mcp_service.tolerance import meant

A = TypeVar("A", bound="Arguments")


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every tool's arguments; fields carry their words in msgspec.Meta."""


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """The flat JSON schema of a tool's arguments, without what says nothing to a model."""
    _, definitions = msgspec.json.schema_components([kind])
    schema = definitions[kind.__name__]
    for question in schema["properties"].values():
        if not question.get("default", True):
            del question["default"]
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def converted(kind: type[A], given: Mapping[str, Any]) -> A:
    """The arguments. Raises InvalidConfiguration with every fault; a null counts as not given."""
    values = meant(kind, {name: value for name, value in given.items() if value is not None})
    if faults := form_faults(kind, values):
        raise InvalidConfiguration(*(_told(kind, fault) for fault in faults))
    return msgspec.convert(values, kind)


def _told(kind: type[Arguments], fault: Fault) -> Fault:
    """A pattern says nothing to a reader; the field's own description does."""
    question = schema_of(kind)["properties"].get(fault.field, {})
    if "pattern" not in question:
        return fault
    return Fault(fault.field, f"{fault.problem} ({question['description']})")
