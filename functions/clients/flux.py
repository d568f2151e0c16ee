"""What the readings' InfluxDB is asked, in Flux, and its answers as rows. Values never stand in a
script: they are handed over beside it as parameters, so no name can end a string and go on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.core.errors import SourceUnavailable
from functions.core.reading_point import MEASUREMENT, SECOND, VALUE
from functions.core.rollup import Bucket, Values, decoded

END = 9_223_372_036
"""The last second that InfluxDB can say."""
FIRST = "1970-01-01T00:00:00Z"
MANY = 100
"""Monitors that are named one by one; of more, all of the tenant's are asked for."""

_OF_TENANT = """
from(bucket: bucket) |> range(start: time(v: since), stop: time(v: until))
|> filter(fn: (r) => r._measurement == measurement and r.tenant == tenant)
"""
LATEST = '|> filter(fn: (r) => r._field == "reading") |> last()'
KNOWN = '|> filter(fn: (r) => r._field == "missed")'
QUERY = """
|> filter(fn: (r) => r._field == "reading") |> tail(n: limit) |> keep(columns: ["_time", "_value"])
"""
HOURS = """
from(bucket: rollups) |> range(start: time(v: since), stop: time(v: until))
|> filter(fn: (r) => r._measurement == "hour" and r.tenant == tenant and r.monitor == m0)
|> yield(name: "hours")
"""
_SERIES = """
from(bucket: bucket) |> range(start: time(v: since), stop: time(v: until))
|> filter(fn: (r) => r._measurement == measurement and r._field == "missed")
"""
OLDEST = f"""
{_SERIES} |> first() |> yield(name: "first")
{_SERIES} |> count() |> yield(name: "count")
"""

_SETTING = "CLAUDE_MONITOR_INFLUXDB_"
_PLACE = f"it has no such organisation or bucket; check {_SETTING}ORG and {_SETTING}BUCKET"
_REASONS = {
    0: "it does not answer; see that it runs",
    400: _PLACE,
    401: f"it does not know the token; put a valid one into {_SETTING}TOKEN",
    403: f"the token may not do this; put one that may read and write into {_SETTING}TOKEN",
    404: _PLACE,
}
NEVER_AGAIN = (400, 413, 422)
"""How a write is answered that will never be taken."""

Row = dict[str, str]


def of_tenant(monitors: Sequence[str], then: str) -> tuple[str, dict[str, Any]]:
    """A script about these monitors of one tenant, and the parameters that name them."""
    if len(monitors) > MANY:
        return _OF_TENANT + then, {}
    names = {f"m{number}": monitor for number, monitor in enumerate(monitors)}
    either = " or ".join(f"r.monitor == {name}" for name in names)
    return f"{_OF_TENANT}|> filter(fn: (r) => {either})\n{then}", names


def buckets_of(monitor: str, step: int) -> tuple[str, dict[str, Any]]:
    """Each field of one monitor over each bucket of `step` seconds: four results by their name.
    Each reads for itself: what two share, the storage no longer sums up by itself."""
    window = 'aggregateWindow(every: step, fn: {0}, createEmpty: false, timeSrc: "_start")'
    then = f'|> filter(fn: (r) => r._field {{1}}) |> {window} |> yield(name: "{{0}}")'
    parts = [of_tenant([monitor], then.format(of, which)) for of, which in _AGGREGATES.items()]
    step_names = {"step": timedelta(seconds=step)}
    return "\n".join(script for script, _ in parts), parts[0][1] | step_names


_METRICS = "=~ /^value[.]/"
_AGGREGATES = {"sum": '!= "reading"', "count": _METRICS, "min": _METRICS, "max": _METRICS}


def span(since: int, until: int) -> dict[str, Any]:
    """The parameters of a range of slots, `since <= slot < until`."""
    first, end = (min(max(at, 0), END) for at in (since, until))
    return {"since": first * SECOND, "until": max(end, first) * SECOND, "measurement": MEASUREMENT}


def rows_of(lines: Iterable[list[str]]) -> Iterator[Row]:
    """The rows of an answer in CSV, by the names in the header line above them. Raises
    SourceUnavailable when the answer ends in an error: by then its status was a 200."""
    header: list[str] = []
    for line in lines:
        if line[1:2] in (["result"], ["error"]):
            header = line
        elif header[1:2] == ["error"]:
            message = "InfluxDB gave up in the middle of an answer; try again, or ask for less."
            raise SourceUnavailable(message, cause=line[1][:200])
        elif len(line) == len(header) > 1:
            yield dict(zip(header, line, strict=True))


def predicate(tags: Mapping[str, str]) -> str:
    """All of these, in the language of the delete call, which takes no parameters: `"` and the
    backslash are what could end a string there."""
    escaped = {name: text.replace("\\", "\\\\").replace('"', '\\"') for name, text in tags.items()}
    return " AND ".join(f'{name}="{text}"' for name, text in escaped.items())


def last_before(second: int) -> str:
    """The last nanosecond before it; the end of a delete call is included."""
    return datetime.fromtimestamp(second - 1, UTC).strftime("%Y-%m-%dT%H:%M:%S.999999999Z")


def second_of(row: Row) -> int:
    """The slot that a time stands for; its nanoseconds only tell writes apart."""
    return int(datetime.fromisoformat(row["_time"][:19] + "+00:00").timestamp())


def summed(rows: Iterable[Row]) -> tuple[dict[int, Bucket], dict[int, Bucket]]:
    """By their start: the hours that are stored, and what the raw readings amount to."""
    stored: dict[int, Bucket] = {}
    counted: dict[int, Bucket] = {}
    for row in rows:
        start = second_of(row)
        if row["result"] == "hours":
            stored[start] = decoded(row["_value"])
        else:
            _count(counted.setdefault(start, Bucket()), row)
    return stored, counted


def _count(bucket: Bucket, row: Row) -> None:
    field, of = row["_field"], row["result"]
    if not field.startswith(VALUE):
        if of == "sum":
            setattr(bucket, field, int(row["_value"]))
        return
    values = bucket.metrics.setdefault(field.removeprefix(VALUE), Values(0, 0.0, 0.0, 0.0))
    number = int(row["_value"]) if of == "count" else float(row["_value"])
    setattr(values, "total" if of == "sum" else of, number)


def unavailable(status: int = 0, *, cause: str) -> SourceUnavailable:
    """What an HTTP status of InfluxDB, or none at all, means to the operator."""
    reason = _REASONS.get(status, "it is overloaded or has a fault of its own; see its log")
    return SourceUnavailable(f"InfluxDB cannot be used: {reason}.", cause=cause)
