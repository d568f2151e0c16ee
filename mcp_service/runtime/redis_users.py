"""The functions' own ways into Redis: each a user that sees what its function needs and nothing
else. The set-up Job makes them and their Secrets; the service, which has those as files, lets them
in again after a Redis that keeps no users has restarted."""

import logging
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from functions.stores.redis import cursors
from functions.stores.redis.connection import answered, connected
from functions.stores.redis.users import PATIENCE, as_user, let_in
from mcp_service.runtime.knative import connect, explained
from mcp_service.runtime.secret_objects import files_of, secret

SECRETS = {"poll": "poll-redis", "record": "record-redis"}
REDIS_URL = "CLAUDE_MONITOR_REDIS_URL"
RIGHTS = {
    "poll": cursors.ACL,
    "record": (
        *("resetkeys", "~latest:*", "~slots:*", "resetchannels", "nocommands", "+select", "+hget"),
        *("+hset", "+zadd", "+zremrangebyrank", "+expire", "+eval", "+evalsha", "+script|load"),
    ),
}
"""What ACL SETUSER is told: poll sees cursors, record the latest readings."""

_log = logging.getLogger("claude_monitor.redis_users")


def redis_user(function: str, namespace: str) -> str:
    """A function's name in Redis; namespaces of one cluster may share a server."""
    return f"claude-monitor-{function}-{namespace}"


async def write_redis_users(url: str, namespace: str | None = None) -> list[str]:
    """Let the functions into this Redis, each with the password its Secret has or a fresh one.
    Returns the names of the Secrets that were written. Raises SourceUnavailable or AccessDenied
    when the cluster or Redis does not let us."""
    client = connect(namespace)
    written = []
    try:
        for function, name in SECRETS.items():
            user = redis_user(function, client.namespace)
            async with explained():
                live = await files_of(client, name)
            password = urlsplit(live.get(REDIS_URL, "")).password or secrets.token_hex(32)
            await let_in(url, user, password=password, rules=RIGHTS[function])
            wanted = {REDIS_URL: as_user(url, user, password=password)}
            if live != wanted:
                async with explained():
                    await client.apply(secret(name, wanted), force=True)
                written.append(name)
    finally:
        await client.close()
    return written


async def let_in_again(url: str, keys: Path) -> None:
    """Every function that this Redis has forgotten. Raises SourceUnavailable as Redis does."""
    for function in await forgotten(url, keys):
        user, password = _own(keys)[function]
        await let_in(url, user, password=password, rules=RIGHTS[function])
        _log.info("Redis had forgotten the user of %s; it is let in again", function)


async def forgotten(url: str, keys: Path) -> list[str]:
    """The functions whose user this Redis does not know, among those that the set-up Job let in.
    Raises SourceUnavailable as Redis does."""
    redis = connected(url, patience=PATIENCE)
    try:
        return [
            function
            for function, (user, _) in _own(keys).items()
            if await answered(redis.execute_command("ACL", "GETUSER", user)) is None  # type: ignore[no-untyped-call]  # redis-py's own
        ]
    finally:
        await redis.aclose()


def _own(keys: Path) -> dict[str, tuple[str, str]]:
    """User and password by function, of those whose Secret is there."""
    files = {function: keys / f"{function}.redis" for function in SECRETS}
    found = {
        function: urlsplit(file.read_text("ascii"))
        for function, file in files.items()
        if file.exists()
    }
    return {name: (url.username or "", url.password or "") for name, url in found.items()}
