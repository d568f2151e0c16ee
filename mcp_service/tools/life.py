"""Tools that show, pause, resume and delete monitors."""

from typing import Annotated

from msgspec import Meta

from mcp_service.monitors.life import delete_monitor, set_state
from mcp_service.monitors.listing import Filter, list_monitors
from mcp_service.monitors.show import show_monitor
from mcp_service.results import Result
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool
from mcp_service.tools.words import Cursor, MonitorName


class OneMonitor(Arguments, frozen=True, kw_only=True):
    monitor: MonitorName


class ListMonitors(Arguments, frozen=True, kw_only=True):
    state: Annotated[Filter, Meta(description="Which ones.")] = "all"
    limit: Annotated[int, Meta(description="Per page.", ge=1, le=100)] = 20
    cursor: Cursor = ""


class DeleteMonitor(OneMonitor, frozen=True, kw_only=True):
    confirm: Annotated[
        str,
        Meta(
            description="The handle from the first call, after the person agreed.", max_length=500
        ),
    ] = ""


async def _list(caller: Caller, given: ListMonitors) -> Result:
    return await list_monitors(*caller, state=given.state, limit=given.limit, cursor=given.cursor)


async def _show(caller: Caller, given: OneMonitor) -> Result:
    return await show_monitor(*caller, named=given.monitor)


async def _pause(caller: Caller, given: OneMonitor) -> Result:
    return await set_state(*caller, named=given.monitor, state="paused")


async def _resume(caller: Caller, given: OneMonitor) -> Result:
    return await set_state(*caller, named=given.monitor, state="active")


async def _delete(caller: Caller, given: DeleteMonitor) -> Result:
    return await delete_monitor(*caller, named=given.monitor, confirm=given.confirm)


PAUSE = Tool(
    name="pause_monitor",
    title="Pause a monitor",
    description="""Use this when a monitor should stop for a while: no readings, no alerts.
Example: {"monitor": "shop"}
Returns: its state. The same call again changes nothing.""",
    hint="pause stop mute maintenance monitor",
    arguments=OneMonitor,
    run=_pause,
    effect="repeats",
)

RESUME = Tool(
    name="resume_monitor",
    title="Resume a paused monitor",
    description="""Use this when a paused monitor should run again.
Example: {"monitor": "shop"}
Returns: its state; the next reading comes at its next slot.""",
    hint="resume continue unpause restart monitor",
    arguments=OneMonitor,
    run=_resume,
    effect="repeats",
    outside=True,
)

LIST = Tool(
    name="list_monitors",
    title="List monitors and their states",
    description="""Use this when somebody asks what is watched, what is firing, or for a monitor's
name.
Example: {"state": "firing"}
Returns: per monitor id, name, state (ok, pending, firing, blind, paused), why it is blind, version
and latest reading; a cursor when there are more.""",
    hint="list monitors what is watched status overview firing down",
    arguments=ListMonitors,
    run=_list,
    core=True,
)

SHOW = Tool(
    name="show_monitor",
    title="Show one monitor in full",
    description="""Use this when one monitor matters: its definition, version, the state of each
rule, latest reading, next slot, and messages that could not be delivered.
Example: {"monitor": "shop"}""",
    hint="show monitor details state rules latest reading",
    arguments=OneMonitor,
    run=_show,
)

DELETE = Tool(
    name="delete_monitor",
    title="Delete a monitor with its history",
    description="""Use this when a monitor should be gone for good; pause_monitor keeps its history.
Two steps: the first call says what would be lost and gives a handle good for 10 minutes; show it
to the person and call again with confirm once they agree.
Example: {"monitor": "shop"}
Returns: a preview with the handle, then what was deleted.""",
    hint="delete remove monitor for good",
    arguments=DeleteMonitor,
    run=_delete,
    effect="destroys",
    asks=True,
)
