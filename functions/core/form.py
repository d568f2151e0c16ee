"""A msgspec struct as a form: its fields are the questions, their constraints the validation, and
every fault is reported at once (msgspec.convert alone stops at the first)."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

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
    """What a JSON schema takes, in plain words; a pattern says nothing to a reader, so a type that
    has one brings its own `words`."""
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(accepted(branch) for branch in schema["anyOf"])
    say = _TYPES.get(schema.get("type", ""))
    words = schema.get("words") or (say(schema) if say else "a value")
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
    hint = f"did you mean {meant}?" if meant else f"known are {', '.join(known) or 'none'}"
    return Fault(prefix + name, f"is not a field; {hint}")


def _value_faults(kind: Any, value: Any, *, path: str) -> tuple[Fault, ...]:
    if inspect.isclass(kind) and issubclass(kind, msgspec.Struct) and isinstance(value, Mapping):
        return form_faults(kind, value, prefix=f"{path}.")
    if _fits(kind, value):
        return ()
    # What stands inside is at fault, each by itself, or else there is too much or too little of it.
    inside = [
        fault
        for place, inner, entry in _entries(kind, value)
        for fault in _value_faults(inner, entry, path=path + place)
    ]
    return tuple(inside) or (Fault(path, f"must be {accepted(_schema(kind))}"),)


def _fits(kind: Any, value: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _entries(kind: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Place, type and value of everything inside a list or a map, where those are wanted."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(bare) in (list, tuple) and isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield f"[{number}]", get_args(bare)[0], entry
    elif get_origin(bare) is dict and isinstance(value, Mapping):
        for name, entry in value.items():
            yield f".{name}", get_args(bare)[1], entry


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
    return f"a list{_size(schema, 'Items')}, each {accepted(schema.get('items', {}))}"


def _map(schema: Mapping[str, Any]) -> str:
    inside = accepted(schema.get("additionalProperties") or {})
    return f"a map{_size(schema, 'Properties')} of names to {inside}"


def _size(schema: Mapping[str, Any], what: str) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if most is None:
        return ""
    return f" of {least} to {most}" if least else f" of at most {most}"


_TYPES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": lambda _: "true or false",
    "array": _list,
    "object": _map,
    "null": lambda _: "nothing",
}
