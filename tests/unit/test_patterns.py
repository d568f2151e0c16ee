"""A pattern takes nothing that ends in a line break; `$` alone lets one pass in Python."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from functions import channels, providers
from mcp_service.settings import Settings
from mcp_service.tools.catalogue import TOOLS

FORMS = [
    *(tool.arguments for tool in TOOLS),
    *(providers.load(name) for name in providers.names()),
    *(channels.load(name) for name in channels.names()),
    Settings,
]
FITS = ["me", "too_slow", "200", "200-299", "EUR", "ann@example.com"]


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from patterns(inner)


ALL = {pattern for form in FORMS for pattern in patterns(msgspec.json.schema(form))}


@pytest.mark.parametrize("pattern", sorted(ALL))
def test_a_line_break_at_the_end_fits_no_pattern(pattern: str) -> None:
    fits = [text for text in FITS if re.search(pattern, text)]
    assert fits, "this test needs an example"
    assert not [text for text in fits if re.search(pattern, f"{text}\n")]
