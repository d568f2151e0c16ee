"""The tool that reads stored readings."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mcp_service.readings import PAGE, Wanted, query_readings, query_rollups
from mcp_service.results import Result
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool
from mcp_service.tools.words import Cursor, MonitorName, Since, Until


class QueryReadings(Arguments, frozen=True, kw_only=True):
    monitor: MonitorName
    since: Since = "24h"
    until: Until = "now"
    metrics: Annotated[list[str], Meta(description="Only these; left out: all.", max_length=20)] = (
        msgspec.field(default_factory=list)
    )
    step: Annotated[
        Literal["raw", "1m", "1h"], Meta(description="Each reading, or summaries per minute, hour.")
    ] = "raw"
    limit: Annotated[int, Meta(description="Readings or steps per page.", ge=1, le=200)] = PAGE
    cursor: Cursor = ""


async def _query(caller: Caller, given: QueryReadings) -> Result:
    wanted = Wanted(
        since=given.since,
        until=given.until,
        metrics=tuple(given.metrics),
        limit=given.limit,
        cursor=given.cursor,
    )
    if given.step == "raw":
        return await query_readings(*caller, named=given.monitor, wanted=wanted)
    return await query_rollups(*caller, named=given.monitor, wanted=wanted, step=given.step)


QUERY = Tool(
    name="query_readings",
    title="Query a monitor's stored readings",
    description="""Use this when somebody asks what was measured, how it developed, or what was
missed.
Example: {"monitor": "shop", "since": "6h", "metrics": ["latency"], "step": "1m"}
Returns: the newest page of readings and the slots that were missed; or per step count, mean, min
and max, and how many slots failed or were missed; a cursor to older ones. Texts from the target
stand under from_outside.""",
    hint="readings history metrics latency values measurements missed",
    arguments=QueryReadings,
    run=_query,
)
