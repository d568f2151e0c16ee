"""Arguments that many tools share, in the same words everywhere."""

from typing import Annotated, Any

from msgspec import Meta

from mcp_service.rules import RULE_NAME

MonitorName = Annotated[
    str, Meta(description="A monitor's id or exact name.", min_length=1, max_length=64)
]
NewName = Annotated[
    str,
    Meta(
        description="Unique; up to 64 letters, digits, spaces, .,:/@()+#&'-",
        pattern=r"^\w[\w .,:/@()+#&'-]{0,63}$(?!\n)",
    ),
]
RuleName = Annotated[
    str,
    Meta(description="Up to 40 letters, digits, _ and -, such as down.", pattern=RULE_NAME),
]
Since = Annotated[
    str, Meta(description="Start: 2026-11-23T10:00:00Z, or back from now: 30m, 24h, 7d.")
]
Until = Annotated[str, Meta(description="End, written like since.")]
Cursor = Annotated[str, Meta(description="From the previous page.", max_length=500)]
Interval = Annotated[
    int,
    Meta(description="Seconds between readings; divides a minute, hour or day.", ge=5),
]
Config = Annotated[
    dict[str, Any], Meta(description="The provider's fields, as describe_provider lists them.")
]
Secrets = Annotated[
    dict[str, str],
    Meta(description="Secret slot to the name of a stored secret; never a value."),
]
Channels = Annotated[
    list[str], Meta(description="Confirmed channels its alerts go to.", max_length=10)
]
Untested = Annotated[
    bool, Meta(description="Arm without a successful check; ask the person first.")
]
