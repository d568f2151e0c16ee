"""Tools that list alerts and explain them."""

from typing import Annotated, Literal

from msgspec import Meta

from mcp_service.alerts import explain_alert, list_alerts
from mcp_service.refusals import wrong
from mcp_service.results import Result
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool
from mcp_service.tools.words import Since
from mcp_service.why_not import explain_silence


class ListAlerts(Arguments, frozen=True, kw_only=True):
    monitor: Annotated[str, Meta(description="Only this one's: id or name.", max_length=64)] = ""
    state: Annotated[
        Literal["all", "firing", "blind", "resolved", "closed"],
        Meta(description="Which ones; closed: its rule was changed."),
    ] = "all"
    since: Since = ""
    limit: Annotated[int, Meta(description="How many.", ge=1, le=100)] = 20


class ExplainAlert(Arguments, frozen=True, kw_only=True):
    alert: Annotated[str, Meta(description="An alert's id: why it was sent.", max_length=160)] = ""
    monitor: Annotated[
        str, Meta(description="With at instead: why there was none.", max_length=64)
    ] = ""
    at: Annotated[
        str, Meta(description="The moment: 2026-11-23T10:00:00Z, or back from now: 30m.")
    ] = "now"


async def _list(caller: Caller, given: ListAlerts) -> Result:
    return await list_alerts(
        *caller,
        monitor=given.monitor,
        state=given.state,
        since=given.since,
        limit=given.limit,
    )


async def _explain(caller: Caller, given: ExplainAlert) -> Result:
    if bool(given.alert) == bool(given.monitor):
        problem = "must be given (why was it sent?) or monitor (why was there none?), never both"
        raise wrong("alert", problem)
    if given.alert:
        return await explain_alert(*caller, alert=given.alert)
    return await explain_silence(*caller, named=given.monitor, at=given.at)


LIST = Tool(
    name="list_alerts",
    title="List alerts",
    description="""Use this when somebody asks what happened, what is firing, or about a mail they
got.
Example: {"state": "firing"} or {"monitor": "shop", "since": "7d"}
Returns: the latest first: id, monitor, rule, severity, state, when it began and last changed.""",
    hint="alerts incidents firing what happened outage",
    arguments=ListAlerts,
    run=_list,
)

EXPLAIN = Tool(
    name="explain_alert",
    title="Explain why an alert was sent, or why not",
    description="""Use this when somebody asks "why did I get this?" (alert) or "why did I not get
one?" (monitor and at).
Answered from sealed decisions and stored readings; every number carries its reading's id.
Example: {"alert": "m1a2/down/3"} or {"monitor": "shop", "at": "2026-11-23T10:00:00Z"}
Returns: each change with its evidence and messages with attempts; or each rule's state at that
moment and what stood in the way.""",
    hint="why alert explain reason mail not sent missed notification",
    arguments=ExplainAlert,
    run=_explain,
)
