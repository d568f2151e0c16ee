"""A check's CPU on a new connection, through the door and with all its phases, against `requests`
asking the same server."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.bench.frame import OURS, REFERENCE, rounds_of, start, verdict

LIMIT = 0.27


def run(rounds: int) -> list[dict[str, Any]]:
    """Microseconds of CPU per check, of the whole client process."""
    with start(_program("target"), core=REFERENCE, stdout=subprocess.PIPE, text=True) as target:
        try:
            url = f"http://127.0.0.1:{int(target.stdout.readline())}/"
            variants = {name: _checking(name, url) for name in ("door", "requests")}
            measured = rounds_of(variants, rounds)
        finally:
            target.kill()
    ours, reference = measured["door"], measured["requests"]
    return [verdict("check", ours, reference, unit="CPU us per check", limit=LIMIT)]


def _checking(client: str, url: str) -> Callable[[], float]:
    def measure() -> float:
        with start(_program(client, url), core=OURS, stdout=subprocess.PIPE, text=True) as child:
            told, _ = child.communicate(timeout=120)
        return float(told)

    return measure


def _program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.checking", *arguments]
