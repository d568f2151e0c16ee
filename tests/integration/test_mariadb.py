"""What is peculiar to MySQL and MariaDB: letters, locks, and connections that die."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, event, make_url, text

from functions.core.alert import RuleState
from functions.core.alert_ports import ChannelRow, MonitorRow
from functions.core.errors import SourceUnavailable
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.claims import claimable
from functions.stores.sql.engine import open_engine, reading, writing
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.database import tables
from mcp_service.database.migrate import Schema, migrate, schema
from tests.integration.test_service import command
from tests.servers.databases import mysql, named


@pytest.fixture
def engine(mariadb: str) -> Iterator[Engine]:
    engine = open_engine(mariadb)
    yield engine
    engine.dispose()


def row(monitor: str = "m", tenant: str = "t", name: str = "Shop") -> MonitorRow:
    rules = {"down": "up is 0"}
    return MonitorRow(
        tenant=tenant, monitor=monitor, version=1, name=name, interval=60, rules=rules
    )


def test_names_that_differ_in_case_or_accents_are_different(engine: Engine) -> None:
    records = SqlAlertRecords(engine)
    for tenant, monitor in (("t", "m"), ("T", "m"), ("t", "M"), ("t", "ḿ")):
        records.put_monitor(row(monitor, tenant, f"{tenant}/{monitor}"))
    assert [one.name for one in records.monitors("t")] == ["t/M", "t/m", "t/ḿ"]
    assert [one.name for one in records.monitors("T")] == ["T/m"]


def test_any_letter_comes_back(engine: Engine) -> None:
    records = SqlAlertRecords(engine)
    name = "Магазин 🛒 naïve\\ '; --"
    records.put_monitor(row(name=name))
    records.put_channel(
        ChannelRow(tenant="t", name="🛒", kind="email", config={"address": name}, confirmed=True)
    )
    assert [one.name for one in records.monitors("t")] == [name]
    assert [one.config for one in records.channels("t")] == [{"address": name}]


def test_what_is_locked_later_in_a_transaction_is_as_new_as_what_is_locked_first(
    engine: Engine,
) -> None:
    """MySQL's default isolation would show the second tenant's state as of the first read."""
    store, records = SqlAlertStore(engine), SqlAlertRecords(engine)
    for tenant in ("a", "b"):
        records.put_monitor(row(tenant=tenant))
    with store.transaction() as first:
        first.lock("a", ["m"])
        with store.transaction() as second:
            mine = second.lock("b", ["m"])["m"]
            states = {"down": RuleState(transition=5)}
            second.save(msgspec.structs.replace(mine, states=states, newest=60))
        late = first.lock("b", ["m"])["m"]
    assert (late.newest, late.states["down"].transition) == (60, 5)


def test_no_update_is_lost_between_writers(engine: Engine) -> None:
    store, records = SqlAlertStore(engine), SqlAlertRecords(engine)
    records.put_monitor(row())

    def count() -> None:
        for _ in range(25):
            with store.transaction() as transaction:
                mine = transaction.lock("t", ["m"])["m"]
                transaction.save(msgspec.structs.replace(mine, newest=mine.newest + 1))

    writers = [threading.Thread(target=count) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert records.monitors("t")[0].newest == 100


def test_a_connection_that_the_server_closed_is_replaced_unnoticed(
    engine: Engine, mariadb: str
) -> None:
    records = SqlAlertRecords(engine)
    records.put_monitor(row())
    with writing(engine) as connection:
        mine = connection.execute(text("SELECT CONNECTION_ID()")).scalar()
    other = open_engine(mariadb)
    with writing(other) as connection:
        connection.execute(text(f"KILL CONNECTION {mine}"))
    other.dispose()
    assert len(records.monitors("t")) == 1


def test_a_server_that_hangs_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        engine = open_engine(f"mysql+pymysql://u:secret-word@127.0.0.1:{port}/d", patience=1)
        began = time.monotonic()
        with pytest.raises(SourceUnavailable) as refused:
            SqlAlertRecords(engine).monitors()
    assert time.monotonic() - began < 5
    assert "secret-word" not in f"{refused.value} {refused.value.cause}"


def test_a_lock_that_is_not_given_back_is_unavailable_in_time(engine: Engine, mariadb: str) -> None:
    store = SqlAlertStore(engine)
    SqlAlertRecords(engine).put_monitor(row())
    impatient = open_engine(mariadb, patience=1)
    with store.transaction() as first:
        first.lock("t", ["m"])
        with pytest.raises(SourceUnavailable), SqlAlertStore(impatient).transaction() as second:
            second.lock("t", ["m"])
    impatient.dispose()


def test_migrating_twice_and_from_two_places_at_once_is_harmless() -> None:
    with mysql() as url:
        places = [threading.Thread(target=migrate, args=[url]) for _ in range(2)]
        for place in places:
            place.start()
        for place in places:
            place.join()
        migrate(url)
        engine = open_engine(url)
        assert SqlAlertRecords(engine).monitors() == []
        engine.dispose()


def test_a_server_that_takes_no_writes_any_more_is_looked_for_anew(engine: Engine) -> None:
    """As after a fail-over, when its name leads to another server."""

    def own_id() -> object:
        with writing(engine) as connection:
            return connection.scalar(text("SELECT CONNECTION_ID()"))

    def refuse(code: int) -> None:
        refusal = f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'no'"
        with pytest.raises(SourceUnavailable), writing(engine) as connection:
            connection.execute(text(refusal))

    first = own_id()
    refuse(1205)  # a lock
    assert own_id() == first
    refuse(1290)  # --read-only
    assert own_id() != first


def test_what_waits_for_an_earlier_message_is_found_by_its_order(engine: Engine) -> None:
    """Also before there are statistics of the table, as when the first storm comes."""
    query = claimable(1e9, limit=32).compile(engine, compile_kwargs={"literal_binds": True})
    with reading(engine) as connection:
        plan = connection.execute(text(f"EXPLAIN {query}")).mappings().all()
    assert [row["key"] for row in plan if row["table"] == "earlier"] == ["deliveries_in_order"]


class StoppedError(Exception):
    """As a server that goes away, or a process that is killed."""


def stop(*executed: Any) -> None:
    """After a change of a table, which MySQL has committed by itself."""
    if executed[2].split()[0] in ("CREATE", "DROP"):
        raise StoppedError


def test_a_migration_that_stops_after_any_step_goes_on_when_it_is_run_again() -> None:
    stops = 0
    with mysql() as url:
        event.listen(Engine, "after_cursor_execute", stop)
        try:
            while schema(url) is not Schema.SAME:
                with suppress(StoppedError):
                    migrate(url)
                stops += 1
                assert stops < 100, "it does not get any further"
        finally:
            event.remove(Engine, "after_cursor_execute", stop)
        with writing(engine := open_engine(url)) as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": False})
            assert compare_metadata(context, tables.monitors.metadata) == []
        engine.dispose()
    assert stops > 20


def test_a_step_that_takes_long_is_waited_for(mariadb: str) -> None:
    patient = open_engine(mariadb, patience=5, longest=60)
    impatient = open_engine(mariadb, patience=1)
    with writing(patient) as connection:
        connection.execute(text("DO SLEEP(8)"))
    with pytest.raises(SourceUnavailable), writing(impatient) as connection:
        connection.execute(text("DO SLEEP(8)"))
    patient.dispose()
    impatient.dispose()


def test_a_service_on_a_cluster_waits_for_the_schema_of_its_version(tmp_path: Path) -> None:
    with mysql() as url:
        done = command(tmp_path, "serve", **on_a_cluster(url), TOKEN="x" * 32)
    assert done.returncode == 1
    assert done.stderr.endswith("older than this version; let its set-up Job run.\n")


def test_a_set_up_job_with_a_wrong_password_says_so(tmp_path: Path) -> None:
    server = make_url(named("LAB_MYSQL_URL")).set(password="not-it")
    wrong = on_a_cluster(server.render_as_string(hide_password=False))
    done = command(tmp_path, "setup", "--cluster", **wrong)
    assert done.returncode == 1
    assert "Access denied for user" in done.stderr
    assert "not-it" not in done.stdout + done.stderr


def on_a_cluster(database: str) -> dict[str, str]:
    """Settings; what they name besides the database is not there."""
    unused = dict.fromkeys(("INFLUXDB_ORG", "INFLUXDB_BUCKET", "INFLUXDB_TOKEN"), "x")
    unused |= dict.fromkeys(("BROKER_URL", "POLL_URL", "INFLUXDB_URL"), "http://127.0.0.1")
    return {"RUNTIME": "knative", "DATABASE_URL": database, **unused}
