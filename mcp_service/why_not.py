"""Why there was no alert: recomputed from the stored readings by the evaluator that runs live."""

import asyncio
from collections.abc import Sequence

from functions.core.alert import RuleState
from functions.core.evaluate import evaluate
from functions.core.monitor import utc_text
from functions.core.reading import Reading
from functions.core.rule_text import parse
from mcp_service.alerts import decision_line, evidence_line
from mcp_service.database.records import MonitorRecord
from mcp_service.monitors.lookup import alert_row, owned
from mcp_service.readings import missed_slots
from mcp_service.refusals import wrong
from mcp_service.results import Next, Result
from mcp_service.rules import unheard
from mcp_service.service import Service
from mcp_service.standing import standing
from mcp_service.times import instant

BACK = 2000
"""Readings before the moment in question that are judged again."""
LAST = 5


async def explain_silence(service: Service, tenant: str, *, named: str, at: str) -> Result:
    """What each rule made of the readings up to `at`, and what stood in the way of a message."""
    record = await owned(service, tenant, named=named)
    row = await alert_row(service, record)
    now = service.clock.now()
    moment = instant(at, field="at", now=now)
    if moment > now:
        raise wrong("at", "lies in the future; replay_rule judges a rule by what was seen so far")
    since = moment - BACK * record.interval
    readings = await service.readings.query(
        tenant, record.id, since=since, until=moment + 1, limit=BACK
    )
    rules = {
        name: await asyncio.to_thread(_judged, record, line=line, readings=readings)
        for name, line in row.rules.items()
    }
    obstacles = await _obstacles(service, record, readings=readings, moment=moment)
    obstacles += unheard(record, row.rules)
    return Result(
        summary=f"At {utc_text(moment)}: {_told(rules, obstacles)}",
        data={
            "monitor": record.id,
            "at": utc_text(moment),
            "judged_readings": len(readings),
            "obstacles": obstacles,
            "rules": [{"name": name, **verdict} for name, verdict in rules.items()],
            "decisions": await _decisions(service, record, since=since, moment=moment),
        },
        next=(
            Next("list_alerts", "See what was alerted at all.", {"monitor": record.id}),
            Next("query_readings", "See the readings themselves.", {"monitor": record.id}),
            Next("replay_rule", "Try a rule that would have fired.", {"monitor": record.id}),
        ),
    )


def _judged(record: MonitorRecord, *, line: str, readings: Sequence[Reading]) -> dict[str, object]:
    rule, state = parse(line), RuleState()
    for reading in readings:
        state, _ = evaluate(rule, state, reading=reading)
    now = state.now
    return {
        "rule": line,
        "state": now.state.value,
        "since": utc_text(now.since) if now.since else None,
        "why": standing(rule, state, interval=record.interval),
        "evidence": [evidence_line(record.id, seen) for seen in state.window[-LAST:]],
    }


async def _obstacles(
    service: Service, record: MonitorRecord, *, readings: Sequence[Reading], moment: int
) -> list[str]:
    """What would have kept a message back, whatever the rules said."""
    history = await asyncio.to_thread(service.database.monitors.history, record.tenant, record.id)
    before = [change for change in history if change.at < moment + 1]
    near = moment - 20 * record.interval
    missed = await missed_slots(service, record, found=readings, since=near, until=moment)
    paused = bool(before) and before[-1].record.state == "paused"
    rules_changed = 0 < len(before) < len(history)
    said = {
        "It did not exist yet.": not before,
        "It was paused.": paused,
        f"{len(missed)} of the 20 slots before were missed.": bool(missed),
        "It was changed since; today's rules are judged here.": rules_changed,
    }
    return [sentence for sentence, holds in said.items() if holds]


async def _decisions(
    service: Service, record: MonitorRecord, *, since: int, moment: int
) -> list[dict[str, object]]:
    """What was truly decided around that time."""
    found = await asyncio.to_thread(service.records.decisions, record.tenant, record.id, limit=200)
    near = [one for one in found if since <= one.decision.slot <= moment]
    return [decision_line(one) for one in near[:LAST]]


def _told(rules: dict[str, dict[str, object]], obstacles: Sequence[str]) -> str:
    told = [
        f"Rule {name} was {verdict['state']}. {verdict['why']}" for name, verdict in rules.items()
    ]
    return " ".join([*obstacles, *told])
