"""The real Claude Code connects to the service, over HTTP and over stdio."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.claude_code import VERSION, ClaudeCode, claude_code
from tests.servers.service import COMMAND, StandingService


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingService]:
    with StandingService(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def claude(tmp_path: Path) -> ClaudeCode:
    return claude_code(tmp_path)


def test_the_pinned_claude_code_is_the_one_that_runs(
    claude: ClaudeCode, figure: Callable[[str], None]
) -> None:
    version = claude.run("--version")
    figure(f"Claude Code: {version.strip()}")
    assert version.startswith(VERSION)


def test_claude_code_connects_over_http(claude: ClaudeCode, service: StandingService) -> None:
    claude.run("mcp", "add", "--transport", "http", "claude-monitor", service.url)
    assert "Connected" in connection(claude)


def test_claude_code_connects_over_stdio(claude: ClaudeCode, service: StandingService) -> None:
    settings = [f"--env={name}={value}" for name, value in service.environment().items()]
    claude.run("mcp", "add", "claude-monitor", *settings, "--", *COMMAND, "mcp")
    assert "Connected" in connection(claude)


def test_claude_code_says_when_nobody_answers(claude: ClaudeCode, port: int) -> None:
    claude.run("mcp", "add", "--transport", "http", "claude-monitor", f"http://127.0.0.1:{port}/")
    assert "Failed to connect" in connection(claude)


def connection(claude: ClaudeCode) -> str:
    """The line that `claude mcp list` has about us."""
    listed = claude.run("mcp", "list")
    lines = [line for line in listed.splitlines() if line.startswith("claude-monitor:")]
    assert len(lines) == 1, listed
    return lines[0]
