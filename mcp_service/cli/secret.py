"""`claude-monitor secret`: values that monitors send, sealed the moment they are entered."""

import argparse
import asyncio
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_service.app import App
from mcp_service.chosen import chosen_app, set_up
from mcp_service.cli.output import say
from mcp_service.clock import SteadyClock
from mcp_service.home import prepare
from mcp_service.refusals import wrong
from mcp_service.secrets import NO_TEXT, drop_secret, list_secrets, put_secret
from mcp_service.settings import LOCAL_TENANT, load

if TYPE_CHECKING:
    from mcp_service.cluster import ClusterApp

ROLE = "poll"
"""The function that sends monitors' secrets."""


def run(chosen: argparse.Namespace) -> int:
    settings = load()
    value = _entered(chosen.name) if chosen.action == "set" else ""
    prepare(Path(settings.home))
    set_up(settings)
    asyncio.run(_act(chosen, value, app=chosen_app(settings, SteadyClock())))
    return 0


async def _act(chosen: argparse.Namespace, value: str, *, app: "App | ClusterApp") -> None:
    service, tenant = app.service, LOCAL_TENANT
    try:
        if chosen.action == "set":
            await put_secret(
                service, tenant, name=chosen.name, value=value, hosts=chosen.host, role=ROLE
            )
            say(f"{chosen.name} is sealed; name it in a monitor's secrets to use it.")
        elif chosen.action == "delete":
            await drop_secret(service, tenant, name=chosen.name)
            say(f"{chosen.name} is forgotten.")
        else:
            stored = await list_secrets(service, tenant)
            for secret in stored:
                say(f"{secret.name}: for {', '.join(secret.hosts)}")
            if not stored:
                say("No secret is stored; see: claude-monitor secret set --help")
    finally:
        await app.close()


def _entered(name: str) -> str:
    """From a pipe, or asked for without an echo; never from the command line, which others see."""
    try:
        if sys.stdin.isatty():
            return getpass.getpass(f"Value of {name} (not shown): ")
        return sys.stdin.read().removesuffix("\n")
    except EOFError:
        raise wrong("value", "was not entered; nothing is stored") from None
    except UnicodeDecodeError:
        raise wrong("value", NO_TEXT) from None
