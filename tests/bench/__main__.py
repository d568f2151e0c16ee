"""`python -m tests.bench [NAME ...] [--rounds N]`: one line of JSON for each limit; exit code 1
when one is broken. A bench is a module here with `run(rounds) -> verdicts`."""

import argparse
import sys
from importlib import import_module

from tests.bench.frame import NotHereError, tell

BENCHES = ("cold", "check", "codec", "imports", "lineproto", "store", "tick", "swarm")
ROUNDS = 7


def main() -> int:
    """All benches, or those named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    told = f"how often each variant is measured ({ROUNDS}, or what the bench says)"
    parser.add_argument("--rounds", type=int, help=told)
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHES)
    if unknown or (given.rounds or 1) < 1:
        parser.error(f"choose from {', '.join(BENCHES)}, and one round or more")
    held = [holds(name, given) for name in given.names or BENCHES]
    return int(not all(held))


def holds(name: str, given: argparse.Namespace) -> bool:
    """Whether no limit of this bench is broken. One that cannot run here says so; it counts as
    broken when it was asked for by name, as does one whose reference wanders."""
    bench = import_module(f"tests.bench.{name}")
    try:
        lines = bench.run(given.rounds or getattr(bench, "ROUNDS", ROUNDS))
    except NotHereError as error:
        sys.stderr.write(f"THE BENCH {name.upper()} DID NOT RUN: {error}\n")
        return name not in given.names
    for line in lines:
        tell(line)
    asked = name in given.names
    return all(line["pass"] or (line["pass"] is None and not asked) for line in lines)


if __name__ == "__main__":
    sys.exit(main())
