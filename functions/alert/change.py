"""What a decision makes of a rule's alert: begun, changed, over, or none at all."""

import msgspec

from functions.core.alert import Alert, Decision, State, Transition
from functions.core.alert_ports import MonitorRow
from functions.core.rule import DEFAULT_SEVERITY, Severity


def changed(
    opened: Alert | None,
    decision: Decision,
    *,
    row: MonitorRow,
    rule: str,
    severity: Severity | None,
) -> Alert | None:
    """The alert as it stands after the decision; None when there is none, as with a rule that is
    only pending. `opened` is the alert of this rule that is not over yet."""
    begins = decision.transition is Transition.FIRING or (
        decision.transition is Transition.BLIND and decision.notify
    )
    if opened is None and not begins:
        return None
    alert = opened or Alert(
        id=f"{row.monitor}/{rule}/{decision.number}",
        tenant=row.tenant,
        monitor=row.monitor,
        rule=rule,
        rule_text=row.rules[rule],
        severity=severity or DEFAULT_SEVERITY,
        state="firing",
        number=decision.number,
        started=decision.slot,
        slot=decision.slot,
    )
    return msgspec.structs.replace(
        alert,
        state=_state(alert, decision),
        number=decision.number,
        slot=decision.slot,
        value=decision.value,
        blind=decision.blind,
    )


def _state(alert: Alert, decision: Decision) -> str:
    if decision.transition is Transition.BLIND:
        return "blind" if decision.notify else alert.state
    if decision.blind and decision.transition in (Transition.PENDING, Transition.CLEARED):
        return alert.state  # a late reading changed the past; the monitor is as blind as before
    if decision.after is State.FIRING:
        return "firing"
    return "resolved"
