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
from functions.core.events import Event, encode, is_ours, reading_event, sealed
from functions.core.keyring import new_shared_key
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


KEYS = new_shared_key()


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    migrate(url(tmp_path))
    return DeadLetters(open_engine(url(tmp_path)))


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/monitors.db"


@asynccontextmanager
async def served(letters: DeadLetters) -> AsyncIterator[str]:
    with closing(listen("127.0.0.1", 0)) as door:
        app = sink(letters, HandClock(1000.0), keys=lambda: KEYS)
        serving = asyncio.create_task(serve_sink(app, door))
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def post(address: str, headers: Mapping[str, str], body: bytes) -> int:
    request = HttpRequest(url=address, method="POST", headers=headers, body=body)
    return (await outbound_http(["127.0.0.0/8"]).fetch(request)).status


def refused(event: Event, **more: str) -> Event:
    return msgspec.structs.replace(event, extensions=event.extensions | NOTED | more)


def numbered(number: int) -> Event:
    return msgspec.structs.replace(reading_event(READING), id=f"m/{number}")


def letter_of(event: Event, at: float = 1000.0) -> DeadLetter:
    return DeadLetter.of(event, at=at, ours=is_ours(event, KEYS))


@pytest.mark.anyio
async def test_what_the_broker_gives_up_is_kept_once_with_who_refused_it(
    letters: DeadLetters,
) -> None:
    stranger, genuine = reading_event(READING), sealed(reading_event(READING), KEYS)
    async with served(letters) as address:
        for event in (stranger, genuine, genuine, stranger):
            assert await post(address, *encode(refused(event))) == 204
    kept = letters.oldest(limit=9)
    assert {(one.refused_by, one.code) for one in kept} == {("http://alert.svc/", "403")}
    assert [one.event for one in kept if one.ours] == [genuine]
    assert [one.event for one in kept if not one.ours] == [stranger]


@pytest.mark.anyio
async def test_what_is_no_event_is_refused(letters: DeadLetters) -> None:
    async with served(letters) as address:
        assert await post(address, {"content-type": "text/plain"}, b"hello") == 400
    assert letters.oldest(limit=9) == []


def test_the_commands_list_and_replay_with_the_signature_it_came_with(
    letters: DeadLetters, tmp_path: Path
) -> None:
    make_keys(tmp_path / "keys")
    event = sealed(reading_event(READING), read_key(tmp_path / "keys", "events.key"))
    letters.put(letter_of(refused(event)))
    with Broker() as broker:
        assert repr(event.id) in command("list", tmp_path, broker)
        broker.status = 503
        assert "did not accept" in command("replay", tmp_path, broker, fails=True)
        assert len(letters.oldest(limit=9)) == 1
        broker.status = 202
        command("replay", tmp_path, broker)
        assert broker.events == [event]
    assert letters.oldest(limit=9) == []


def test_many_are_listed_and_replayed_in_part(letters: DeadLetters, tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    for number in range(PAGE + 2):
        letters.put(letter_of(refused(numbered(number)), 1000.0 + number))
    with Broker() as broker:
        listed = command("list", tmp_path, broker).splitlines()
        assert [line for line in listed if "'m/1'" in line] == []
        assert "'m/2'" in listed[0]
        assert listed[-1].startswith(f"{PAGE + 2} dead letters; 2 older ones are not shown")
        told = command("replay", tmp_path, broker).splitlines()
    assert told[:2] == [f"{PAGE} of {PAGE + 2}", f"{PAGE + 2} of {PAGE + 2}"]
    assert [event.id for event in broker.events] == [f"m/{number}" for number in range(PAGE + 2)]
    assert letters.count() == 0


def test_a_letter_that_cannot_be_repeated_stops_no_other(
    letters: DeadLetters, tmp_path: Path
) -> None:
    make_keys(tmp_path / "keys")
    unsendable = msgspec.structs.replace(numbered(0), extensions={"x": "y" * 5000})
    untaken = msgspec.structs.replace(numbered(1), source="%zz")
    for place, event in enumerate((unsendable, untaken, *map(numbered, range(2, PAGE + 4)))):
        letters.put(letter_of(event, 1000.0 + place))
    with Broker() as broker:
        broker.refuses = "%zz"
        told = command("replay", tmp_path, broker).splitlines()
        assert [event.id for event in broker.events] == [f"m/{n}" for n in range(2, PAGE + 4)]
    assert told[0].endswith("cannot be sent over HTTP; it is dropped")
    assert told[1].endswith("is not taken by the Broker (400); it stays")
    assert told[-1].startswith(f"{PAGE + 2} dead letters given to the Broker again; 1 it does not")
    assert [letter.event for letter in letters.oldest(limit=9)] == [untaken]


def test_an_event_that_is_refused_again_while_it_is_replayed_stays(letters: DeadLetters) -> None:
    first = letter_of(refused(reading_event(READING)))
    letters.put(first)
    again = msgspec.structs.replace(first, at=2000.0)
    letters.put(again)
    letters.drop(first)
    assert letters.oldest(limit=9) == [again]


def test_only_what_is_not_ours_is_limited_and_what_is_kept_keeps_its_place(
    tmp_path: Path,
) -> None:
    migrate(url(tmp_path))
    letters = DeadLetters(open_engine(url(tmp_path)), most=2)
    ours = [letter_of(sealed(numbered(number), KEYS)) for number in range(5)]
    assert all(map(letters.put, ours))
    assert [letters.put(letter_of(numbered(number))) for number in (1, 2, 3)] == [True, True, False]
    again = msgspec.structs.replace(letter_of(numbered(1)), at=2000.0)
    assert letters.put(again)
    assert letters.newest(limit=1) == [again]
    assert (letters.count(), letters.count_ours()) == (7, 5)


def test_a_stranger_cannot_take_the_place_of_an_event_of_ours(letters: DeadLetters) -> None:
    event = sealed(reading_event(READING), KEYS)
    genuine = letter_of(refused(event))
    letters.put(genuine)
    for forged in (
        msgspec.structs.replace(event, data=b"{}"),
        msgspec.structs.replace(event, extensions=event.extensions | {"mac": "x.y"}),
        msgspec.structs.replace(event, extensions=event.extensions | {"tenant": "other"}),
    ):
        letters.put(letter_of(refused(forged), 2000.0))
    assert genuine in letters.oldest(limit=9)
    for number in range(9):
        letters.put(letter_of(refused(event, knativeerrordest=f"http://{number}/")))
    assert letters.count_ours() == 1


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
