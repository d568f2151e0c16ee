"""Named numbers from a JSON answer, each found by a JSON path: read, checked and described."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from functions.core.errors import Fault, SourceUnavailable, UnexpectedAnswer
from functions.core.provider import Metric
from functions.core.reading import is_number
from functions.core.rule_faults import METRIC, RESERVED
from functions.core.rule_words import excerpt

PATH = "a path such as $.data.price, or count($.items[*]), or length($.items)"

Values = Annotated[
    dict[str, Annotated[str, Meta(min_length=1, max_length=300, examples=["$.queue.waiting"])]],
    Meta(
        title="Values",
        description="The numbers to read: for each a name of your own, which rules use, and its "
        "JSON path (RFC 9535). Written in count(...), a path gives how many values it finds; in "
        "length(...), how long the list or text is.",
        min_length=1,
        max_length=20,
    ),
]
Units = Annotated[
    dict[
        str,
        Annotated[
            str,
            Meta(
                pattern=r"^[^\s\x00-\x1f\x7f]{1,20}$(?!\n)",
                examples=["EUR"],
                extra_json_schema={"words": "one word of at most 20 characters"},
            ),
        ],
    ],
    Meta(
        title="Units",
        description="What the values are counted in, by name; a plain number if left out.",
        max_length=20,
    ),
]

_FORM = re.compile(r"(?:(count|length)\()?\s*(\$.*?)\s*(?(1)\))", re.DOTALL)
_NUMERAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_MOST_TOLD = 5
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""One escape in JSON; its group is half a pair of surrogates alone. Programs that cut a text within
an emoji write that and most read it (RFC 8259 section 8.2), our decoder does not."""
_UNKNOWN = rb"\ufffd"


def value_metrics(values: Mapping[str, str], units: Mapping[str, str]) -> tuple[Metric, ...]:
    """The values as metrics of the monitor."""
    return tuple(
        Metric(name, units.get(name, "1"), f"what the answer has at {path}")
        for name, path in values.items()
    )


def value_faults(
    values: Mapping[str, str], units: Mapping[str, str], *, taken: Collection[str]
) -> Iterator[Fault]:
    """Everything wrong with these names, paths and units; `taken` are the other metrics."""
    for name, path in values.items():
        if problem := _name_problem(name, taken):
            yield Fault("values", problem)
        elif problem := _path_problem(path):
            yield Fault(f"values.{name}", problem)
    for name, unit in units.items():
        if name not in values:
            problem = f"names `{excerpt(name)}`, which is none of the values; they must agree"
            yield Fault("units", problem)
        elif not unit.isprintable():
            yield Fault(f"units.{name}", "has characters that cannot be seen; leave them out")


def decoded(body: bytes) -> Any:
    """The document of an answer. Raises SourceUnavailable when it is no JSON, UnexpectedAnswer when
    it is more than can be read."""
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.ValidationError:
        raise UnexpectedAnswer("the answer has a number that is too large to be read") from None
    except RecursionError:
        raise UnexpectedAnswer("the answer is nested too deeply to be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        whole = _ESCAPE.sub(lambda escape: _UNKNOWN if escape[1] else escape[0], body)
        if whole != body:
            return decoded(whole)
        raise SourceUnavailable("the answer is not JSON") from None


def numbers(document: Any, values: Mapping[str, str]) -> dict[str, float]:
    """The number of each name. Raises UnexpectedAnswer naming those that are not there or are no
    numbers: they are not guessed at, and a value of before does not stand for one of now."""
    from functions.clients.json_path import Search  # noqa: PLC0415 - heavy; only polls pay for it

    search = Search(document)
    found: dict[str, float] = {}
    wrong: list[str] = []
    for name, text in values.items():
        form, path = _taken_apart(text)
        number = _found(search, path, form=form)
        if isinstance(number, str):
            wrong.append(f"{name} {number}")
        else:
            found[name] = number
    if wrong:
        more = f" and {len(wrong) - _MOST_TOLD} more" if len(wrong) > _MOST_TOLD else ""
        told = ", ".join(wrong[:_MOST_TOLD]) + more
        raise UnexpectedAnswer(f"the answer does not have what the paths look for: {told}")
    return found


def _taken_apart(text: str) -> tuple[str, str]:
    """`count($.a)` is `count` and `$.a`; a plain path has no form."""
    parts = _FORM.fullmatch(text.strip())
    return (parts[1] or "", parts[2]) if parts else ("", text)


def _found(search: Any, path: str, *, form: str) -> float | str:
    """The number, or why there is none."""
    if form == "count":
        counted = search.count(path)
        return "is not there" if counted is None else float(counted)
    nodes = search.first(path, most=2)
    if len(nodes) != 1:
        return "is found more than once" if nodes else "is not there"
    return _length(nodes[0]) if form == "length" else _number(nodes[0])


def _length(value: Any) -> float | str:
    return float(len(value)) if isinstance(value, list | dict | str) else "has no length"


def _number(value: Any) -> float | str:
    """Numbers, numerals in quotes as many APIs send them, and yes or no as 1 or 0."""
    if isinstance(value, str):
        if not _NUMERAL.fullmatch(value.strip()):
            return "is a text that is no number"
    elif not isinstance(value, int | float):
        return _KINDS[type(value)]
    # An integer has no limits, so it is held against them before it becomes a float.
    number = float(value) if isinstance(value, str) else value
    return float(number) if is_number(number) else "is too large"


_KINDS = {
    type(None): "is null",
    list: "is a list (write length(...) for how long it is)",
    dict: "is an object, not a number",
}


def _name_problem(name: str, taken: Collection[str]) -> str:
    if not METRIC.fullmatch(name):
        named = f"have the name `{excerpt(name)}`"
        return f"{named}; write a letter, then letters, digits and _ . : / -, such as queue_waiting"
    if name.lower() in RESERVED:
        return f"cannot be named {name}: it is a word of the rule language; take another name"
    if name.lower() in taken:
        return f"cannot be named {name}: the monitor measures that itself; take another name"
    return ""


def _path_problem(text: str) -> str:
    from functions.clients.json_path import Unreadable, compiled  # noqa: PLC0415 - heavy

    try:
        compiled(_taken_apart(text)[1])
    except Unreadable as wrong:
        begins = "" if "$" in text else " (it begins with $)"
        return f"{wrong}{begins}; write {PATH}"
    return ""
