"""Secrets of the cluster as files by name, the way functions see them mounted."""

import base64
from collections.abc import Mapping

from lightkube import ApiError, AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from mcp_service.runtime.manifests import PART_OF


async def files_of(client: AsyncClient, name: str) -> dict[str, str]:
    """Nothing where there is no such Secret. Raises what the client does."""
    try:
        found = (await client.get(Secret, name)).data or {}
    except ApiError as error:
        if error.status.code == 404:
            return {}
        raise
    return {file: base64.b64decode(text).decode("ascii") for file, text in found.items()}


def secret(name: str, files: Mapping[str, str]) -> Secret:
    labels = {"app.kubernetes.io/part-of": PART_OF, "app.kubernetes.io/component": "keys"}
    data = {file: base64.b64encode(text.encode()).decode() for file, text in files.items()}
    return Secret(metadata=ObjectMeta(name=name, labels=labels), type="Opaque", data=data)
