"""What all benches share: rounds in which the variants alternate, pinned processes, one verdict."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
NOISY = 0.30
"""When the reference itself differs by more than this between rounds, a ratio says nothing."""
OURS, REFERENCE = 0, 1
"""The cores for what is measured and for what serves it, where there are two."""


class NotHereError(Exception):
    """This machine lacks what the bench needs; the message says what, and how to get it."""


def rounds_of(variants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Each variant once per round, there and back, so that none always follows the same other;
    after a round that is thrown away."""
    found: dict[str, list[T]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(rounds + 1):
        for name in names[:: -1 if number % 2 else 1]:
            value = variants[name]()
            if number:
                found[name].append(value)
    return found


def verdict(
    bench: str, ours: Sequence[float], reference: Sequence[float], *, unit: str, limit: float
) -> dict[str, Any]:
    """One JSON line: medians, the median of the ratios within a round, their spread, and whether
    the limit holds (null when the reference wanders)."""
    ratios = [one / other for one, other in zip(ours, reference, strict=True)]
    wander = _spread(reference)
    noisy = wander > NOISY
    ratio = round(median(ratios), 3)
    return {
        "bench": bench,
        "unit": unit,
        "value": round(median(ours), 3),
        "reference": round(median(reference), 3),
        "ratio": ratio,
        "spread": round(_spread(ratios), 3),
        "limit": limit,
        "rounds": len(ratios),
        "reference_spread": round(wander, 3),
        "noisy": noisy,
        "pass": None if noisy else ratio <= limit,
    }


def _spread(values: Sequence[float]) -> float:
    """Between the quartiles, as part of the median: one disturbed round is not yet noise."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return (ordered[-1 - quarter] - ordered[quarter]) / median(ordered)


def start(
    command: Sequence[str], *, core: int, environ: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[Any]:
    """A child on one core in a session of its own. It may write byte code, whatever this machine's
    custom is: after the round that is thrown away everything is compiled, as it is in an image."""
    ours = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.Popen(
        pinned(command, core),
        cwd=ROOT,
        env={**os.environ, **ours, **(environ or {})},
        start_new_session=True,
        **options,
    )


def pinned(command: Sequence[str], core: int) -> list[str]:
    """The command on one core, where there are two to choose from."""
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core]), *command] if len(cores) > 1 else [*command]


@contextmanager
def on_one_core(core: int = OURS) -> Iterator[None]:
    """This thread and those that it starts, where there are two cores to choose from."""
    cores = os.sched_getaffinity(0)
    if len(cores) > 1:
        os.sched_setaffinity(0, {sorted(cores)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def tell(line: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
