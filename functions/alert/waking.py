"""Wakes notify for what is owed. Nobody depends on it: the next sweep finds the same."""

import asyncio
from collections.abc import Sequence

from functions.alert.alerting import LOG
from functions.clients.broker import Broker
from functions.core.alert import Alert
from functions.core.alert_event import alert_event
from functions.core.errors import MonitorError

WAKES_WITHIN = 5.0
"""Seconds, a cold start of notify included. Poll waits for us as we for notify, and only ten."""


async def wake(broker: Broker, alerts: Sequence[Alert]) -> None:
    """One event for each, all at once. Returns when each was taken or given up."""
    await asyncio.gather(*(_tell(broker, alert) for alert in alerts))


async def _tell(broker: Broker, alert: Alert) -> None:
    LOG.warning("alert monitor=%s rule=%s state=%s", alert.monitor, alert.rule, alert.state)
    try:
        await broker.post(alert_event(alert))
    except MonitorError as error:
        LOG.warning("no wake-up for notify, the next sweep will do: %s", error.message)
