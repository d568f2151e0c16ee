"""The reading of a slot that nobody observed: a failed one whose kind is `missed`."""

from functions.core.monitor import MonitorSpec
from functions.core.reading import Failure, FailureKind, Reading


def missed(spec: MonitorSpec, slot: int, *, at: float, cause: str) -> Reading:
    """`cause` is in our own words. It yields to the reading of that slot, should one come."""
    return Reading(
        tenant=spec.tenant,
        monitor=spec.id,
        version=spec.version,
        provider=spec.provider,
        slot=slot,
        interval=spec.interval,
        at=at,
        failure=Failure(FailureKind.MISSED, cause),
    )
