"""The stdio bridge: at once, in both eras, one service for all, a clean wire."""

import json
import os
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from mcp_service.home import owner, standing
from tests.servers.service import COMMAND, StandingService

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "t", "version": "1"},
}
STARTS = 10
LIMIT = 1.0
"""Seconds within which a client has its tool list, whatever the service does."""


class Scratch:
    """A home without a service yet; whatever service comes into being is stopped at the end."""

    def __init__(self, home: Path, **settings: str) -> None:
        home.mkdir()
        self.home = home
        self.environment = StandingService(home, **settings).environment()

    def bridge(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, "mcp"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def said(self, *messages: object, timeout: float = 90) -> list[dict[str, Any]]:
        """All lines of one bridge that gets these messages and then the end of its input."""
        lines = [text if isinstance(text, str) else json.dumps(text) for text in messages]
        out, _ = self.bridge().communicate("\n".join(lines) + "\n", timeout=timeout)
        return [json.loads(line) for line in out.splitlines()]

    def stop(self) -> None:
        subprocess.run([*COMMAND, "stop"], env=self.environment, check=True, capture_output=True)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    made = Scratch(tmp_path / "home")
    yield made
    made.stop()


def request(key: object, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": key, "method": method, "params": params}


def call(key: object, tool: str, **arguments: Any) -> dict[str, Any]:
    return request(key, "tools/call", name=tool, arguments=arguments)


def modern(message: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**message, "params": {**message["params"], "_meta": {**META, **changed}}}


def by_id(replies: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {reply["id"]: reply for reply in replies}


def test_a_client_has_the_tools_within_a_second(
    scratch: Scratch, figure: Callable[[str], None]
) -> None:
    times = []
    for _ in range(STARTS):
        began = time.monotonic()
        process = scratch.bridge()
        assert process.stdin is not None
        assert process.stdout is not None
        for message in (request(1, "initialize", **INITIALIZE), request(2, "tools/list")):
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        replies = [json.loads(process.stdout.readline()) for _ in range(2)]
        times.append(time.monotonic() - began)
        assert len(by_id(replies)[2]["result"]["tools"]) >= 17
        process.communicate(timeout=30)
    median = statistics.median(times)
    figure(f"bridge: start to tool list, median of {STARTS}: {median:.3f} s, max {max(times):.3f}")
    assert median < LIMIT


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_sdk_client_works_in_both_eras(scratch: Scratch, mode: Any) -> None:
    program, *arguments = (*COMMAND, "mcp")
    server = StdioServerParameters(command=program, args=arguments, env=scratch.environment)
    async with Client(server, mode=mode) as client:
        tools = (await client.list_tools()).tools
        answer = await client.call_tool("list_monitors", {})
    assert len(tools) >= 17
    assert not answer.is_error


def test_calls_of_both_eras_are_passed_on(scratch: Scratch) -> None:
    replies = by_id(
        scratch.said(
            request("a", "initialize", **INITIALIZE),
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            call("b", "list_monitors"),
            modern(request("c", "server/discover")),
            modern(call("d", "list_monitors")),
            modern(call("e", "no_such_tool")),
        )
    )
    assert replies["a"]["result"]["protocolVersion"] == "2025-11-25"
    assert "summary" in replies["b"]["result"]["structuredContent"]
    assert replies["c"]["result"]["supportedVersions"] == ["2026-07-28"]
    assert replies["d"]["result"]["resultType"] == "complete"
    assert replies["e"]["error"]["code"] == -32602


def test_lines_that_are_no_requests_are_answered_and_survived(scratch: Scratch) -> None:
    replies = scratch.said(
        "not json",
        "[1, 2]",
        {"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"},
        {"jsonrpc": "2.0", "id": 9, "result": {}},
        request(1, "initialize"),
        modern(request(2, "tools/list"), **{next(iter(META)): "2031-01-01"}),
        request(3, "ping"),
    )
    assert [reply.get("error", {}).get("code") for reply in replies] == [
        -32700, -32600, -32600, -32602, -32022, None,
    ]  # fmt: skip


def test_many_bridges_start_one_service_which_outlives_them(scratch: Scratch) -> None:
    results: list[list[dict[str, Any]]] = []
    threads = [
        threading.Thread(target=lambda: results.append(scratch.said(call(1, "list_monitors"))))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [replies[0]["result"].get("isError", False) for replies in results] == [False] * 5
    log = (scratch.home / "service.log").read_text()
    assert log.count("claude-monitor answers at") == 1
    assert owner(scratch.home)


def test_a_service_that_died_is_started_again_by_the_next_call(scratch: Scratch) -> None:
    process = scratch.bridge()
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(2):
        process.stdin.write(json.dumps(call(1, "list_monitors")) + "\n")
        process.stdin.flush()
        assert not json.loads(process.stdout.readline())["result"].get("isError", False)
        known = standing(scratch.home)
        assert known is not None
        os.kill(known.pid, signal.SIGKILL)
        while owner(scratch.home):
            time.sleep(0.02)
    process.communicate(timeout=30)


def test_a_service_that_cannot_start_is_explained_by_each_call(tmp_path: Path) -> None:
    broken = Scratch(tmp_path / "home")
    (tmp_path / "home" / "monitors.db").write_text("this is no database")
    listed, called = by_id(broken.said(request(1, "tools/list"), call(2, "list_monitors"))).values()
    assert len(listed["result"]["tools"]) >= 17
    [content] = called["result"]["content"]
    assert called["result"]["isError"]
    assert str(tmp_path / "home" / "service.log") in content["text"]
    assert "claude-monitor doctor" in content["text"]


def test_wrong_settings_are_named_by_each_call(tmp_path: Path) -> None:
    replies = Scratch(tmp_path / "home", DEADLINE="never").said(call(2, "list_monitors"))
    assert "CLAUDE_MONITOR_DEADLINE" in replies[0]["result"]["content"][0]["text"]


def test_the_service_gets_none_of_the_clients_other_variables(scratch: Scratch) -> None:
    scratch.environment["ANTHROPIC_API_KEY"] = "of somebody else"
    scratch.said(call(1, "list_monitors"))
    known = standing(scratch.home)
    assert known is not None
    environment = Path(f"/proc/{known.pid}/environ").read_bytes()
    assert b"CLAUDE_MONITOR_HOME" in environment
    assert b"ANTHROPIC" not in environment
