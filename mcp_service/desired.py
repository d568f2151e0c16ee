"""What the rows want: which monitors should run, and what the rules should know about them."""

from collections.abc import Iterator, Mapping

from functions.core.monitor import MonitorSpec
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sql.rows import given
from mcp_service.database.database import Database
from mcp_service.database.records import MonitorRecord
from mcp_service.monitors.lookup import row_of


def desired(database: Database) -> Iterator[MonitorSpec]:
    """The documents of every active monitor of everybody, with their secrets as sealed now."""
    sealed: dict[str, dict[str, str]] = {}
    for record in database.monitors.all():
        if record.state == "active":
            if record.tenant not in sealed:
                sealed[record.tenant] = _sealed(database, record.tenant)
            yield _spec(record, sealed[record.tenant])


def spec_of(database: Database, record: MonitorRecord) -> MonitorSpec:
    return _spec(record, _sealed(database, record.tenant))


def mend(database: Database, records: SqlAlertRecords) -> int:
    """Make the rules' rows agree with the monitors, as after a crash half-way through a deletion.
    Returns how many had to be mended."""
    rows = {(row.tenant, row.monitor): row for row in records.monitors()}
    mended = 0
    for last in database.monitors.last_of_all():
        row = rows.pop((last.record.tenant, last.record.id), None)
        wanted = row_of(last.record, last.rules, rules_version=row.rules_version if row else 1)
        if row is None or given(row) != wanted:
            # Whoever changed the monitor after it was read has mended it, too.
            mended += database.monitors.mend(wanted, before=row)
    for tenant, monitor in rows:
        records.drop_monitor(tenant, monitor)
    return mended + len(rows)


def _sealed(database: Database, tenant: str) -> dict[str, str]:
    return {secret.name: secret.sealed for secret in database.secrets.of(tenant)}


def _spec(record: MonitorRecord, sealed: Mapping[str, str]) -> MonitorSpec:
    """A secret that is gone stays as an empty seal, which nobody can open: access is denied then.
    Without its slot the target would be asked without it, and called down for its refusal."""
    return record.spec({slot: sealed.get(name, "") for slot, name in record.secrets.items()})
