"""A page has the newest of what was asked for, and its cursor leads to all the rest."""

import time
from typing import Any

import pytest

from functions.core.reading import Failure, FailureKind
from mcp_service.app import App
from mcp_service.results import LIMIT, compact
from tests.conversation.talk import Talk, reading
from tests.servers.website import Website

pytestmark = pytest.mark.anyio

MANY = {f"a_value_with_a_long_name_{number}": 1e6 + number / 7 for number in range(20)}


async def pages(talk: Talk, **asked: Any) -> list[dict[str, Any]]:
    """All pages of one question, each of which fits into an answer uncut."""
    said = [await talk.tell(**asked)]
    while cursor := said[-1]["page"].get("cursor"):
        said.append(await talk.tell(**asked, cursor=cursor))
    assert all(len(compact(one)) <= LIMIT and "left_out" not in one["page"] for one in said)
    return said


@pytest.mark.parametrize(
    ("step", "rows", "place"), [("raw", "readings", "at"), ("1m", "rollups", "start")]
)
async def test_readings_too_long_for_one_answer_are_all_reached_from_the_newest_on(
    app: App, website: Website, step: str, rows: str, place: str
) -> None:
    async with Talk(app.service, "local") as talk:
        monitor = await talk.watch(website.url)
        first = int(time.time()) // 60 * 60 - 9000
        await app.readings.add(
            [reading(monitor, first + 60 * number, metrics=MANY) for number in range(150)]
        )
        asked = {"tool": "query_readings", "monitor": "shop", "since": "3h", "limit": 200}
        said = await pages(talk, **asked, step=step)
    assert len(said) > 1
    times = [[row[place] for row in one["data"][rows]] for one in said]
    newest_last = [time for page in reversed(times) for time in page]
    assert newest_last == sorted(set(newest_last))
    assert len(newest_last) == 150
    assert "What is older comes with the cursor." in said[0]["summary"]
    assert "What is older" not in said[-1]["summary"]


async def test_monitors_too_many_for_one_answer_are_all_reached(app: App, website: Website) -> None:
    names = [f"{number:02} {'x' * 60}" for number in range(100)]
    cause = Failure(FailureKind.ACCESS, "the API does not take the secret; " * 15)
    async with Talk(app.service, "local") as talk:
        for name in names:
            monitor = await talk.watch(website.url, name)
            for slot in (60, 120, 180):
                await app.sink.emit(reading(monitor, slot, failure=cause, metrics={}))
        said = await pages(talk, tool="list_monitors", limit=100)
    assert len(said) > 1
    assert [line["name"] for one in said for line in one["data"]["monitors"]] == names


@pytest.mark.parametrize("metrics", [[], ["up"], ["latency"]])
async def test_a_step_in_which_nothing_was_seen_says_so_and_has_no_numbers(
    app: App, website: Website, metrics: list[str]
) -> None:
    async with Talk(app.service, "local") as talk:
        monitor = await talk.watch(website.url)
        first = int(time.time()) // 60 * 60 - 600
        blind = {"metrics": {}, "failure": Failure(FailureKind.ACCESS, "token expired")}
        missed = {"metrics": {}, "failure": Failure(FailureKind.MISSED, "not ticking")}
        for place, more in enumerate(({}, blind, missed)):
            await app.sink.emit(reading(monitor, first + 60 * place, **more))
        asked = {"monitor": "shop", "since": "1h", "step": "1m", "metrics": metrics}
        said = await talk.tell("query_readings", **asked)
    seen, *unseen = said["data"]["rollups"]
    assert set(seen["metrics"]) == set(metrics or ["up", "latency"])
    told = [{name: row[name] for name in row if name != "start"} for row in unseen]
    assert told == [{"failed": 1}, {"missed": 1}]
    assert "3 steps of 1m" in said["summary"]
    assert "; 2 without a value." in said["summary"]
