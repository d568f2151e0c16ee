"""The event that tells of an alert, apart from events.py because poll never tells of one."""

import msgspec

from functions.core.alert import Alert
from functions.core.cloudevent import Event
from functions.core.events import ALERT, SOURCE, inside
from functions.core.monitor import utc_text


def alert_event(alert: Alert) -> Event:
    """An alert's transition, as a wake-up for notify."""
    return Event(
        id=f"{alert.id}/{alert.number}",
        source=SOURCE,
        type=ALERT,
        time=utc_text(alert.slot),
        data=msgspec.json.encode(alert),
        extensions={
            "tenant": alert.tenant,
            "monitor": alert.monitor,
            "severity": alert.severity,
            "state": alert.state,
        },
    )


def alert_of(event: Event) -> Alert:
    """The alert inside. Raises InvalidConfiguration when it is not one."""
    return inside(event, ALERT, shape=Alert)
