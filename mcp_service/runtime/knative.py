"""The runtime on Knative: one PingSource per monitor, made by server-side apply."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import httpx2
import msgspec
from lightkube import ApiError, AsyncClient
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import GenericNamespacedResource, create_namespaced_resource
from lightkube.resources.core_v1 import ConfigMap

from functions.core.errors import (
    AccessDenied,
    Fault,
    InvalidConfiguration,
    LimitReached,
    MonitorError,
    SourceUnavailable,
)
from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading
from functions.core.seal import sign_spec
from mcp_service.runtime.manifests import (
    PART_OF,
    SELECTOR,
    Anchor,
    object_name,
    ping_source,
    same,
    status,
)
from mcp_service.runtime.port import RuntimeStatus

PingSource = create_namespaced_resource("sources.knative.dev", "v1", "PingSource", "pingsources")
ANCHOR = "monitors"
_CHUNK = 500


def connect(namespace: str | None = None) -> AsyncClient:
    """A client of the cluster this process runs in or that KUBECONFIG names, and of this namespace
    or the one we are in. Raises SourceUnavailable when there is no cluster to be found."""
    try:
        return AsyncClient(namespace=namespace, field_manager=PART_OF)
    except ConfigError as error:
        message = "No cluster is configured here; run in a pod, or set KUBECONFIG."
        raise SourceUnavailable(message, cause=str(error)) from error


class Knative:
    """Implements runtime.port.Runtime. `ask` has the poll function run one signed document once."""

    def __init__(
        self,
        client: AsyncClient,
        *,
        signing_key: str,
        ask: Callable[[MonitorSpec, bytes], Awaitable[Reading]],
    ) -> None:
        self._client = client
        self._signing_key = signing_key
        self._ask = ask
        self._refused: dict[str, _Refusal] = {}

    async def apply(self, spec: MonitorSpec) -> None:
        """Make the monitor's PingSource what it should be; an equal one is left alone, because
        any change of a PingSource restarts its schedule."""
        try:
            await self._apply(spec)
        except MonitorError as error:
            self._refused[spec.id] = _Refusal(spec.version, error.message)
            raise
        self._refused.pop(spec.id, None)

    async def remove(self, monitor: str) -> None:
        self._refused.pop(monitor, None)
        async with explained():
            try:
                await self._client.delete(PingSource, object_name(monitor))
            except ApiError as error:
                if error.status.code != 404:
                    raise

    async def list(self) -> dict[str, RuntimeStatus]:
        """What is there; and what the cluster refused to us and nobody else brought there since."""
        found: dict[str, RuntimeStatus] = {}
        async with explained():
            async for source in self._client.list(
                PingSource, labels={**SELECTOR}, chunk_size=_CHUNK
            ):
                known = status(source)
                found[known.monitor] = known
        told = {one: self._told(one, found.get(one)) for one in found.keys() | self._refused.keys()}
        return {monitor: known for monitor, known in told.items() if known}

    async def find(self, monitor: str) -> RuntimeStatus | None:
        """The one of `list`, without a look at all the others."""
        async with explained():
            source = await self._live(object_name(monitor))
        return self._told(monitor, status(source) if source else None)

    async def check(self, spec: MonitorSpec) -> Reading:
        """One live run that stores nothing, after Knative's own webhooks took the definition."""
        document = sign_spec(spec, self._signing_key)
        with suppress(LimitReached):  # no room for one more says nothing about a definition
            async with explained():
                wanted = await self._wanted(spec, document)
                await self._client.apply(wanted, force=True, dry_run=True)
        return await self._ask(spec, document)

    async def close(self) -> None:
        await self._client.close()

    def _told(self, monitor: str, live: RuntimeStatus | None) -> RuntimeStatus | None:
        """What is live, unless a newer version was refused since: then with the reason."""
        refusal = self._refused.get(monitor)
        if refusal is None or (live is not None and live.version >= refusal.version):
            return live
        known = live or RuntimeStatus(monitor=monitor, version=0, ready=False)
        return msgspec.structs.replace(known, ready=False, reason=refusal.reason)

    async def _apply(self, spec: MonitorSpec) -> None:
        async with explained():
            wanted = await self._wanted(spec, sign_spec(spec, self._signing_key))
            if not await self._is_live(wanted):
                await self._client.apply(wanted, force=True)

    async def _wanted(self, spec: MonitorSpec, document: bytes) -> GenericNamespacedResource:
        found = (await self._client.get(ConfigMap, ANCHOR)).metadata
        if found is None or not (found.namespace and found.uid):
            raise SourceUnavailable("The cluster's answer about its own set-up was incomplete.")
        anchor = Anchor(found.namespace, ANCHOR, found.uid)
        return PingSource(**ping_source(spec, document, anchor=anchor))

    async def _is_live(self, wanted: GenericNamespacedResource) -> bool:
        live = await self._live(wanted["metadata"]["name"])
        return live is not None and same(live, wanted)

    async def _live(self, name: str) -> GenericNamespacedResource | None:
        try:
            return await self._client.get(PingSource, name)
        except ApiError as error:
            if error.status.code == 404:
                return None
            raise


class _Refusal(NamedTuple):
    version: int
    reason: str


@asynccontextmanager
async def explained() -> AsyncIterator[None]:
    """The cluster's refusals in our own words; what it said is kept for the log."""
    try:
        yield
    except httpx2.HTTPStatusError as error:  # an ApiError is one
        raise _explanation(error.response.status_code, str(error)) from error
    except httpx2.HTTPError as error:
        message = "The cluster does not answer; is KUBECONFIG right and the API server up?"
        raise SourceUnavailable(message, cause=repr(error)) from error
    except ConfigError as error:
        message = "No credentials for the cluster can be had; try `kubectl get ns` as this user."
        raise SourceUnavailable(message, cause=str(error)) from error
    except (KeyError, ValueError, msgspec.MsgspecError) as error:  # as lightkube leaves them
        message = "The cluster's answer cannot be read; is a proxy between us and the API server?"
        raise SourceUnavailable(message, cause=repr(error)) from error


def _explanation(code: int, said: str) -> MonitorError:
    if code in (400, 422):
        fault = Fault("monitor", "the cluster does not take this definition; its log says why")
        return InvalidConfiguration(fault, cause=said)
    if code == 403 and "exceeded quota" in said:
        message = "The namespace's quota leaves no room; have it raised, or delete monitors."
        return LimitReached(message, cause=said)
    if code == 401 or (code == 403 and " cannot " in said):  # as roles refuse, and nothing else
        message = "The cluster refused us; deploy again so that the service has its role."
        return AccessDenied(message, cause=said)
    if code == 403:
        message = "A policy of the cluster does not allow this; the service's log names it."
        return AccessDenied(message, cause=said)
    if code == 404:
        message = "The cluster lacks Knative Eventing or our set-up; see README, On Kubernetes."
        return SourceUnavailable(message, cause=said)
    return SourceUnavailable(f"The cluster answered {code}; trying again helps.", cause=said)
