"""The real Claude Code connects to the service, over HTTP and over stdio."""

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.claude_code import VERSION, ClaudeCode, claude_code
from tests.servers.service import COMMAND, StandingService

GREETING = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "stopwatch", "version": "1"},
}
OPENING = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": GREETING},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
)


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


def test_the_stdio_command_lists_its_tools_within_a_second(
    service: StandingService, figure: Callable[[str], None]
) -> None:
    times = sorted(time_to_tools(service) for _ in range(10))
    median = statistics.median(times)
    figure(f"stdio, start to tools: median {median:.2f} s, {times[0]:.2f} to {times[-1]:.2f}")
    assert median < 1.0


def connection(claude: ClaudeCode) -> str:
    """The line that `claude mcp list` has about us."""
    listed = claude.run("mcp", "list")
    lines = [line for line in listed.splitlines() if line.startswith("claude-monitor:")]
    assert len(lines) == 1, listed
    return lines[0]


def time_to_tools(service: StandingService) -> float:
    """Seconds from the start of `claude-monitor mcp` to its answer to tools/list."""
    started = time.monotonic()
    with subprocess.Popen(
        [*COMMAND, "mcp"],
        env=service.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as bridge:
        assert bridge.stdin is not None
        assert bridge.stdout is not None
        bridge.stdin.writelines(json.dumps(message) + "\n" for message in OPENING)
        bridge.stdin.flush()
        answers = {}
        while 2 not in answers:
            answer = json.loads(bridge.stdout.readline())
            answers[answer.get("id")] = answer
        taken = time.monotonic() - started
        bridge.stdin.close()
    assert answers[2]["result"]["tools"]
    return taken
