"""What Claude is told about the service while one of its stores is away."""

import dataclasses

import pytest

from functions.core.errors import SourceUnavailable
from functions.core.events import READING, SOURCE, Event
from functions.core.reading import Reading
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.app import App
from mcp_service.database.database import Database
from mcp_service.database.dead_letters import DeadLetter
from mcp_service.redis_codes import RedisCodes
from tests.conversation.talk import Talk
from tests.servers.mail import Mailbox

pytestmark = pytest.mark.anyio


class Away:
    """A store of readings that does not answer, in front of nothing."""

    async def latest(self, tenant: str, monitors: list[str]) -> dict[str, Reading]:
        raise SourceUnavailable("InfluxDB cannot be used.")


async def test_the_platform_is_shown_without_the_database_as_errors_advise(app: App) -> None:
    engine = open_engine("sqlite:////nowhere/monitors.db")
    service = dataclasses.replace(
        app.service, database=Database(engine), records=SqlAlertRecords(engine)
    )
    async with Talk(service, "local") as talk:
        refused = await talk.refusal("list_monitors")
        assert [step["tool"] for step in refused["next"]] == ["show_platform"]
        platform = await talk.tell("show_platform")
    assert platform["data"]["stores"] == {"database": refused["summary"], "readings": "ok"}
    assert refused["summary"] in platform["summary"]


async def test_a_store_of_readings_that_is_away_stands_in_the_summary(app: App) -> None:
    service = dataclasses.replace(app.service, readings=Away())
    async with Talk(service, "local") as talk:
        platform = await talk.tell("show_platform")
    assert platform["data"]["stores"]["readings"] == "InfluxDB cannot be used."
    assert platform["summary"].endswith("unsent. InfluxDB cannot be used.")


async def test_without_redis_no_code_is_mailed_and_none_counts(app: App, mailbox: Mailbox) -> None:
    codes = RedisCodes("redis://127.0.0.1:1/0")
    service = dataclasses.replace(app.service, codes=codes)
    async with Talk(service, "local") as talk:
        for given in ({"address": "ann@example.com"}, {"code": "12345678"}):
            refused = await talk.refusal("set_channel", name="me", **given)
            assert refused["summary"].startswith("Redis cannot be used")
            assert refused["error"]["retry"] is True
            assert [step["tool"] for step in refused["next"]] == ["show_platform"]
        platform = await talk.tell("show_platform")
    assert platform["data"]["stores"]["codes"] == refused["summary"]
    assert refused["summary"] in platform["summary"]
    assert (mailbox.messages(), app.service.records.channels("local")) == ([], [])
    await codes.close()


async def test_on_a_cluster_it_says_how_many_events_of_ours_wait_to_be_repeated(app: App) -> None:
    service = dataclasses.replace(app.service, leader=lambda: "pod_1")
    ours = Event(id="m/1", source=SOURCE, type=READING)
    for event, believed in ((ours, True), (ours, False)):
        service.database.dead_letters.put(DeadLetter.of(event, at=1.0, ours=believed))
    async with Talk(service, "local") as talk:
        platform = await talk.tell("show_platform")
    assert platform["data"]["dead_letters"] == 1
    assert "1 event of monitors could not be taken" in platform["summary"]
    assert "claude-monitor dead-letters replay" in platform["summary"]
