"""CPU per HTTP check on a new connection, through the door and with all phases measured, against
`requests` asking the same server the same way in the same round."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

LIMIT = 0.27
ROUNDS = 5
SECONDS = 1.5
LANES = 16
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n"
    b'Connection: close\r\n\r\n{"ok": true}\n'
)


def run() -> dict[str, Any]:
    """Microseconds of CPU per check of both, and the median of the rounds' ratios."""
    server = _start("serve", core=1, stdout=subprocess.PIPE)
    assert server.stdout
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
        rounds = [(_measure("ours", url), _measure("requests", url)) for _ in range(ROUNDS)]
    finally:
        server.kill()
        server.wait()
    return _verdict(rounds)


def _verdict(rounds: list[tuple[float, float]]) -> dict[str, Any]:
    ours, reference = zip(*rounds, strict=True)
    ratio = median(one / other for one, other in rounds)
    spread = (max(reference) - min(reference)) / median(reference)
    return {
        "bench": "check",
        "value": round(median(ours), 1),
        "reference": round(median(reference), 1),
        "unit": "CPU us per check",
        "ratio": round(ratio, 3),
        "limit": LIMIT,
        "spread": round(spread, 3),
        "noisy": spread > 0.3,
        "pass": ratio <= LIMIT,
    }


def _start(role: str, *arguments: str, core: int, stdout: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.check", role, str(core), *arguments]
    return subprocess.Popen(command, stdout=stdout, text=True)


def _measure(role: str, url: str) -> float:
    with _start(role, url, core=0, stdout=subprocess.PIPE) as client:
        told, _ = client.communicate(timeout=60)
    return float(told)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _serve() -> None:
    def answer() -> asyncio.Protocol:
        return _Answering()

    server = await asyncio.get_running_loop().create_server(answer, "127.0.0.1", 0, backlog=1024)
    _tell(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(ANSWER)
        self._transport.close()


async def _ours(url: str) -> float:
    from functions.clients.http import outbound_http  # noqa: PLC0415 - only its own process pays for it
    from functions.core.ports import HttpRequest  # noqa: PLC0415 - as above

    http, request = outbound_http(["127.0.0.0/8"]), HttpRequest(url=url)

    async def lane(until: float) -> int:
        done = 0
        while time.monotonic() < until:
            assert (await http.fetch(request)).status == 200
            done += 1
        return done

    await lane(time.monotonic() + 0.3)
    before, until = _cpu(), time.monotonic() + SECONDS
    counts = await asyncio.gather(*(lane(until) for _ in range(LANES)))
    return (_cpu() - before) / sum(counts) * 1e6


def _requests(url: str) -> float:
    import requests  # noqa: PLC0415 - only its own process pays for it

    counts: list[int] = []

    def lane(until: float) -> None:
        done = 0
        while time.monotonic() < until:
            assert requests.get(url, timeout=10).status_code == 200
            done += 1
        counts.append(done)

    lane(time.monotonic() + 0.3)
    counts.clear()
    before, until = _cpu(), time.monotonic() + SECONDS
    lanes = [threading.Thread(target=lane, args=(until,)) for _ in range(LANES)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    return (_cpu() - before) / sum(counts) * 1e6


def _tell(figure: float) -> None:
    sys.stdout.write(f"{figure}\n")
    sys.stdout.flush()


def _in_role(role: str, core: int, *arguments: str) -> None:
    import uvloop  # noqa: PLC0415 - the parent needs no loop

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})
    roles: dict[str, Callable[..., Any]] = {
        "serve": lambda: uvloop.run(_serve()),
        "ours": lambda url: _tell(uvloop.run(_ours(url))),
        "requests": lambda url: _tell(_requests(url)),
    }
    roles[role](*arguments)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _in_role(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
    else:
        _verdict_line = run()
        sys.stdout.write(json.dumps(_verdict_line) + "\n")
        sys.exit(0 if _verdict_line["pass"] else 1)
