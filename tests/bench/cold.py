"""Process start to the first finished poll, and its memory: ours against the framework's empty
function and against a naive build of the same poll (a verified TLS check, one event posted)."""

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import psutil

from functions.core.cloudevent import Event, encode
from functions.core.events import PING
from functions.core.monitor import MonitorSpec, utc_text
from functions.core.seal import sign_spec
from mcp_service.keys import make_keys
from tests.bench.frame import OURS, REFERENCE, rounds_of, start, verdict
from tests.servers.function import framework_command, serve_command
from tests.servers.port import free_port

EMPTY_LIMIT, NAIVE_LIMIT, MEMORY_LIMIT = 1.3, 0.45, 1.8


class Outside(msgspec.Struct):
    """Where the poll goes, and the environment that every variant gets."""

    target: str
    environ: dict[str, str]
    keys: Path


class Cold(msgspec.Struct):
    """One start: milliseconds to the answer of the first event, the CPU time of the process tree
    until then, and its memory (PSS) after it."""

    ms: float
    cpu_ms: float
    mb: float


def run(rounds: int) -> list[dict[str, Any]]:
    """Wall time is judged; the ratio of CPU times beside it survives busy neighbours."""
    with tempfile.TemporaryDirectory() as folder, outside(Path(folder)) as reached:
        plain = encode(_event(msgspec.json.encode({"url": reached.target})))
        tick = _signed_tick(reached)
        environ = reached.environ
        found = rounds_of(
            {
                "ours": lambda: cold(serve_command("poll"), tick, environ),
                "empty": lambda: cold(_command("empty", "empty"), plain, environ),
                "naive": lambda: cold(_command("naive", "poll"), plain, environ),
            },
            rounds,
        )
    lines = [
        _timed(found, "empty", EMPTY_LIMIT),
        _timed(found, "naive", NAIVE_LIMIT),
    ]
    ours, empty = ([one.mb for one in found[name]] for name in ("ours", "empty"))
    return [*lines, verdict("poll memory", ours, empty, unit="MB PSS", limit=MEMORY_LIMIT)]


def _timed(found: dict[str, list[Cold]], name: str, limit: float) -> dict[str, Any]:
    ours, reference = ([one.ms for one in found[key]] for key in ("ours", name))
    cpu = [one.cpu_ms / other.cpu_ms for one, other in zip(found["ours"], found[name], strict=True)]
    line = verdict(f"cold start against {name}", ours, reference, unit="ms", limit=limit)
    return line | {"cpu_ratio": round(median(cpu), 3)}


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """Target and broker on the other core, and keys as `claude-monitor setup` makes them."""
    make_keys(folder)
    command = [sys.executable, "-m", "tests.bench.outside", str(folder)]
    server = start(command, core=REFERENCE, stdout=subprocess.PIPE, text=True)
    try:
        target, broker, bundle = server.stdout.readline().split(maxsplit=2)
        bundle = bundle.strip()
        environ = {
            "BROKER_URL": f"http://127.0.0.1:{broker}/",
            "CLAUDE_MONITOR_KEYS": str(folder),
            "CLAUDE_MONITOR_ALLOW_PRIVATE": "127.0.0.0/8,::1/128",
            "SSL_CERT_FILE": bundle,
            "REQUESTS_CA_BUNDLE": bundle,
            "HOST": "127.0.0.1",
        }
        yield Outside(f"https://localhost:{target}/", environ, folder)
    finally:
        _end(server)


def cold(command: list[str], event: tuple[dict[str, str], bytes], environ: dict[str, str]) -> Cold:
    """Start the command, post its first event as soon as it listens, and end it."""
    port = free_port()
    began = time.perf_counter()
    process = start(
        command,
        core=OURS,
        environ=environ | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _post(port, event)
        took = (time.perf_counter() - began) * 1000
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        times = [one.cpu_times() for one in tree]
        return Cold(
            ms=took,
            cpu_ms=sum(used.user + used.system for used in times) * 1000,
            mb=sum(one.memory_full_info().pss for one in tree) / 1e6,
        )
    finally:
        _end(process)


def _post(port: int, event: tuple[dict[str, str], bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            connection.connect()
            break
        except ConnectionRefusedError:
            time.sleep(0.001)
    connection.request("POST", "/", event[1], event[0])
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"the first event was answered {answer.status}: {text!r}")


def _end(process: subprocess.Popen[Any]) -> None:
    """The group that the process leads; its workers are gone as well before anybody is measured."""
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(workers)
    if process.stdout:
        process.stdout.close()


def _command(folder: str, target: str) -> list[str]:
    command = framework_command(target)
    command[command.index("--source") + 1] = f"tests/bench/{folder}/main.py"
    return command


def _event(data: bytes) -> Event:
    return Event(id="1", source="bench", type=PING, time=utc_text(time.time()), data=data)


def _signed_tick(reached: Outside) -> tuple[dict[str, str], bytes]:
    spec = MonitorSpec(
        id="shop",
        tenant="local",
        version=1,
        provider="website",
        config={"url": reached.target},
        interval=60,
        phase=0,
    )
    return encode(_event(sign_spec(spec, (reached.keys / "spec.key").read_text())))
