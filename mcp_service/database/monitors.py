"""Monitors as their owners want them, and the history of each."""

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from functions.core.alert_ports import MonitorRow
from functions.core.errors import Fault, InvalidConfiguration
from functions.stores.sql.engine import reading, writing
from functions.stores.sql.records import put_monitor
from functions.stores.sql.rows import find_monitors, given
from mcp_service.database.records import CHANGED, INTERVAL, RESUMED, Change, MonitorRecord
from mcp_service.database.rows import record_of, values_of
from mcp_service.database.tables import changes, monitors


class Monitors:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, tenant: str, named: str) -> MonitorRecord | None:
        """By id or by exact name; an id wins."""
        either = (monitors.c.id == named) | (monitors.c.name == named)
        found = self._where((monitors.c.tenant == tenant) & either)
        exact = [record for record in found if named in (record.id, record.name)]
        return min(exact, key=lambda record: record.id != named, default=None)

    def of(self, tenant: str) -> list[MonitorRecord]:
        """A tenant's, in the order of their names."""
        return self._where(monitors.c.tenant == tenant)

    def all(self) -> list[MonitorRecord]:
        """Everybody's, for the reconciler."""
        return self._where(monitors.c.tenant != "")

    def add(self, record: MonitorRecord, *, row: MonitorRow, what: str, at: float) -> None:
        """With `row`, by which the rules know it. Raises InvalidConfiguration when the tenant
        already has one of that name."""
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(monitors).values(values_of(record, monitors)))
                _remember(connection, Change(1, at, what, record=record, rules=row.rules))
                put_monitor(connection, row)
        except IntegrityError:
            raise _name_taken() from None

    def change(
        self, record: MonitorRecord, *, row: MonitorRow, before: Change, what: str, at: float
    ) -> None:
        """Write the new state on the ground of its last change, with `row`, by which the rules
        know it, and remember it. Raises Outdated when `before` is no longer the last change,
        InvalidConfiguration when the new name is taken."""
        mine = (monitors.c.tenant == record.tenant) & (monitors.c.id == record.id)
        change = Change(before.number + 1, at, what, record=record, rules=row.rules)
        try:
            with writing(self._engine) as connection:
                # Writing comes first: it locks the row, so that nobody adds a change meanwhile.
                wanted = update(monitors).where(mine).values(values_of(record, monitors))
                if not connection.execute(wanted).rowcount:
                    raise Outdated
                if _last_number(connection, record) != before.number:
                    raise Outdated
                _remember(connection, change)
                put_monitor(connection, row)
        except IntegrityError:
            raise _name_taken() from None

    def mend(self, row: MonitorRow, *, before: MonitorRow | None) -> bool:
        """Write the row by which the rules know a monitor, unless it is no longer as it was
        `before` (None: missing). Whether it was written."""
        with writing(self._engine) as connection:
            now = find_monitors(connection, row.tenant, monitors=[row.monitor], lock=True)
            if [given(one) for one in now] != ([given(before)] if before else []):
                return False
            put_monitor(connection, row)
        return True

    def last(self, tenant: str, monitor: str) -> Change | None:
        """The last change of one monitor: the monitor and its rules as they are now."""
        mine = (changes.c.tenant == tenant) & (changes.c.monitor == monitor)
        query = select(changes).where(mine).order_by(changes.c.number.desc()).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return record_of(Change, changes, row=row) if row else None

    def last_of_all(self) -> list[Change]:
        """The last change of each monitor of everybody, as of one moment."""
        key = (changes.c.tenant, changes.c.monitor)
        newest = select(*key, func.max(changes.c.number).label("number")).group_by(*key).subquery()
        same = and_(*(changes.c[column.name] == column for column in newest.columns))
        with reading(self._engine) as connection:
            rows = connection.execute(select(changes).join(newest, same))
            return [record_of(Change, changes, row=row) for row in rows]

    def rescheduled(self) -> dict[str, float]:
        """When each monitor last went on after a pause or got another interval."""
        such = (changes.c.what == RESUMED) | changes.c.what.like(f"{CHANGED}%{INTERVAL}%")
        query = select(changes.c.monitor, func.max(changes.c.at).label("last")).where(such)
        with reading(self._engine) as connection:
            rows = connection.execute(query.group_by(changes.c.monitor))
            return {row.monitor: row.last for row in rows}

    def history(self, tenant: str, monitor: str) -> list[Change]:
        """Oldest first."""
        mine = (changes.c.tenant == tenant) & (changes.c.monitor == monitor)
        query = select(changes).where(mine).order_by(changes.c.number)
        with reading(self._engine) as connection:
            return [record_of(Change, changes, row=row) for row in connection.execute(query)]

    def drop(self, tenant: str, monitor: str) -> None:
        """The row and its history."""
        with writing(self._engine) as connection:
            for table, key in ((monitors, monitors.c.id), (changes, changes.c.monitor)):
                connection.execute(delete(table).where(table.c.tenant == tenant, key == monitor))

    def _where(self, condition: ColumnElement[bool]) -> list[MonitorRecord]:
        order = (monitors.c.tenant, monitors.c.name)
        with reading(self._engine) as connection:
            rows = connection.execute(select(monitors).where(condition).order_by(*order))
            return [record_of(MonitorRecord, monitors, row=row) for row in rows]


def _last_number(connection: Connection, record: MonitorRecord) -> int:
    mine = (changes.c.tenant == record.tenant) & (changes.c.monitor == record.id)
    return connection.execute(select(func.max(changes.c.number)).where(mine)).scalar() or 0


def _remember(connection: Connection, change: Change) -> None:
    keys = {"tenant": change.record.tenant, "monitor": change.record.id}
    connection.execute(insert(changes).values(keys | values_of(change, changes)))


class Outdated(InvalidConfiguration):
    """Somebody else changed the monitor since it was looked at."""

    def __init__(self) -> None:
        problem = "is not the current version; look with show_monitor and decide again"
        super().__init__(Fault("version", problem))


def _name_taken() -> InvalidConfiguration:
    problem = "is taken by another monitor; choose another name, or change it with update_monitor"
    return InvalidConfiguration(Fault("name", problem))
