"""Instants and spans as people and models write them."""

import re
from datetime import UTC, datetime

from functions.core.errors import Fault, InvalidConfiguration

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"-?([0-9]{1,6})\s*([smhdw])")
_ACCEPTED = "write 2026-11-23T10:00:00Z, or a span back from now such as 30m, 24h or 7d"


def instant(text: str, *, field: str, now: float) -> int:
    """Seconds since the epoch. Raises InvalidConfiguration that names `field`."""
    word = text.strip().lower()
    if word == "now":
        return int(now)
    if span := _SPAN.fullmatch(word):
        return int(now) - int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(text.strip().upper())
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise InvalidConfiguration(Fault(field, f"is not a time; {_ACCEPTED}")) from None


def period(since: str, until: str, *, now: float) -> tuple[int, int]:
    """`since` and `until` as instants, in order."""
    first = instant(since, field="since", now=now)
    last = instant(until, field="until", now=now)
    if first >= last:
        raise InvalidConfiguration(Fault("since", f"must be earlier than until; {_ACCEPTED}"))
    return first, last
