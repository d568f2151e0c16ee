"""Tools that say what can be watched."""

from typing import Annotated

from msgspec import Meta

from mcp_service import providers
from mcp_service.results import Result
from mcp_service.tools.arguments import Arguments
from mcp_service.tools.definition import Caller, Tool


class FindProvider(Arguments, frozen=True, kw_only=True):
    sentence: Annotated[
        str, Meta(description="The wish in one English sentence.", min_length=3, max_length=500)
    ]


class DescribeProvider(Arguments, frozen=True, kw_only=True):
    provider: Annotated[str, Meta(description="A name from find_provider.", max_length=64)]


async def _find(caller: Caller, given: FindProvider) -> Result:
    return providers.find_provider(given.sentence)


async def _describe(caller: Caller, given: DescribeProvider) -> Result:
    return providers.describe_provider(given.provider)


FIND = Tool(
    name="find_provider",
    title="Find out whether something can be watched",
    description="""Use this when somebody says what they want watched, before anything else.
Says honestly whether it can be done, nearly, or not at all.
Example: {"sentence": "tell me when my shop is down"}
Returns: verdict (can, nearest, cannot), provider, why, its metrics, and what is missing.""",
    hint="monitor watch website uptime alert can you check",
    arguments=FindProvider,
    run=_find,
    core=True,
)

DESCRIBE = Tool(
    name="describe_provider",
    title="Describe a provider's questions, metrics and rules",
    description="""Use this when a provider is chosen and its configuration must be written.
Example: {"provider": "website"}
Returns: questions (field, what it accepts, default), metrics with units for rules, secret slots,
default rules and templates.""",
    hint="monitor provider configuration fields metrics secrets templates",
    arguments=DescribeProvider,
    run=_describe,
)
