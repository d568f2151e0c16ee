"""The alert store on SQL: what the alert and notify functions read and write."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    and_,
    case,
    exists,
    func,
    insert,
    select,
    update,
)

from functions.core.alert import Alert
from functions.core.ports import ChannelRow, Delivery, MonitorRow, StoredDecision
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

OPEN = ("firing", "blind")
PER_CHANNEL, PER_TENANT = 2, 8
"""Messages that may be under way at once."""


class SqlAlertStore:
    """Implements ports.AlertStore. Any number of processes may use one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def transaction(self) -> Iterator["SqlAlertTransaction"]:
        """Commits at the end, or leaves nothing behind when an error comes out."""
        with writing(self._engine) as connection:
            yield SqlAlertTransaction(connection)

    def claim(self, now: float, *, lease: float, limit: int) -> list[Delivery]:
        """See ports.AlertStore."""
        with writing(self._engine) as connection:
            due = [rows.delivery(row) for row in connection.execute(_claimable(now, limit))]
            return [taken for row in due if (taken := _take(connection, row, now, lease))]

    def channel(self, tenant: str, name: str) -> ChannelRow | None:
        key = (channels.c.tenant == tenant) & (channels.c.name == name)
        with reading(self._engine) as connection:
            found = connection.execute(select(channels).where(key)).one_or_none()
        return None if found is None else rows.channel(found)

    def settle(self, delivery: Delivery, *, at: float, message_id: str) -> None:
        """See ports.AlertStore. The number of the attempt tells a lost lease."""
        columns = deliveries.c
        key = (columns.tenant == delivery.tenant) & (columns.id == delivery.id)
        key &= columns.state == "owed"
        if delivery.state == "owed":
            key &= columns.attempts == delivery.attempts
        with writing(self._engine) as connection:
            connection.execute(update(deliveries).where(key).values(_outcome(delivery)))
            attempt = {"number": delivery.attempts, "at": at, "answer": delivery.answer}
            whose = {"tenant": delivery.tenant, "delivery": delivery.id, "message_id": message_id}
            connection.execute(insert(delivery_attempts).values(attempt | whose))


class SqlAlertTransaction:
    """Implements ports.AlertTransaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, tenant: str, monitor: str) -> MonitorRow | None:
        return rows.find_monitor(self._connection, tenant, monitor, lock=True)

    def save(self, row: MonitorRow) -> None:
        self._update(alert_monitors, {"newest": row.newest}, tenant=row.tenant, monitor=row.monitor)
        for rule, state in row.states.items():
            key = {"tenant": row.tenant, "monitor": row.monitor, "rule": rule}
            self._update(rule_states, {"state": rows.encode(state)}, **key)

    def record(self, stored: StoredDecision) -> None:
        columns = rows.decision_columns(stored) | {"id": secrets.token_hex(16)}
        self._connection.execute(insert(decisions).values(columns))

    def put_alert(self, alert: Alert) -> None:
        columns = msgspec.structs.asdict(alert)
        if not self._update(alerts, columns, tenant=alert.tenant, id=alert.id):
            self._connection.execute(insert(alerts).values(columns))

    def open_alert(self, tenant: str, monitor: str, rule: str) -> Alert | None:
        query = select(alerts).where(
            _matches(alerts, tenant=tenant, monitor=monitor, rule=rule), alerts.c.state.in_(OPEN)
        )
        found = self._connection.execute(query.order_by(alerts.c.slot.desc())).first()
        return None if found is None else rows.alert(found)

    def owe(self, delivery: Delivery) -> None:
        # The monitor's row is locked, so nobody can add the same delivery between the two steps.
        key = _matches(deliveries, tenant=delivery.tenant, id=delivery.id)
        if self._connection.execute(select(deliveries.c.id).where(key)).first() is None:
            self._connection.execute(insert(deliveries).values(rows.delivery_columns(delivery)))

    def _update(self, table: Table, values: dict[str, Any], **key: str) -> int:
        done = self._connection.execute(update(table).where(_matches(table, **key)).values(values))
        return done.rowcount


def _matches(table: Table, **key: str) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))


def _claimable(now: float, limit: int) -> Select[Any]:
    """Due and not leased; of each channel and tenant only as many as may still be under way, and
    everybody's first before anybody's second. Deliveries under way count, so they stay in until
    the ranks are known."""
    this, earlier = deliveries.c, deliveries.alias().c
    waits = exists().where(
        earlier.tenant == this.tenant,
        earlier.alert_id == this.alert_id,
        earlier.channel == this.channel,
        earlier.number < this.number,
        earlier.state == "owed",
    )
    leased = this.leased_until > now
    order = (case((leased, 0), else_=1), this.owed_at, this.number, this.id)
    in_channel = func.row_number().over(partition_by=(this.tenant, this.channel), order_by=order)
    in_tenant = func.row_number().over(partition_by=this.tenant, order_by=order)
    ranked = (
        select(deliveries, in_channel.label("in_channel"), in_tenant.label("in_tenant"))
        .where(this.state == "owed", leased | (this.next_try <= now), ~waits)
        .subquery()
    )
    free = (ranked.c.leased_until <= now, ranked.c.in_channel <= PER_CHANNEL)
    wanted = [ranked.c[column.name] for column in deliveries.columns]
    fair = (ranked.c.in_tenant, ranked.c.owed_at, ranked.c.id)
    allowed = select(*wanted).where(*free, ranked.c.in_tenant <= PER_TENANT)
    return allowed.order_by(*fair).limit(limit)


def _take(connection: Connection, due: Delivery, now: float, lease: float) -> Delivery | None:
    """The delivery as one more attempt, or None when somebody else was faster."""
    columns = deliveries.c
    key = _matches(deliveries, tenant=due.tenant, id=due.id)
    free = (columns.state == "owed", columns.leased_until <= now, columns.attempts == due.attempts)
    values = {"attempts": due.attempts + 1, "leased_until": now + lease}
    taken = connection.execute(update(deliveries).where(key, *free).values(values)).rowcount
    return msgspec.structs.replace(due, attempts=due.attempts + 1) if taken else None


def _outcome(delivery: Delivery) -> dict[str, Any]:
    return {
        "state": delivery.state,
        "answer": delivery.answer,
        "next_try": delivery.next_try,
        "leased_until": 0.0,
    }
