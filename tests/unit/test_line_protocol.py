"""Our line protocol is byte for byte that of the vendor's client."""

from math import isfinite
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point

from functions.core.line_protocol import Floats, beginning, json_text, line

HARD = st.text(
    st.sampled_from(["a", "é", "✓", ",", " ", "=", '"', "\\", "\n", "\t", "\r", "#", "%", "."])
)
TEXT = HARD | st.text()
NAME = TEXT.filter(lambda text: not text.startswith("#"))
FLOAT = st.floats() | st.sampled_from([1e16, 1e15, 1e-4, 1e-5, 12.00001, 5e-324, -0.0, 200.0])
VALUE = FLOAT | st.integers() | TEXT | st.booleans()


def theirs(name: str, tags: dict[str, str], fields: dict[str, Any], at: int) -> str:
    point = Point(name).time(at)
    for key, tag in tags.items():
        point.tag(key, tag)
    for key, field in fields.items():
        point.field(key, field)
    line: str = point.to_line_protocol()
    return line


@given(NAME, st.dictionaries(TEXT, TEXT), st.dictionaries(TEXT, VALUE), st.integers(0, 2**62))
def test_any_point_is_written_as_the_vendor_writes_it(
    name: str, tags: dict[str, str], fields: dict[str, Any], at: int
) -> None:
    assert line(beginning(name, tags), fields, at=at) == theirs(name, tags, fields, at)


@given(st.dictionaries(TEXT, FLOAT, max_size=6), TEXT, st.randoms())
def test_many_floats_at_once_are_as_each_alone_in_whatever_order_they_come(
    values: dict[str, float], prefix: str, chance: Any
) -> None:
    named = {f"{prefix}{name}": value for name, value in values.items()}
    alone = theirs("m", {}, named, 7).removeprefix("m ").removesuffix(" 7")
    written = Floats(values, prefix=prefix).text(shuffled(values, chance))
    assert written == (f",{alone}" if alone else "")


@given(st.dictionaries(TEXT, TEXT | FLOAT.filter(isfinite)))
def test_json_is_written_as_the_vendor_writes_it_as_a_text(value: dict[str, Any]) -> None:
    encoded = msgspec.json.encode(value).decode()
    assert f"m a={json_text(value)} 7" == theirs("m", {}, {"a": encoded}, 7)


def shuffled(values: dict[str, float], chance: Any) -> dict[str, float]:
    names = list(values)
    chance.shuffle(names)
    return {name: values[name] for name in names}
