"""What a function logs of refused events."""

import logging

import pytest

from functions.core.errors import AccessDenied
from functions.logs import log_refusal

LOG = logging.getLogger("claude_monitor.test")


def test_a_long_source_is_cut_before_it_is_remembered(caplog: pytest.LogCaptureFixture) -> None:
    for end in ("a", "b"):
        log_refusal(LOG, AccessDenied("not ours"), whose="x" * 200 + end)
    [line] = caplog.messages
    assert line == f"refused {'x' * 200}: not ours "
