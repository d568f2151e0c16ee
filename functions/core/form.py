"""A msgspec struct as a form: its fields are the questions, their constraints the validation, and
every fault is reported at once (msgspec.convert alone stops at the first)."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from functions.core.errors import Fault


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One field in words: `accepts` is what it takes, `choices` all of it when that is a short
    list; `default` counts only when it is not required."""

    name: str
    title: str
    description: str
    accepts: str
    required: bool
    default: Any = None
    choices: tuple[Any, ...] = ()


def questions(kind: type[msgspec.Struct]) -> tuple[Question, ...]:
    """The form of a struct, in the order of its fields."""
    return tuple(_question(field) for field in msgspec.structs.fields(kind))


def form_faults(
    kind: type[msgspec.Struct], config: Mapping[str, Any], *, prefix: str = ""
) -> tuple[Fault, ...]:
    """Everything that is wrong with these fields one by one; `prefix` goes before their names."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found = [_unknown(name, tuple(fields), prefix=prefix) for name in config if name not in fields]
    for name, field in fields.items():
        if name in config:
            found += _value_faults(field.type, config[name], path=prefix + name)
        elif field.required:
            found.append(Fault(prefix + name, f"is required: {accepted(_schema(field.type))}"))
    return tuple(found)


def near(name: str, known: tuple[str, ...]) -> str:
    """The known name that was probably meant, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - only the unhappy path pays for it

    return next(iter(get_close_matches(name, known, 1)), "")


def accepted(schema: Mapping[str, Any]) -> str:
    """What a JSON schema takes, in plain words."""
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(accepted(branch) for branch in schema["anyOf"])
    say = _TYPES.get(schema.get("type", ""))
    words = say(schema) if say else "a value"
    examples = ", ".join(str(example) for example in schema.get("examples", ()))
    return f"{words} such as {examples}" if examples else words


def _question(field: msgspec.structs.FieldInfo) -> Question:
    schema = _schema(field.type)
    return Question(
        name=field.encode_name,
        title=schema.get("title", ""),
        description=schema.get("description", ""),
        accepts=accepted(schema),
        required=field.required,
        default=_default(field),
        choices=tuple(schema.get("enum", ())),
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default_factory())
    return None


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components((kind,))
    return schema


def _unknown(name: str, known: tuple[str, ...], *, prefix: str) -> Fault:
    meant = near(name, known)
    hint = f"did you mean {meant}?" if meant else "known are " + ", ".join(known)
    return Fault(prefix + name, f"is not a field; {hint}")


def _value_faults(kind: Any, value: Any, *, path: str) -> tuple[Fault, ...]:
    if inspect.isclass(kind) and issubclass(kind, msgspec.Struct) and isinstance(value, Mapping):
        return form_faults(kind, value, prefix=f"{path}.")
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as wrong:
        inside = re.search(r"`\$(\[[0-9]+\])?", str(wrong))
        place = (inside[1] or "") if inside else ""
        schema = _schema(kind)
        return (Fault(path + place, f"must be {accepted(schema['items'] if place else schema)}"),)
    return ()


def _text(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    words = "text"
    if least and most:
        words += f" of {least} to {most} characters"
    elif most:
        words += f" of at most {most} characters"
    elif least:
        words += f" of at least {least} characters"
    return words


def _number(schema: Mapping[str, Any]) -> str:
    words = "a whole number" if schema["type"] == "integer" else "a number"
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"{words} from {least} to {most}"
    if least is not None:
        return f"{words} of at least {least}"
    return words if most is None else f"{words} of at most {most}"


def _list(schema: Mapping[str, Any]) -> str:
    most = schema.get("maxItems")
    words = "a list" if most is None else f"a list of at most {most}"
    return f"{words}, each {accepted(schema.get('items', {}))}"


_TYPES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": lambda _: "true or false",
    "array": _list,
    "object": lambda schema: (
        f"a map of names to {accepted(schema.get('additionalProperties') or {})}"
    ),
    "null": lambda _: "nothing",
}
