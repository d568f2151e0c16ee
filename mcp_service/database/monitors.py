"""Monitors as their owners want them, and the history of each."""

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from functions.core.errors import Fault, InvalidConfiguration
from functions.stores.sql.engine import reading, writing
from mcp_service.database.records import Change, MonitorRecord
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

    def add(self, record: MonitorRecord, *, rules: dict[str, str], what: str, at: float) -> None:
        """Raises InvalidConfiguration when the tenant already has one of that name."""
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(monitors).values(values_of(record, monitors)))
                _remember(connection, record, rules=rules, what=what, at=at)
        except IntegrityError:
            raise _name_taken() from None

    def change(
        self,
        record: MonitorRecord,
        *,
        rules: dict[str, str],
        expected: int,
        what: str,
        at: float,
    ) -> None:
        """Write the new state and remember it. Raises InvalidConfiguration when the row is no
        longer at the `expected` version, or the new name is taken."""
        mine = (monitors.c.tenant == record.tenant) & (monitors.c.id == record.id)
        wanted = update(monitors).where(mine, monitors.c.version == expected)
        try:
            with writing(self._engine) as connection:
                if not connection.execute(wanted.values(values_of(record, monitors))).rowcount:
                    raise outdated()
                _remember(connection, record, rules=rules, what=what, at=at)
        except IntegrityError:
            raise _name_taken() from None

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


def _remember(
    connection: Connection,
    record: MonitorRecord,
    *,
    rules: dict[str, str],
    what: str,
    at: float,
) -> None:
    mine = (changes.c.tenant == record.tenant) & (changes.c.monitor == record.id)
    last = connection.execute(select(func.max(changes.c.number)).where(mine)).scalar() or 0
    change = Change(number=last + 1, at=at, what=what, record=record, rules=rules)
    keys = {"tenant": record.tenant, "monitor": record.id}
    connection.execute(insert(changes).values(keys | values_of(change, changes)))


def outdated() -> InvalidConfiguration:
    problem = "is not the current version; look with show_monitor and decide again"
    return InvalidConfiguration(Fault("version", problem))


def _name_taken() -> InvalidConfiguration:
    problem = "is taken by another monitor; choose another name, or change it with update_monitor"
    return InvalidConfiguration(Fault("name", problem))
