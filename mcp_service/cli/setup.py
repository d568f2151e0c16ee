"""`claude-monitor setup`: everything the service needs here, or on a cluster; run again, it changes
nothing."""

import argparse
import asyncio
import os
from pathlib import Path

from functions.core.errors import Fault, InvalidConfiguration
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
    from mcp_service.runtime.redis_users import write_redis_users  # noqa: PLC0415 - seldom needed

    if settings.runtime != "knative":
        problem = "must be knative for --cluster; without it, setup is for this machine"
        raise InvalidConfiguration(Fault(f"{PREFIX}RUNTIME", problem))
    # The keys come last: every pod that opens a database waits for its own.
    _migrate(settings)
    with step("Buckets of the readings"):
        asyncio.run(_prepare_buckets(settings))
    written = []
    if settings.redis_url:
        with step("Redis, with users for poll and record"):
            written += asyncio.run(write_redis_users(settings.redis_url))
    with step("Keys as Secrets of the namespace"):
        written += asyncio.run(write_key_secrets())
    say(f"Written: {', '.join(written) or 'nothing, all were there'}")
    return 0


async def _prepare_buckets(settings: Settings) -> None:
    from mcp_service.cluster import open_readings  # noqa: PLC0415 - seldom needed

    readings = open_readings(settings)
    try:
        await readings.prepare(settings.retention_days)
    finally:
        readings.close()


def _migrate(settings: Settings) -> None:
    with step("Database"):
        from mcp_service.database.migrate import migrate  # noqa: PLC0415 - it takes its time

        migrate(settings.database_url)


def _write_settings(file: Path) -> None:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(WORDS.format(prefix=PREFIX), encoding="utf-8")
    file.chmod(0o600)
