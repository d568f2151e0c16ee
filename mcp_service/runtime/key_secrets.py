"""The Secrets that the set-up Job makes of keys: one per role, so that no function sees the key of
another. Run again, only what is missing or differs is written, so that a key added to the service's
Secret reaches the others."""

import secrets

from mcp_service.keys import KEY_SECRETS, TOKEN, completed
from mcp_service.runtime.knative import connect, explained
from mcp_service.runtime.secret_objects import files_of, secret


async def write_key_secrets(namespace: str | None = None) -> list[str]:
    """Returns the names of the Secrets that were written, in this namespace or the one we are in.
    Raises SourceUnavailable or AccessDenied when the cluster does not let us."""
    client = connect(namespace)
    written = []
    try:
        async with explained():
            live = {name: await files_of(client, name) for name in KEY_SECRETS}
            known = {file: text for name in reversed(live) for file, text in live[name].items()}
            files = completed(known) | {TOKEN: known.get(TOKEN) or secrets.token_hex(32)}
            for name, own in KEY_SECRETS.items():
                wanted = {file: files[file] for file in own}
                if live[name] != wanted:
                    await client.apply(secret(name, wanted), force=True)
                    written.append(name)
    finally:
        await client.close()
    return written
