"""The key Secrets of a cluster: one per role, so that no function sees the key of another. Made
once; run again, only what is missing or differs is written, so that a key added to the service's
Secret reaches the others."""

import base64
import secrets

from lightkube import ApiError, AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from mcp_service.keys import KEY_SECRETS, TOKEN, completed
from mcp_service.runtime.knative import connect, explained
from mcp_service.runtime.manifests import PART_OF


async def write_key_secrets(namespace: str | None = None) -> list[str]:
    """Returns the names of the Secrets that were written, in this namespace or the one we are in.
    Raises SourceUnavailable or AccessDenied when the cluster does not let us."""
    client = connect(namespace)
    try:
        return await _write(client)
    finally:
        await client.close()


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
