"""The tool that makes an address one that alerts go to, and takes it away again."""

from typing import Annotated, Literal

from msgspec import Meta

from mcp_service.channels import confirm, remove, send_code
from mcp_service.refusals import wrong
from mcp_service.results import Result
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool


class SetChannel(Arguments, frozen=True, kw_only=True):
    name: Annotated[
        str,
        Meta(
            description="Your name for it: up to 40 letters, digits, _ and -, such as me.",
            pattern=r"^[A-Za-z0-9][\w-]{0,39}$(?!\n)",
        ),
    ]
    kind: Annotated[Literal["email"], Meta(description="How it is told.")] = "email"
    address: Annotated[str, Meta(description="First call: the address.", max_length=254)] = ""
    code: Annotated[
        str, Meta(description="Second call: the code from the mail.", max_length=20)
    ] = ""
    remove: Annotated[bool, Meta(description="Remove the channel of that name.")] = False


async def _set(caller: Caller, given: SetChannel) -> Result:
    if given.remove:
        if given.address or given.code:
            raise wrong("remove", "goes with the name alone, without address and code")
        return await remove(*caller, name=given.name)
    if bool(given.address) == bool(given.code):
        problem = "must be given in a first call, the mailed code in a second one; never both"
        raise wrong("address", problem)
    if given.code:
        return await confirm(*caller, name=given.name, code=given.code)
    config = {"address": given.address}
    return await send_code(*caller, name=given.name, kind=given.kind, config=config)


SET = Tool(
    name="set_channel",
    title="Set an address for alerts, confirmed by its owner, or remove it",
    description="""Use this when alerts should reach a person by mail, or no longer.
Two steps: with address a code is mailed to it; ask the person for the code and call again with
name and code (10 minutes, 5 tries). Then name the channel in create_monitor or update_monitor.
With remove it is taken away, once no monitor names it.
Example: {"name": "me", "address": "ann@example.com"}, then {"name": "me", "code": "12345678"}
Returns: whether it waits for the code, is confirmed or removed.""",
    hint="email mail address notify alert channel recipient stop remove",
    arguments=SetChannel,
    run=_set,
    effect="writes",
    outside=True,
    asks=True,
)
