"""Generated rules and readings, and the short notation of the scenario tables."""

from collections.abc import Iterable

from hypothesis import strategies as st

from functions.core.alert import Decision, RuleState
from functions.core.evaluate import evaluate
from functions.core.reading import Failure, FailureKind, Reading
from functions.core.rule import (
    LONGEST_WINDOW,
    Aggregate,
    BlindPolicy,
    Comparison,
    Condition,
    Lasting,
    Recovery,
    Rule,
    Severity,
    Window,
)
from functions.core.rule_faults import LONGEST_TIME, RESERVED, faults

START = 1_700_000_040
"""A whole minute."""

counts = st.integers(1, LONGEST_WINDOW)
seconds = st.one_of(st.integers(1, LONGEST_TIME), st.sampled_from([60, 90, 3600, 86_400]))
thresholds = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9).map(float)
)
metrics = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in RESERVED
)


def lastings(
    count: st.SearchStrategy[int], time: st.SearchStrategy[int]
) -> st.SearchStrategy[Lasting]:
    of = st.tuples(count, count).map(sorted).map(lambda pair: Lasting(pair[0], pair[1]))
    return st.one_of(of, time.map(lambda n: Lasting(seconds=n)))


def rules(
    *,
    metric: st.SearchStrategy[str] = metrics,
    threshold: st.SearchStrategy[float] = thresholds,
    count: st.SearchStrategy[int] = counts,
    time: st.SearchStrategy[int] = seconds,
) -> st.SearchStrategy[Rule]:
    """Every form of a rule that makes sense."""
    lasting = st.none() | lastings(count, time)
    comparison = st.sampled_from(Comparison)
    window = st.builds(Window, st.sampled_from(Aggregate), time)
    condition = st.builds(
        Condition,
        metric=metric,
        comparison=comparison,
        threshold=threshold,
        window=st.none() | window,
    )
    compared = st.builds(Recovery, comparison, threshold, lasting)
    recovery = st.one_of(
        st.none(), compared, lastings(count, time).map(lambda kept: Recovery(lasting=kept))
    )
    return st.builds(
        Rule,
        condition=condition,
        lasting=lasting,
        recovery=recovery,
        severity=st.none() | st.sampled_from(Severity),
        blind=st.none() | st.sampled_from(BlindPolicy),
        patience=st.none() | count,
    ).filter(lambda rule: not faults(rule))


def reading(word: str, slot: int, *, interval: int = 60, version: int = 1) -> Reading:
    """`12` is a value, `x` a failed reading, `m` a missed one, `-` one without the metric."""
    kinds = {"x": FailureKind.UNAVAILABLE, "m": FailureKind.MISSED}
    return Reading(
        tenant="local",
        monitor="shop",
        version=version,
        provider="website",
        slot=slot,
        interval=interval,
        at=slot + 0.2,
        metrics={} if word in "xm-" else {"value": float(word)},
        failure=Failure(kinds[word], f"cause {word}") if word in kinds else None,
    )


def readings(words: str, *, interval: int = 60) -> list[Reading]:
    """One reading per word, one interval apart; `.` leaves the slot out."""
    return [
        reading(word, START + place * interval, interval=interval)
        for place, word in enumerate(words.split())
        if word != "."
    ]


def live(rule: Rule, arriving: Iterable[Reading]) -> tuple[RuleState, list[Decision]]:
    """The state and the decisions after these readings, in the order of their arrival."""
    state, decisions = RuleState(), []
    for each in arriving:
        state, decision = evaluate(rule, state, reading=each)
        if decision:
            decisions.append(decision)
    return state, decisions
