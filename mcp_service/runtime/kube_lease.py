"""The lease as an object of the cluster: coordination.k8s.io/v1, replaced only at its version."""

from datetime import UTC, datetime

from lightkube import ApiError, AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from mcp_service.lease import LASTS, LeaseRecord
from mcp_service.runtime.knative import explained
from mcp_service.runtime.manifests import DOMAIN, PART_OF

NAME = "claude-monitor"
MARK = f"{DOMAIN}/judged-through"


class KubeLease:
    """Implements lease.LeaseStore, in the client's namespace."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def read(self) -> LeaseRecord | None:
        async with explained():
            try:
                return record_of(await self._client.get(Lease, NAME))
            except ApiError as error:
                if error.status.code == 404:
                    return None
                raise

    async def write(self, record: LeaseRecord) -> bool:
        lease = _lease(record)
        async with explained():
            try:
                await (self._client.replace if record.version else self._client.create)(lease)
            except ApiError as error:
                # 404: it was deleted since we read it.
                if error.status.code in (404, 409):
                    return False
                raise
        return True


def record_of(lease: Lease) -> LeaseRecord:
    """A holder that does not say for how long it may be silent gets the time that ours get."""
    meta, spec = lease.metadata or ObjectMeta(), lease.spec or LeaseSpec()
    return LeaseRecord(
        holder=spec.holderIdentity or "",
        lasts=spec.leaseDurationSeconds or LASTS,
        acquired=spec.acquireTime.timestamp() if spec.acquireTime else 0.0,
        renewed=spec.renewTime.timestamp() if spec.renewTime else 0.0,
        transitions=spec.leaseTransitions or 0,
        mark=_number((meta.annotations or {}).get(MARK, "")),
        version=meta.resourceVersion or "",
    )


def _lease(record: LeaseRecord) -> Lease:
    return Lease(
        metadata=ObjectMeta(
            name=NAME,
            labels={"app.kubernetes.io/part-of": PART_OF},
            annotations={MARK: f"{record.mark:.0f}"},
            resourceVersion=record.version or None,
        ),
        spec=LeaseSpec(
            holderIdentity=record.holder,
            leaseDurationSeconds=record.lasts,
            acquireTime=_micro_time(record.acquired),
            renewTime=_micro_time(record.renewed),
            leaseTransitions=record.transitions,
        ),
    )


def _micro_time(at: float) -> datetime:
    # The API server wants six digits of a second, and a whole second would be written without any.
    whole = datetime.fromtimestamp(at, UTC)
    return whole.replace(microsecond=whole.microsecond or 1)


def _number(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0
