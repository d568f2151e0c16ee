"""The service as a process: who may call it, one per home, and how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.sse import sse_client

from mcp_service.home import owner, standing
from mcp_service.serve import GOODBYE
from tests.servers.service import COMMAND, StandingService

TOKEN = "t0ken-" * 8
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingService]:
    home = tmp_path_factory.mktemp("home")
    with StandingService(home, HOST="0.0.0.0", TOKEN=TOKEN) as running:
        yield running


def command(home: Path, *verb: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = StandingService(home, **settings).environment()
    return subprocess.run(
        [*COMMAND, *verb], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def status(service: StandingService, path: str = "/mcp", **headers: str) -> int:
    """What a POST with these headers is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        service.address + path, json.dumps(PING).encode(), HEADERS | named
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_the_token_opens_the_door_and_nothing_else_does(service: StandingService) -> None:
    assert status(service, Authorization=f"Bearer {TOKEN}") == 200
    for shown in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}", ""):
        assert status(service, Authorization=shown) == 401
    assert status(service) == 401
    assert status(service, "/sse") == 401


def test_health_needs_no_token_and_tells_nothing(service: StandingService) -> None:
    with urllib.request.urlopen(service.address + "/healthz", timeout=10) as answer:
        assert json.load(answer).keys() == {"service", "pid"}


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("Host", "evil.example", 421),
        ("Host", "127.0.0.1.evil.example:80", 421),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
    ],
)
def test_other_names_and_origins_are_refused(
    service: StandingService, header: str, value: str, expected: int
) -> None:
    answered = status(service, **{"Authorization": f"Bearer {TOKEN}", header: value})
    assert answered == expected


def test_a_bind_beyond_loopback_without_a_token_is_refused(tmp_path: Path) -> None:
    ended = command(tmp_path, "serve", HOST="0.0.0.0")
    assert ended.returncode == 2
    assert "CLAUDE_MONITOR_TOKEN: is required" in ended.stderr


def test_all_wrong_settings_are_told_before_anything_is_made(tmp_path: Path) -> None:
    ended = command(tmp_path / "home", "serve", DEADLINE="x", RUNTIME="y", SMTP_URL="z", HSOT="::")
    assert ended.returncode == 2
    for name in ("DEADLINE", "RUNTIME", "SMTP_URL", "HSOT"):
        assert f"CLAUDE_MONITOR_{name}:" in ended.stderr
    assert not (tmp_path / "home").exists()


def test_a_second_service_in_the_same_home_is_refused(service: StandingService) -> None:
    ended = command(service.home, "serve")
    known = standing(service.home)
    assert known is not None
    assert ended.returncode == 1
    assert f"process {known.pid}" in ended.stderr
    assert "claude-monitor stop" in ended.stderr


def test_a_taken_port_is_told_with_the_setting(tmp_path: Path, service: StandingService) -> None:
    ended = command(tmp_path, "serve", PORT=str(service.port))
    assert ended.returncode == 2
    assert "CLAUDE_MONITOR_PORT" in ended.stderr


def test_everything_in_the_home_is_for_its_owner_only(service: StandingService) -> None:
    open_to_others = [
        path for path in service.home.rglob("*")
        if path.name != "output.log" and path.stat().st_mode & 0o077
    ]  # fmt: skip
    assert open_to_others == []


def test_the_token_is_in_no_output(service: StandingService) -> None:
    shown = command(service.home, "settings", TOKEN=TOKEN)
    assert "CLAUDE_MONITOR_TOKEN = (set, not shown)" in shown.stdout
    assert TOKEN not in shown.stdout + service.output()


def test_one_that_is_told_to_end_while_it_loads_does_not_begin(tmp_path: Path) -> None:
    """It begins deaf, as the first process of a container does."""
    environment = StandingService(tmp_path).environment()
    heard = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with subprocess.Popen(
        [*COMMAND, "serve"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        signal.signal(signal.SIGTERM, heard)
        while process.poll() is None:
            process.terminate()
            time.sleep(0.02)
        assert process.stdout is not None
        assert (process.returncode, process.stdout.read()) == (128 + signal.SIGTERM, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with StandingService(tmp_path / "home") as running:
        known = standing(running.home)
        assert known is not None
        os.kill(known.pid, number)
        assert running.wait() == 0
        assert not owner(running.home)
        assert standing(running.home) is None
        assert "Traceback" not in running.output()


def test_told_to_end_it_begins_nothing_more_however_long_open_calls_last(tmp_path: Path) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
    with (
        StandingService(tmp_path / "home") as running,
        socket.create_connection(("127.0.0.1", running.port)) as caller,
    ):
        caller.sendall(head + b"Expect: 100-continue\r\n\r\n")
        assert caller.recv(100).startswith(b"HTTP/1.1 100")  # the call is taken, and waited for
        os.kill(owner(running.home), signal.SIGTERM)
        running.wait()
        # Its loops touch this file each second; the open call was waited for meanwhile.
        assert time.time() - (running.home / "alive").stat().st_mtime > GOODBYE - 1


def test_stop_ends_it_and_says_when_there_is_none(tmp_path: Path) -> None:
    with StandingService(tmp_path / "home") as running:
        assert command(running.home, "status").returncode == 0
        assert command(running.home, "stop").returncode == 0
        assert running.wait() == 0
        assert "No service" in command(running.home, "stop").stdout
        assert command(running.home, "status").returncode == 3


def test_setup_again_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert command(home, "setup").returncode == 0
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert command(home, "setup").returncode == 0
    kept = ("keys", "settings.env")
    for path, content in before.items():
        if path.relative_to(home).parts[0] in kept:
            assert path.read_bytes() == content


def test_a_secret_is_sealed_the_moment_it_is_entered(tmp_path: Path) -> None:
    home, value = tmp_path / "home", "correct horse battery staple"
    environment = StandingService(home).environment()
    put = [*COMMAND, "secret", "set", "api", "--host", "shop.example"]
    ended = subprocess.run(
        put, env=environment, input=value + "\n", capture_output=True, text=True, check=True
    )
    listed = command(home, "secret", "list")
    assert "api: for shop.example" in listed.stdout
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert value not in ended.stdout + ended.stderr + listed.stdout
    assert value.encode() not in written
    assert command(home, "secret", "delete", "api").returncode == 0
    assert "api" not in command(home, "secret", "list").stdout


def test_doctor_tries_every_part_and_fails_only_for_what_is_broken(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command(home, "setup")
    (home / "keys" / "spec.key").unlink()
    ended = command(home, "test-connections")
    lines = {line.split()[1]: line for line in ended.stdout.splitlines()[:-1]}
    assert lines.keys() >= {
        "python", "home", "keys", "database", "readings", "port", "service", "mail", "dns",
        "heartbeat",
    }  # fmt: skip
    assert lines["keys"].startswith("FAILED")
    assert "claude-monitor setup" in lines["keys"]
    assert lines["database"].startswith("ok")
    assert ended.returncode == 1


def test_doctor_changes_nothing_in_a_database_that_is_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command(home, "setup")
    (home / "monitors.db").unlink()
    for _ in range(2):
        told = command(home, "doctor").stdout
        [line] = [line for line in told.splitlines() if line.split()[1:2] == ["database"]]
        assert line.startswith("FAILED")
        assert line.endswith("run: claude-monitor setup")
    command(home, "setup")
    assert re.search(r"^ok +database ", command(home, "doctor").stdout, re.MULTILINE)


@pytest.fixture
def over_sse(tmp_path: Path) -> Iterator[StandingService]:
    scratch = StandingService(tmp_path)
    with (tmp_path / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--transport", "sse"], env=scratch.environment(), stdout=output
        )
    while not scratch.is_up():
        assert process.poll() is None
        time.sleep(0.05)
    yield scratch
    process.terminate()
    assert process.wait(30) == 0


@pytest.mark.anyio
async def test_old_clients_are_served_over_sse(over_sse: StandingService) -> None:
    url = f"{over_sse.address}/sse"
    async with Client(sse_client(url), mode="legacy") as client:
        assert len((await client.list_tools()).tools) >= 17
    assert f"claude mcp add --transport sse claude-monitor {url}" in over_sse.output()


def begin(content: bytes) -> bytes:
    return b"\0" * 100 + content[100:]


def pages(content: bytes) -> bytes:
    return content[:4096] + b"\xa5" * (len(content) - 4096)


def end(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("lost", [begin, pages, end])
def test_a_damaged_database_is_named_with_the_way_out_and_left_as_it_is(
    tmp_path: Path, lost: Callable[[bytes], bytes]
) -> None:
    assert command(tmp_path, "setup").returncode == 0
    file = tmp_path / "monitors.db"
    file.write_bytes(lost(file.read_bytes()))
    damaged = file.read_bytes()
    ended = command(tmp_path, "serve")
    assert ended.returncode == 1
    assert f"{file} is damaged; nothing was deleted." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert file.read_bytes() == damaged
