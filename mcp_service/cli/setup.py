"""`claude-monitor setup`: everything the service needs here, or on a cluster; run again, it changes
nothing."""

import argparse
import asyncio
import os
from pathlib import Path

from mcp_service.cli.output import say, step
from mcp_service.home import prepare
from mcp_service.keys import make_keys
from mcp_service.settings import PREFIX, Settings, home_of, load, settings_file

WORDS = """\
# Settings of claude-monitor; the environment wins over this file.
# All there are, with their meaning: claude-monitor settings
#{prefix}SMTP_URL=smtp://user:password@mail.example.com:587
#{prefix}MAIL_FROM=monitor@example.com
"""


def run(chosen: argparse.Namespace) -> int:
    if chosen.cluster:
        return _on_cluster(load())
    home = home_of(os.environ)
    with step(f"Home folder {home}"):
        prepare(home)
        home.chmod(0o700)
        _write_settings(settings_file(home))
    settings = load()
    with step(f"Keys in {settings.keys}"):
        make_keys(Path(settings.keys))
    _migrate(settings)
    say("Set up. Next: claude-monitor serve")
    return 0


def _on_cluster(settings: Settings) -> int:
    from mcp_service.runtime.key_secrets import write_key_secrets  # noqa: PLC0415 - seldom needed

    with step("Keys as Secrets of the namespace"):
        written = asyncio.run(write_key_secrets())
    say(f"Written: {', '.join(written) or 'nothing, all were there'}")
    _migrate(settings)
    return 0


def _migrate(settings: Settings) -> None:
    with step("Database"):
        from mcp_service.database.migrate import migrate  # noqa: PLC0415 - it takes its time

        migrate(settings.database_url)


def _write_settings(file: Path) -> None:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(WORDS.format(prefix=PREFIX), encoding="utf-8")
    file.chmod(0o600)
