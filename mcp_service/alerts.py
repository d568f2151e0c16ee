"""Alerts, and why each was or was not sent: from the sealed decisions alone."""

import asyncio
from collections.abc import Sequence

from functions.core.alert import Alert, Seen, Transition
from functions.core.alert_ports import Delivery, StoredDecision
from functions.core.monitor import utc_text
from functions.core.rule_text import parse
from mcp_service.monitors.lookup import owned
from mcp_service.numbers import counted, short
from mcp_service.outside import cleaned
from mcp_service.refusals import Unknown
from mcp_service.results import Next, Page, Result
from mcp_service.service import Service
from mcp_service.standing import standing
from mcp_service.times import instant

EVIDENCE = 10
"""Readings shown for one decision; the decision itself keeps more."""


async def list_alerts(
    service: Service, tenant: str, *, monitor: str, state: str, since: str, limit: int
) -> Result:
    """The latest first."""
    which = (await owned(service, tenant, named=monitor)).id if monitor else None
    begin = instant(since, field="since", now=service.clock.now()) if since else None
    found = await asyncio.to_thread(
        service.records.alerts,
        tenant,
        monitor=which,
        state=None if state == "all" else state,
        since=begin,
        limit=limit,
    )
    names = {
        record.id: record.name
        for record in await asyncio.to_thread(service.database.monitors.of, tenant)
    }
    return Result(
        summary=_counted(found, limit),
        data={"alerts": [_line(alert, names.get(alert.monitor, "")) for alert in found]},
        page=Page(shown=len(found)),
        next=(
            Next("explain_alert", "Why it was sent.", {"alert": found[0].id})
            if found
            else Next("list_monitors", "See the state of each monitor."),
        ),
    )


async def explain_alert(service: Service, tenant: str, *, alert: str) -> Result:
    """Every change of one alert with the readings behind it, and each message with its attempts."""
    found = await asyncio.to_thread(service.records.alert, tenant, alert)
    if found is None:
        raise Unknown("alert", alert, own=())
    decisions = await asyncio.to_thread(
        service.records.decisions, tenant, found.monitor, alert=found.id, limit=50
    )
    deliveries = await asyncio.to_thread(_deliveries, service, found)
    sent = sum(delivery["state"] == "sent" for delivery in deliveries)
    told = (
        f"{sent} of {counted(len(deliveries), 'message')} sent."
        if deliveries
        else "No message was owed."
    )
    return Result(
        summary=f"{_story(found, decisions)} {told}",
        data={
            "alert": _line(found, ""),
            "rule": found.rule_text,
            "standing": await asyncio.to_thread(_standing, service, found),
            "decisions": [decision_line(decision) for decision in reversed(decisions)],
            "messages": deliveries,
        },
        next=(
            Next("query_readings", "See the readings around it.", {"monitor": found.monitor}),
            Next("replay_rule", "Try another rule on them.", {"monitor": found.monitor}),
        ),
    )


def decision_line(stored: StoredDecision) -> dict[str, object]:
    """A decision with the ids of its readings; every number can be looked up."""
    decision = stored.decision
    evidence = decision.evidence[-EVIDENCE:]
    return {
        "transition": decision.transition.value,
        "at": utc_text(decision.slot),
        "reading": decision.reading,
        "rule": stored.rule,
        "rule_text": stored.rule_text,
        "rules_version": stored.rules_version,
        "before": decision.before.value,
        "after": decision.after.value,
        "judged_value": short(decision.value),
        "blind": cleaned(decision.blind),
        "evidence": [evidence_line(stored.monitor, seen) for seen in evidence],
        "evidence_left_out": len(decision.evidence) - len(evidence) or None,
        "messages_owed": len(stored.owed),
    }


def evidence_line(monitor: str, seen: Seen) -> dict[str, object]:
    """One reading of the window, under the id it is stored by."""
    missed = "/missed" if seen.missed else ""
    return {
        "reading": f"{monitor}/{seen.slot}{missed}",
        "at": utc_text(seen.slot),
        "value": short(seen.value),
        "failed": cleaned(seen.cause),
    }


def _standing(service: Service, alert: Alert) -> str | None:
    """What an alert that is not over waits for; its rule is still the one that fired, since a
    changed one closes its alert."""
    row = service.records.monitor(alert.tenant, alert.monitor)
    if row is None or alert.state not in ("firing", "blind") or alert.rule not in row.states:
        return None
    state = row.states[alert.rule]
    return standing(parse(alert.rule_text), state, interval=row.interval)


def _deliveries(service: Service, alert: Alert) -> list[dict[str, object]]:
    found = service.records.deliveries(alert.tenant, alert=alert.id, limit=50)
    return [_delivery(service, delivery) for delivery in reversed(found)]


def _delivery(service: Service, delivery: Delivery) -> dict[str, object]:
    attempts = service.records.attempts(delivery.tenant, delivery.id)
    return {
        "channel": delivery.channel,
        "for": delivery.alert.state,
        "state": delivery.state,
        "owed_at": utc_text(int(delivery.owed_at)),
        "attempts": [
            {
                "number": attempt.number,
                "at": utc_text(int(attempt.at)),
                "answer": cleaned(attempt.answer),
                "message_id": attempt.message_id,
            }
            for attempt in attempts[-5:]
        ],
        "next_try": utc_text(int(delivery.next_try)) if delivery.state == "owed" else None,
    }


def _story(alert: Alert, decisions: Sequence[StoredDecision]) -> str:
    """When it fired and on how many readings, in constant words and numbers."""
    fired = [one for one in decisions if one.decision.transition is Transition.FIRING]
    begun = f"It began at {utc_text(alert.started)}"
    if fired:
        decision = fired[-1].decision
        begun = f"It fired at {utc_text(decision.slot)} on reading {decision.reading}"
        begun += f" (judged value {short(decision.value)})" if decision.value is not None else ""
    return f"{begun}; it is {alert.state} now."


def _line(alert: Alert, name: str) -> dict[str, object]:
    return {
        "id": alert.id,
        "monitor": alert.monitor,
        "name": name,
        "rule": alert.rule,
        "severity": alert.severity.value,
        "state": alert.state,
        "started": utc_text(alert.started),
        "last_change": utc_text(alert.slot),
        "value": short(alert.value),
        "blind": cleaned(alert.blind),
    }


def _counted(found: Sequence[Alert], limit: int) -> str:
    firing = sum(alert.state == "firing" for alert in found)
    if not found:
        return "No alert matches."
    more = " There may be older ones: narrow by monitor or since." if len(found) == limit else ""
    return f"{counted(len(found), 'alert')}, {firing} firing.{more}"
