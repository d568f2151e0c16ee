"""What a refusal or a failed check tells Claude to do next, with what it needs for that."""

from collections.abc import AsyncIterator

import pytest

from functions.core.alert_ports import ChannelRow
from mcp_service.app import App
from mcp_service.times import instant
from tests.conversation.talk import Talk
from tests.servers.maze import Maze

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api() -> AsyncIterator[Maze]:
    async with Maze() as maze:
        yield maze


def problems(refused: dict[str, object]) -> dict[str, str]:
    error = refused["error"]
    assert isinstance(error, dict)
    return {fault["field"]: fault["problem"] for fault in error["fields"]}


async def test_what_has_to_be_checked_first_is_handed_over_whole(talk: Talk, api: Maze) -> None:
    config = {"url": api.url()}
    wish = {"provider": "website", "config": config}
    refused = await talk.refusal("create_monitor", name="shop", **wish)
    assert "was not checked within 24 h" in refused["summary"]
    await talk.tell("check_monitor", **wish)
    await talk.tell("create_monitor", name="shop", **wish)
    changed = {"monitor": "shop", "version": 1, "config": {"keyword_present": "ok"}}
    refused = await talk.refusal("update_monitor", **changed)
    [step] = refused["next"]
    assert (step["tool"], step["arguments"]["provider"]) == ("check_monitor", "website")
    assert step["arguments"]["config"].items() >= {**config, "keyword_present": "ok"}.items()
    await talk.tell(step["tool"], **step["arguments"])
    await talk.tell("update_monitor", **changed)


async def test_a_check_is_of_now_and_its_interval_goes_on_to_the_monitor(
    talk: Talk, app: App, api: Maze
) -> None:
    before = app.clock.now()
    wish = {"provider": "website", "config": {"url": api.url()}, "interval": 3600}
    seen = await talk.tell("check_monitor", **wish)
    assert before - 1 < instant(seen["data"]["reading"]["at"], field="at", now=0) <= app.clock.now()
    [create] = seen["next"]
    assert create["arguments"]["interval"] == 3600
    made = await talk.tell("create_monitor", name="shop", **create["arguments"])
    assert made["summary"].startswith("Armed. One reading every 60 min.")


async def test_a_target_that_wants_a_secret_leads_to_the_secrets_it_can_be_sent(
    talk: Talk, api: Maze
) -> None:
    api.wants = "Authorization: Bearer x"
    seen = await talk.tell("check_monitor", provider="website", config={"url": api.url()})
    assert [step["tool"] for step in seen["next"]] == [
        "describe_provider", "check_monitor", "create_monitor"
    ]  # fmt: skip


async def test_what_cannot_be_seen_at_all_is_not_offered_for_arming(talk: Talk) -> None:
    seen = await talk.tell("check_monitor", provider="website", config={"url": "http://10.0.0.1/"})
    assert "CLAUDE_MONITOR_ALLOW_PRIVATE" in seen["summary"]
    assert [step["tool"] for step in seen["next"]] == ["check_monitor"]


async def test_an_argument_in_the_wrong_place_is_shown_the_right_one(talk: Talk) -> None:
    flat = await talk.refusal("check_monitor", provider="website", url="http://a.example/")
    assert problems(flat)["url"].endswith("what describe_provider lists goes into config")
    rules = await talk.refusal("update_monitor", monitor="shop", version=1, rules={"a": "up is 0"})
    assert [step["tool"] for step in rules["next"]] == ["set_rule"]
    none = await talk.refusal("show_platform", verbose=True)
    assert none["summary"] == "verbose: is not a field; known are none"


async def test_limits_are_told_with_what_the_argument_means(talk: Talk) -> None:
    refused = await talk.refusal("set_rule", monitor="shop", name="too slow", rule="up is 0")
    assert "Up to 40 letters, digits, _ and -" in refused["summary"]
    refused = await talk.refusal("check_monitor", provider="website", interval="5m")
    assert "Seconds between readings" in problems(refused)["interval"]
    refused = await talk.refusal("set_channel", name="me", address="ann")
    assert "must be a mail address" in refused["summary"]


async def test_words_that_no_provider_knows_are_no_verdict_on_the_wish(talk: Talk) -> None:
    found = await talk.tell("find_provider", sentence="überwache meinen Laden")
    assert found["summary"].startswith("No provider was found by these (English) words")
    refused = await talk.refusal("describe_provider", provider="websites")
    assert refused["summary"] == "There is no such provider."
    assert refused["error"]["near"] == ["website"]


async def test_a_monitor_that_nobody_would_hear_of_says_so(talk: Talk, api: Maze) -> None:
    wish = {"provider": "website", "config": {"url": api.url()}, "rules": {}, "untested": True}
    made = await talk.tell("create_monitor", name="mute", **wish)
    shown = await talk.tell("show_monitor", monitor="mute")
    why = await talk.tell("explain_alert", monitor="mute", at="now")
    for said in (made, shown, why):
        assert "It has no rules: nothing can alert." in said["summary"]
        assert "It has no channel: nobody gets its messages." in said["summary"]


async def test_a_change_that_silences_a_monitor_says_so(talk: Talk, app: App, api: Maze) -> None:
    me = ChannelRow(tenant="local", name="me", kind="email", config={}, confirmed=True)
    app.service.records.put_channel(me)
    wish = {"provider": "website", "config": {"url": api.url()}, "untested": True}
    await talk.tell("create_monitor", name="shop", channels=["me"], **wish)
    deaf = await talk.tell("update_monitor", monitor="shop", version=1, channels=[])
    said = "It has no channel: nobody gets its messages."
    assert deaf["summary"] == f"Changed, now version 2. {said}"
    await talk.tell("update_monitor", monitor="shop", version=2, channels=["me"])
    mute = await talk.tell("set_rule", monitor="shop", name="down", remove=True)
    said = "It has no rules: nothing can alert."
    assert mute["summary"] == f"Done: rule removed. It alerts no more. {said}"
    assert [step["tool"] for step in mute["next"]] == ["show_monitor"]


async def test_why_not_names_each_rule_and_knows_the_present_from_the_future(
    talk: Talk, api: Maze
) -> None:
    wish = {"provider": "website", "config": {"url": api.url()}, "untested": True}
    await talk.tell("create_monitor", name="shop", **wish)
    await talk.tell("pause_monitor", monitor="shop")
    why = await talk.tell("explain_alert", monitor="shop")
    assert "It was paused." in why["summary"]
    assert "Rule down was ok. It has judged no reading yet." in why["summary"]
    refused = await talk.refusal("explain_alert", monitor="shop", at="2999-01-01")
    assert "lies in the future" in problems(refused)["at"]


async def test_an_outage_that_no_rule_would_tell_is_pointed_out_with_the_rule_that_would(
    talk: Talk, api: Maze
) -> None:
    wish = {"provider": "website", "config": {"url": api.url()}, "untested": True}
    made = await talk.tell("create_monitor", name="shop", **wish, rules={"slow": "latency above 9"})
    [step] = [step for step in made["next"] if step["tool"] == "set_rule"]
    said = "No rule judges what the default one does: `up is 0 for 3 readings, critical`."
    for tool in ("show_monitor", "explain_alert"):
        assert said in (await talk.tell(tool, monitor="shop"))["summary"]
    assert said in made["summary"]
    await talk.tell("set_rule", **step["arguments"])
    for tool in ("show_monitor", "explain_alert"):
        assert said not in (await talk.tell(tool, monitor="shop"))["summary"]
