"""`claude-monitor status`: whether the service runs, and whether it does its work."""

import argparse
from pathlib import Path

from mcp_service.background import ask, find
from mcp_service.cli.output import say
from mcp_service.home import owner, standing
from mcp_service.settings import load

NOT_RUNNING, NOT_WELL = 3, 1


def run(_: argparse.Namespace) -> int:
    """0 when it runs and is well, 1 when it is not well, 3 when it does not run."""
    home = Path(load().home)
    url, known = find(home), standing(home)
    if url is None or known is None:
        starting = "is starting" if owner(home) else "does not run; start it: claude-monitor serve"
        say(f"The service of {home} {starting}.")
        return NOT_RUNNING
    say(f"The service runs at {url} (process {known.pid}).")
    problems = ask(url, "/readyz").get("problems", [])
    for problem in problems:
        say(f"  {problem}")
    say("Something is wrong." if problems else "All is well.")
    return NOT_WELL if problems else 0
