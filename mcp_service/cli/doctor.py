"""`claude-monitor doctor`: every part tried, with the time it took and the way to repair it."""

import argparse
import asyncio
import os
import time
from inspect import isawaitable

from functions.core.errors import MonitorError
from mcp_service.cli import parts
from mcp_service.cli.output import say
from mcp_service.settings import home_of, load

SICK = 1
PATIENCE = 20.0
"""Seconds that one part may take."""


def run(_: argparse.Namespace) -> int:
    """0 when every part that is set up works."""
    return asyncio.run(_examine())


async def _examine() -> int:
    well = await _told("python", parts.python)
    well &= await _told("home", lambda: parts.home(home_of(os.environ)))
    try:
        settings = load()
    except MonitorError as error:
        say(f"FAILED  settings: {error.message}")
        return SICK
    for name, part in parts.examined(settings).items():
        well &= await _told(name, part)
    say("All is well." if well else "Repair what failed, then run doctor again.")
    return 0 if well else SICK


async def _told(name: str, part: parts.Part) -> bool:
    """Try one part and say how it is. A part that is not set up is no failure."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            said = part()
            mark, words = "ok", await said if isawaitable(said) else said
    except parts.NotSetUp as missing:
        mark, words = "-", missing.words
    except MonitorError as error:
        mark, words = "FAILED", error.message
    except TimeoutError:
        mark, words = "FAILED", f"no answer within {PATIENCE:.0f} s"
    say(f"{mark:<7} {name} ({time.monotonic() - began:.2f} s): {words}")
    return mark != "FAILED"
