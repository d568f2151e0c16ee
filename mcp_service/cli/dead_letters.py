"""`claude-monitor dead-letters`: what no function on the cluster could take."""

import argparse
import asyncio
from pathlib import Path

from functions.clients.broker import Broker, open_broker
from functions.core.errors import UnexpectedAnswer
from functions.core.events import encode
from functions.core.monitor import utc_text
from functions.core.web import header_faults
from functions.stores.sql.engine import open_engine
from mcp_service.cli.output import say
from mcp_service.database.dead_letters import DeadLetter, DeadLetters
from mcp_service.keys import read_key
from mcp_service.settings import load

PAGE = 50
"""Letters in memory at once; each may be as large as an event."""


def run(chosen: argparse.Namespace) -> int:
    settings = load()
    letters = DeadLetters(open_engine(settings.database_url))
    if chosen.action == "list":
        return _list(letters)
    keys = read_key(Path(settings.keys), "events.key")
    asyncio.run(_replay(letters, open_broker(settings.broker_url, shared_keys=keys)))
    return 0


def _list(letters: DeadLetters) -> int:
    total = letters.count()
    older = max(0, total - PAGE)
    for letter in letters.newest(limit=PAGE):
        event = letter.event
        # What comes from outside is quoted, so that no event can write to the terminal.
        say(f"{letter.id}  {utc_text(letter.at)}  {event.type!r} {event.id!r}")
        say(f"    refused by {letter.refused_by!r} with status {letter.code!r}")
    hidden = f"; {older} older ones are not shown, and replay begins with them" if older else ""
    say(f"{total} dead letters{hidden}")
    return 0


async def _replay(letters: DeadLetters, broker: Broker) -> None:
    """Each with the signature it came with. What is refused again comes back as the newest dead
    letter, so those that were there are the oldest."""
    total, done, left, given = await asyncio.to_thread(letters.count), 0, 0, 0
    while some := await asyncio.to_thread(letters.oldest, skip=left, limit=min(PAGE, total - done)):
        for letter in some:
            problem, stays = await _repeated(broker, letter)
            if problem:
                say(f"{letter.id} {problem}; it {'stays' if stays else 'is dropped'}")
            given += not problem
            left += stays
            if not stays:
                await asyncio.to_thread(letters.drop, letter)
        done += len(some)
        say(f"{done} of {total}")
    rest = f"; {left} it does not take: check CLAUDE_MONITOR_BROKER_URL" if left else ""
    say(f"{given} dead letters given to the Broker again{rest}")


async def _repeated(broker: Broker, letter: DeadLetter) -> tuple[str, bool]:
    """Why it could not be repeated, if so, and whether another time it might. A stranger may have
    sent anything; one letter must not stop the others."""
    if header_faults(encode(letter.event)[0]):
        return "cannot be sent over HTTP", False
    try:
        await broker.repeat(letter.event)
    except UnexpectedAnswer as error:
        return error.message, True
    return "", False
