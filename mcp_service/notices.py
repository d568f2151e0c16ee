"""What could not be sent is confessed with the next answer."""

from mcp_service.service import Service

MOST = 200
"""Unsent deliveries looked at; beyond it the number is a lower bound and says so."""


def confession(service: Service, tenant: str) -> str:
    """One line about messages that never arrived (said once each) or keep failing (said until
    they arrive); nothing when all is well. Blocks: callers put it on a thread."""
    lost = service.records.deliveries(tenant, state="given_up", limit=MOST)
    fresh = []
    if lost:
        ids = [delivery.id for delivery in lost]
        fresh = service.database.confessions.confess(tenant, ids, at=service.clock.now())
    owed = service.records.deliveries(tenant, state="owed", limit=MOST)
    failing = [delivery for delivery in owed if delivery.answer]
    said = [
        f"{_count(len(fresh))} never arrived and will not be tried again" if fresh else "",
        f"{_count(len(failing))} could not be sent yet and will be tried again" if failing else "",
    ]
    parts = "; ".join(part for part in said if part)
    return f"{parts} (list_alerts, explain_alert)." if parts else ""


def _count(number: int) -> str:
    if number >= MOST:
        return f"{MOST} alert messages or more"
    return "1 alert message" if number == 1 else f"{number} alert messages"
