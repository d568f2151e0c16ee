"""Our line protocol against the Points of InfluxDB's client, both written through that client to a
server that takes everything; and that the two are the same to the byte."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS, WriteApi

from functions.core.line_protocol import Layout
from tests.bench.frame import REFERENCE, rounds_of, start, verdict

LIMIT = 1 / 8
BATCH, BATCHES, GENERATED = 5000, 4, 10_000
TAGS = ("host", "region", "kind")
FIELDS: dict[str, type[float]] = {"latency": float, "status": float, "up": float}
LETTERS = 'aé✓ ,="\\\n\t\r%#.0'

Row = tuple[tuple[str, ...], tuple[float, ...], int]


def run(rounds: int) -> list[dict[str, Any]]:
    """Microseconds of CPU per point, from plain values to the answer of the server."""
    rows = [_row(number) for number in range(BATCH)]
    layout = Layout("reading", tags=TAGS, fields=FIELDS)
    with _taking_everything() as write:
        found = rounds_of(
            {
                "text": _timed(lambda: write("b", record=layout.lines(rows))),
                "points": _timed(lambda: write("b", record=[_point(*row) for row in rows])),
            },
            rounds,
        )
    told = verdict("lineproto", found["text"], found["points"], unit="us per point", limit=LIMIT)
    differing = sum(_generated(random.Random(seed)) for seed in range(GENERATED))
    told |= {"compared": GENERATED, "differing": differing}
    return [told | ({"pass": False} if differing else {})]


def _row(number: int) -> Row:
    tags = (f"host-{number % 100}", f"region-{number % 7}", "website")
    return tags, (round(5 + number * 0.037, 3), 200.0, float(number % 2)), 10**18 + number


def _point(tags: tuple[str, ...], fields: tuple[float, ...], at: int) -> Point:
    point = Point("reading").time(at)
    for key, tag in zip(TAGS, tags, strict=True):
        point.tag(key, tag)
    for key, field in zip(FIELDS, fields, strict=True):
        point.field(key, field)
    return point


def _generated(chance: random.Random) -> bool:
    """Whether a point of odd names and values is written differently."""

    def word() -> str:
        return "".join(chance.choices(LETTERS, k=chance.randint(1, 8)))

    numbers = (chance.uniform(-1e20, 1e20), float("inf"), float("nan"), -0.0, 1e16, 7)
    name, tags = "m" + word(), {word(): word() for _ in range(3)}
    fields = {word(): chance.choice((*numbers, word(), True)) for _ in range(4)}
    fields = dict(sorted(fields.items()))
    point = Point.from_dict({"measurement": name, "tags": tags, "fields": fields, "time": 5})
    kinds = {key: type(field) for key, field in fields.items()}
    layout = Layout(name, tags=[*tags], fields=kinds)
    ours = layout.lines([(tuple(tags.values()), tuple(fields.values()), 5)])
    return ours.encode() != point.to_line_protocol().encode()


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    def measure() -> float:
        began = time.process_time()
        for _ in range(BATCHES):
            call()
        return (time.process_time() - began) / (BATCH * BATCHES) * 1e6

    return measure


@contextmanager
def _taking_everything() -> Any:
    """The write call of a client whose server is a process of its own."""
    command = [sys.executable, "-m", "tests.bench.sink"]
    with start(command, core=REFERENCE, stdout=subprocess.PIPE, text=True) as child:
        try:
            port = int(child.stdout.readline())
            with InfluxDBClient(f"http://127.0.0.1:{port}", "token", org="o") as client:
                api: WriteApi = client.write_api(write_options=SYNCHRONOUS)
                yield api.write
        finally:
            child.terminate()
