"""`claude-monitor version`."""

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version

from mcp_service.cli.output import say


def run(_: argparse.Namespace) -> int:
    say(f"claude-monitor {our_version()} on Python {platform.python_version()}")
    return 0


def our_version() -> str:
    try:
        return version("claude-monitor")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0 (not installed)"
