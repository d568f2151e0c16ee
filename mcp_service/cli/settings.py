"""`claude-monitor settings`: every setting, its value and where it comes from."""

import argparse
import os

import msgspec.structs

from mcp_service.cli.output import say
from mcp_service.settings import PREFIX, Settings, gather, load, meta_of

HIDDEN = "(set, not shown)"


def run(_: argparse.Namespace) -> int:
    settings = load()
    given = gather(os.environ)[0]
    for field in msgspec.structs.fields(Settings):
        value = _shown(settings, field, is_given=field.name in given)
        source = given[field.name].source if field.name in given else "default"
        say(f"{PREFIX}{field.name.upper()} = {value}")
        say(f"    {meta_of(field).description} ({source})")
    return 0


def _shown(settings: Settings, field: msgspec.structs.FieldInfo, *, is_given: bool) -> str:
    value = getattr(settings, field.name)
    if is_given and (meta_of(field).extra or {}).get("secret"):
        return HIDDEN
    return ", ".join(value) if isinstance(value, tuple) else str(value)
