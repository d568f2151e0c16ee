"""The one envelope every tool answers with: summary first, then data, next steps, page, notice."""

from collections.abc import Iterable
from typing import Any

import msgspec

LIMIT = 45_000
"""Characters of an answer at most; Claude Code puts longer ones into a file."""
ROOM = LIMIT - 6_000
"""Characters of a page's records at most, so that all else of the answer fits beside them."""


class Next(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call worth making now, with the arguments that are already known."""

    tool: str
    why: str
    arguments: dict[str, Any] = {}


class Page(msgspec.Struct, frozen=True, omit_defaults=True):
    """`cursor` asks for the rest; `left_out` counts records cut to keep the answer readable."""

    shown: int
    total: int | None = None
    cursor: str = ""
    left_out: int = 0


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a use case found or did. `summary` is one or two sentences of our own words."""

    summary: str
    data: dict[str, Any] = {}
    next: tuple[Next, ...] = ()
    page: Page | None = None
    notice: str = ""


def envelope(result: Result) -> dict[str, Any]:
    """The answer as plain values without empty parts, cut at a record when it is too long."""
    plain: dict[str, Any] = _pruned(msgspec.to_builtins(result))
    while len(compact(plain)) > LIMIT and _cut(plain):
        pass
    return plain


def fitting(records: Iterable[object]) -> int:
    """How many of these records, from the first on, one page has room for; at least one, so that
    its cursor leads on."""
    left, count = ROOM, 0
    for record in records:
        left -= len(compact(_pruned(record))) + 1
        if left < 0:
            return max(count, 1)
        count += 1
    return count


def compact(value: object) -> str:
    """JSON without a single needless space."""
    return msgspec.json.encode(value).decode()


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _pruned(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, "", [], {}, ())}
    if isinstance(value, list | tuple):
        return [_pruned(inner) for inner in value]
    return value


def _cut(plain: dict[str, Any]) -> bool:
    """Shorten the largest list of the data by what is too much; false when there is none."""
    data = plain.get("data", {})
    lists = [key for key, value in data.items() if isinstance(value, list) and value]
    if not lists:
        return False
    key = max(lists, key=lambda name: len(compact(data[name])))
    before = data[key]
    keep = int(len(before) * LIMIT / len(compact(plain)) * 0.95)
    data[key] = before[:keep]
    page = plain.setdefault("page", {})
    page["left_out"] = page.get("left_out", 0) + len(before) - keep
    page["shown"] = keep
    return True
