"""The one line of a rule: `parse` reads it, `text` writes it, each undoing the other.

rule      = METRIC [aggregate "over" TIME] comparison NUMBER [lasting] {[","] part}
lasting   = "for" (TIME | N "readings" | K "of" N "readings")
part      = "recover" [comparison NUMBER] [lasting]
          | "info" | "warning" | "critical"
          | "blind" ["keeps" | "alerts" | "resolves"] ["after" N "readings"]
"""

import re
from math import isfinite
from typing import Any

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.rule import Condition, Lasting, Recovery, Rule, Window
from functions.core.rule_faults import METRIC, RESERVED, faults
from functions.core.rule_words import (
    AGGREGATES,
    BLIND,
    COMPARISONS,
    READINGS,
    SEVERITIES,
    UNITS,
    Expected,
    Words,
    number_text,
    time_text,
)

_EXAMPLE = "price above 70000 for 5m, recover below 69500 for 2m, critical"
_COMPARED = "above, below, at least, at most, is or not"
_METRIC = Expected("the name of a metric", (), _EXAMPLE)
_COMPARISON = Expected(
    f"a comparison ({_COMPARED}), or before it an aggregate such as `p95 over 10m`",
    (*COMPARISONS, *AGGREGATES),
    "latency p95 over 10m above 800",
)
_NUMBER = Expected(
    "a plain number in the metric's own unit, without separators, unit or percent sign",
    (),
    "price above 70000",
)
_OVER = Expected("`over` and a time", ("over",), "latency p95 over 10m above 800")
_TIME = Expected("a time in s, m, h or d", (), "latency p95 over 10m above 800")
_LASTING = Expected(
    "a number of readings or a time (`for 3 readings`, `for 3 of 5 readings`, `for 5m`)",
    (),
    "status not 200 for 3 of 5 readings",
)
_READINGS = Expected(
    "`readings`, or a unit of time (s, m, h, d)",
    (*READINGS, *UNITS, "of"),
    "up is 0 for 3 readings",
)
_PART = Expected(
    "`for` (behind a number, without comma), `recover`, info, warning, critical or `blind`",
    ("for", "recover", *SEVERITIES, "blind"),
    _EXAMPLE,
)
_NO_NUMBER = Expected("a part in words; numbers have no separators", (), "price above 70000")
_RECOVERY = Expected(f"a comparison ({_COMPARED}) or `for`", ("for", *COMPARISONS), _EXAMPLE)
_BLIND = Expected(
    "keeps, alerts, resolves or `after`",
    ("after", *BLIND),
    "up is 0, blind alerts after 5 readings",
)
_PATIENCE = Expected("a number of readings", (*READINGS,), _BLIND.example)

_NUMERAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_TIMED = re.compile(r"(\d+)([a-z]*)", re.ASCII | re.IGNORECASE)


def parse(line: str) -> Rule:
    """The rule of one line; keywords in any case, synonyms (`>`, `is not`, `less than`) accepted.

    Raises InvalidConfiguration naming the word that was not understood, its place and what is
    accepted there, or everything that makes no sense in an otherwise readable rule."""
    words = Words(line)
    rule = Rule(condition=_condition(words), lasting=_lasting(words))
    while words.more():
        rule = _with_part(rule, words)
    found = faults(rule)
    if found:
        raise InvalidConfiguration(*found)
    return rule


def _condition(words: Words) -> Condition:
    metric = words.peek()
    if not METRIC.fullmatch(metric) or metric.lower() in RESERVED:
        words.refuse(_METRIC)
    words.skip()
    window = _window(words)
    comparison = words.need(COMPARISONS, _COMPARISON)
    return Condition(metric=metric, comparison=comparison, threshold=_number(words), window=window)


def _window(words: Words) -> Window | None:
    function = words.find(AGGREGATES)
    if function is None:
        return None
    if not words.take("over"):
        words.refuse(_OVER)
    seconds = _time(words)
    return words.refuse(_TIME) if seconds is None else Window(function, seconds)


def _lasting(words: Words) -> Lasting | None:
    if not words.take("for"):
        return None
    seconds = _time(words)
    if seconds is not None:
        return Lasting(seconds=seconds)
    bad = _count(words, _LASTING)
    of = _count(words, _LASTING) if words.take("of") else bad
    words.need(READINGS, _READINGS)
    return Lasting(bad, of)


def _with_part(rule: Rule, words: Words) -> Rule:
    words.take(",")
    if words.peek()[:1].isdigit():
        words.refuse(_NO_NUMBER)
    part = words.peek().lower()
    changes = _part(words)
    if any(getattr(rule, name) is not None for name in changes):
        raise InvalidConfiguration(Fault("rule", f"says `{part}` (or its like) twice"))
    return msgspec.structs.replace(rule, **changes)


def _part(words: Words) -> dict[str, Any]:
    if words.take("recover"):
        return {"recovery": _recovery(words)}
    if words.take("blind"):
        return _blind(words)
    return {"severity": words.need(SEVERITIES, _PART)}


def _recovery(words: Words) -> Recovery:
    comparison = words.find(COMPARISONS)
    if comparison is None:
        lasting = _lasting(words)
        return words.refuse(_RECOVERY) if lasting is None else Recovery(lasting=lasting)
    return Recovery(comparison, _number(words), _lasting(words))


def _blind(words: Words) -> dict[str, Any]:
    policy = words.find(BLIND)
    changes: dict[str, Any] = {} if policy is None else {"blind": policy}
    if words.take("after"):
        changes["patience"] = _count(words, _PATIENCE)
        words.need(READINGS, _PATIENCE)
    return changes or words.refuse(_BLIND)


def _number(words: Words) -> float:
    word = words.peek()
    if not _NUMERAL.fullmatch(word) or not isfinite(float(word)):
        words.refuse(_NUMBER)
    words.skip()
    return float(word) + 0.0


def _count(words: Words, expected: Expected) -> int:
    word = words.peek()
    if not (word.isascii() and word.isdigit()):
        words.refuse(expected)
    words.skip()
    return int(word)


def _time(words: Words) -> int | None:
    """Seconds of `5m`, `5 m` or `5 minutes`; None (and no step) when no time stands here."""
    found = _TIMED.fullmatch(words.peek())
    if not found:
        return None
    unit = found[2] or words.peek(1)
    seconds = UNITS.get(unit.lower())
    if seconds is None:
        return None
    words.skip(1 if found[2] else 2)
    return int(found[1]) * seconds


def text(rule: Rule) -> str:
    """The canonical line of a rule; what was not written stays unwritten."""
    parts = [_condition_text(rule.condition) + _lasting_text(rule.lasting)]
    if rule.recovery:
        parts.append("recover" + _recovery_text(rule.recovery))
    if rule.severity:
        parts.append(rule.severity)
    if rule.blind or rule.patience:
        patience = f" after {_readings(rule.patience)}" if rule.patience else ""
        parts.append("blind" + (f" {rule.blind}" if rule.blind else "") + patience)
    return ", ".join(parts)


def _condition_text(condition: Condition) -> str:
    window = condition.window
    joined = f" {window.function} over {time_text(window.seconds)}" if window else ""
    threshold = number_text(condition.threshold)
    return f"{condition.metric}{joined} {condition.comparison} {threshold}"


def _recovery_text(recovery: Recovery) -> str:
    lasting = _lasting_text(recovery.lasting)
    if recovery.comparison is None:
        return lasting
    return f" {recovery.comparison} {number_text(recovery.threshold)}{lasting}"


def _lasting_text(lasting: Lasting | None) -> str:
    if lasting is None:
        return ""
    if lasting.seconds:
        return f" for {time_text(lasting.seconds)}"
    kept = "" if lasting.bad == lasting.of else f"{lasting.bad} of "
    return f" for {kept}{_readings(lasting.of)}"


def _readings(count: int) -> str:
    return "1 reading" if count == 1 else f"{count} readings"
