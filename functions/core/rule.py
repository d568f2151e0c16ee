"""A rule: when readings deserve attention. Typed here; its one line is in rule_text.py, its
meaning over time in machine.py."""

import operator
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec


class Comparison(StrEnum):
    """How a value is held against the threshold."""

    ABOVE = "above"
    BELOW = "below"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    IS = "is"
    IS_NOT = "not"

    def holds(self, value: float, threshold: float) -> bool:
        return _HOLDS[self](value, threshold)

    @property
    def opposite(self) -> "Comparison":
        """True exactly where this one is not."""
        return _OPPOSITES[self]


_HOLDS: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.ABOVE: operator.gt,
    Comparison.BELOW: operator.lt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.AT_MOST: operator.le,
    Comparison.IS: operator.eq,
    Comparison.IS_NOT: operator.ne,
}
_OPPOSITES = {
    Comparison.ABOVE: Comparison.AT_MOST,
    Comparison.BELOW: Comparison.AT_LEAST,
    Comparison.AT_LEAST: Comparison.BELOW,
    Comparison.AT_MOST: Comparison.ABOVE,
    Comparison.IS: Comparison.IS_NOT,
    Comparison.IS_NOT: Comparison.IS,
}


class Aggregate(StrEnum):
    """How the values of a window become one (p90, p95, p99: nearest rank)."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    MEDIAN = "median"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"

    def of(self, values: Sequence[float]) -> float:
        """One value for one or more values."""
        return _JOINS[self](values)


def _ranked(values: Sequence[float], percent: int) -> float:
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def _median(values: Sequence[float]) -> float:
    # statistics.median would cost every function's cold start ten milliseconds of imports
    ordered, count = sorted(values), len(values)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


_JOINS: dict[Aggregate, Callable[[Sequence[float]], float]] = {
    Aggregate.MEAN: lambda values: sum(values) / len(values),
    Aggregate.MIN: min,
    Aggregate.MAX: max,
    Aggregate.SUM: sum,
    Aggregate.COUNT: len,
    Aggregate.MEDIAN: _median,
    Aggregate.P90: lambda values: _ranked(values, 90),
    Aggregate.P95: lambda values: _ranked(values, 95),
    Aggregate.P99: lambda values: _ranked(values, 99),
}


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class BlindPolicy(StrEnum):
    """What a monitor that cannot see does to its alert: keep it as it was, alert about the
    blindness itself, or resolve."""

    KEEP = "keeps"
    ALERT = "alerts"
    RESOLVE = "resolves"


class Window(msgspec.Struct, frozen=True):
    """`function` over the readings of the last `seconds`."""

    function: Aggregate
    seconds: int


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    metric: str
    comparison: Comparison
    threshold: float
    window: Window | None = None


class Lasting(msgspec.Struct, frozen=True):
    """`bad` of the last `of` readings (n in a row when equal), or `seconds` without a break."""

    bad: int = 0
    of: int = 0
    seconds: int = 0


class Recovery(msgspec.Struct, frozen=True):
    """When a firing rule resolves; without a comparison once the condition no longer holds."""

    comparison: Comparison | None = None
    threshold: float = 0.0
    lasting: Lasting | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is None was not written and takes the default below."""

    condition: Condition
    lasting: Lasting | None = None
    recovery: Recovery | None = None
    severity: Severity | None = None
    blind: BlindPolicy | None = None
    patience: int | None = None


DEFAULT_LASTING = Lasting(bad=3, of=3)
DEFAULT_RECOVERY = Lasting(bad=2, of=2)
DEFAULT_SEVERITY = Severity.WARNING
DEFAULT_BLIND = BlindPolicy.KEEP
DEFAULT_PATIENCE = 3
"""Failed readings in a row after which a monitor is blind."""

LONGEST_WINDOW = 1440
"""Readings that a rule may look back over; more would make its state row too large."""
