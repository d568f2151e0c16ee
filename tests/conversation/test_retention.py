"""What is kept, and for how long."""

import time

import pytest

from functions.core.events import reading_event
from functions.core.rollup import DAY
from mcp_service.app import App
from mcp_service.database.dead_letters import DeadLetter
from mcp_service.retention import HISTORY_DAYS, expire
from tests.conversation.talk import reading

pytestmark = pytest.mark.anyio
DAYS = 30


async def test_what_is_old_is_forgotten_and_nothing_else_is(app: App) -> None:
    now, database = int(time.time()), app.service.database
    monitor = {"id": "m1", "interval": 60}
    for at in (now - (DAYS + 2) * DAY, now - (DAYS - 2) * DAY):
        seen = reading(monitor, at // 60 * 60)
        await app.readings.add([seen])
        database.dead_letters.put(DeadLetter.of(reading_event(seen), at=at, ours=False))
    database.confessions.confess("local", ["older"], at=now - (HISTORY_DAYS + 1) * DAY)
    database.confessions.confess("local", ["newer"], at=now - (HISTORY_DAYS - 1) * DAY)
    await expire(app.service, days=DAYS)
    kept = await app.readings.query("local", "m1", since=0, until=now, limit=10)
    assert [one.slot for one in kept] == [seen.slot]
    assert [one.at for one in database.dead_letters.oldest(limit=10)] == [at]
    assert database.confessions.confess("local", ["older", "newer"], at=now) == ["older"]
