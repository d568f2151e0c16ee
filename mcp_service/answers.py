"""What Claude gets back: a result with what must be confessed, or an error that says what to do."""

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from functions.core.errors import Fault, InvalidConfiguration, MonitorError
from mcp_service.notices import confession
from mcp_service.outside import cleaned
from mcp_service.refusals import Unknown, Unproven
from mcp_service.results import Next, Result, envelope
from mcp_service.tools.definition import Caller, Tool

MOST_FAULTS = 20
LONGEST_FIELD = 80
"""Of what is wrong is told at most: so many faults, and so many characters of a field's name."""

_log = logging.getLogger("claude_monitor.tools")

_NEXT_BY_FIELD = {
    "monitor": Next("list_monitors", "See your monitors."),
    "provider": Next("find_provider", "Say in a sentence what to watch."),
    "config": Next("describe_provider", "See what each field accepts."),
    "rules": Next("describe_provider", "See the metrics a rule can use."),
    "rule": Next("show_monitor", "See its rules and the metrics of its latest reading."),
    "channels": Next("set_channel", "Confirm an address first."),
    "version": Next("show_monitor", "See the present version."),
    "since": Next("query_readings", "See what is stored."),
    "metrics": Next("show_monitor", "See the metrics of its latest reading."),
    "secrets": Next("describe_provider", "See which secrets it can use."),
}
_ELSEWHERE = {
    ("update_monitor", "rules"): Next("set_rule", "Rules are changed one by one."),
}
"""Arguments that a tool does not have and another one is for."""
_FIND = {
    "monitor": _NEXT_BY_FIELD["monitor"],
    "alert": Next("list_alerts", "See your alerts."),
    "provider": _NEXT_BY_FIELD["provider"],
}


async def answered(caller: Caller, result: Result) -> dict[str, Any]:
    """The envelope of a result; its notice confesses what was never delivered."""
    try:
        notice = await asyncio.to_thread(confession, *caller)
    except MonitorError as error:
        _log.warning("unsent deliveries cannot be read: %s", error.cause or error.kind)
        notice = "Whether all alert messages were delivered cannot be said right now."
    joined = " ".join(part for part in (result.notice, notice) if part)
    return envelope(msgspec.structs.replace(result, notice=joined))


def refused(tool: Tool[Any], error: MonitorError, *, request: str) -> dict[str, Any]:
    """The envelope of an error: code, each wrong field, what is accepted, what to call next,
    whether trying again helps, and the id under which the log has the rest."""
    faults = error.faults if isinstance(error, InvalidConfiguration) else ()
    told = [Fault(_named(fault.field), fault.problem) for fault in faults[:MOST_FAULTS]]
    details = {
        "code": error.kind,
        "fields": [msgspec.to_builtins(fault) for fault in told],
        "accepted": list(tool.arguments.__struct_fields__) if _astray(tool, faults) else [],
        "near": list(error.near) if isinstance(error, Unknown) else [],
        "retry": error.retry,
        "request": request,
    }
    shown = {key: value for key, value in details.items() if value != []}
    summary = _summary(error, told, count=len(faults))
    return {"summary": summary, "error": shown} | _steps(tool, error)


def _summary(error: MonitorError, told: Sequence[Fault], *, count: int) -> str:
    if count > 2:
        first = f" (the first {len(told)})" if count > len(told) else ""
        return f"{count} things are wrong; see error.fields{first}."
    return "; ".join(f"{fault.field}: {fault.problem}" for fault in told) or error.message


def _named(field: str) -> str:
    """Names inside a map are the caller's own, of any length and with any characters."""
    shown = cleaned(field)
    return shown if len(shown) <= LONGEST_FIELD else f"{shown[:LONGEST_FIELD]}…"


def _astray(tool: Tool[Any], faults: Sequence[Fault]) -> bool:
    """Whether an argument is unknown, or one of the tool's own was put one level too deep."""
    places = [f.field.rpartition(".") for f in faults if f.problem.startswith("is not a field")]
    return any(not outer or name in tool.arguments.__struct_fields__ for outer, _, name in places)


def broken(request: str) -> dict[str, Any]:
    """The envelope of a defect of ours; nothing of its own text leaves the log."""
    summary = f"Something broke inside; the operator finds it in the log under {request}."
    error = {"code": "internal", "retry": False, "request": request}
    return {"summary": summary, "error": error}


def _steps(tool: Tool[Any], error: MonitorError) -> dict[str, Any]:
    """The call that helps, unless it is the one that was just refused."""
    step: Next | None = None
    if isinstance(error, Unknown):
        step = _FIND.get(error.what)
    elif isinstance(error, Unproven):
        step = Next("check_monitor", "Check exactly this definition first.", error.check)
    elif isinstance(error, InvalidConfiguration) and error.faults:
        fields = [re.split(r"[.\[]", fault.field)[0] for fault in error.faults]
        steps = (_ELSEWHERE.get((tool.name, one)) or _NEXT_BY_FIELD.get(one) for one in fields)
        step = next(filter(None, steps), None)
    elif error.retry:
        step = Next("show_platform", "See what is not working.")
    if step is None or step.tool == tool.name:
        return {}
    return {"next": [msgspec.to_builtins(step)]}
