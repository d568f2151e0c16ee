"""Our line protocol is byte for byte that of the vendor's client."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point

from functions.core.line_protocol import Layout

HARD = st.text(
    st.sampled_from(["a", "é", "✓", ",", " ", "=", '"', "\\", "\n", "\t", "\r", "#", "%", "."])
)
TEXT = HARD | st.text()
NAME = TEXT.filter(lambda text: not text.startswith("#"))
VALUE = st.floats() | st.integers() | TEXT | st.booleans() | st.sampled_from([1e16, -0.0, 0.1])


def theirs(name: str, tags: dict[str, str], fields: dict[str, Any], at: int) -> str:
    point = Point(name).time(at)
    for key, tag in tags.items():
        point.tag(key, tag)
    for key, field in fields.items():
        point.field(key, field)
    line: str = point.to_line_protocol()
    return line


def ours(name: str, tags: dict[str, str], fields: dict[str, Any], at: int) -> str:
    ordered = dict(sorted(fields.items()))
    layout = Layout(name, tags=list(tags), fields={key: type(ordered[key]) for key in ordered})
    return layout.lines([(tuple(tags.values()), tuple(ordered.values()), at)])


@given(NAME, st.dictionaries(TEXT, TEXT), st.dictionaries(TEXT, VALUE), st.integers(0, 2**62))
def test_any_point_is_written_as_the_vendor_writes_it(
    name: str, tags: dict[str, str], fields: dict[str, Any], at: int
) -> None:
    assert ours(name, tags, fields, at) == theirs(name, tags, fields, at)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "v1.0", "1.0,x", "nan", "inf", "="]), st.floats(), st.integers()
        ),
        max_size=5,
    )
)
def test_many_points_at_once_are_as_each_alone(rows: list[tuple[str, float, int]]) -> None:
    layout = Layout("m.0", tags=["host"], fields={"value%": float, "x.0,": int})
    alone = [
        theirs("m.0", {"host": host}, {"value%": value, "x.0,": count}, 7)
        for host, value, count in rows
    ]
    points = [((host,), (value, count), 7) for host, value, count in rows]
    assert layout.lines(points) == "\n".join(alone)


def test_fields_out_of_order_are_refused_where_they_are_named() -> None:
    with pytest.raises(ValueError, match="order"):
        Layout("m", tags=[], fields={"b": float, "a": float})
