"""What every alert store must keep, on every database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from functions.core.alert import Alert, Decision, RuleState, Seen, State, Transition
from functions.core.alert_ports import ChannelRow, Delivery, MonitorRow, StoredDecision
from functions.core.errors import SourceUnavailable
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.claims import PER_CHANNEL, PER_TENANT
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from tests.alerts import FIRING, NOW, moved, owed

ROW = MonitorRow(
    tenant="t",
    monitor="m",
    version=1,
    name="Shop",
    interval=60,
    rules={"slow": "latency above 800", "down": "up is 0"},
    channels=("mail",),
)
CHANNEL = ChannelRow(
    tenant="t", name="mail", kind="email", config={"address": "a@example.org"}, confirmed=False
)


@pytest.fixture
def store(engine: Engine) -> SqlAlertStore:
    return SqlAlertStore(engine)


@pytest.fixture
def records(engine: Engine) -> SqlAlertRecords:
    records = SqlAlertRecords(engine)
    records.put_monitor(ROW)
    return records


def alert(number: int = 1, *, tenant: str = "t", name: str = FIRING.id) -> Alert:
    return moved(msgspec.structs.replace(FIRING, tenant=tenant, id=name), number)


def owe(store: SqlAlertStore, *deliveries: Delivery) -> None:
    with store.transaction() as transaction:
        for delivery in deliveries:
            transaction.owe(delivery)


def claim(store: SqlAlertStore, now: float = NOW, limit: int = 100) -> list[Delivery]:
    return store.claim(now, lease=30, limit=limit)


def settled(store: SqlAlertStore, delivery: Delivery, state: str, next_try: float = 0) -> None:
    tried = msgspec.structs.replace(delivery, state=state, answer="250", next_try=next_try)
    store.settle(tried, at=NOW, message_id="one@claude-monitor")


def test_rules_keep_their_order_and_saved_states_come_back(
    store: SqlAlertStore, records: SqlAlertRecords
) -> None:
    state = RuleState(window=(Seen(60, 0.0), Seen(120, None, "refused")), transition=3)
    with store.transaction() as transaction:
        row = transaction.lock("t", ["m", "unknown"])["m"]
        assert list(row.rules) == ["slow", "down"]
        states = row.states | {"down": state}
        transaction.save(msgspec.structs.replace(row, states=states, newest=120))
    kept = records.monitor("t", "m")
    assert kept is not None
    assert kept.states == {"slow": RuleState(), "down": state}
    assert (kept.newest, kept.channels, records.monitors()) == (120, ("mail",), [kept])


def test_a_foreign_tenant_sees_nothing(store: SqlAlertStore, records: SqlAlertRecords) -> None:
    with store.transaction() as transaction:
        transaction.put_alert(alert())
        assert transaction.lock("other", ["m"]) == {}
        assert transaction.open_alert("other", "m", rule="down") is None
    assert records.alert("other", "m/down/1") is None
    assert records.alerts("other") == []


def test_an_error_inside_a_transaction_leaves_nothing_behind(
    store: SqlAlertStore, records: SqlAlertRecords
) -> None:
    def half() -> None:
        with store.transaction() as transaction:
            transaction.put_alert(alert())
            raise LookupError

    with pytest.raises(LookupError):
        half()
    assert records.alerts("t") == []


def test_a_transaction_keeps_others_out_until_it_ends(
    store: SqlAlertStore, records: SqlAlertRecords
) -> None:
    order: list[str] = []

    def second() -> None:
        with store.transaction() as transaction:
            transaction.lock("t", ["m"])
            order.append("second")

    other = threading.Thread(target=second)
    with store.transaction() as transaction:
        transaction.lock("t", ["m"])
        other.start()
        other.join(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


def test_an_alert_is_open_until_it_resolves(store: SqlAlertStore, records: SqlAlertRecords) -> None:
    with store.transaction() as transaction:
        transaction.put_alert(alert())
        assert transaction.open_alert("t", "m", rule="down") == alert()
        transaction.put_alert(alert(2))
        assert transaction.open_alert("t", "m", rule="down") is None
    assert records.alerts("t", monitor="m", state="resolved", since=120) == [alert(2)]
    assert records.alerts("t", since=121) == []


def test_what_is_owed_twice_is_claimed_once(store: SqlAlertStore) -> None:
    owe(store, owed(alert()), owed(alert()))
    assert [taken.attempts for taken in claim(store)] == [1]
    assert claim(store) == []


def test_a_lease_that_ran_out_frees_the_delivery(store: SqlAlertStore) -> None:
    owe(store, owed(alert()))
    claim(store)
    assert claim(store, NOW + 29) == []
    assert [taken.attempts for taken in claim(store, NOW + 31)] == [2]


def test_a_late_failure_does_not_free_a_lease_that_somebody_else_holds(
    store: SqlAlertStore,
) -> None:
    owe(store, owed(alert()))
    [stalled] = claim(store)
    claim(store, NOW + 31)
    settled(store, stalled, "owed")
    assert claim(store, NOW + 32) == []


def test_a_late_acceptance_counts(store: SqlAlertStore, records: SqlAlertRecords) -> None:
    owe(store, owed(alert()))
    [stalled] = claim(store)
    [retried] = claim(store, NOW + 31)
    settled(store, stalled, "sent")
    settled(store, retried, "owed")
    assert claim(store, NOW + 62) == []
    assert [row.state for row in records.deliveries("t", alert="m/down/1")] == ["sent"]
    assert [row.number for row in records.attempts("t", stalled.id)] == [1, 2]


def test_a_failed_delivery_waits_for_its_next_try(store: SqlAlertStore) -> None:
    owe(store, owed(alert()))
    settled(store, claim(store)[0], "owed", next_try=NOW + 5)
    assert claim(store, NOW + 4) == []
    assert len(claim(store, NOW + 5)) == 1


@pytest.mark.parametrize("end", ["sent", "given_up"])
def test_a_later_message_waits_for_the_earlier_one_of_its_alert(
    store: SqlAlertStore, end: str
) -> None:
    owe(store, owed(alert()), owed(alert(2)))
    [first] = claim(store)
    assert first.alert.number == 1
    settled(store, first, "owed", next_try=NOW + 60)
    assert claim(store) == []
    [again] = claim(store, NOW + 60)
    settled(store, again, end)
    assert [taken.alert.number for taken in claim(store, NOW + 60)] == [2]


def test_one_tenant_and_one_channel_leave_room_for_others(store: SqlAlertStore) -> None:
    many = [owed(alert(name=f"m/down/{n}"), f"mail{n % 9}") for n in range(90)]
    other = owed(alert(tenant="late"), at=NOW + 1)
    owe(store, *many, other)
    taken = claim(store, NOW + 1)
    assert other.id in {row.id for row in taken if row.tenant == "late"}
    mine = [row.channel for row in taken if row.tenant == "t"]
    assert len(mine) == PER_TENANT
    assert max(mine.count(channel) for channel in mine) <= PER_CHANNEL
    assert claim(store, NOW + 1) == []


@pytest.mark.parametrize("state", ["sent", "owed"])
def test_what_is_settled_again_because_the_answer_was_lost_is_settled_once(
    store: SqlAlertStore, records: SqlAlertRecords, state: str
) -> None:
    owe(store, owed(alert()))
    [first] = claim(store)
    settled(store, first, state)
    claim(store)  # somebody else tries what is still owed
    settled(store, first, state)
    [delivery] = records.deliveries("t")
    assert (delivery.state, delivery.attempts) == (state, 1 if state == "sent" else 2)
    assert [one.number for one in records.attempts("t", first.id)] == [1]


def test_the_backlog_of_one_channel_leaves_room_for_the_same_tenants_others(
    store: SqlAlertStore,
) -> None:
    owe(store, *(owed(alert(name=f"m/down/{n}"), "slow") for n in range(50)))
    assert len(claim(store)) == PER_CHANNEL
    quick = owed(alert(), "quick", at=NOW + 1)
    owe(store, quick)
    assert [row.id for row in claim(store, NOW + 1)] == [quick.id]


def test_the_oldest_of_each_tenant_comes_before_anybodys_second(store: SqlAlertStore) -> None:
    first, second = (owed(alert(name=f"m/down/{n}"), at=NOW + n) for n in range(2))
    owe(store, second, owed(alert(tenant="late"), at=NOW + 2), first)
    taken = claim(store, NOW + 9, limit=2)
    assert {(row.tenant, row.owed_at - NOW) for row in taken} == {("t", 0), ("late", 2)}


def test_claims_at_the_same_time_never_get_the_same_delivery(store: SqlAlertStore) -> None:
    owe(store, *(owed(alert(tenant=f"t{n}")) for n in range(20)))
    taken: list[str] = []

    def sweep() -> None:
        while rows := claim(store, limit=2):
            taken.extend(row.tenant for row in rows)

    sweeps = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in sweeps:
        thread.start()
    for thread in sweeps:
        thread.join()
    assert sorted(taken) == sorted(f"t{n}" for n in range(20))


def test_a_decision_comes_back_as_it_was_sealed(
    store: SqlAlertStore, records: SqlAlertRecords
) -> None:
    decision = Decision(
        transition=Transition.FIRING,
        number=1,
        slot=60,
        reading="m/60",
        before=State.PENDING,
        after=State.FIRING,
        blind="",
        evidence=(Seen(60, 0.0),),
        notify=True,
    )
    sealed = StoredDecision(
        tenant="t",
        monitor="m",
        rule="down",
        rule_text="up is 0",
        rules_version=1,
        alert="m/down/1",
        owed=("m/down/1/1/mail",),
        at=NOW,
        decision=decision,
    )
    with store.transaction() as transaction:
        transaction.record(sealed)
    assert records.decisions("t", "m", rule="down", alert="m/down/1") == [sealed]
    assert records.decisions("t", "m", rule="slow") == []


def test_a_channel_is_found_until_it_is_dropped(
    store: SqlAlertStore, records: SqlAlertRecords
) -> None:
    records.put_channel(CHANNEL)
    confirmed = msgspec.structs.replace(CHANNEL, confirmed=True)
    records.put_channel(confirmed)
    assert store.channel("t", "mail") == confirmed
    assert records.channels("t") == [confirmed]
    records.drop_channel("t", "mail")
    assert store.channel("t", "mail") is None


@pytest.mark.parametrize("what", ["channel", "monitor"])
def test_those_who_put_the_same_new_row_at_once_all_succeed(engine: Engine, what: str) -> None:
    """Claude calls tools side by side, and each call may reach another replica."""
    records, at_once = SqlAlertRecords(engine), 4

    def put(number: int, start: threading.Barrier) -> None:
        start.wait(20)
        if what == "channel":
            records.put_channel(msgspec.structs.replace(CHANNEL, name=f"mail{number}"))
        else:
            records.put_monitor(msgspec.structs.replace(ROW, monitor=f"m{number}"))

    with ThreadPoolExecutor(at_once) as threads:
        for number in range(20):
            start = threading.Barrier(at_once)
            for done in [threads.submit(put, number, start) for _ in range(at_once)]:
                done.result()
    assert len(records.channels("t") if what == "channel" else records.monitors("t")) == 20


def test_a_database_that_cannot_be_opened_is_unavailable_not_broken(tmp_path: Path) -> None:
    store = SqlAlertStore(open_engine(f"sqlite:///{tmp_path}/no/such/folder.db"))
    with pytest.raises(SourceUnavailable, match="alert database"):
        store.channel("t", "mail")
