"""The one schema history, and the service's rows on a real database."""

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, LargeBinary, inspect, text
from sqlalchemy.dialects.mysql import MEDIUMBLOB

from functions.core.alert_ports import MonitorRow
from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.reading import Reading
from functions.stores.sql.engine import open_engine, writing
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.database import tables
from mcp_service.database.checks import LIFE
from mcp_service.database.database import Database
from mcp_service.database.migrate import TOO_NEW, Schema, migrate, schema
from mcp_service.database.monitors import Monitors, Outdated
from mcp_service.database.records import Change, Check, MonitorRecord
from mcp_service.desired import desired, mend
from mcp_service.monitors.lookup import row_of


@pytest.fixture
def database(engine: Engine) -> Database:
    return Database(engine)


def record(tenant: str = "ann", **changes: Any) -> MonitorRecord:
    wish = {
        "id": "m1",
        "name": "shop",
        "version": 1,
        "provider": "website",
        "config": {"url": "https://shop.example/"},
        "interval": 60,
        "phase": 5,
    }
    return MonitorRecord(tenant=tenant, **(wish | changes))


def added(database: Database, monitor: MonitorRecord, rules: dict[str, str]) -> None:
    database.monitors.add(monitor, row=row_of(monitor, rules), what="created", at=1)


def differs(*compared: Any) -> bool | None:
    """MySQL says which of its types holds a document of that length, and no length."""
    *_, found, wanted = compared
    if isinstance(wanted, LargeBinary) and isinstance(found, MEDIUMBLOB):
        return not 2**16 <= (wanted.length or 0) < 2**24
    return None


def test_the_migrated_schema_is_that_of_the_code(engine: Engine) -> None:
    assert schema(engine.url.render_as_string(hide_password=False)) is Schema.SAME
    with writing(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": differs})
        assert compare_metadata(context, tables.monitors.metadata) == []
    assert {"monitors", "alerts", "deliveries"} <= set(inspect(engine).get_table_names())


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'monitors.db'}"
    assert schema(url) is Schema.OLDER
    for _ in range(2):
        migrate(url)
        assert schema(url) is Schema.SAME


def test_the_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'monitors.db'}"
    migrate(url)
    with writing(engine := open_engine(url)) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert schema(url) is Schema.NEWER
    with pytest.raises(SourceUnavailable) as refused:
        migrate(url)
    assert refused.value.message == TOO_NEW


def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        migrate(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")


def test_every_key_begins_with_the_tenant() -> None:
    keys = {
        table.name: next(iter(table.primary_key.columns)).name
        for table in tables.monitors.metadata.sorted_tables
    }
    assert [name for name, first in keys.items() if first != "tenant"] == ["dead_letters"]


def test_a_name_is_taken_once_per_tenant(database: Database) -> None:
    added(database, record(), {})
    added(database, record("bob"), {})
    with pytest.raises(InvalidConfiguration):
        added(database, record(id="m2"), {})
    assert len(database.monitors.history("ann", "m1")) == 1


def test_an_id_and_an_exact_name_find_it_and_nothing_else_does(database: Database) -> None:
    added(database, record(), {})
    assert database.monitors.get("ann", "m1") == database.monitors.get("ann", "shop")
    assert database.monitors.get("ann", "Shop") is None
    assert database.monitors.get("bob", "m1") is None


def test_of_two_changes_of_one_version_only_the_first_is_made(database: Database) -> None:
    added(database, record(), {"a": "up is 0"})
    first, second = record(version=2, interval=30), record(version=2, interval=10)
    [before] = database.monitors.history("ann", "m1")
    change = partial(database.monitors.change, before=before, what="changed")
    change(first, row=row_of(first, {}), at=2)
    with pytest.raises(Outdated) as refused:
        change(second, row=row_of(second, {}), at=3)
    assert refused.value.faults[0].field == "version"
    history = database.monitors.history("ann", "m1")
    assert [(one.number, one.record.interval, one.rules) for one in history] == [
        (1, 60, {"a": "up is 0"}),
        (2, 30, {}),
    ]


def test_what_went_on_or_got_another_interval_has_its_slots_since_then(
    database: Database,
) -> None:
    added(database, record(), {})
    for number, what in enumerate(("paused", "resumed", "changed: name, interval", "paused")):
        [*_, before] = database.monitors.history("ann", "m1")
        newer = record(version=number + 2)
        at = float(number)
        database.monitors.change(newer, row=row_of(newer, {}), before=before, what=what, at=at)
    assert database.monitors.rescheduled() == {"m1": 2.0}


def test_a_check_is_forgotten_after_a_day_and_the_latest_counts(database: Database) -> None:
    reading = Reading(
        tenant="ann", monitor="check", version=1, provider="x", slot=0, interval=60, at=0
    )
    for ok, at in ((True, 0.0), (False, 5.0)):
        check = Check(tenant="ann", definition="d", ok=ok, reading=reading, at=at)
        database.checks.put(check)
    found = database.checks.get("ann", "d", now=10)
    assert found is not None
    assert not found.ok
    assert database.checks.get("bob", "d", now=10) is None
    assert database.checks.get("ann", "d", now=LIFE + 6) is None


def test_only_active_monitors_are_desired_with_their_secrets(database: Database) -> None:
    added(database, record(secrets={"bearer": "gone"}), {})
    added(database, record(id="m2", name="b", state="paused"), {})
    [spec] = desired(database)
    assert (spec.id, spec.secrets) == ("m1", {"bearer": ""}), "what is gone can only be refused"


def test_rows_of_the_rules_that_disagree_are_mended(engine: Engine, database: Database) -> None:
    records = SqlAlertRecords(engine)
    rules = {"down": "up is 0"}
    added(database, record(), rules)
    records.drop_monitor("ann", "m1")
    records.put_monitor(MonitorRow(tenant="ann", monitor="m9", version=1, name="x", interval=60))
    assert mend(database, records) == 2
    [row] = records.monitors()
    assert msgspec.structs.replace(row, states={}) == row_of(record(), rules)
    assert mend(database, records) == 0


class Vanishing(Monitors):
    """A monitor is deleted by somebody as soon as all were looked at."""

    def all(self) -> list[MonitorRecord]:
        found = super().all()
        self.drop("ann", "m1")
        return found

    def last_of_all(self) -> list[Change]:
        found = super().last_of_all()
        self.drop("ann", "m1")
        return found


def test_a_monitor_that_is_deleted_meanwhile_does_not_stop_the_mending(
    engine: Engine, database: Database
) -> None:
    records = SqlAlertRecords(engine)
    added(database, record(), {"down": "up is 0"})
    added(database, record(id="m2", name="bank"), {"down": "up is 0"})
    records.drop_monitor("ann", "m1")
    records.drop_monitor("ann", "m2")
    database.monitors = Vanishing(engine)
    for _ in range(2):
        mend(database, records)
    assert [row.monitor for row in records.monitors()] == ["m2"]


class Overtaken(Monitors):
    """Somebody sets another rule just before or after all were looked at."""

    early = False

    def last_of_all(self) -> list[Change]:
        found = [] if self.early else super().last_of_all()
        before = self.last("ann", "m1")
        assert before is not None
        row = row_of(record(), NEWER, rules_version=2)
        self.change(record(), row=row, before=before, what="rule set", at=2)
        return found or super().last_of_all()


NEWER = {"slow": "latency above 9"}


@pytest.mark.parametrize("early", [True, False])
def test_a_rule_that_is_set_meanwhile_is_not_taken_back_by_the_mending(
    engine: Engine, database: Database, early: bool
) -> None:
    records = SqlAlertRecords(engine)
    added(database, record(), {"down": "up is 0"})
    records.put_monitor(row_of(record(name="older"), {"down": "up is 0"}))  # to be mended
    database.monitors = Overtaken(engine)
    database.monitors.early = early
    assert mend(database, records) == 0
    assert [(row.rules, row.rules_version) for row in records.monitors()] == [(NEWER, 2)]


def test_the_last_change_of_each_monitor_is_what_it_is_now(database: Database) -> None:
    for tenant in ("ann", "bob"):
        added(database, record(tenant), {"down": "up is 0"})
    newer = record(version=2)
    before = database.monitors.last("ann", "m1")
    assert before is not None
    rules = {"slow": "latency above 9"}
    row = row_of(newer, rules)
    database.monitors.change(newer, row=row, before=before, what="changed", at=2)
    last = {one.record.tenant: one for one in database.monitors.last_of_all()}
    assert {tenant: (one.number, one.rules) for tenant, one in last.items()} == {
        "ann": (2, rules),
        "bob": (1, {"down": "up is 0"}),
    }
    assert database.monitors.last("ann", "m1") == last["ann"]
    assert database.monitors.last("ann", "m2") is None
