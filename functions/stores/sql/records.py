"""What the service writes for the alert and notify functions, and reads back to tell people."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    delete,
    insert,
    select,
    true,
    update,
)

from functions.core.alert import Alert, RuleState
from functions.core.alert_ports import Attempt, ChannelRow, Delivery, MonitorRow, StoredDecision
from functions.stores.sql import rows
from functions.stores.sql.engine import reading, writing
from functions.stores.sql.tables import (
    alert_monitors,
    alerts,
    channels,
    decisions,
    deliveries,
    delivery_attempts,
    rule_states,
)
from functions.stores.sql.upsert import put

REMOVED = -1
"""The position of a rule that is no longer there."""


class SqlAlertRecords:
    """One transaction for each call. SourceUnavailable when the database cannot be used."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put_monitor(self, row: MonitorRow) -> None:
        """See put_monitor."""
        with writing(self._engine) as connection:
            put_monitor(connection, row)

    def drop_monitor(self, tenant: str, monitor: str) -> None:
        """Its alerts, decisions and deliveries stay until they expire."""
        with writing(self._engine) as connection:
            connection.execute(
                delete(alert_monitors).where(_given(alert_monitors, tenant=tenant, monitor=monitor))
            )
            _close(connection, _given(alerts, tenant=tenant, monitor=monitor))

    def monitor(self, tenant: str, monitor: str) -> MonitorRow | None:
        with reading(self._engine) as connection:
            return next(iter(rows.find_monitors(connection, tenant, monitors=[monitor])), None)

    def monitors(self, tenant: str | None = None) -> list[MonitorRow]:
        """A tenant's; everybody's, for the runtime, when none is named."""
        with reading(self._engine) as connection:
            return rows.find_monitors(connection, tenant)

    def alerts(
        self,
        tenant: str,
        *,
        monitor: str | None = None,
        state: str | None = None,
        since: int | None = None,
        limit: int = 50,
    ) -> list[Alert]:
        """The latest first; `since` is the earliest slot of the last transition."""
        key = _given(alerts, tenant=tenant, monitor=monitor, state=state)
        if since is not None:
            key &= alerts.c.slot >= since
        latest = (alerts.c.slot.desc(), alerts.c.id)
        return [rows.alert(row) for row in self._read(alerts, key, order=latest, limit=limit)]

    def alert(self, tenant: str, alert: str) -> Alert | None:
        found = self._read(alerts, _given(alerts, tenant=tenant, id=alert), order=(), limit=1)
        return rows.alert(found[0]) if found else None

    def decisions(
        self,
        tenant: str,
        monitor: str,
        *,
        rule: str | None = None,
        alert: str | None = None,
        limit: int = 50,
    ) -> list[StoredDecision]:
        """The latest first."""
        key = _given(decisions, tenant=tenant, monitor=monitor, rule=rule, alert=alert)
        latest = (decisions.c.slot.desc(), decisions.c.number.desc())
        found = self._read(decisions, key, order=latest, limit=limit)
        return [rows.stored_decision(row) for row in found]

    def deliveries(
        self, tenant: str, *, alert: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[Delivery]:
        """The latest first."""
        key = _given(deliveries, tenant=tenant, alert_id=alert, state=state)
        latest = (deliveries.c.owed_at.desc(), deliveries.c.number.desc(), deliveries.c.id)
        found = self._read(deliveries, key, order=latest, limit=limit)
        return [rows.delivery(row) for row in found]

    def attempts(self, tenant: str, delivery: str) -> list[Attempt]:
        """Of one delivery, the first one first."""
        key = _given(delivery_attempts, tenant=tenant, delivery=delivery)
        found = self._read(delivery_attempts, key, order=(delivery_attempts.c.number,), limit=None)
        return [rows.attempt(row) for row in found]

    def put_channel(self, row: ChannelRow) -> None:
        columns = msgspec.structs.asdict(row) | {"config": rows.encode(row.config)}
        with writing(self._engine) as connection:
            put(connection, channels, values=columns)

    def channels(self, tenant: str) -> list[ChannelRow]:
        found = self._read(
            channels, _given(channels, tenant=tenant), order=(channels.c.name,), limit=None
        )
        return [rows.channel(row) for row in found]

    def drop_channel(self, tenant: str, name: str) -> None:
        """What is still owed to it will be given up."""
        with writing(self._engine) as connection:
            connection.execute(delete(channels).where(_given(channels, tenant=tenant, name=name)))

    def expire(self, before: float) -> int:
        """Delete what ended before this time (seconds since the epoch): settled deliveries with
        their attempts, decisions, and alerts that are over. Returns how many rows."""
        gone = (
            (deliveries, (deliveries.c.state != "owed") & (deliveries.c.owed_at < before)),
            (decisions, decisions.c.at < before),
            (alerts, alerts.c.state.in_(("resolved", "closed")) & (alerts.c.slot < before)),
        )
        with writing(self._engine) as connection:
            return sum(connection.execute(delete(table).where(key)).rowcount for table, key in gone)

    def _read(
        self, table: Table, key: ColumnElement[bool], *, order: Sequence[Any], limit: int | None
    ) -> Sequence[Any]:
        with reading(self._engine) as connection:
            query = select(table).where(key).order_by(*order).limit(limit)
            return connection.execute(query).all()


def put_monitor(connection: Connection, row: MonitorRow) -> None:
    """Create or change, within the caller's transaction. A rule whose line is unchanged keeps its
    state, another one begins anew and its open alert is closed. `states` and `newest` of the
    argument are ignored."""
    # This locks the monitor's row, so that nobody else adds rules meanwhile.
    put(connection, alert_monitors, values=rows.monitor_columns(row), new={"newest": 0})
    _put_rules(connection, row)


def _put_rules(connection: Connection, row: MonitorRow) -> None:
    whose = _given(rule_states, tenant=row.tenant, monitor=row.monitor)
    before = {rule.rule: rule for rule in connection.execute(select(rule_states).where(whose))}
    for rule in before.keys() - row.rules.keys():
        _put_rule(connection, row, rule=rule, before=before[rule], position=REMOVED)
    for position, rule in enumerate(row.rules):
        _put_rule(connection, row, rule=rule, before=before.get(rule), position=position)


def _put_rule(
    connection: Connection, row: MonitorRow, *, rule: str, before: Any, position: int
) -> None:
    key = {"tenant": row.tenant, "monitor": row.monitor, "rule": rule}
    text = row.rules.get(rule, "")
    values = {"position": position, "text": text}
    if before is None:
        state = rows.encode(RuleState())
        connection.execute(insert(rule_states).values(key | values | {"state": state}))
        return
    if before.text != text:
        # The count of transitions goes on: alert and delivery ids must never come a second time.
        told = msgspec.json.decode(before.state, type=RuleState).transition
        values["state"] = rows.encode(RuleState(transition=told))
        _close(connection, _given(alerts, **key))
    connection.execute(update(rule_states).where(_given(rule_states, **key)).values(values))


def _close(connection: Connection, key: ColumnElement[bool]) -> None:
    is_open = alerts.c.state.in_(("firing", "blind"))
    connection.execute(update(alerts).where(key, is_open).values(state="closed"))


def _given(table: Table, **key: str | None) -> ColumnElement[bool]:
    """Equality for every value that is not None."""
    given = (table.c[name] == value for name, value in key.items() if value is not None)
    return and_(true(), *given)
