"""How this program is called from a terminal: its place and its home, wherever a person stands."""

import os
import shlex
import sys
from pathlib import Path

from mcp_service.settings import PREFIX


def program() -> list[str]:
    """The installed command, or the module where there is none."""
    installed = Path(sys.executable).with_name("claude-monitor")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "mcp_service"]


def own_home() -> str:
    """The home that the environment names; empty for the default one."""
    return os.environ.get(f"{PREFIX}HOME", "")


def terminal_line(runtime: str, *verb: str) -> str:
    """What a person types so that a verb reaches the service that says so."""
    if runtime == "knative":
        pod = "kubectl exec -it deployment/claude-monitor -- python -m mcp_service"
        return f"{pod} {shlex.join(verb)}"
    home = own_home()
    named = f"{PREFIX}HOME={shlex.quote(home)} " if home else ""
    return named + shlex.join([*program(), *verb])
