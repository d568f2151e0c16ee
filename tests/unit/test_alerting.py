"""Readings become alerts, decisions and owed deliveries, each exactly once."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from functions.alert.alerting import Alerting
from functions.core.alert import Alert, Transition
from functions.core.alert_ports import MonitorRow
from functions.core.errors import AccessDenied, InvalidConfiguration
from functions.core.reading import Failure, FailureKind, Reading
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sql.tables import metadata

ROW = MonitorRow(
    tenant="t",
    monitor="m",
    version=2,
    name="Shop",
    interval=60,
    rules={"down": "up is 0 for 2 readings, recover for 1 reading, critical"},
    channels=("mail", "phone"),
)
BLIND = "up is 0 for 2 readings, recover for 1 reading, blind alerts after 1 reading"


class FixedClock:
    def now(self) -> float:
        return 1000.0

    def monotonic(self) -> float:
        return 0.0


class Rules:
    """The alert function on a real database, with one monitor."""

    def __init__(self, path: Path) -> None:
        engine = open_engine(f"sqlite:///{path}/monitors.db")
        metadata.create_all(engine)
        self.records = SqlAlertRecords(engine)
        self.alerting = Alerting(SqlAlertStore(engine), FixedClock())
        self.put()

    def put(self, **changes: object) -> None:
        self.records.put_monitor(msgspec.structs.replace(ROW, **changes))

    def see(self, *ups: float | None, start: int = 1) -> list[Alert]:
        """One reading a minute; None for one that failed."""
        return self.alerting.apply([reading(n, up) for n, up in enumerate(ups, start)])

    def told(self) -> list[str]:
        """The transitions of all decisions, the oldest first."""
        return [row.decision.transition for row in reversed(self.records.decisions("t", "m"))]

    def owed(self) -> list[str]:
        return sorted(delivery.id for delivery in self.records.deliveries("t"))


def reading(n: int, up: float | None = 0.0, **changes: object) -> Reading:
    failure = Failure(FailureKind.ACCESS, "token expired") if up is None else None
    good = Reading(
        tenant="t",
        monitor="m",
        version=2,
        provider="website",
        slot=60 * n,
        interval=60,
        at=60.0 * n,
        metrics={} if up is None else {"up": up},
        failure=failure,
    )
    return msgspec.structs.replace(good, **changes)


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules(tmp_path)


def states(alerts: Sequence[Alert]) -> list[tuple[str, str]]:
    return [(alert.id, alert.state) for alert in alerts]


def test_a_firing_and_its_end_are_one_alert_and_two_messages_per_channel(rules: Rules) -> None:
    assert states(rules.see(1, 0)) == []
    [fired] = rules.see(0, start=3)
    assert (fired.state, fired.severity, fired.value, fired.slot) == ("firing", "critical", 0, 180)
    [resolved] = rules.see(1, start=4)
    assert (resolved.id, resolved.state, resolved.started) == (fired.id, "resolved", 180)
    assert rules.records.alerts("t") == [resolved]
    assert rules.told() == ["pending", "firing", "resolved"]
    assert rules.owed() == [
        f"{fired.id}/{number}/{channel}" for number in (2, 3) for channel in ("mail", "phone")
    ]


def test_a_decision_names_its_alert_and_what_it_owed(rules: Rules) -> None:
    [fired] = rules.see(0, 0)
    firing, pending = rules.records.decisions("t", "m")
    assert (pending.alert, pending.owed) == ("", ())
    assert (firing.alert, firing.owed) == (fired.id, tuple(rules.owed()))
    assert (firing.rule_text, firing.at) == (ROW.rules["down"], 1000.0)


def test_a_near_miss_is_recorded_and_told_to_nobody(rules: Rules) -> None:
    assert rules.see(0, 1) == []
    assert rules.told() == ["pending", "cleared"]
    assert (rules.owed(), rules.records.alerts("t")) == ([], [])


def test_repeated_readings_owe_nothing_twice(rules: Rules) -> None:
    assert len(rules.see(0, 0)) == 1
    owed = rules.owed()
    for _ in range(3):
        assert rules.see(0, 0) == []
    assert rules.owed() == owed
    assert rules.told() == ["pending", "firing"]


def test_a_batch_gives_the_same_as_one_reading_after_the_other(
    rules: Rules, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Rules(tmp_path / "other")
    ups = (1, 0, 0, 0, 1, 0, 0, None, 1)
    whole = rules.see(*ups)
    single = [alert for n, up in enumerate(ups, 1) for alert in other.see(up, start=n)]
    assert whole == single
    assert rules.records.monitors() == other.records.monitors()


def test_the_newest_slot_is_kept_and_a_late_reading_does_not_move_it_back(rules: Rules) -> None:
    rules.see(1, 1, 1)
    rules.see(1, start=2)
    [row] = rules.records.monitors()
    assert row.newest == 180


@pytest.mark.parametrize("change", [{"version": 1}, {"version": 0}])
def test_readings_of_an_older_version_change_nothing_and_are_logged(
    rules: Rules, change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    old = [reading(n, **change) for n in (1, 2, 3)]
    assert rules.alerting.apply(old) == []
    assert [row.newest for row in rules.records.monitors()] == [0]
    assert caplog.text.count("refused: it is of version") == 3


def test_a_paused_monitor_fires_nothing(rules: Rules) -> None:
    rules.put(paused=True)
    assert rules.see(0, 0, 0) == []
    assert rules.told() == []


@pytest.mark.parametrize("change", [{"tenant": "other"}, {"monitor": "n"}])
def test_a_stranger_is_refused_and_the_others_are_applied(
    rules: Rules, change: dict[str, object]
) -> None:
    batch = [reading(1), reading(2, **change), reading(2)]
    with pytest.raises(AccessDenied, match="no such monitor"):
        rules.alerting.apply(batch)
    assert rules.told() == ["pending", "firing"]


def test_a_rule_that_cannot_be_read_is_an_error_of_its_monitor_alone(rules: Rules) -> None:
    rules.put(monitor="n", rules={"odd": "what is this"})
    odd, good, fires = rules.alerting.each([reading(1, monitor="n"), reading(1), reading(2)])
    assert isinstance(odd, InvalidConfiguration)
    assert good == []
    assert isinstance(fires, list)
    assert [alert.monitor for alert in fires] == ["m"]


def test_a_blind_monitor_is_told_with_its_cause_and_never_as_recovered(rules: Rules) -> None:
    rules.put(rules={"down": BLIND})
    [blind] = rules.see(None)
    assert (blind.state, blind.blind) == ("blind", "token expired")
    [sees] = rules.see(1, start=2)
    assert (sees.id, sees.state, sees.blind) == (blind.id, "resolved", "")


def test_an_alert_that_goes_blind_stays_the_same_alert(rules: Rules) -> None:
    rules.put(rules={"down": BLIND})
    [fired] = rules.see(0, 0)
    assert states(rules.see(None, start=3)) == [(fired.id, "blind")]
    assert states(rules.see(0, start=4)) == [(fired.id, "firing")]
    assert states(rules.see(1, start=5)) == [(fired.id, "resolved")]


def test_blindness_that_nobody_is_told_of_leaves_the_alert_firing(rules: Rules) -> None:
    [fired] = rules.see(0, 0)
    assert rules.see(None, None, None, start=3) == []
    assert rules.told()[-1] == Transition.BLIND
    [still] = rules.records.alerts("t")
    assert (still.id, still.state, still.blind) == (fired.id, "firing", "token expired")


def test_a_late_reading_does_not_end_the_alert_of_a_monitor_that_is_still_blind(
    rules: Rules,
) -> None:
    rules.put(rules={"down": BLIND})
    rules.see(1, start=1)
    told = states([*rules.see(None, start=3), *rules.see(0, start=2), *rules.see(1, start=4)])
    assert [state for _, state in told] == ["blind", "resolved"]
    assert set(rules.told()) == {"blind", "pending", "seeing"}


def test_a_second_firing_is_an_alert_of_its_own(rules: Rules) -> None:
    first, _, second = rules.see(0, 0, 1, 0, 0)
    assert first.id != second.id
    assert states(rules.records.alerts("t")) == [(second.id, "firing"), (first.id, "resolved")]


def test_after_a_changed_rule_a_new_alert_never_takes_an_old_id(rules: Rules) -> None:
    [first] = rules.see(0, 0)
    rules.put(rules={"down": "up is 0 for 2 readings"})
    [second] = rules.see(0, 0, start=3)
    assert first.id != second.id
    assert [a.state for a in rules.records.alerts("t")] == ["firing", "closed"]
    assert len(rules.owed()) == 4
