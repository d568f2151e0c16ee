"""Where a rule stands and what is still missing, to say why it has not fired or not resolved."""

import msgspec

from functions.core.alert import RuleState, State
from functions.core.evaluate import last_value
from functions.core.machine import awaited, filling, patience_of
from functions.core.rule import Comparison, Lasting, Rule


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The state and what would end it: `value comparison threshold` for `lasting`; `counted`
    readings over `seconds` count towards that so far."""

    state: State
    since: int
    value: float | None
    comparison: Comparison
    threshold: float
    lasting: Lasting
    counted: int
    seconds: int
    filling: int
    """Seconds until an aggregate has been watched over its whole window."""
    failed: int
    patience: int
    blind: str


def standing(rule: Rule, state: RuleState, *, interval: int) -> Standing:
    """Read from the state alone; `interval` is the monitor's, in seconds."""
    now = state.now
    comparison, threshold, lasting = awaited(rule, now.state)
    return Standing(
        state=now.state,
        since=now.since,
        value=last_value(rule, state),
        comparison=comparison,
        threshold=threshold,
        lasting=lasting,
        counted=now.streak,
        seconds=now.seen - now.streak_from if now.streak else 0,
        filling=filling(rule, now, interval=interval),
        failed=now.failed,
        patience=patience_of(rule),
        blind=now.blind,
    )
