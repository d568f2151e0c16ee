"""`claude-monitor serve`: the service in the foreground."""

import argparse
import shlex

from mcp_service.cli.output import say
from mcp_service.program import own_home, program
from mcp_service.settings import PREFIX, Settings, load


def run(chosen: argparse.Namespace) -> int:
    settings = load()
    say(f"claude-monitor starts in {settings.home} ...")
    from mcp_service.serve import serve  # noqa: PLC0415 - settings are checked before it loads

    path = "/sse" if chosen.transport == "sse" else "/mcp"

    def ready(url: str) -> None:
        say(f"claude-monitor answers at {url}{path}. Connect Claude Code with one of:")
        say(f"  {http_line(settings, chosen.transport, url=url + path)}")
        say(f"  {stdio_line()}")

    serve(settings, chosen.transport, ready=ready)
    say("The service has ended; nothing is watched until it is started again.")
    return 0


def http_line(settings: Settings, transport: str, *, url: str) -> str:
    """The command that connects Claude Code to a running service."""
    line = f"claude mcp add --transport {transport} claude-monitor {url}"
    if settings.token:
        line += f' --header "Authorization: Bearer ${PREFIX}TOKEN"'
    return line


def stdio_line() -> str:
    """The command that has Claude Code start the bridge, which starts the service."""
    home = own_home()
    options = ["-e", f"{PREFIX}HOME={home}"] if home else []
    return shlex.join(["claude", "mcp", "add", "claude-monitor", *options, "--", *program(), "mcp"])
