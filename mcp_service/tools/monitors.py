"""Tools that try, create and change monitors."""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from mcp_service.checks import check_monitor
from mcp_service.definitions import Definition
from mcp_service.monitors.change import Changes, update_monitor
from mcp_service.monitors.create import NewMonitor, create_monitor
from mcp_service.results import Result
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool
from mcp_service.tools.words import (
    Channels,
    Config,
    Interval,
    MonitorName,
    NewName,
    Secrets,
    Untested,
)

T = TypeVar("T")


class _Defined(Arguments, frozen=True, kw_only=True):
    provider: Annotated[str, Meta(description="Its name.", max_length=64)]
    config: Config = msgspec.field(default_factory=dict)
    secrets: Secrets = msgspec.field(default_factory=dict)
    interval: Interval | UnsetType = UNSET

    def definition(self) -> Definition:
        return Definition(provider=self.provider, config=self.config, secrets=self.secrets)


class CheckMonitor(_Defined, frozen=True, kw_only=True):
    pass


class CreateMonitor(_Defined, frozen=True, kw_only=True):
    name: NewName
    rules: Annotated[
        dict[str, str] | UnsetType,
        Meta(description="Name to line; replaces the defaults."),
    ] = UNSET
    channels: Channels = msgspec.field(default_factory=list)
    untested: Untested = False


class UpdateMonitor(Arguments, frozen=True, kw_only=True):
    monitor: MonitorName
    version: Annotated[int, Meta(description="The version you last saw, from show_monitor.", ge=1)]
    name: NewName | UnsetType = UNSET
    config: Annotated[
        dict[str, Any] | UnsetType,
        Meta(description="Only fields to change; null resets one."),
    ] = UNSET
    secrets: Annotated[
        dict[str, str] | UnsetType,
        Meta(
            description="All of them, slot to name of a stored secret; replaces the present ones."
        ),
    ] = UNSET
    interval: Interval | UnsetType = UNSET
    channels: Channels | UnsetType = UNSET
    untested: Annotated[
        bool | UnsetType,
        Meta(
            description="Arm without a successful check; ask the person first. false: now checked."
        ),
    ] = UNSET


async def _check(caller: Caller, given: CheckMonitor) -> Result:
    interval = _given(given.interval)
    return await check_monitor(*caller, definition=given.definition(), interval=interval)


async def _create(caller: Caller, given: CreateMonitor) -> Result:
    wanted = NewMonitor(
        name=given.name,
        definition=given.definition(),
        interval=_given(given.interval),
        rules=_given(given.rules),
        channels=tuple(given.channels),
        untested=given.untested,
    )
    return await create_monitor(*caller, wanted=wanted)


async def _update(caller: Caller, given: UpdateMonitor) -> Result:
    parts = msgspec.structs.asdict(given)
    named, version = parts.pop("monitor"), parts.pop("version")
    changes = msgspec.convert({k: v for k, v in parts.items() if v is not UNSET}, Changes)
    return await update_monitor(*caller, named=named, version=version, changes=changes)


def _given(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value


CHECK = Tool(
    name="check_monitor",
    title="Try a monitor once, live, without saving it",
    description="""Use this when a configuration is ready, before create_monitor: one live reading
proves it.
All faults are listed at once. A target that is down is a result, not an error.
Example: {"provider": "website", "config": {"url": "https://shop.example/"}}
Returns: ok, the reading (texts from the target only under from_outside), and suggested rules.""",
    hint="try test monitor configuration live website now",
    arguments=CheckMonitor,
    run=_check,
    effect="repeats",
    outside=True,
    core=True,
)

CREATE = Tool(
    name="create_monitor",
    title="Create a monitor that runs from now on",
    description="""Use this when check_monitor has seen exactly this provider, config and secrets
work within 24 h, or the person accepts untested.
A rule is one line: METRIC above|below|is|not NUMBER [for 3 readings] [, critical].
Example: {"name": "shop", "provider": "website", "config": {"url": "https://shop.example/"},
"rules": {"down": "up is 0 for 3 readings, critical"}}
Returns: id, version, rules. The same call again changes nothing.""",
    hint="create watch alert",
    arguments=CreateMonitor,
    run=_create,
    effect="repeats",
    outside=True,
    core=True,
)

UPDATE = Tool(
    name="update_monitor",
    title="Change a monitor's definition, name, interval or channels",
    description="""Use this when an existing monitor must be different; rules are changed with
set_rule.
A changed config or secret needs a fresh check_monitor of the whole definition.
Example: {"monitor": "shop", "version": 1, "channels": ["me"]}
Returns: the new version and what changed. Refused when version is not the present one.""",
    hint="change edit rename monitor interval channels configuration",
    arguments=UpdateMonitor,
    run=_update,
    effect="writes",
    outside=True,
)
