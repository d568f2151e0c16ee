"""`claude-monitor stop`: end the service of this home in good order."""

import argparse
import os

from mcp_service.background import stop
from mcp_service.cli.output import say
from mcp_service.settings import home_of


def run(_: argparse.Namespace) -> int:
    home = home_of(os.environ)
    if stop(home):
        say("The service has ended; nothing is watched until it is started again.")
    else:
        say(f"No service runs in {home}.")
    return 0
