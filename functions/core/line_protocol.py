"""InfluxDB's line protocol as text: byte for byte what the vendor's client writes for a Point, at a
fraction of its price (https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol)."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

Field = float | int | str | bool
Point = tuple[tuple[str, ...], tuple[Field, ...], int]
"""The values of tags and fields in the order in which the layout names them, and nanoseconds."""

_IN_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ ", "\n": "\\n", "\t": "\\t", "\r": "\\r"})
_IN_KEY = _IN_MEASUREMENT | str.maketrans({"=": "\\="})
_NOT_FINITE = ("=nan", "=inf", "=-inf")
_WHOLE = (".0,", ".0 ")
_FORMATS: dict[type, str] = {float: "%s", int: "%di"}
SERIES = 65_536
"""Beginnings of lines that a layout remembers."""


class Layout:
    """What points of one kind have in common: their tags, and the type of each field, in the order
    of their names. Made once, it writes many lines."""

    def __init__(
        self, measurement: str, *, tags: Sequence[str], fields: Mapping[str, type[Field]]
    ) -> None:
        if list(fields) != sorted(fields):
            raise ValueError("fields are named in their order")
        self._measurement = measurement.translate(_IN_MEASUREMENT)
        self._tags = tuple(tags)
        self._keys = [name.translate(_IN_KEY) for name in fields]
        self._begins: dict[tuple[str, ...], str] = {}
        self._odd = False
        self._template = ""
        if fields and set(fields.values()) <= set(_FORMATS):
            forms = zip(self._keys, fields.values(), strict=True)
            told = (f"{key.replace('%', '%%')}={_FORMATS[kind]}" for key, kind in forms)
            self._template = f"%s{','.join(told)} %d"

    def lines(self, points: Iterable[Point]) -> str:
        """One line each. Numbers that are not finite are left out, and points without any field."""
        points = list(points)
        if self._template and (text := self._numbers(points)) is not None:
            return text
        told = (self._line(tags, fields, at=at) for tags, fields, at in points)
        return "\n".join(line for line in told if line)

    def _numbers(self, points: Sequence[Point]) -> str | None:
        """All lines at once, or None where a number or a tag needs a closer look."""
        known, begin, template = self._begins.get, self._begin, self._template
        text = "\n".join(
            [template % (known(tags) or begin(tags), *fields, at) for tags, fields, at in points]
        )
        if any(odd in text for odd in _NOT_FINITE) or self._odd:
            return None
        # Keys are escaped, so these two stand nowhere but at the end of a number.
        for end in _WHOLE:
            text = text.replace(end, end[-1])
        return text

    def _line(self, tags: tuple[str, ...], fields: tuple[Field, ...], *, at: int) -> str:
        told = [
            f"{key}={_text(value)}"
            for key, value in zip(self._keys, fields, strict=True)
            if not isinstance(value, float) or isfinite(value)
        ]
        return f"{self._begin(tags)}{','.join(told)} {at}" if told else ""

    def _begin(self, values: tuple[str, ...]) -> str:
        """Measurement and tags in order; those without a key or a value are left out."""
        begin = self._begins.get(values)
        if begin is None:
            named = sorted(zip(self._tags, values, strict=True))
            escaped = [(key.translate(_IN_KEY), _tag_value(value)) for key, value in named]
            told = "".join(f",{key}={value}" for key, value in escaped if key and value)
            begin = f"{self._measurement}{told} "
            self._odd = self._odd or any(end in begin for end in _WHOLE)
            if len(self._begins) == SERIES:
                self._begins.clear()
            self._begins[values] = begin
        return begin


def _text(value: Field) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value}i" if isinstance(value, int) else str(value).removesuffix(".0")


def _tag_value(value: str) -> str:
    """A backslash at the end would escape the comma that follows."""
    escaped = value.translate(_IN_KEY)
    return f"{escaped} " if escaped.endswith("\\") else escaped
