"""Readings in, alerts out: each rule is judged, and what it owes is written down with its state in
one transaction."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from functions.alert.change import changed
from functions.core.alert import Alert, Decision
from functions.core.alert_ports import (
    AlertStore,
    AlertTransaction,
    Delivery,
    MonitorRow,
    StoredDecision,
)
from functions.core.errors import AccessDenied, MonitorError
from functions.core.evaluate import evaluate
from functions.core.ports import Clock
from functions.core.reading import Reading
from functions.core.rule_text import parse

LOG = logging.getLogger("claude_monitor.alert")

Outcome = list[Alert] | MonitorError
"""What one reading led to: the alerts that people are told about, or why it was refused."""

rule_of = lru_cache(maxsize=4096)(parse)


class Alerting:
    """Idempotent: a reading that comes again changes nothing and owes nothing."""

    def __init__(self, store: AlertStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def apply(self, readings: Sequence[Reading]) -> list[Alert]:
        """The alerts that people are told about. Raises AccessDenied for a reading of a monitor
        that its tenant does not have; the other readings are applied all the same."""
        outcomes = self.each(readings)
        for outcome in outcomes:
            if isinstance(outcome, MonitorError):
                raise outcome
        return [alert for told in outcomes if isinstance(told, list) for alert in told]

    def each(self, readings: Sequence[Reading]) -> list[Outcome]:
        """The outcome of every reading, all in one transaction. Raises SourceUnavailable when
        nothing could be stored."""
        tenants: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for index, reading in enumerate(readings):
            tenants[reading.tenant][reading.monitor].append(index)
        outcomes: dict[int, Outcome] = {}
        with self._store.transaction() as transaction:
            # One order for everybody, so that two transactions never wait for each other's rows.
            for tenant, monitors in sorted(tenants.items()):
                rows = transaction.lock(tenant, sorted(monitors))
                for monitor, indexes in monitors.items():
                    sitting = _Sitting(transaction, rows.get(monitor), now=self._clock.now())
                    outcomes |= {index: sitting.judge(readings[index]) for index in indexes}
                    sitting.close()
        return [outcomes[index] for index in range(len(readings))]


class _Sitting:
    """The readings of one monitor within one transaction, whose row is locked."""

    def __init__(
        self, transaction: AlertTransaction, row: MonitorRow | None, *, now: float
    ) -> None:
        self._transaction = transaction
        self._found = self._row = row
        self._now = now

    def judge(self, reading: Reading) -> Outcome:
        row = self._row
        if row is None:
            return AccessDenied("This tenant has no such monitor; its reading was refused.")
        if reading.version < row.version:
            # Nothing is lost and repeating it would not help, so it is no error to the broker.
            words = "reading %s refused: it is of version %d, and its monitor is at version %d"
            LOG.warning(words, reading.id, reading.version, row.version)
        if row.paused or reading.version < row.version:
            return []
        try:
            judged = {
                name: evaluate(rule_of(text), row.states[name], reading=reading)
                for name, text in row.rules.items()
            }
        except MonitorError as error:
            return error
        states = {name: state for name, (state, _) in judged.items()}
        newest = max(row.newest, reading.slot)
        self._row = msgspec.structs.replace(row, states=states, newest=newest)
        told = (self._tell(row, name, decision=decision) for name, (_, decision) in judged.items())
        return [alert for alert in told if alert is not None]

    def close(self) -> None:
        """Save what the readings changed."""
        if self._row is not None and self._row is not self._found:
            self._transaction.save(self._row)

    def _tell(self, row: MonitorRow, rule: str, *, decision: Decision | None) -> Alert | None:
        """Store a change and what it owes; the alert, if people are told about it."""
        if decision is None:
            return None
        opened = self._transaction.open_alert(row.tenant, row.monitor, rule=rule)
        severity = rule_of(row.rules[rule]).severity
        alert = changed(opened, decision, row=row, rule=rule, severity=severity)
        if alert is not None:
            self._transaction.put_alert(alert)
        told = alert if decision.notify else None
        owed = [self._owe(row, told, channel=channel) for channel in row.channels] if told else []
        sealed = StoredDecision(
            tenant=row.tenant,
            monitor=row.monitor,
            rule=rule,
            rule_text=row.rules[rule],
            rules_version=row.rules_version,
            alert=alert.id if alert else "",
            owed=tuple(owed),
            at=self._now,
            decision=decision,
        )
        self._transaction.record(sealed)
        return told

    def _owe(self, row: MonitorRow, alert: Alert, *, channel: str) -> str:
        """The id of the delivery: the same for every repetition."""
        delivery = Delivery(
            id=f"{alert.id}/{alert.number}/{channel}",
            tenant=row.tenant,
            channel=channel,
            alert=alert,
            monitor_name=row.name,
            owed_at=self._now,
        )
        self._transaction.owe(delivery)
        return delivery.id
