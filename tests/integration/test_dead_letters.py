"""Dead letters: taken over HTTP as the Broker sends them, kept, listed, given to it again."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest

from functions.clients.http import outbound_http
from functions.core.events import Event, encode, reading_event, sealed
from functions.core.ports import HttpRequest
from functions.stores.sql.engine import open_engine
from mcp_service.cli.dead_letters import PAGE
from mcp_service.database.dead_letters import DeadLetter, DeadLetters
from mcp_service.database.migrate import migrate
from mcp_service.dead_letters import serve_sink, sink
from mcp_service.http import listen
from mcp_service.keys import make_keys, read_key
from tests.servers.broker import Broker
from tests.unit.clocks import HandClock
from tests.unit.test_events import READING

NOTED = {"knativeerrordest": "http://alert.svc/", "knativeerrorcode": "403"}
"""What the Broker adds to an event that a subscriber refused."""


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    migrate(url(tmp_path))
    return DeadLetters(open_engine(url(tmp_path)))


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/monitors.db"


@asynccontextmanager
async def served(letters: DeadLetters) -> AsyncIterator[str]:
    with closing(listen("127.0.0.1", 0)) as door:
        serving = asyncio.create_task(serve_sink(sink(letters, HandClock(1000.0)), door))
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def post(address: str, headers: Mapping[str, str], body: bytes) -> int:
    request = HttpRequest(url=address, method="POST", headers=headers, body=body)
    return (await outbound_http(["127.0.0.0/8"]).fetch(request)).status


def refused(event: Event) -> Event:
    return msgspec.structs.replace(event, extensions=event.extensions | NOTED)


@pytest.mark.anyio
async def test_what_the_broker_gives_up_is_kept_once_with_who_refused_it(
    letters: DeadLetters,
) -> None:
    event = reading_event(READING)
    async with served(letters) as address:
        assert await post(address, *encode(refused(event))) == 204
        assert await post(address, *encode(refused(event))) == 204
    [letter] = letters.some(limit=9)
    assert (letter.refused_by, letter.code) == ("http://alert.svc/", "403")
    assert letter.event == event


@pytest.mark.anyio
async def test_what_is_no_event_is_refused(letters: DeadLetters) -> None:
    async with served(letters) as address:
        assert await post(address, {"content-type": "text/plain"}, b"hello") == 400
    assert letters.some(limit=9) == []


def test_the_commands_list_and_replay_with_the_signature_it_came_with(
    letters: DeadLetters, tmp_path: Path
) -> None:
    make_keys(tmp_path / "keys")
    event = sealed(reading_event(READING), read_key(tmp_path / "keys", "events.key"))
    letters.put(DeadLetter.of(refused(event), at=1000.0))
    with Broker() as broker:
        assert repr(event.id) in command("list", tmp_path, broker)
        broker.status = 503
        assert "did not accept" in command("replay", tmp_path, broker, fails=True)
        assert len(letters.some(limit=9)) == 1
        broker.status = 202
        command("replay", tmp_path, broker)
        assert broker.events == [event]
    assert letters.some(limit=9) == []


def test_many_are_listed_and_replayed_in_part(letters: DeadLetters, tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    for number in range(PAGE + 2):
        event = msgspec.structs.replace(reading_event(READING), id=f"m/{number}")
        letters.put(DeadLetter.of(refused(event), at=1000.0 + number))
    with Broker() as broker:
        listed = command("list", tmp_path, broker).splitlines()
        assert [line for line in listed if "'m/1'" in line] == []
        assert "'m/2'" in listed[0]
        assert listed[-1].startswith(f"{PAGE + 2} dead letters; 2 older ones are not shown")
        told = command("replay", tmp_path, broker).splitlines()
    assert told[:2] == [f"{PAGE} of {PAGE + 2}", f"{PAGE + 2} of {PAGE + 2}"]
    assert [event.id for event in broker.events] == [f"m/{number}" for number in range(PAGE + 2)]
    assert letters.count() == 0


def test_an_event_that_is_refused_again_while_it_is_replayed_stays(letters: DeadLetters) -> None:
    first = DeadLetter.of(refused(reading_event(READING)), at=1000.0)
    letters.put(first)
    again = msgspec.structs.replace(first, at=2000.0)
    letters.put(again)
    letters.drop(first)
    assert letters.some(limit=9) == [again]


def command(action: str, home: Path, broker: Broker, *, fails: bool = False) -> str:
    """What it wrote."""
    environ = {
        "PATH": "/usr/bin:/bin",
        "CLAUDE_MONITOR_HOME": str(home),
        "CLAUDE_MONITOR_BROKER_URL": broker.url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "mcp_service", "dead-letters", action],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr
