"""The alert store on SQL: what the alert and notify functions read and write."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Table,
    Update,
    and_,
    bindparam,
    insert,
    select,
    tuple_,
    update,
)

from functions.core.alert import Alert
from functions.core.alert_ports import Attempt, ChannelRow, Delivery, MonitorRow, StoredDecision
from functions.stores.sql import claims, rows
from functions.stores.sql.engine import reading, writing
from functions.stores.sql.tables import (
    alert_monitors,
    alerts,
    channels,
    decisions,
    deliveries,
    rule_states,
)

OPEN = ("firing", "blind")


class SqlAlertStore:
    """Implements ports.AlertStore. Any number of processes may use one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def transaction(self) -> Iterator["SqlAlertTransaction"]:
        """Commits at the end, or leaves nothing behind when an error comes out."""
        with writing(self._engine) as connection:
            transaction = SqlAlertTransaction(connection)
            yield transaction
            transaction.flush()

    def claim(self, now: float, *, lease: float, limit: int) -> list[Delivery]:
        """See ports.AlertStore."""
        with writing(self._engine) as connection:
            due = [rows.delivery(row) for row in connection.execute(claims.claimable(now, limit))]
            return [
                taken
                for row in due
                if (taken := claims.take(connection, row, now=now, lease=lease))
            ]

    def channel(self, tenant: str, name: str) -> ChannelRow | None:
        key = (channels.c.tenant == tenant) & (channels.c.name == name)
        with reading(self._engine) as connection:
            found = connection.execute(select(channels).where(key)).one_or_none()
        return None if found is None else rows.channel(found)

    def settle(self, delivery: Delivery, *, at: float, message_id: str) -> None:
        """See ports.AlertStore."""
        attempt = Attempt(
            number=delivery.attempts, at=at, answer=delivery.answer, message_id=message_id
        )
        with writing(self._engine) as connection:
            claims.settle(connection, delivery, attempt=attempt)


class SqlAlertTransaction:
    """Implements ports.AlertTransaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._saved: list[MonitorRow] = []
        self._decisions: list[StoredDecision] = []
        self._owed: dict[tuple[str, str], Delivery] = {}

    def lock(self, tenant: str, monitors: Sequence[str]) -> dict[str, MonitorRow]:
        found = rows.find_monitors(self._connection, tenant, monitors=monitors, lock=True)
        return {row.monitor: row for row in found}

    def save(self, row: MonitorRow) -> None:
        self._saved.append(row)

    def record(self, stored: StoredDecision) -> None:
        self._decisions.append(stored)

    def put_alert(self, alert: Alert) -> None:
        columns = msgspec.structs.asdict(alert)
        key = {"_tenant": alert.tenant, "_id": alert.id}
        if not self._connection.execute(_CHANGE_ALERT, columns | key).rowcount:
            self._connection.execute(_BEGIN_ALERT, columns)

    def open_alert(self, tenant: str, monitor: str, *, rule: str) -> Alert | None:
        key = {"_tenant": tenant, "_monitor": monitor, "_rule": rule}
        found = self._connection.execute(_OPEN_ALERT, key).first()
        return None if found is None else rows.alert(found)

    def owe(self, delivery: Delivery) -> None:
        self._owed[delivery.tenant, delivery.id] = delivery

    def flush(self) -> None:
        """Write what was gathered, all at once: a batch has hundreds of rows."""
        self._write(_SAVE_NEWEST, [_key(row) | {"newest": row.newest} for row in self._saved])
        states = [
            _key(row) | {"_rule": rule, "state": rows.encode(state)}
            for row in self._saved
            for rule, state in row.states.items()
        ]
        self._write(_SAVE_STATE, states)
        self._write(insert(decisions), [rows.decision_columns(row) for row in self._decisions])
        # The monitors' rows are locked, so nobody adds the same deliveries between the two steps.
        new = [self._owed[key] for key in self._owed.keys() - self._owed_before()]
        self._write(insert(deliveries), [rows.delivery_columns(row) for row in new])

    def _owed_before(self) -> set[tuple[str, str]]:
        key = tuple_(deliveries.c.tenant, deliveries.c.id)
        query = select(deliveries.c.tenant, deliveries.c.id).where(key.in_(list(self._owed)))
        found = self._connection.execute(query) if self._owed else ()
        return {(row.tenant, row.id) for row in found}

    def _write(self, statement: Insert | Update, values: list[dict[str, Any]]) -> None:
        if values:
            self._connection.execute(statement, values)


def _key(row: MonitorRow) -> dict[str, Any]:
    return {"_tenant": row.tenant, "_monitor": row.monitor}


def _where(table: Table, *names: str) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"_{name}") for name in names))


# Made once: putting a statement together takes longer than running it.
_SAVE_NEWEST = update(alert_monitors).where(_where(alert_monitors, "tenant", "monitor"))
_SAVE_STATE = update(rule_states).where(_where(rule_states, "tenant", "monitor", "rule"))
_CHANGE_ALERT = update(alerts).where(_where(alerts, "tenant", "id"))
_BEGIN_ALERT = insert(alerts)
_OPEN_ALERT = (
    select(alerts)
    .where(_where(alerts, "tenant", "monitor", "rule"), alerts.c.state.in_(OPEN))
    .order_by(alerts.c.slot.desc())
)
