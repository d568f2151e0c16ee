"""Instants and spans as people and models write them."""

import re
from datetime import UTC, datetime

from functions.core.errors import Fault, InvalidConfiguration

LAST = 253_402_300_799
"""The last second of the year 9999, beyond which nothing here can be written as a time."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"-?([0-9]{1,6})\s*([smhdw])")
_ACCEPTED = "write 2026-11-23T10:00:00Z, or a span back from now such as 30m, 24h or 7d"


def instant(text: str, *, field: str, now: float) -> int:
    """Seconds since the epoch. Raises InvalidConfiguration that names `field`."""
    try:
        at = _read(text.strip(), now)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= LAST:
        raise InvalidConfiguration(Fault(field, f"is not a time; {_ACCEPTED}"))
    return at


def period(since: str, until: str, *, now: float) -> tuple[int, int]:
    """`since` and `until` as instants, in order; what lies ahead is left out of it."""
    first = instant(since, field="since", now=now)
    last = min(instant(until, field="until", now=now), int(now))
    if first >= last:
        problem = f"must be earlier than until, and than now; {_ACCEPTED}"
        raise InvalidConfiguration(Fault("since", problem))
    return first, last


def _read(text: str, now: float) -> int:
    word = text.lower()
    if word == "now":
        return int(now)
    if span := _SPAN.fullmatch(word):
        return int(now) - int(span[1]) * _UNITS[span[2]]
    moment = datetime.fromisoformat(text.upper())
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
