"""One alert and the message that tells of it, for the tests of what stores and sends them."""

import msgspec

from functions.core.alert import Alert
from functions.core.alert_ports import Delivery
from functions.core.rule import Severity

NOW = 1_700_000_000.0
FIRING = Alert(
    id="m/down/1",
    tenant="t",
    monitor="m",
    rule="down",
    rule_text="up is 0",
    severity=Severity.CRITICAL,
    state="firing",
    number=1,
    started=60,
    slot=60,
    value=0.0,
)


def moved(alert: Alert, number: int) -> Alert:
    """The alert at its transition of this number: at the first it fires, at others it resolves."""
    state = "firing" if number == 1 else "resolved"
    return msgspec.structs.replace(alert, number=number, state=state, slot=60 * number)


def owed(alert: Alert, channel: str = "mail", at: float = NOW) -> Delivery:
    """The message that tells of it, due `at` once."""
    return Delivery(
        id=f"{alert.id}/{alert.number}/{channel}",
        tenant=alert.tenant,
        channel=channel,
        alert=alert,
        monitor_name="Shop",
        owed_at=at,
    )
