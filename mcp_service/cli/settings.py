"""`claude-monitor settings`: every setting, its value and where it comes from."""

import argparse
import os
from collections.abc import Mapping

import msgspec.structs

from mcp_service.cli.output import say
from mcp_service.settings import PREFIX, Origin, Settings, gather, load, meta_of

HIDDEN = "(set, not shown)"


def run(_: argparse.Namespace) -> int:
    settings = load()
    given = gather(os.environ)[0]
    for field in msgspec.structs.fields(Settings):
        say(f"{PREFIX}{field.name.upper()} = {shown(settings, field)}")
        say(f"    {meta_of(field).description} ({source(field.name, given)})")
    return 0


def shown(settings: Settings, field: msgspec.structs.FieldInfo) -> str:
    """The value for people: secrets are never shown."""
    value = getattr(settings, field.name)
    if (meta_of(field).extra or {}).get("secret") and value:
        return HIDDEN
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def source(name: str, given: Mapping[str, Origin]) -> str:
    return given[name].source if name in given else "default"
