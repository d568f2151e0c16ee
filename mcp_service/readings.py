"""Stored readings, and the slots nobody observed."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from functions.core.monitor import Schedule, utc_text
from functions.core.ports import Rollup
from functions.core.reading import Reading
from mcp_service import handles
from mcp_service.database.records import Change, MonitorRecord
from mcp_service.monitors.lookup import owned, provider_of
from mcp_service.numbers import counted, short
from mcp_service.outside import shown
from mcp_service.providers import units
from mcp_service.refusals import near, wrong
from mcp_service.results import Next, Page, Result, fitting
from mcp_service.service import Service
from mcp_service.times import period

CURSOR = "cursor query_readings"
PAGE = 25
LONGEST = 31 * 86_400
"""Seconds of raw readings in one question; summaries (step) reach further back."""
STEPS = {"1m": 60, "1h": 3600}
MOST_RANGES = 20
OLDER = " What is older comes with the cursor."


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to read: a period as a person writes it, metrics (all when empty), and a page."""

    since: str
    until: str
    metrics: tuple[str, ...] = ()
    limit: int = PAGE
    cursor: str = ""


async def query_readings(service: Service, tenant: str, *, named: str, wanted: Wanted) -> Result:
    """Raw readings, the newest page first; the cursor leads to older ones."""
    record = await owned(service, tenant, named=named)
    since, until = _period(service, record, wanted=wanted)
    since = max(since, until - LONGEST)
    found = await service.readings.query(
        tenant, record.id, since=since, until=until, limit=wanted.limit
    )
    names = _names(record, wanted, seen={name for one in found for name in one.metrics})
    page = found[len(found) - fitting(_row(one, names) for one in reversed(found)) :]
    first = page[0].slot if len(found) == wanted.limit or page != found else since
    missed = await missed_slots(service, record, found=page, since=first, until=until)
    rows = [_row(reading, names) for reading in page if not reading.missed]
    return Result(
        summary=_summary(rows, missed, since=first, until=until) + OLDER * (first > since),
        data={
            "monitor": record.id,
            "readings": rows,
            "units": units(provider_of(record), names),
            "missed": _ranges(missed, record.interval),
        },
        page=_page(service, record, shown=len(rows), since=since, first=first),
        next=() if rows else _why_empty(record),
    )


async def query_rollups(
    service: Service, tenant: str, *, named: str, wanted: Wanted, step: str
) -> Result:
    """Count, mean, least and most of each metric per minute or hour, and how many slots had none
    because they failed or were missed."""
    record = await owned(service, tenant, named=named)
    since, until = _period(service, record, wanted=wanted)
    seconds = STEPS[step]
    first = max(since, (until - 1) // seconds * seconds - (wanted.limit - 1) * seconds)
    found = await service.readings.rollups(
        tenant, record.id, since=first, until=until, step=seconds
    )
    names = _names(record, wanted, seen={one.metric for one in found} - {""})
    steps = _by_start(found, names)
    starts = list(steps)[len(steps) - fitting(reversed(steps.values())) :]
    first = starts[0] if len(starts) < len(steps) else first
    rows = [steps[start] for start in starts]
    return Result(
        summary=_steps_summary(rows, step, since=first, until=until) + OLDER * (first > since),
        data={
            "monitor": record.id,
            "step": step,
            "rollups": rows,
            "units": units(provider_of(record), names),
        },
        page=_page(service, record, shown=len(rows), since=since, first=first),
        next=() if rows else _why_empty(record),
    )


async def missed_slots(
    service: Service, record: MonitorRecord, *, found: Sequence[Reading], since: int, until: int
) -> list[int]:
    """Slots that were due, and for which no observation is stored; while it was paused none was
    due."""
    history = await asyncio.to_thread(service.database.monitors.history, record.tenant, record.id)
    seen = {reading.slot for reading in found if not reading.missed}
    due_until = min(until, int(service.clock.now()) - 2 * record.interval)
    return [slot for slot in due_slots(history, since, until=due_until) if slot not in seen]


def due_slots(history: Iterable[Change], since: int, *, until: int) -> Iterator[int]:
    """Every slot of `since <= slot < until` at which the monitor, as it then was, had to tick."""
    changes = list(history)
    ends = [change.at for change in changes[1:]] + [float(until)]
    for change, end in zip(changes, ends, strict=True):
        if change.record.state == "paused":
            continue
        schedule = Schedule(change.record.interval, change.record.phase)
        slot = schedule.next_after(max(change.at, since - 1))
        while slot < min(end, until):
            yield slot
            slot += schedule.interval


def _period(service: Service, record: MonitorRecord, *, wanted: Wanted) -> tuple[int, int]:
    now = service.clock.now()
    if not wanted.cursor:
        return period(wanted.since, wanted.until, now=now)
    content = handles.read(
        service.pepper, CURSOR, tenant=record.tenant, handle=wanted.cursor, now=now
    )
    monitor, since, until = content
    if monitor != record.id:
        raise handles.refused(CURSOR)
    return since, until


def _page(service: Service, record: MonitorRecord, *, shown: int, since: int, first: int) -> Page:
    """Its cursor leads to what is older than `first`, the oldest slot that is shown."""
    if first <= since:
        return Page(shown=shown)
    content = [record.id, since, first]
    now = service.clock.now()
    return Page(
        shown=shown,
        cursor=handles.make(service.pepper, CURSOR, tenant=record.tenant, content=content, now=now),
    )


def _ranges(slots: Sequence[int], interval: int) -> list[dict[str, object]]:
    """Runs of slots, the latest first; the oldest ones beyond twenty become a count."""
    runs: list[list[int]] = []
    for slot in slots:
        if runs and slot - runs[-1][-1] == interval:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    shown_runs: list[dict[str, object]] = [
        {"from": utc_text(run[0]), "to": utc_text(run[-1]), "slots": len(run)}
        for run in runs[::-1][:MOST_RANGES]
    ]
    older = sum(len(run) for run in runs[:-MOST_RANGES])
    return [*shown_runs, {"older_slots": older}] if older else shown_runs


def _names(record: MonitorRecord, wanted: Wanted, *, seen: Collection[str]) -> Collection[str]:
    """The metrics to show: all that were seen, or those that were asked for. Raises
    InvalidConfiguration for one that is neither measured now nor among what was seen."""
    measured = [metric.name for metric in provider_of(record).metrics()]
    if strange := set(wanted.metrics) - {*measured, *seen}:
        close = near(min(strange), [*measured, *seen])
        hint = f"; nearest: {', '.join(close)}" if close else ""
        raise wrong("metrics", f"has one this monitor lacks; it has {', '.join(measured)}{hint}")
    return wanted.metrics or sorted(seen)


def _row(reading: Reading, names: Collection[str]) -> dict[str, object]:
    metrics = {name: value for name, value in reading.metrics.items() if name in names}
    return shown(msgspec.structs.replace(reading, metrics=metrics))


def _by_start(rollups: Sequence[Rollup], names: Collection[str]) -> dict[int, dict[str, Any]]:
    """One row for each step, oldest first. What each of these metrics did stands under its name,
    what befell the slots of all of them beside."""
    return {
        start: _step([*together], names)
        for start, together in groupby(rollups, key=lambda rollup: rollup.start)
    }


def _step(rollups: Sequence[Rollup], names: Collection[str]) -> dict[str, Any]:
    any_one = rollups[0]
    return {
        "start": utc_text(any_one.start),
        "metrics": {one.metric: _rolled(one) for one in rollups if one.metric in names},
        "failed": any_one.failed or None,
        "missed": any_one.missed or None,
    }


def _rolled(rollup: Rollup) -> dict[str, object]:
    return {
        "count": rollup.count,
        "mean": short(rollup.mean),
        "min": short(rollup.min),
        "max": short(rollup.max),
    }


def _steps_summary(rows: Sequence[dict[str, Any]], step: str, *, since: int, until: int) -> str:
    blank = sum(not row["metrics"] for row in rows)
    gaps = f"; {blank} without a value" if blank else ""
    steps = f"{counted(len(rows), 'step')} of {step} with readings"
    return f"{steps}, {utc_text(since)} to {utc_text(until)}{gaps}."


def _summary(rows: Sequence[object], missed: Sequence[int], *, since: int, until: int) -> str:
    gaps = f"; {counted(len(missed), 'slot')} missed" if missed else ""
    return f"{counted(len(rows), 'reading')}, {utc_text(since)} to {utc_text(until)}{gaps}."


def _why_empty(record: MonitorRecord) -> tuple[Next, ...]:
    if record.state == "paused":
        return (Next("resume_monitor", "It is paused.", {"monitor": record.id}),)
    return (Next("show_monitor", "See when its next slot is.", {"monitor": record.id}),)
