"""`python -m tests.bench.swarm`: many polling monitors on a cluster, made through the service's
tools, for some minutes. One line of JSON; exit code 1 when a slot was missed."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from influxdb_client.client.influxdb_client import InfluxDBClient

from functions.core.monitor import Schedule, phase_of
from functions.core.reading import Reading
from tests.bench.cluster import pods, require_cluster, usage
from tests.bench.fleet import Fleet
from tests.bench.frame import NotHereError, tell
from tests.cluster.conftest import Deployment, claude, deployed, outside, served
from tests.conversation.play import Conversation

SWARM = Fleet(monitors=200, interval=30, seconds=300)
BUSIEST = 3.0
"""Times the mean: what the busiest second may begin. Where the moments of 200 monitors are drawn
by lot for 30 seconds, more than that happens once in a thousand swarms."""
JUDGED = 2
"""Intervals within which the watchdog promises to show a slot without a reading."""
EVERY = 10.0
"""Seconds between two looks at the pods."""
PLATFORM = ("knative-eventing", "knative-serving", "kourier-system")
UNDERWAY = ("pingsource-mt-adapter", "mt-broker-ingress", "imc-dispatcher", "mt-broker-filter")
UNDERWAY += ("activator", "3scale-kourier-gateway")
"""The parts of the platform that each tick and reading passes through."""
NOTES = """
from(bucket: "{0}") |> range(start: 0)
|> filter(fn: (r) => r._field == "missed" and uint(v: r._time) % uint(v: 1000000000) == uint(v: 0))
|> group() |> count()
"""
"""Slots that the watchdog noted as missed, also those whose reading came after all."""


def run(_rounds: int = 1, swarm: Fleet = SWARM) -> list[dict[str, Any]]:
    """The verdict over every slot of `seconds`, begun once all monitors tick. Raises NotHereError
    where there is no cluster."""
    require_cluster()
    with (
        tempfile.TemporaryDirectory() as folder,
        outside() as reached,
        deployed(reached, Path(folder)) as deployment,
        served(deployment.kube) as address,
    ):
        made = asyncio.run(_made(deployment, address, swarm=swarm))
        deployment.kube.ready("pingsource", "--all")
        time.sleep(swarm.interval)
        since = int(time.time()) + 1
        used = _watched(deployment, swarm.seconds)
        time.sleep(JUDGED * swarm.interval)
        span = (since, since + swarm.seconds)
        readings = asyncio.run(_readings(deployment, [*made], span=span))
        noted = _noted(deployment.outside.databases.bucket)
    due = sum(_due(Schedule(swarm.interval, phase_of(one, swarm.interval)), span) for one in made)
    verdict = _verdict(readings, due, noted=noted)
    created = round(median(made.values()) * 1000, 1)
    return [
        {"bench": "swarm", **msgspec.structs.asdict(swarm), **verdict}
        | {"create_ms": created, "pods": used}
    ]


async def _made(deployment: Deployment, address: str, *, swarm: Fleet) -> dict[str, float]:
    """The monitors by their ids, made one after the other as Claude would; and the seconds that
    each call took."""
    made = {}
    config = {"url": deployment.website.url}
    async with claude(address, deployment.keys.token) as client:
        talk = Conversation(client, lambda _: None)
        await talk.call("check_monitor", provider="website", config=config)
        for number in range(swarm.monitors):
            began = time.monotonic()
            answer = await talk.call(
                "create_monitor",
                name=f"shop {number}",
                provider="website",
                config=config,
                interval=swarm.interval,
            )
            made[answer["id"]] = time.monotonic() - began
    return made


def _watched(deployment: Deployment, seconds: float) -> Mapping[str, Any]:
    """What the deployment's pods used meanwhile, and those that events pass through."""
    began = time.monotonic()
    looks, looked = [], []
    while (left := began + seconds - time.monotonic()) > 0:
        looked.append(time.monotonic())
        here = pods(deployment.kube.namespace)
        looks.append(here + [pod for pod in pods(*PLATFORM) if pod.app in UNDERWAY])
        time.sleep(min(EVERY, left))
    return usage(looks, looked[-1] - looked[0])


async def _readings(
    deployment: Deployment, monitors: Sequence[str], *, span: tuple[int, int]
) -> list[Reading]:
    """Of the slots from the first second of the span to before the last."""
    store = deployment.outside.databases.readings()
    try:
        return [
            reading
            for monitor in monitors
            for reading in await store.query(
                "local", monitor, since=span[0], until=span[1], limit=1000
            )
        ]
    finally:
        store.close()


def _noted(bucket: Mapping[str, str]) -> int:
    with InfluxDBClient(bucket["url"], bucket["token"], org=bucket["org"]) as client:
        tables = client.query_api().query(NOTES.format(bucket["bucket"]))
    return sum(int(row.get_value()) for table in tables for row in table.records)


def _due(schedule: Schedule, span: tuple[int, int]) -> int:
    return (span[1] - schedule.next_after(span[0] - 1) - 1) // schedule.interval + 1


def _verdict(readings: Sequence[Reading], due: int, *, noted: int) -> dict[str, Any]:
    """`lateness` is how long after its slot a poll began, in milliseconds; PingSource adds up to
    half a second of its own accord."""
    good = [reading for reading in readings if reading.metrics.get("up") == 1]
    begun = [reading.at - reading.duration for reading in good]
    late = [(at - one.slot) * 1000 for at, one in zip(begun, good, strict=True)]
    late = sorted(late) or [float("inf")]
    seconds = Counter(map(int, begun))
    span = max(seconds, default=0) - min(seconds, default=0) + 1
    mean = len(good) / span
    busiest = max(seconds.values(), default=0)
    return {
        "slots": due,
        "missed": due - len(good),
        "noted_as_missed": noted,
        "lateness_p50_ms": round(late[len(late) // 2], 1),
        "lateness_p99_ms": round(late[len(late) * 99 // 100], 1),
        "lateness_max_ms": round(late[-1], 1),
        "polls_a_second": round(mean, 2),
        "busiest_second": busiest,
        "silent_seconds": span - len(seconds),
        "pass": due == len(good) and not noted and busiest <= BUSIEST * mean,
    }


def main() -> int:
    """Defaults are the issue's: 200 monitors at 30 s for five minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.swarm", description=__doc__)
    parser.add_argument("--monitors", type=int, default=SWARM.monitors)
    parser.add_argument("--interval", type=int, default=SWARM.interval)
    parser.add_argument("--seconds", type=int, default=SWARM.seconds)
    given = parser.parse_args()
    try:
        [line] = run(swarm=Fleet(given.monitors, given.interval, given.seconds))
    except NotHereError as error:
        parser.error(str(error))
    tell(line)
    return 0 if line["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
