"""The parts that doctor tries. Each returns how it is, or raises an error that says how to repair
it."""

import asyncio
import platform
import shutil
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from functions.channels import sendgrid
from functions.clients import smtp
from functions.clients.http import outbound_http
from functions.clients.resolver import AresResolver
from functions.core.errors import AccessDenied, MonitorError, SourceUnavailable
from functions.stores.sqlite import SqliteReadings
from mcp_service import background
from mcp_service.app import lent
from mcp_service.chosen import chosen_app
from mcp_service.clock import SteadyClock
from mcp_service.database.migrate import TOO_NEW, Schema, schema
from mcp_service.heartbeat import Heartbeat
from mcp_service.http import listen
from mcp_service.keys import KEY_SECRETS, ROLES, read_key
from mcp_service.settings import Settings

OLDEST_PYTHON = (3, 11)
LEAST_SPACE = 500 * 1024 * 1024
KNOWN_NAME = "example.com"


class NotSetUp(Exception):
    """A part that is not wanted, or not running; `words` say how to have it."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


Part = Callable[[], Awaitable[str] | str]


def examined(settings: Settings) -> dict[str, Part]:
    """What is tried once the settings are known to be right, in this order."""
    tried: tuple[Any, ...] = (
        keys,
        database,
        readings,
        redis,
        cluster,
        port,
        service,
        mail,
        dns,
        heartbeat,
    )
    return {part.__name__: partial(part, settings) for part in tried}


def python() -> str:
    if sys.version_info < OLDEST_PYTHON:
        raise SourceUnavailable("Python is too old; install 3.11 or newer.")
    return platform.python_version()


def home(folder: Path) -> str:
    if not folder.is_dir():
        raise AccessDenied(f"{folder} is not there; run: claude-monitor setup")
    if folder.stat().st_mode & 0o077:
        raise AccessDenied(f"Others can look into {folder}; run: chmod 700 {folder}")
    free = shutil.disk_usage(folder).free
    if free < LEAST_SPACE:
        raise SourceUnavailable(f"{free // 2**20} MiB are free for {folder}; make room.")
    return f"{folder}, {free // 2**30} GiB free"


def keys(settings: Settings) -> str:
    folder, own = Path(settings.keys), settings.runtime == "embedded"
    private = ["spec.key", "events.key", "pepper", *(f"{role}.key" for role in ROLES)]
    names = ["spec.pub", *private] if own else KEY_SECRETS["service-keys"]
    for name in names:
        read_key(folder, name)
        # Kubernetes says by its roles, not by the file's mode, who sees a Secret.
        if own and name in private and (folder / name).stat().st_mode & 0o077:
            raise AccessDenied(f"Others can read {folder / name}; run: chmod 600 {folder}/*")
    return f"{len(names)} keys in {folder}"


async def database(settings: Settings) -> str:
    found = await asyncio.to_thread(schema, settings.database_url)
    if found is Schema.NEWER:
        raise SourceUnavailable(TOO_NEW)
    if found is Schema.OLDER:
        own = settings.runtime == "embedded"
        fix = "run: claude-monitor setup" if own else "let the set-up Job of this version run"
        raise SourceUnavailable(f"Its schema is older than this version; {fix}")
    return "opened, schema is the newest"


async def readings(settings: Settings) -> str:
    if settings.runtime == "knative":
        return await _on_cluster(settings)
    store = SqliteReadings(settings.readings)
    try:
        await store.latest("", ())
    finally:
        store.close()
    return settings.readings


async def _on_cluster(settings: Settings) -> str:
    from mcp_service.cluster import open_readings  # noqa: PLC0415 - the cluster's client is heavy

    store = open_readings(settings)
    try:
        await store.latest("", ())
    finally:
        store.close()
    return f"bucket {settings.influxdb_bucket} in InfluxDB"


async def redis(settings: Settings) -> str:
    if settings.runtime != "knative":
        raise NotSetUp("is only used when monitors run on a cluster")
    from mcp_service.cluster import open_codes, open_latest  # noqa: PLC0415 - as above
    from mcp_service.runtime.redis_users import forgotten  # noqa: PLC0415 - as above

    latest, codes = open_latest(settings), open_codes(settings)
    if latest is None or codes is None:
        words = "codes are in the database and every question goes to InfluxDB; set "
        words += "CLAUDE_MONITOR_REDIS_URL in the Secret redis"
        raise NotSetUp(words)
    try:
        await latest.latest("", ("",))
        await codes.of("")
        unknown = await forgotten(settings.redis_url, Path(settings.keys))
    finally:
        await latest.close()
        await codes.close()
    if unknown:
        who = " and ".join(unknown)
        raise SourceUnavailable(f"Redis does not know {who}; see the service's log, which lets in.")
    return "answers, lets us read latest readings and codes, and knows the functions"


async def cluster(settings: Settings) -> str:
    if settings.runtime != "knative":
        raise NotSetUp("monitors run in the service itself")
    app = chosen_app(settings, SteadyClock())
    try:
        found = await app.runtime.list()
    finally:
        await app.close()
    return f"{sum(status.ready for status in found.values())} of {len(found)} monitors are ready"


async def port(settings: Settings) -> str:
    if background.find(Path(settings.home)):
        return "held by our own service"
    listen(settings.host, settings.port).close()
    return f"{settings.host}:{settings.port} is free"


async def service(settings: Settings) -> str:
    url = await asyncio.to_thread(background.find, Path(settings.home))
    if url is None:
        raise NotSetUp("does not run; start it: claude-monitor serve")
    problems = (await asyncio.to_thread(background.ask, url, "/readyz")).get("problems")
    if problems:
        raise SourceUnavailable("; ".join(problems) + f"; see {settings.home}/service.log")
    return f"well, at {url}"


async def mail(settings: Settings) -> str:
    if settings.sendgrid_api_key:
        return await sendgrid.greet(lent(settings))
    if not settings.smtp_url:
        missing = "CLAUDE_MONITOR_SMTP_URL or CLAUDE_MONITOR_SENDGRID_API_KEY"
        raise NotSetUp(f"no alerts can be mailed; set {missing} in settings.env")
    server = smtp.MailServer.of(settings.smtp_url)
    return await smtp.greet(server, sender=settings.mail_from, deadline=10)


async def dns(_: Settings) -> str:
    try:
        found = await AresResolver().resolve(KNOWN_NAME)
    except MonitorError as error:
        fix = "check the name servers in /etc/resolv.conf and the network"
        raise SourceUnavailable(f"{KNOWN_NAME}: {error.message}; {fix}") from error
    return f"{KNOWN_NAME} has {len(found)} addresses"


async def heartbeat(settings: Settings) -> str:
    if not settings.heartbeat_url:
        raise NotSetUp("nobody watches us; set CLAUDE_MONITOR_HEARTBEAT_URL in settings.env")
    await Heartbeat(
        outbound_http(settings.allow_private), settings.heartbeat_url, problems=list
    ).step()
    return "the address took a sign of life"
