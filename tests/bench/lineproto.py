"""Readings as record writes them against the same as Points of InfluxDB's client, both through that
client to a server that takes everything; and that the two are the same to the byte."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import msgspec
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS, WriteApi

from functions.core.reading import Failure, FailureKind, Reading
from functions.core.reading_point import MEASUREMENT, VALUE, lines_of, nanoseconds
from tests.bench.frame import REFERENCE, rounds_of, start, verdict

LIMIT = 1 / 8
BATCH, BATCHES, GENERATED = 5000, 4, 10_000
LETTERS = 'aé✓ ,="\\\n\t\r%#.0'
WEBSITE = {
    "up": 1.0, "status": 200.0, "latency": 43.27, "dns": 1.5, "connect": 8.125, "first_byte": 33.1,
    "redirects": 0.0, "size": 18_234.0, "tls": 12.75, "certificate_days": 61.2,
}  # fmt: skip


def run(rounds: int) -> list[dict[str, Any]]:
    """Microseconds of CPU per reading, from the reading to the answer of the server."""
    readings = [_reading(number) for number in range(BATCH)]
    with _taking_everything() as write:
        found = rounds_of(
            {
                "text": _timed(lambda: write("b", record=lines_of(readings))),
                "points": _timed(lambda: write("b", record=[*map(_point, readings)])),
            },
            rounds,
        )
    told = verdict("lineproto", found["text"], found["points"], unit="us per reading", limit=LIMIT)
    differing = sum(_differs(_generated(random.Random(seed))) for seed in range(GENERATED))
    told |= {"compared": GENERATED, "differing": differing}
    return [told | ({"pass": False} if differing else {})]


def _reading(number: int) -> Reading:
    """Of a website, as poll makes it."""
    slot = 1_800_000_000 + 60 * (number // 100)
    return Reading(
        tenant="local",
        monitor=f"0190b5f0a1c27c{number % 100:02x}",
        version=3,
        provider="website",
        slot=slot,
        interval=60,
        at=slot + 0.431,
        duration=0.043,
        metrics=WEBSITE | {"latency": 40 + number * 0.037},
    )


def _point(reading: Reading) -> Point:
    point = Point(MEASUREMENT).time(nanoseconds(reading))
    point.tag("monitor", reading.monitor).tag("tenant", reading.tenant)
    point.field("failed", int(reading.failure is not None and not reading.missed))
    point.field("missed", int(reading.missed))
    point.field("reading", msgspec.json.encode(reading).decode())
    for name, value in ({} if reading.failure else reading.metrics).items():
        point.field(VALUE + name, value)
    return point


def _generated(chance: random.Random) -> Reading:
    """One of odd names and values."""

    def word() -> str:
        return "".join(chance.choices(LETTERS, k=chance.randint(1, 8)))

    numbers = (chance.uniform(-1e20, 1e20), chance.uniform(-1e-4, 1e-4), -0.0, 1e16, 7.0, 5e-324)
    failure = Failure(chance.choice([*FailureKind]), word()) if chance.random() < 0.2 else None
    return Reading(
        tenant="".join(filter(str.isprintable, word())).rstrip("\\") or "t",
        monitor="".join(filter(str.isprintable, word())).rstrip("\\") or "m",
        version=1,
        provider=word(),
        slot=chance.randrange(2**31),
        interval=60,
        at=chance.uniform(0, 2**31),
        metrics={word(): chance.choice(numbers) for _ in range(chance.randint(0, 6))},
        texts={word(): word()},
        failure=failure,
    )


def _differs(reading: Reading) -> bool:
    return lines_of([reading]).encode() != _point(reading).to_line_protocol().encode()


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
