"""The Secrets that the set-up Job makes: keys, one Secret per role, so that no function sees the
key of another, and poll's own way into Redis. Run again, only what is missing or differs is
written, so that a key added to the service's Secret reaches the others."""

import base64
import secrets
from urllib.parse import urlsplit

from lightkube import ApiError, AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from functions.stores.redis.cursors import ACL
from functions.stores.redis.users import as_user, let_in
from mcp_service.keys import KEY_SECRETS, TOKEN, completed
from mcp_service.runtime.knative import connect, explained
from mcp_service.runtime.manifests import PART_OF

POLL_REDIS, REDIS_URL = "poll-redis", "CLAUDE_MONITOR_REDIS_URL"


async def write_key_secrets(namespace: str | None = None) -> list[str]:
    """Returns the names of the Secrets that were written, in this namespace or the one we are in.
    Raises SourceUnavailable or AccessDenied when the cluster does not let us."""
    client = connect(namespace)
    try:
        return await _write(client)
    finally:
        await client.close()


async def write_poll_redis(url: str, namespace: str | None = None) -> list[str]:
    """Let poll into this Redis as a user that sees cursors and nothing else, with the password its
    Secret has or a fresh one. Returns and raises like `write_key_secrets`, and for Redis."""
    client = connect(namespace)
    name = poll_user(client.namespace)
    try:
        async with explained():
            live = await _files(client, POLL_REDIS)
        password = urlsplit(live.get(REDIS_URL, "")).password or secrets.token_hex(32)
        await let_in(url, name, password=password, rules=ACL)
        wanted = {REDIS_URL: as_user(url, name, password=password)}
        async with explained():
            if live != wanted:
                await client.apply(_secret(POLL_REDIS, wanted), force=True)
        return [] if live == wanted else [POLL_REDIS]
    finally:
        await client.close()


def poll_user(namespace: str) -> str:
    """The name of poll's user in Redis; several installations may share one server."""
    return f"claude-monitor-poll-{namespace}"


async def _write(client: AsyncClient) -> list[str]:
    written = []
    async with explained():
        live = {name: await _files(client, name) for name in KEY_SECRETS}
        known = {file: text for name in reversed(live) for file, text in live[name].items()}
        files = completed(known) | {TOKEN: known.get(TOKEN) or secrets.token_hex(32)}
        for name, own in KEY_SECRETS.items():
            wanted = {file: files[file] for file in own}
            if live[name] != wanted:
                await client.apply(_secret(name, wanted), force=True)
                written.append(name)
    return written


async def _files(client: AsyncClient, name: str) -> dict[str, str]:
    try:
        found = (await client.get(Secret, name)).data or {}
    except ApiError as error:
        if error.status.code == 404:
            return {}
        raise
    return {file: base64.b64decode(text).decode("ascii") for file, text in found.items()}


def _secret(name: str, files: dict[str, str]) -> Secret:
    labels = {"app.kubernetes.io/part-of": PART_OF, "app.kubernetes.io/component": "keys"}
    data = {file: base64.b64encode(text.encode()).decode() for file, text in files.items()}
    return Secret(metadata=ObjectMeta(name=name, labels=labels), type="Opaque", data=data)
