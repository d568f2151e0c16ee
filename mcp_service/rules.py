"""Rules of a monitor: read, checked against what its provider measures, set, and replayed."""

import asyncio
import re
from collections.abc import Mapping

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.evaluate import needed_slots
from functions.core.provider import DefaultRule, Provider
from functions.core.rule import Rule
from functions.core.rule_text import parse, text
from functions.core.rule_words import excerpt
from mcp_service.database.records import MonitorRecord
from mcp_service.monitors.lookup import changed_row, last_change, provider_of, unhurried
from mcp_service.refusals import near, wrong
from mcp_service.results import Next, Result
from mcp_service.service import Service

MOST = 20
"""Rules of one monitor."""
RULE_NAME = r"^[A-Za-z0-9][\w-]{0,39}$(?!\n)"


_NAMED = "has the name `{}`; a rule's name is up to 40 letters, digits, _ and -, such as too_slow"


def read_rules(lines: Mapping[str, str], provider: Provider, *, interval: int) -> dict[str, str]:
    """The canonical lines by name. Raises InvalidConfiguration with the faults of all of them."""
    found = [Fault("rules", f"are more than {MOST}")] if len(lines) > MOST else []
    canonical = {}
    for name, line in lines.items():
        if not re.search(RULE_NAME, name):
            found.append(Fault("rules", _NAMED.format(excerpt(name))))
            continue
        try:
            canonical[name] = text(read_rule(line, provider, interval=interval))
        except InvalidConfiguration as error:
            found += [Fault(f"rules.{name}", fault.problem) for fault in error.faults]
    if found:
        raise InvalidConfiguration(*found)
    return canonical


def read_rule(line: str, provider: Provider, *, interval: int) -> Rule:
    """The rule of a line that uses a metric this provider has and a window that can be kept."""
    rule = parse(line)
    metrics = [metric.name for metric in provider.metrics()]
    if rule.condition.metric not in metrics:
        close = near(rule.condition.metric, metrics)
        hint = f"; nearest: {', '.join(close)}" if close else ""
        raise wrong("rule", f"uses a metric this monitor lacks; it has {', '.join(metrics)}{hint}")
    needed_slots(rule, interval)
    return rule


def default_rules(provider: Provider) -> dict[str, str]:
    return {rule.name: rule.text for rule in provider.default_rules}


def left_out(rules: Mapping[str, str], provider: Provider) -> list[DefaultRule]:
    """The default rules whose metric no rule judges: what nobody would hear of, such as an outage
    where all that was asked for is how slow it is."""
    judged = {parse(line).condition.metric for line in rules.values()}
    return [one for one in provider.default_rules if parse(one.text).condition.metric not in judged]


def unheard(record: MonitorRecord, rules: Mapping[str, str]) -> list[str]:
    """What nobody would ever hear of, and why."""
    usual = left_out(rules, provider_of(record))
    return [
        *([] if rules else ["It has no rules: nothing can alert."]),
        *(f"No rule judges what the default one does: `{one.text}`." for one in usual if rules),
        *([] if record.channels else ["It has no channel: nobody gets its messages."]),
    ]


async def set_rule(service: Service, tenant: str, *, named: str, name: str, line: str) -> Result:
    """Add the rule of that name, replace it, or remove it when the line is empty. A rule whose
    line stays the same keeps its state."""
    return await unhurried(lambda: _set_rule(service, tenant, named=named, name=name, line=line))


async def _set_rule(service: Service, tenant: str, *, named: str, name: str, line: str) -> Result:
    before = await last_change(service, tenant, named=named)
    record, rules = before.record, dict(before.rules)
    if line:
        rules[name] = text(read_rule(line, provider_of(record), interval=record.interval))
        if len(rules) > MOST:
            raise wrong("name", f"would be one rule more than {MOST}; remove another one first")
    elif rules.pop(name, None) is None:
        known = ", ".join(rules) or "none"
        raise wrong("name", f"is no rule of this monitor; it has: {known}")
    row = await changed_row(service, record, rules=rules)
    if rules == before.rules:
        return _ruled(record, rules, summary="Nothing changed: the rule is already like this.")
    what = "rule set" if line else "rule removed"
    change, at = service.database.monitors.change, service.clock.now()
    await asyncio.to_thread(change, record, row=row, before=before, what=what, at=at)
    then = "is judged from the next reading on" if line else "alerts no more"
    return _ruled(record, rules, summary=f"Done: {what}. It {then}.", removed=not line)


def _ruled(
    record: MonitorRecord, rules: dict[str, str], *, summary: str, removed: bool = False
) -> Result:
    which = {"monitor": record.id}
    replayed = Next("replay_rule", "See when a rule would have fired.", which)
    left = Next("show_monitor", "See which rules are left.", which)
    return Result(
        summary=" ".join((summary, *unheard(record, rules))),
        data={"monitor": record.id, "rules": rules},
        next=(left if removed else replayed,),
    )
