"""`claude-monitor setup`: everything the service needs here; run again, it changes nothing."""

import argparse
import os
from pathlib import Path

from mcp_service.cli.output import say, step
from mcp_service.home import prepare
from mcp_service.keys import make_keys
from mcp_service.settings import PREFIX, home_of, load, settings_file

WORDS = """\
# Settings of claude-monitor; the environment wins over this file.
# All there are, with their meaning: claude-monitor settings
#{prefix}SMTP_URL=smtp://user:password@mail.example.com:587
#{prefix}MAIL_FROM=monitor@example.com
"""


def run(_: argparse.Namespace) -> int:
    home = home_of(os.environ)
    with step(f"Home folder {home}"):
        prepare(home)
        home.chmod(0o700)
        _write_settings(settings_file(home))
    settings = load()
    with step(f"Keys in {settings.keys}"):
        make_keys(Path(settings.keys))
    with step("Database"):
        from mcp_service.database.migrate import migrate  # noqa: PLC0415 - it takes its time

        migrate(settings.database_url)
    say("Set up. Next: claude-monitor serve")
    return 0


def _write_settings(file: Path) -> None:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(WORDS.format(prefix=PREFIX), encoding="utf-8")
    file.chmod(0o600)
