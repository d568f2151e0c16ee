"""A rule over stored readings, by the evaluator that also runs live: when it would have fired."""

import asyncio
import re
from collections.abc import Mapping, Sequence

from functions.core.alert import Decision, Transition
from functions.core.evaluate import replay
from functions.core.monitor import span_text, utc_text
from functions.core.rule import Rule
from functions.core.rule_text import text
from mcp_service.monitors.lookup import alert_row, owned, provider_of
from mcp_service.numbers import counted, short
from mcp_service.refusals import wrong
from mcp_service.results import Next, Result
from mcp_service.rules import RULE_NAME, read_rule
from mcp_service.service import Service
from mcp_service.times import period

MOST = 50_000
"""Readings replayed at once: more than 30 days of one a minute."""
SHOWN = 20


async def replay_rule(
    service: Service, tenant: str, *, named: str, rule: str, since: str, until: str
) -> Result:
    """`rule` is a line, or the name of a rule the monitor has. Raises InvalidConfiguration that
    says what could not be read."""
    record = await owned(service, tenant, named=named)
    row = await alert_row(service, record)
    parsed = read_rule(_line(rule, row.rules), provider_of(record), interval=record.interval)
    first, last = period(since, until, now=service.clock.now())
    readings = await service.readings.query(tenant, record.id, since=first, until=last, limit=MOST)
    if not readings:
        raise wrong(
            "since", "begins a time of which no reading is stored; ask for another, or wait"
        )
    decisions = await asyncio.to_thread(replay, parsed, readings)
    firings = _firings(decisions, readings[-1].slot)
    messages = sum(decision.notify for decision in decisions) * len(record.channels)
    history = span_text(readings[-1].slot - readings[0].slot)
    return Result(
        summary=f"It would have fired {_times(len(firings))} in {history} of history "
        f"({counted(len(readings), 'reading')}) and sent {counted(messages, 'message')}.",
        data={
            "monitor": record.id,
            "rule": text(parsed),
            "history": {
                "from": utc_text(readings[0].slot),
                "to": utc_text(readings[-1].slot),
                "readings": len(readings),
                "complete": len(readings) < MOST,
            },
            "fired": len(firings),
            "messages": messages,
            "firings": firings[-SHOWN:],
            "near_misses": sum(d.transition is Transition.CLEARED for d in decisions),
            "blind": sum(d.transition is Transition.BLIND for d in decisions),
        },
        next=_use(record.id, parsed) if rule not in row.rules else (),
    )


def _line(rule: str, own: Mapping[str, str]) -> str:
    """What was asked for: one of the monitor's own by its name, or else a line."""
    if rule not in own and re.search(RULE_NAME, rule):
        known = ", ".join(own) or "none"
        raise wrong("rule", f"is no rule of this monitor; it has: {known}. Or write a whole line")
    return own.get(rule, rule)


def _use(monitor: str, rule: Rule) -> tuple[Next, ...]:
    why = "Use it, under a new name or that of the rule it replaces."
    return (Next("set_rule", why, {"monitor": monitor, "rule": text(rule)}),)


def _firings(decisions: Sequence[Decision], end: int) -> list[dict[str, object]]:
    """Each firing with the reading that caused it and how long it lasted."""
    firings: list[dict[str, object]] = []
    began = 0
    for decision in decisions:
        if decision.transition is Transition.FIRING:
            began = decision.slot
            start = {"from": utc_text(began), "reading": decision.reading}
            firings.append(
                {
                    **start,
                    "value": short(decision.value),
                    "lasted": f"{span_text(end - began)} and on",
                }
            )
        elif decision.transition is Transition.RESOLVED and firings:
            firings[-1] |= {
                "to": utc_text(decision.slot),
                "lasted": span_text(decision.slot - began),
            }
    return firings


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
