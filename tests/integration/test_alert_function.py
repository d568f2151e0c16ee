"""The alert function as a real process: readings in over HTTP, a wake-up out to a broker."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from functions.clients.broker import DEADLINE
from functions.core.alert_event import alert_of
from functions.core.alert_ports import MonitorRow
from functions.core.events import ALERT, believed, encode, reading_event, sealed
from functions.core.keyring import new_shared_key
from functions.core.reading import Reading
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sql.tables import metadata
from tests.servers.broker import Broker
from tests.servers.function import Function, serve_command

SHARED = new_shared_key()
ROW = MonitorRow(
    tenant="t",
    monitor="shop",
    version=1,
    name="Shop",
    interval=60,
    rules={"down": "up is 0 for 2 readings"},
    channels=("mail",),
)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


@pytest.fixture
def records(tmp_path: Path) -> SqlAlertRecords:
    engine = open_engine(f"sqlite:///{tmp_path}/monitors.db")
    metadata.create_all(engine)
    records = SqlAlertRecords(engine)
    records.put_monitor(ROW)
    return records


@pytest.fixture
def alert(tmp_path: Path, broker: Broker, records: SqlAlertRecords) -> Iterator[Function]:
    (tmp_path / "events.key").write_text(SHARED)
    settings = {
        "CLAUDE_MONITOR_KEYS": str(tmp_path),
        "CLAUDE_MONITOR_DATABASE_URL": f"sqlite:///{tmp_path}/monitors.db",
        "BROKER_URL": broker.url,
    }
    with Function(serve_command("alert"), settings) as function:
        yield function


def down(minute: int, *, key: str = SHARED, **changes: object) -> tuple[dict[str, str], bytes]:
    seen = Reading(
        tenant="t",
        monitor="shop",
        version=1,
        provider="website",
        slot=60 * minute,
        interval=60,
        at=60.0 * minute,
        metrics={"up": 0.0},
    )
    return encode(sealed(reading_event(msgspec.structs.replace(seen, **changes)), key))


def test_a_firing_is_owed_logged_and_wakes_notify_once(
    alert: Function, broker: Broker, records: SqlAlertRecords
) -> None:
    for minute in (1, 2, 2, 1):
        assert alert.post(*down(minute)) == (204, b"")
    [event] = broker.events
    told = alert_of(believed(event, SHARED))
    assert (event.type, told.id, told.state) == (ALERT, "shop/down/2", "firing")
    assert [delivery.alert for delivery in records.deliveries("t")] == [told]
    lines = [line for line in alert.end().splitlines() if "alert monitor=" in line]
    assert len(lines) == 1
    assert "alert monitor=shop rule=down state=firing" in lines[0]


def test_what_is_not_ours_is_refused_for_good(alert: Function, records: SqlAlertRecords) -> None:
    strange = [
        down(1, key=new_shared_key()),
        down(1, tenant="other"),
        down(1, monitor="nothing"),
        (down(1)[0], b"{}"),
        ({"content-type": "application/json"}, b"{}"),
    ]
    assert [alert.post(*event)[0] for event in strange] == [400] * len(strange)
    assert [row.newest for row in records.monitors()] == [0]


def test_a_wake_up_that_nobody_takes_does_not_undo_the_alert(
    alert: Function, broker: Broker, records: SqlAlertRecords
) -> None:
    broker.status = 503
    assert [alert.post(*down(minute))[0] for minute in (1, 2)] == [204, 204]
    assert len(records.deliveries("t", state="owed")) == 1
    written = alert.end()
    assert "the next sweep will do" in written, written


def test_wake_ups_that_hang_hold_up_the_answer_together_and_less_than_poll_waits(
    alert: Function, broker: Broker, records: SqlAlertRecords
) -> None:
    rules = {f"down {number}": "up is 0 for 1 reading" for number in range(3)}
    records.put_monitor(msgspec.structs.replace(ROW, rules=rules, rules_version=2))
    broker.delay = DEADLINE
    began = time.monotonic()
    assert alert.post(*down(1)) == (204, b"")
    assert time.monotonic() - began < 0.8 * DEADLINE
    assert len(records.deliveries("t", state="owed")) == 3
    assert alert.end().count("the next sweep will do") == 3


def test_a_database_that_is_away_is_tried_again(
    alert: Function, tmp_path: Path, records: SqlAlertRecords
) -> None:
    with closing(sqlite3.connect(tmp_path / "monitors.db")) as database:
        database.execute("ALTER TABLE alert_monitors RENAME TO moved")
        assert alert.post(*down(1))[0] == 503
        database.execute("ALTER TABLE moved RENAME TO alert_monitors")
    assert alert.post(*down(1))[0] == 204
