"""`python -m tests.bench [NAME ...] [--rounds N]`: one line of JSON for each limit; exit code 1
when one is broken. A bench is a module here with `run(rounds) -> verdicts`."""

import argparse
import sys
from importlib import import_module

from tests.bench.frame import tell

BENCHES = ("cold", "check", "codec", "imports", "lineproto", "store")


def main() -> int:
    """All benches, or those named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--rounds", type=int, default=7, help="how often each variant is measured")
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHES)
    if unknown or given.rounds < 1:
        parser.error(f"choose from {', '.join(BENCHES)}, and one round or more")
    broken = False
    for name in given.names or BENCHES:
        for line in import_module(f"tests.bench.{name}").run(given.rounds):
            tell(line)
            broken = broken or line["pass"] is False
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
