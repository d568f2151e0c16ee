"""The tool that shows how the service itself is."""

from mcp_service.platform import show_platform
from mcp_service.results import Result
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool


class ShowPlatform(Arguments, frozen=True, kw_only=True):
    pass


async def _show(caller: Caller, given: ShowPlatform) -> Result:
    return await show_platform(*caller)


SHOW = Tool(
    name="show_platform",
    title="Show how the monitoring service itself is",
    description="""Use this when monitors seem stuck, mail does not arrive, or before promising
anything.
Example: {}
Returns: runtime, monitors ready of active with reasons, stores, whether mail is set up, channels,
unsent messages, version, and on a cluster the replica that holds the lease.""",
    hint="platform health status service runtime mail configured version",
    arguments=ShowPlatform,
    run=_show,
)
