"""A rule: when readings deserve attention. Typed here; its one line is in rule_text.py, its
evaluation in evaluate.py."""

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


class Aggregate(StrEnum):
    """How the values of a window become one (p95: nearest-rank percentile)."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    MEDIAN = "median"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"


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
