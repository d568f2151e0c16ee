"""The one place where the command line prints."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str = "") -> None:
    print(line, flush=True)  # noqa: T201 - the command line speaks here


def complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the command line speaks here


@contextmanager
def step(words: str) -> Iterator[None]:
    """Announce work that may take over a second, and how long it took."""
    print(f"{words} ...", end=" ", flush=True)  # noqa: T201 - the command line speaks here
    began = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"done ({time.monotonic() - began:.1f} s)")
