"""What a change of a monitor does to its rules' states and alerts, and what expires."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from functions.core.alert import RuleState, Seen
from functions.core.alert_ports import MonitorRow
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sql.tables import metadata
from tests.alerts import FIRING, owed

ROW = MonitorRow(
    tenant="t", monitor="m", version=1, name="Shop", interval=60, rules={"down": "up is 0"}
)
FIRED = RuleState(window=(Seen(60, 0.0),), transition=4)
ALERT = msgspec.structs.replace(FIRING, id="m/down/4", number=4)


class Alerts:
    """A monitor whose one rule has fired."""

    def __init__(self, path: Path) -> None:
        engine = open_engine(f"sqlite:///{path}/monitors.db")
        metadata.create_all(engine)
        self.store = SqlAlertStore(engine)
        self.records = SqlAlertRecords(engine)
        self.records.put_monitor(ROW)
        with self.store.transaction() as transaction:
            row = msgspec.structs.replace(ROW, states={"down": FIRED}, newest=60)
            transaction.save(row)
            transaction.put_alert(ALERT)

    def put(self, **changes: object) -> MonitorRow:
        self.records.put_monitor(msgspec.structs.replace(ROW, **changes))
        row = self.records.monitor("t", "m")
        assert row is not None
        return row

    def alert_state(self) -> str:
        [alert] = self.records.alerts("t")
        return alert.state


@pytest.fixture
def fired(tmp_path: Path) -> Alerts:
    return Alerts(tmp_path)


def test_a_rule_whose_line_is_unchanged_keeps_its_state_and_its_alert(fired: Alerts) -> None:
    row = fired.put(version=2, rules={"slow": "latency above 800", "down": "up is 0"})
    assert list(row.rules) == ["slow", "down"]
    assert row.states == {"slow": RuleState(), "down": FIRED}
    assert (row.version, row.newest, fired.alert_state()) == (2, 60, "firing")


def test_a_changed_rule_begins_anew_but_never_repeats_an_alert_id(fired: Alerts) -> None:
    row = fired.put(rules={"down": "up is 0 for 5 readings"})
    assert row.states == {"down": RuleState(transition=4)}
    assert fired.alert_state() == "closed"


def test_a_rule_that_is_removed_and_written_again_goes_on_counting(fired: Alerts) -> None:
    assert fired.put(rules={}).rules == {}
    assert fired.alert_state() == "closed"
    assert fired.put().states == {"down": RuleState(transition=4)}


def test_a_dropped_monitor_is_gone_and_its_alert_closed(fired: Alerts) -> None:
    fired.records.drop_monitor("t", "m")
    fired.records.drop_monitor("t", "m")
    assert fired.records.monitor("t", "m") is None
    assert fired.alert_state() == "closed"


def test_only_what_is_over_expires(fired: Alerts) -> None:
    delivery = owed(ALERT, at=60)
    sent = msgspec.structs.replace(owed(ALERT, channel="other", at=60), state="sent")
    with fired.store.transaction() as transaction:
        transaction.owe(delivery)
        transaction.owe(sent)
    fired.store.settle(sent, at=61, message_id="sent@claude-monitor")
    assert fired.records.expire(before=60) == 0
    assert fired.records.expire(before=100) == 1
    assert [row.id for row in fired.records.deliveries("t")] == [delivery.id]
    assert fired.records.attempts("t", sent.id) == []
    assert fired.alert_state() == "firing"


def test_every_table_can_be_made_on_mysql() -> None:
    dialect = mysql.dialect()
    for table in metadata.sorted_tables:
        assert CreateTable(table).compile(dialect=dialect).string
        for index in table.indexes:
            assert CreateIndex(index).compile(dialect=dialect).string


def test_no_key_is_longer_than_mysql_takes() -> None:
    for table in metadata.sorted_tables:
        keys = [table.primary_key.columns, *(index.columns for index in table.indexes)]
        for columns in keys:
            letters = sum(getattr(column.type, "length", None) or 8 for column in columns)
            assert 4 * letters <= 3072, (table.name, [column.name for column in columns])
