"""On a cluster: from a tick to its reading in InfluxDB, poll starting from zero, against the cold
answer of an empty functions-framework function; and the same with record and alert at zero, too.

Both are posted to the cluster's inner gateway, where PingSource posts to. A reading is stored when
InfluxDB has answered its write: the Broker answers poll, and poll the tick, a little later."""

import http.client
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import msgspec

from functions.core.events import PING, Event, encode, reading_event, sealed
from functions.core.monitor import utc_text
from functions.core.reading import Reading
from functions.core.seal import sign_spec
from tests.bench.acceptance import Acceptance
from tests.bench.cluster import require_cluster
from tests.bench.frame import rounds_of, verdict
from tests.cluster.conftest import Deployment, deployed, outside, put_rule
from tests.cluster.deployment import ROOT
from tests.cluster.kube import forwarded, until
from tests.cluster.kube import run as command

ROUNDS = 10
LIMIT = 1.3
WINDOW = {"autoscaling.knative.dev/window": "6s"}
"""The shortest there is, so that a round does not take minutes."""
SETTLE = 1.0
"""Seconds for what happened before to come to rest."""
FUNCTIONS = ("poll", "record", "alert")
Posted = tuple[dict[str, str], bytes]


def run(rounds: int) -> list[dict[str, Any]]:
    """Milliseconds. Raises NotHereError where there is no cluster."""
    require_cluster()
    with _deployed() as cluster:
        found = rounds_of(
            {
                "stored": lambda: cluster.tick(warm=True),
                "empty": cluster.empty,
                "all cold": lambda: cluster.tick(warm=False),
            },
            rounds,
        )
    stored, cold = found["stored"], found["all cold"]
    empty = [one[0] for one in found["empty"]]
    line = verdict("tick stored", [one[0] for one in stored], empty, unit="ms", limit=LIMIT)
    ratios = [one[0] / other for one, other in zip(cold, empty, strict=True)]
    line |= {
        "answered": round(median(one[1] for one in stored), 3),
        "all_cold": round(median(one[0] for one in cold), 3),
        "all_cold_ratio": round(median(ratios), 3),
    }
    return [line]


class _Cluster(msgspec.Struct, frozen=True):
    """A deployment whose InfluxDB is behind `relay`; `gateway` is an address of this machine that
    leads to the cluster's inner gateway."""

    deployment: Deployment
    relay: Acceptance
    gateway: str

    def tick(self, *, warm: bool) -> tuple[float, float]:
        """Milliseconds until the reading is stored, and until the tick is answered."""
        kube, shop = self.deployment.kube, self.deployment.shop
        others = () if warm else ("record", "alert")
        until("functions at zero", lambda: not any(map(kube.pods, ("poll", *others))), 120)
        if warm:
            self._wake()
        time.sleep(SETTLE)
        before = len(self.relay.moments)
        document = sign_spec(shop, self.deployment.keys.signing)
        began, ended = self._post("poll", _ping(document))
        stored = self.relay.moments[before]
        return (stored - began) * 1000, (ended - began) * 1000

    def empty(self) -> tuple[float, float]:
        """Milliseconds until it answers, as above."""
        until("the empty one at zero", lambda: not self.deployment.kube.pods("empty"), 120)
        time.sleep(SETTLE)
        began, ended = self._post("empty", _ping(b"{}"))
        return (ended - began) * 1000, (ended - began) * 1000

    def _wake(self) -> None:
        """Record and alert have seen a reading shortly before."""
        shop = self.deployment.shop
        now = time.time()
        reading = Reading(
            tenant=shop.tenant,
            monitor=shop.id,
            version=shop.version,
            provider=shop.provider,
            slot=shop.schedule.slot(now) - shop.interval,
            interval=shop.interval,
            at=now,
            metrics={"up": 1.0},
        )
        event = encode(sealed(reading_event(reading), self.deployment.keys.events))
        for function in ("record", "alert"):
            self._post(function, event)

    def _post(self, function: str, event: Posted) -> tuple[float, float]:
        """The moments before it was sent and after it was answered, on a new connection as each
        tick has one."""
        gateway = urlsplit(self.gateway)
        host = f"{function}.{self.deployment.kube.namespace}.svc.cluster.local"
        began = time.monotonic()
        connection = http.client.HTTPConnection(gateway.netloc, timeout=60)
        connection.request("POST", "/", event[1], event[0] | {"host": host})
        answer = connection.getresponse()
        said = answer.read()
        ended = time.monotonic()
        connection.close()
        if answer.status != 204:
            raise RuntimeError(f"{function} answered {answer.status}: {said!r}")
        return began, ended


def _ping(document: bytes) -> Posted:
    """A tick as PingSource sends it."""
    now = utc_text(time.time())
    return encode(Event(id=str(uuid.uuid4()), source="bench", type=PING, time=now, data=document))


@contextmanager
def _deployed() -> Iterator[_Cluster]:
    with tempfile.TemporaryDirectory() as made, outside() as reached:
        bucket, folder = reached.databases.bucket, Path(made)
        with Acceptance(bucket["url"]) as relay:
            own = msgspec.structs.replace(reached.databases, bucket={**bucket, "url": relay.url})
            behind = msgspec.structs.replace(reached, databases=own)
            with (
                deployed(behind, folder) as deployment,
                forwarded("kourier-system", "kourier-internal") as gateway,
            ):
                _prepare(deployment, folder)
                yield _Cluster(deployment, relay, gateway)


def _prepare(deployment: Deployment, folder: Path) -> None:
    """The rule that alert judges, the reference, short windows, and nothing else that ticks."""
    kube = deployment.kube
    put_rule(deployment.outside.databases.mysql, deployment.shop)
    kube.kubectl("delete", "pingsource", "sweep")
    patch = msgspec.json.encode({"spec": {"template": {"metadata": {"annotations": WINDOW}}}})
    for function in FUNCTIONS:
        kube.kubectl("patch", "ksvc", function, "--type=merge", "-p", patch.decode())
    kube.apply(_empty(_image(folder / "empty")))
    time.sleep(SETTLE)
    kube.ready(*(f"ksvc/{name}" for name in (*FUNCTIONS, "empty")))


def _image(folder: Path) -> str:
    """Builds the reference with the version of the framework that ours has."""
    framework = version("functions-framework")
    shutil.copytree(Path(__file__).parent / "empty", folder)
    (folder / "requirements.txt").write_text(f"functions-framework=={framework}\n")
    command(str(ROOT / "images" / "build"), framework, str(folder), seconds=600)
    return f"dev.local/claude-monitor-empty:{framework}"


def _empty(image: str) -> dict[str, Any]:
    """With the requests and limits of our functions, and as little else as the namespace takes."""
    container = {
        "image": image,
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"memory": "256Mi"},
        },
        "securityContext": {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    scale = {**WINDOW, "autoscaling.knative.dev/initial-scale": "0"}
    inside = {"networking.knative.dev/visibility": "cluster-local"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "empty", "labels": inside},
        "spec": {
            "template": {
                "metadata": {"annotations": scale},
                "spec": {"containers": [container]},
            }
        },
    }
