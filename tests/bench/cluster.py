"""What the benches on a cluster need of it, and what they see of its pods."""

import json
import os
import re
from collections.abc import Iterator, Sequence

import msgspec

from tests.bench.frame import NotHereError
from tests.cluster.kube import run

HOW = (
    "it needs a cluster, and the programs of MariaDB, Redis and InfluxDB: ../shared/lab/lab up; "
    '../shared/lab/services up; eval "$(../shared/lab/lab env)"'
)
_GENERATED = re.compile(r"(-\d{5}-deployment)?-[a-z0-9]{6,10}-[a-z0-9]{5}$")
"""What Knative and Kubernetes append to a name to make a pod's."""


class Pod(msgspec.Struct, frozen=True):
    """As its node sees it: memory without what can be dropped at once, in MiB, and the CPU seconds
    that it has used so far. `app` is its name without what is generated."""

    name: str
    app: str
    mib: float
    cpu: float


def require_cluster() -> None:
    """Raises NotHereError where the environment names no cluster."""
    if not os.environ.get("KUBECONFIG"):
        raise NotHereError(f"KUBECONFIG is not set; {HOW}")


def pods(*namespaces: str) -> list[Pod]:
    """Those of these namespaces that run."""
    found = []
    for node in run("kubectl", "get", "nodes", "-o", "name").split():
        name = node.partition("/")[2]
        told = run("kubectl", "get", "--raw", f"/api/v1/nodes/{name}/proxy/stats/summary")
        found += [
            pod for pod in json.loads(told)["pods"] if pod["podRef"]["namespace"] in namespaces
        ]
    return [_pod(pod["podRef"]["name"], pod["containers"]) for pod in found]


def usage(looks: Sequence[Sequence[Pod]], seconds: float) -> dict[str, dict[str, float]]:
    """By app: the most pods and the most memory of all of them at one look, and the CPU used from
    the first look to the last, `seconds` later."""
    told = {}
    for app in sorted({pod.app for look in looks for pod in look}):
        of_it = [[pod for pod in look if pod.app == app] for look in looks]
        told[app] = {
            "pods": max(map(len, of_it)),
            "mib": round(max(sum(pod.mib for pod in look) for look in of_it), 1),
            "cpu_percent": round(sum(_used(of_it)) / seconds * 100, 1),
        }
    return told


def _used(looks: Sequence[Sequence[Pod]]) -> Iterator[float]:
    """The CPU seconds of each pod; all of them, of one that came later."""
    first = {pod.name: pod.cpu for pod in looks[0]}
    last = {pod.name: pod.cpu for look in looks for pod in look}
    return (cpu - first.get(name, 0.0) for name, cpu in last.items())


def _pod(name: str, containers: Sequence[dict[str, dict[str, float]]]) -> Pod:
    mib = sum(one["memory"].get("workingSetBytes", 0) for one in containers) / 2**20
    cpu = sum(one["cpu"].get("usageCoreNanoSeconds", 0) for one in containers) / 1e9
    return Pod(name, _GENERATED.sub("", name), mib, cpu)
