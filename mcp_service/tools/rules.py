"""Tools that set rules and try them on stored readings."""

from typing import Annotated

from msgspec import Meta

from mcp_service.refusals import wrong
from mcp_service.replay import replay_rule
from mcp_service.results import Result
from mcp_service.rules import set_rule
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool
from mcp_service.tools.words import MonitorName, RuleName, Since, Until


class SetRule(Arguments, frozen=True, kw_only=True):
    monitor: MonitorName
    name: RuleName
    rule: Annotated[str, Meta(description="The line; not with remove.", max_length=500)] = ""
    remove: Annotated[bool, Meta(description="Remove the rule of that name.")] = False


class ReplayRule(Arguments, frozen=True, kw_only=True):
    monitor: MonitorName
    rule: Annotated[
        str,
        Meta(description="A line, or the name of one of its rules.", min_length=1, max_length=500),
    ]
    since: Since = "7d"
    until: Until = "now"


async def _set(caller: Caller, given: SetRule) -> Result:
    if given.remove == bool(given.rule.strip()):
        raise wrong("rule", "must be a rule's line, or be left out with remove: true")
    return await set_rule(*caller, named=given.monitor, name=given.name, line=given.rule)


async def _replay(caller: Caller, given: ReplayRule) -> Result:
    return await replay_rule(
        *caller, named=given.monitor, rule=given.rule, since=given.since, until=given.until
    )


SET = Tool(
    name="set_rule",
    title="Set or remove a rule of a monitor",
    description="""Use this when a monitor should alert on something else, earlier, later or never.
A rule is one line: METRIC [mean|max|p95 ... over 10m] above|below|at least|at most|is|not NUMBER
[for 3 readings | for 3 of 5 readings | for 5m] [, recover below NUMBER for 2m]
[, info|warning|critical] [, blind keeps|alerts|resolves after 3 readings].
Example: {"monitor": "shop", "name": "slow", "rule": "latency p95 over 10m above 800, warning"}
Returns: all rules of the monitor in canonical form. Try it with replay_rule first.""",
    hint="set rule alert threshold condition noise sensitivity",
    arguments=SetRule,
    run=_set,
    effect="repeats",
)

REPLAY = Tool(
    name="replay_rule",
    title="Replay a rule over stored readings",
    description="""Use this when a rule is new or too noisy: it says when the rule would have fired.
The same evaluator runs live. Nothing is changed or sent.
Example: {"monitor": "shop", "rule": "latency above 500 for 3 readings", "since": "7d"}
Returns: how much history there was, times fired, each firing with its reading and duration, near
misses, and how many messages it would have sent.""",
    hint="replay backtest rule history would have fired noise",
    arguments=ReplayRule,
    run=_replay,
)
