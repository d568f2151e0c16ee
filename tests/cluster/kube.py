"""The cluster as a person at a shell sees it: kubectl and kn in one namespace."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def run(*command: str, stdin: str | None = None, seconds: float = 120) -> str:
    """What the command printed; an AssertionError with its last words when it failed."""
    done = subprocess.run(
        command, check=False, input=stdin, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-1000:]}{done.stderr[-1000:]}"
    return done.stdout


def until(what: str, seen: Callable[[], T], seconds: float = 60) -> T:
    """The first true value of `seen`; an AssertionError when there is none in time."""
    end = time.monotonic() + seconds
    while not (value := seen()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.2)
    return value


class Kube:
    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return run("kubectl", "-n", self.namespace, *arguments, stdin=stdin)

    def apply(self, *manifests: dict[str, Any]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": manifests}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(items))

    def ready(self, *objects: str, seconds: int = 90) -> None:
        self.kubectl("wait", *objects, "--for=condition=Ready", f"--timeout={seconds}s")

    def has(self, thing: str) -> bool:
        return bool(self.kubectl("get", thing, "--ignore-not-found", "-o", "name"))

    def kn(self, *arguments: str) -> list[list[str]]:
        """The rows of a kn table, as lists of its columns; the first row are the headings."""
        table = run("kn", *arguments, "-n", self.namespace).splitlines()
        starts = [table[0].index(heading) for heading in table[0].split()]
        ends = [*starts[1:], None]
        return [[row[a:b].strip() for a, b in zip(starts, ends, strict=True)] for row in table]

    def pods(self, service: str) -> list[str]:
        """Those that serve; one that is being ended lingers for half a minute, uncounted."""
        selector = f"serving.knative.dev/service={service}"
        found = json.loads(self.kubectl("get", "pods", "-l", selector, "-o", "json"))
        return [
            item["metadata"]["name"]
            for item in found["items"]
            if "deletionTimestamp" not in item["metadata"]
        ]

    def log(self, service: str) -> str:
        """Of its pods so far; nothing while one of them is still starting."""
        selector = f"serving.knative.dev/service={service}"
        try:
            return self.kubectl("logs", "-l", selector, "-c", "user-container", "--tail=-1")
        except AssertionError:
            return ""


@contextmanager
def forwarded(namespace: str, service: str) -> Iterator[str]:
    """An address on loopback that leads to port 80 of a Service of the cluster."""
    with way_to(namespace, f"service/{service}", port=80) as address:
        yield address


@contextmanager
def way_to(namespace: str, thing: str, *, port: int) -> Iterator[str]:
    """An address on loopback that leads to a port of one Service or pod."""
    command = ["kubectl", "-n", namespace, "port-forward", thing, f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert "127.0.0.1:" in line, f"no way to {thing}: {line}"
            yield "http://127.0.0.1:" + line.split("127.0.0.1:")[1].split()[0]
        finally:
            process.terminate()
