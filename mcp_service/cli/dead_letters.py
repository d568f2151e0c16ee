"""`claude-monitor dead-letters`: what no function on the cluster could take."""

import argparse
import asyncio
from pathlib import Path

from functions.clients.broker import Broker, open_broker
from functions.core.monitor import utc_text
from functions.stores.sql.engine import open_engine
from mcp_service.cli.output import say
from mcp_service.database.dead_letters import DeadLetters
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
    total, done = await asyncio.to_thread(letters.count), 0
    while some := await asyncio.to_thread(letters.oldest, limit=min(PAGE, total - done)):
        for letter in some:
            await broker.repeat(letter.event)
            await asyncio.to_thread(letters.drop, letter)
        done += len(some)
        say(f"{done} of {total}")
    say(f"{done} dead letters given to the Broker again")
