"""Rows of the tables to the values of the ports, and back."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from functions.core.alert import Alert, RuleState
from functions.core.ports import Attempt, ChannelRow, Delivery, MonitorRow, StoredDecision
from functions.stores.sql.tables import alert_monitors, rule_states

encode = msgspec.json.encode
_state = msgspec.json.Decoder(RuleState)


def monitor_row(connection: Connection, found: Row[Any]) -> MonitorRow:
    """A row of alert_monitors with its rules, in their order."""
    key = (rule_states.c.tenant == found.tenant) & (rule_states.c.monitor == found.monitor)
    query = select(rule_states).where(key, rule_states.c.position >= 0)
    rules = connection.execute(query.order_by(rule_states.c.position)).all()
    return MonitorRow(
        tenant=found.tenant,
        monitor=found.monitor,
        version=found.version,
        name=found.name,
        interval=found.interval,
        rules={rule.rule: rule.text for rule in rules},
        rules_version=found.rules_version,
        channels=msgspec.json.decode(found.channels, type=tuple[str, ...]),
        states={rule.rule: _state.decode(rule.state) for rule in rules},
        newest=found.newest,
        paused=found.paused,
    )


def monitor_columns(row: MonitorRow) -> dict[str, Any]:
    """What of a MonitorRow stands in alert_monitors and is given by the service."""
    names = ("tenant", "monitor", "version", "name", "interval", "rules_version", "paused")
    return {name: getattr(row, name) for name in names} | {"channels": encode(row.channels)}


def find_monitor(
    connection: Connection, tenant: str, monitor: str, *, lock: bool = False
) -> MonitorRow | None:
    """The monitor's row; with `lock` nobody else changes it before the transaction ends."""
    query = select(alert_monitors).where(
        alert_monitors.c.tenant == tenant, alert_monitors.c.monitor == monitor
    )
    if lock:  # SQLite leaves FOR UPDATE out: its transaction holds the lock from its beginning
        query = query.with_for_update()
    found = connection.execute(query).one_or_none()
    return None if found is None else monitor_row(connection, found)


def attempt(found: Row[Any]) -> Attempt:
    return msgspec.convert(_columns(found), Attempt)


def alert(found: Row[Any]) -> Alert:
    return msgspec.convert(_columns(found), Alert)


def decision_columns(stored: StoredDecision) -> dict[str, Any]:
    columns = msgspec.structs.asdict(stored)
    numbers = {"slot": stored.decision.slot, "number": stored.decision.number}
    return columns | numbers | {name: encode(columns[name]) for name in ("owed", "decision")}


def stored_decision(found: Row[Any]) -> StoredDecision:
    columns = _columns(found)
    sealed = {name: msgspec.json.decode(columns[name]) for name in ("owed", "decision")}
    return msgspec.convert(columns | sealed, StoredDecision)


def delivery_columns(delivery: Delivery) -> dict[str, Any]:
    columns = msgspec.structs.asdict(delivery)
    order = {"alert_id": delivery.alert.id, "number": delivery.alert.number}
    return columns | order | {"alert": encode(delivery.alert), "leased_until": 0.0}


def delivery(found: Row[Any]) -> Delivery:
    columns = _columns(found)
    return msgspec.convert(columns | {"alert": msgspec.json.decode(columns["alert"])}, Delivery)


def channel(found: Row[Any]) -> ChannelRow:
    columns = _columns(found)
    return msgspec.convert(columns | {"config": msgspec.json.decode(found.config)}, ChannelRow)


def _columns(found: Row[Any]) -> dict[str, Any]:
    # msgspec takes no subclass of str as a key, and SQLAlchemy's names are one.
    return {str(name): value for name, value in found._mapping.items()}
