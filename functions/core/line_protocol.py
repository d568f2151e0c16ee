"""InfluxDB's line protocol as text: byte for byte what the vendor's client writes for a Point, at a
fraction of its price (https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from operator import itemgetter

import msgspec

Field = float | int | str | bool

_IN_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ ", "\n": "\\n", "\t": "\\t", "\r": "\\r"})
_JSON = msgspec.json.Encoder()
_IN_KEY = _IN_MEASUREMENT | str.maketrans({"=": "\\="})


def beginning(measurement: str, tags: Mapping[str, str]) -> str:
    """Measurement and tags, in the order of their keys; those without a key or a value are left
    out."""
    named = [(key.translate(_IN_KEY), _tag_value(value)) for key, value in sorted(tags.items())]
    told = "".join(f",{key}={value}" for key, value in named if key and value)
    return f"{measurement.translate(_IN_MEASUREMENT)}{told} "


def line(begin: str, fields: Mapping[str, Field], *, at: int) -> str:
    """One point at `at` nanoseconds. Numbers that are not finite are left out, and a point without
    any field is no line."""
    told = [
        f"{name.translate(_IN_KEY)}={_text(value)}"
        for name, value in sorted(fields.items())
        if not isinstance(value, float) or isfinite(value)
    ]
    return f"{begin}{','.join(told)} {at}" if told else ""


def json_text(value: object) -> str:
    """The JSON of a value as a field that is a text. Such a field escapes what a JSON string does,
    but for control characters, of which JSON has none."""
    return _JSON.encode(_JSON.encode(value).decode()).decode()


class Floats:
    """Fields of these names, all of them floats: made once, it writes many."""

    def __init__(self, names: Iterable[str], *, prefix: str = "") -> None:
        ordered = sorted(names)
        self._prefix = prefix
        self._pick: Callable[[Mapping[str, float]], Sequence[float]] = (
            itemgetter(*ordered) if len(ordered) > 1 else lambda values: [*values.values()]
        )
        keys = [f",{(prefix + name).translate(_IN_KEY)}=" for name in ordered]
        self._form = [part for key in keys for part in (key, "")]

    def text(self, values: Mapping[str, float]) -> str:
        """Each with a comma before it; those that are not finite are left out."""
        if not values:
            return ""
        # JSON's numbers are Python's at a third of the price, but for very small and large ones.
        told = _JSON.encode(self._pick(values)).decode()
        if "e" in told or "0.0000" in told or "null" in told:
            named = {f"{self._prefix}{name}": value for name, value in values.items()}
            return line(",", named, at=0).rpartition(" ")[0]
        parts = self._form.copy()
        parts[1::2] = f"{told[1:-1]},".replace(".0,", ",")[:-1].split(",")
        return "".join(parts)


def _text(value: Field) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value}i" if isinstance(value, int) else str(value).removesuffix(".0")


def _tag_value(value: str) -> str:
    """A backslash at the end would escape the comma that follows."""
    told = value.translate(_IN_KEY)
    return f"{told} " if told.endswith("\\") else told
