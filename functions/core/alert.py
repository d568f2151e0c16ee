"""An alert, its states, and the decision: the sealed record of why a rule did or did not fire."""

from enum import StrEnum

import msgspec

from functions.core.rule import Severity


class State(StrEnum):
    """Of one rule on one monitor. `resolved` is a rule that fired and recovered."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """One reading as a rule keeps it in its window: the slot, the metric's value (None when the
    reading failed or lacks the metric), the safe cause of the failure, and whether it is only the
    watchdog's word for a slot that never ticked."""

    slot: int
    value: float | None
    cause: str = ""
    missed: bool = False


class Machine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where one rule stands. `streak` readings count towards the next change (bad ones, while
    firing recovered ones), the first of them at slot `streak_from`."""

    state: State = State.OK
    since: int = 0
    """The slot at which the state began."""
    streak: int = 0
    streak_from: int = 0
    recent: str = ""
    """For k of n: the last verdicts, `1` for one that counts."""
    seen: int = -1
    """The slot of the last reading that had a value; -1 before the first."""
    began: int = -1
    """For aggregates: the slot from which on the window has been watched."""
    failed: int = 0
    """Failed readings in a row, with the cause of the first."""
    cause: str = ""
    blind: str = ""
    """The cause of blindness, or nothing while the monitor can see."""


class RuleState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the evaluator carries from reading to reading: the readings of the window by slot, the
    machine as it was before the first that may still be revised (slot `base_slot` and later), and
    the machine now, as it was told to the world."""

    window: tuple[Seen, ...] = ()
    base: Machine = Machine()
    base_slot: int = 0
    now: Machine = Machine()
    interval: int = 0
    """Of the readings, in seconds; 0 before the first, and where an older version stored it."""
    transition: int = 0
    """Counts the changes told to the world; the alert event's id ends with it."""


class Transition(StrEnum):
    """What a decision tells the world about."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    CLEARED = "cleared"
    """A pending rule that did not fire: a near miss."""
    BLIND = "blind"
    SEEING = "seeing"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one rule: the reading that caused it, the window it was judged on, and the
    states before and after. The alert function adds what it owed and stores it."""

    transition: Transition
    number: int
    slot: int
    reading: str
    before: State
    after: State
    blind: str
    evidence: tuple[Seen, ...]
    notify: bool
    """Whether this change is told to people (the blind policy and the state decide)."""
    value: float | None = None
    """What was held against the threshold last: the metric, or the aggregate of its window."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One firing of one rule, from its first to its last transition. The id is
    `monitor/rule/number of the transition that fired`."""

    id: str
    tenant: str
    monitor: str
    rule: str
    rule_text: str
    severity: Severity
    state: str
    """firing, blind, resolved, or closed (its rule was changed or removed)."""
    number: int
    """The transition this alert stands at."""
    started: int
    slot: int
    """The slot of the transition; `started` is that of the first one."""
    value: float | None = None
    blind: str = ""
