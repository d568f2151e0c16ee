"""How one rule moves from one reading to the next: ok, pending, firing, resolved, and blind."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from msgspec.structs import replace

from functions.core.alert import Machine, Seen, State
from functions.core.rule import (
    DEFAULT_BLIND,
    DEFAULT_LASTING,
    DEFAULT_PATIENCE,
    DEFAULT_RECOVERY,
    BlindPolicy,
    Comparison,
    Lasting,
    Rule,
)

slot_of = attrgetter("slot")
_ENDED = {State.FIRING: State.RESOLVED, State.PENDING: State.OK}


def advance(
    rule: Rule, machine: Machine, *, window: Sequence[Seen], place: int, interval: int
) -> Machine:
    """The machine after the reading at this place of the window; all before it were taken.

    A failed reading counts as neither bad nor good; `patience` of them in a row make it blind."""
    value = judged_value(rule, window, place=place)
    if value is None:
        return _failed(rule, machine, seen=window[place])
    machine = _watched(rule, machine, slot=window[place].slot, interval=interval)
    return (
        machine
        if filling(rule, machine, interval=interval)
        else _judged(rule, machine, value=value)
    )


def judged_value(rule: Rule, window: Sequence[Seen], *, place: int) -> float | None:
    """What is held against the threshold at this place; None for a failed reading."""
    joined, own = rule.condition.window, window[place].value
    if joined is None or own is None:
        return own
    first = bisect_right(window, window[place].slot - joined.seconds, key=slot_of)
    values = (seen.value for seen in window[first : place + 1])
    return joined.function.of([value for value in values if value is not None])


def awaited(rule: Rule, state: State) -> tuple[Comparison, float, Lasting]:
    """What would end the present state: the recovery while firing, else the condition."""
    condition, recovery = rule.condition, rule.recovery
    if state is not State.FIRING:
        return condition.comparison, condition.threshold, rule.lasting or DEFAULT_LASTING
    lasting = (recovery and recovery.lasting) or DEFAULT_RECOVERY
    if recovery is None or recovery.comparison is None:
        return condition.comparison.opposite, condition.threshold, lasting
    return recovery.comparison, recovery.threshold, lasting


def filling(rule: Rule, machine: Machine, *, interval: int) -> int:
    """Seconds until an aggregate has been watched over its whole window and can be judged."""
    window = rule.condition.window
    if window is None:
        return 0
    return max(0, window.seconds - interval - (machine.seen - machine.began))


def patience_of(rule: Rule) -> int:
    """Failed readings in a row after which the rule is blind."""
    return DEFAULT_PATIENCE if rule.patience is None else rule.patience


def _failed(rule: Rule, machine: Machine, *, seen: Seen) -> Machine:
    failed, cause = machine.failed + 1, machine.cause or seen.cause
    if failed < patience_of(rule):
        return replace(machine, failed=failed, cause=cause)
    machine = replace(machine, failed=failed, cause=cause, blind=cause)
    ended = _ENDED.get(machine.state)
    if ended is None or (rule.blind or DEFAULT_BLIND) is not BlindPolicy.RESOLVE:
        return machine
    return _entered(machine, ended, slot=seen.slot)


def _watched(rule: Rule, machine: Machine, *, slot: int, interval: int) -> Machine:
    """The machine that can see, at this slot. What was not seen in between cannot have lasted: a
    longer gap begins a duration and the window of an aggregate anew."""
    gap, window = slot - machine.seen, rule.condition.window
    lasting = awaited(rule, machine.state)[2]
    unseen = lasting.seconds and gap > patience_of(rule) * interval
    emptied = window and (machine.seen < 0 or gap > window.seconds)
    return replace(
        machine,
        seen=slot,
        began=slot if emptied else machine.began,
        streak=0 if unseen else machine.streak,
        failed=0,
        cause="",
        blind="",
    )


def _judged(rule: Rule, machine: Machine, *, value: float) -> Machine:
    slot, firing = machine.seen, machine.state is State.FIRING
    comparison, threshold, lasting = awaited(rule, machine.state)
    machine = _counted(machine, lasting, counts=comparison.holds(value, threshold))
    if machine.streak and _lasted(machine, lasting):
        return _entered(machine, State.RESOLVED if firing else State.FIRING, slot=slot)
    if machine.streak and machine.state in (State.OK, State.RESOLVED):
        return replace(machine, state=State.PENDING, since=slot)
    if not machine.streak and machine.state is State.PENDING:
        return replace(machine, state=State.OK, since=slot)
    return machine


def _counted(machine: Machine, lasting: Lasting, *, counts: bool) -> Machine:
    recent, streak = "", machine.streak + 1 if counts else 0
    if lasting.bad < lasting.of:
        recent = (machine.recent + str(int(counts)))[-lasting.of :]
        streak = recent.count("1")
    if not streak and not machine.streak:
        return machine
    began = machine.streak_from if machine.streak else machine.seen
    return replace(machine, recent=recent, streak=streak, streak_from=began if streak else 0)


def _lasted(machine: Machine, lasting: Lasting) -> bool:
    if lasting.seconds:
        return machine.seen - machine.streak_from >= lasting.seconds
    return machine.streak >= lasting.bad


def _entered(machine: Machine, state: State, *, slot: int) -> Machine:
    """In this state, with nothing counted yet towards the next."""
    return replace(machine, state=state, since=slot, streak=0, streak_from=0, recent="")
