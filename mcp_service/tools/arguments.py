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
    """Limits alone say little to a reader, a pattern nothing: the field's own description is
    added, or for an unknown field where it may have been meant to go."""
    questions = schema_of(kind)["properties"]
    if fault.field in questions:
        question = questions[fault.field]
        unfit = "pattern" in question and fault.problem.startswith("must be")
        problem = f"{'does not fit' if unfit else fault.problem} ({question['description']})"
    elif "config" in questions and fault.problem.startswith("is not a field"):
        problem = f"{fault.problem}; what describe_provider lists goes into config"
    else:
        return fault
    return Fault(fault.field, problem)
