"""The ports of alerting: the rows that alert and notify keep, their store, and what sends. Apart
from ports.py, because poll needs none of it and each import is part of its cold start."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from functions.core.alert import Alert, Decision, RuleState


class MonitorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor as the alert function sees it. `rules` maps a rule's name to its line; `channels`
    are the names of the confirmed channels its alerts go to; `states` the evaluator's state by
    rule name; `newest` the newest slot evaluated (0 before the first)."""

    tenant: str
    monitor: str
    version: int
    name: str
    interval: int
    rules: dict[str, str] = {}
    rules_version: int = 1
    channels: tuple[str, ...] = ()
    states: dict[str, RuleState] = {}
    newest: int = 0
    paused: bool = False


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message owed to one channel for one transition of one alert. `id` is the idempotency key
    (`alert id / number / channel`); the mail's Message-ID is made from it."""

    id: str
    tenant: str
    channel: str
    alert: Alert
    monitor_name: str
    owed_at: float
    attempts: int = 0
    next_try: float = 0.0
    state: str = "owed"
    """owed, sent or given_up."""
    answer: str = ""


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A place where a tenant's alerts go; only a confirmed one is ever sent alerts."""

    tenant: str
    name: str
    kind: str
    config: dict[str, str]
    confirmed: bool


class StoredDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it is sealed: the rule and its version it was judged by, the alert it belongs
    to (empty for a near miss), the ids of the deliveries it owed, and when it was taken."""

    tenant: str
    monitor: str
    rule: str
    rule_text: str
    rules_version: int
    alert: str
    owed: tuple[str, ...]
    at: float
    decision: Decision


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to send a delivery. A number that is missing in the record belongs to a try whose
    process died before it could write down the answer, or had no time left to begin."""

    number: int
    at: float
    answer: str
    message_id: str


class AlertTransaction(Protocol):
    """One transaction of the alert function."""

    def lock(self, tenant: str, monitors: Sequence[str]) -> dict[str, MonitorRow]:
        """The rows of those monitors that this tenant has; they stay locked until the end."""
        ...

    def save(self, row: MonitorRow) -> None:
        """Write `states` and `newest` back."""
        ...

    def record(self, stored: StoredDecision) -> None: ...
    def put_alert(self, alert: Alert) -> None: ...
    def open_alert(self, tenant: str, monitor: str, *, rule: str) -> Alert | None:
        """The alert of this rule that has not been resolved, if any."""
        ...

    def owe(self, delivery: Delivery) -> None:
        """Idempotent by the delivery's id."""
        ...


class AlertStore(Protocol):
    """Rules' state, alerts, decisions and deliveries. Synchronous: SQL drivers block, so callers
    put it on a thread."""

    def transaction(self) -> AbstractContextManager[AlertTransaction]: ...
    def claim(self, now: float, *, lease: float, limit: int) -> list[Delivery]:
        """Due deliveries, leased to the caller until `now + lease`: nobody else gets them before.
        Each counts as one more attempt. Never the later message of an alert before the earlier
        one, and never so many of one tenant or channel that others have to wait."""
        ...

    def channel(self, tenant: str, name: str) -> ChannelRow | None: ...
    def settle(self, delivery: Delivery, *, at: float, message_id: str) -> None:
        """Record one attempt: `state`, `next_try` and `answer` as they are now. A lease that was
        lost meanwhile is not taken back, and what was sent stays sent."""
        ...


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel sends: `id` becomes the Message-ID, so a repeated send is recognisable."""

    id: str
    subject: str
    text: str
    at: float


class Channel(Protocol):
    """Raises SourceUnavailable when trying again may help, AccessDenied when an account has to be
    repaired first, UnexpectedAnswer when this message will never be taken. Returns the provider's
    answer in our own words, for the record."""

    async def send(self, message: Message) -> str: ...
