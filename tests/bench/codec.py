"""Our CloudEvents codec against the SDK that functions-framework brings, on a reading's event."""

import time
from collections.abc import Callable
from typing import Any

from cloudevents.conversion import to_binary
from cloudevents.http import from_http

from functions.core.events import decode, encode, reading_event, sealed
from functions.core.keyring import new_shared_key
from functions.core.reading import Reading
from tests.bench.frame import rounds_of, verdict

LIMIT = 0.25
TIMES = 5000
READING = Reading(
    tenant="local",
    monitor="0190b5f0a1c27c3e",
    version=3,
    provider="website",
    slot=1_800_000_000,
    interval=60,
    at=1_800_000_000.431,
    duration=0.043,
    metrics={"up": 1.0, "status": 200.0, "latency": 43.2, "dns": 1.5, "connect": 8.1},
)


def run(rounds: int) -> list[dict[str, Any]]:
    """Microseconds per event; data stays bytes with us and is what the SDK makes of it there."""
    event = sealed(reading_event(READING), new_shared_key())
    headers, body = encode(event)
    theirs = from_http(headers, body)
    measured = rounds_of(
        {
            "decode": timed(lambda: decode(headers, body)),
            "sdk decode": timed(lambda: from_http(headers, body)),
            "encode": timed(lambda: encode(event)),
            "sdk encode": timed(lambda: to_binary(theirs)),
        },
        rounds,
    )
    return [
        verdict(
            f"codec {way}",
            measured[way],
            measured[f"sdk {way}"],
            unit="us per event",
            limit=LIMIT,
        )
        for way in ("decode", "encode")
    ]


def timed(call: Callable[[], object]) -> Callable[[], float]:
    """Microseconds of CPU per call."""

    def measure() -> float:
        began = time.process_time()
        for _ in range(TIMES):
            call()
        return (time.process_time() - began) / TIMES * 1e6

    return measure
