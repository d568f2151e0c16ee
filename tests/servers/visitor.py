"""One HTTP check in a process of its own, so that its peak memory and its time can be told."""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from functions.clients.authorities import Authorities
from functions.clients.http import CurlHttp
from functions.clients.resolver import AresResolver
from functions.core.errors import SourceUnavailable
from functions.core.outbound import Door
from functions.core.ports import HttpRequest


@dataclass(frozen=True)
class Visit:
    """What came of it: a status or the error's words, the bytes kept, the seconds it took, and by
    how many KiB the process grew at its peak over an honest check."""

    status: int
    words: str
    kept: int
    truncated: bool
    seconds: float
    grown: int


def visit(url: str, *, warm_up: str, deadline: float, body_limit: int = 2**20) -> Visit:
    """Check `url` in a fresh process that has checked `warm_up` before."""
    limits = [str(deadline), str(body_limit)]
    command = [sys.executable, "-m", "tests.servers.visitor", url, warm_up, *limits]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return Visit(**json.loads(told.stdout))


def _peak() -> int:
    """KiB. Not ru_maxrss, which a process inherits from the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


async def _visit(request: HttpRequest, warm_up: str) -> Visit:
    # An authority that signed nothing: no handshake of these servers gets that far.
    trust = Authorities(folder="tests")
    http = CurlHttp(Door(AresResolver(), ["127.0.0.0/8"]), trust)
    await http.fetch(HttpRequest(url=warm_up))
    _forget_peak()
    before, begun = _peak(), time.perf_counter()
    status, words, kept, truncated = 0, "", 0, False
    try:
        response = await http.fetch(request)
    except SourceUnavailable as failed:
        words = failed.message
    else:
        status, kept, truncated = response.status, len(response.body), response.truncated
    seconds = time.perf_counter() - begun
    http.close()
    return Visit(status, words, kept, truncated, seconds, _peak() - before)


if __name__ == "__main__":
    url, warm_up, deadline, limit = sys.argv[1:]
    request = HttpRequest(url=url, deadline=float(deadline), body_limit=int(limit))
    seen = asyncio.run(_visit(request, warm_up))
    sys.stdout.write(json.dumps(asdict(seen)))
