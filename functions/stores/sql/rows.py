"""Rows of the tables to the values of the ports, and back."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, Table, select

from functions.core.alert import Alert, RuleState
from functions.core.alert_ports import Attempt, ChannelRow, Delivery, MonitorRow, StoredDecision
from functions.stores.sql.tables import alert_monitors, rule_states

encode = msgspec.json.encode
_state = msgspec.json.Decoder(RuleState)
_names = msgspec.json.Decoder(tuple[str, ...])


def monitor_columns(row: MonitorRow) -> dict[str, Any]:
    """What of a MonitorRow stands in alert_monitors and is given by the service."""
    names = ("tenant", "monitor", "version", "name", "interval", "rules_version", "paused")
    return {name: getattr(row, name) for name in names} | {"channels": encode(row.channels)}


def given(row: MonitorRow) -> MonitorRow:
    """The row without what its readings made of it."""
    return msgspec.structs.replace(row, states={}, newest=0)


def find_monitors(
    connection: Connection,
    tenant: str | None = None,
    *,
    monitors: Sequence[str] | None = None,
    lock: bool = False,
) -> list[MonitorRow]:
    """The rows of a tenant's monitors, or all of them where nothing is named; with `lock` nobody
    else changes them before the transaction ends."""
    query = _of(alert_monitors, tenant, monitors=monitors).order_by(*alert_monitors.primary_key)
    if lock:  # SQLite leaves FOR UPDATE out: its transaction holds the lock from its beginning
        query = query.with_for_update()
    found = connection.execute(query).all()
    query = _of(rule_states, tenant, monitors=monitors).where(rule_states.c.position >= 0)
    rules: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for rule in connection.execute(query.order_by(rule_states.c.position)):
        rules[rule.tenant, rule.monitor].append(rule)
    return [_monitor_row(row, rules[row.tenant, row.monitor]) for row in found]


def _of(table: Table, tenant: str | None, *, monitors: Sequence[str] | None) -> Select[Any]:
    query = select(table)
    if tenant is not None:
        query = query.where(table.c.tenant == tenant)
    return query if monitors is None else query.where(table.c.monitor.in_(monitors))


def _monitor_row(found: Row[Any], rules: Sequence[Row[Any]]) -> MonitorRow:
    return MonitorRow(
        tenant=found.tenant,
        monitor=found.monitor,
        version=found.version,
        name=found.name,
        interval=found.interval,
        rules={rule.rule: rule.text for rule in rules},
        rules_version=found.rules_version,
        channels=_names.decode(found.channels),
        states={rule.rule: _state.decode(rule.state) for rule in rules},
        newest=found.newest,
        paused=found.paused,
    )


def attempt(found: Row[Any]) -> Attempt:
    return msgspec.convert(_columns(found), Attempt)


def alert(found: Row[Any]) -> Alert:
    return msgspec.convert(_columns(found), Alert)


def decision_columns(stored: StoredDecision) -> dict[str, Any]:
    columns = msgspec.structs.asdict(stored)
    order = {"slot": stored.decision.slot, "number": stored.decision.number}
    sealed = {name: encode(columns[name]) for name in ("owed", "decision")}
    return columns | order | sealed | {"id": secrets.token_hex(16)}


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
