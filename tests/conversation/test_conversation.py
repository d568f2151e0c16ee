"""The main job through the tools: from a sentence to an explained alert, in both eras."""

import asyncio
import dataclasses
import re
import time
from typing import Any

import pytest

from functions.core.errors import SourceUnavailable
from functions.core.monitor import MonitorSpec
from mcp_service.app import App
from mcp_service.desired import desired
from mcp_service.reconciler import Reconciler
from mcp_service.runtime.port import Runtime
from tests.conversation.talk import Talk, reading
from tests.servers.mail import Mailbox
from tests.servers.website import Website

pytestmark = pytest.mark.anyio


async def mailed_code(mailbox: Mailbox, count: int = 1) -> str:
    mails = await asyncio.to_thread(mailbox.wait_for, count)
    found = re.search(r"\d{8}", mails[-1].get_content())
    assert found
    return found[0]


async def confirmed(talk: Talk, mailbox: Mailbox) -> None:
    await talk.tell("set_channel", name="me", address="ann@example.com")
    await talk.tell("set_channel", name="me", code=await mailed_code(mailbox))


async def explained_once_sent(talk: Talk, alert: str) -> dict[str, Any]:
    """The mail server has a mail a moment before we have noted that."""
    why = await talk.tell("explain_alert", alert=alert)
    for _ in range(100):
        if why["data"]["messages"][0]["state"] == "sent":
            break
        await asyncio.sleep(0.1)
        why = await talk.tell("explain_alert", alert=alert)
    return why


async def test_from_a_sentence_to_an_explained_alert(
    talk: Talk, app: App, website: Website, mailbox: Mailbox
) -> None:
    found = await talk.tell("find_provider", sentence="tell me when my shop is down")
    assert found["data"]["verdict"] == "can"
    described = await talk.tell("describe_provider", provider=found["data"]["provider"])
    assert "url" in [question["name"] for question in described["data"]["questions"]]
    await confirmed(talk, mailbox)
    seen = await talk.tell("check_monitor", provider="website", config={"url": website.url})
    assert seen["data"]["reading"]["metrics"]["up"] == 1
    create = next(step for step in seen["next"] if step["tool"] == "create_monitor")
    made = await talk.tell("create_monitor", name="shop", channels=["me"], **create["arguments"])
    monitor = made["data"]
    assert monitor["rules"] == {"down": "up is 0 for 3 readings, critical"}
    assert monitor["id"] in await app.runtime.list()

    first = int(time.time()) // 60 * 60 - 600
    for number in range(6):
        await app.sink.emit(reading(monitor, first + 60 * number, up=0 if 1 < number < 5 else 1))
    mail = (await asyncio.to_thread(mailbox.wait_for, 2))[-1]
    assert mail["To"] == "ann@example.com"

    listed = await talk.tell("list_alerts", state="firing")
    [alert] = listed["data"]["alerts"]
    why = await explained_once_sent(talk, alert["id"])
    decisions = why["data"]["decisions"]
    evidence = [one["reading"] for decision in decisions for one in decision["evidence"]]
    stored = await talk.tell("query_readings", monitor="shop")
    ids = {one["id"] for one in stored["data"]["readings"]}
    assert evidence
    assert set(evidence) <= ids
    assert why["data"]["messages"][0]["state"] == "sent"
    shown = await talk.tell("show_monitor", monitor="shop")
    assert shown["data"]["state"] == "firing"
    waits = "It resolves on `up not 0 for 2 readings`: 1 of 2 so far; the last value was 1."
    assert [shown["data"]["rules"][0]["standing"], why["data"]["standing"]] == [waits, waits]


async def test_a_monitor_is_refused_without_a_successful_check_of_exactly_its_definition(
    talk: Talk, website: Website
) -> None:
    wish = {"name": "shop", "provider": "website", "config": {"url": website.url}}
    refused = await talk.refusal("create_monitor", **wish)
    assert refused["next"][0]["tool"] == "check_monitor"
    other = {"url": website.url, "method": "HEAD"}
    await talk.tell("check_monitor", provider="website", config=other)
    await talk.refusal("create_monitor", **wish)
    website.kill()
    down = await talk.tell("check_monitor", provider="website", config=wish["config"])
    assert down["data"]["ok"] is False
    await talk.refusal("create_monitor", **wish)
    made = await talk.tell("create_monitor", **wish, untested=True)
    assert made["data"]["untested"] is True


async def test_a_default_written_out_and_a_number_as_text_are_the_same_definition(
    talk: Talk, website: Website
) -> None:
    await talk.tell("check_monitor", provider="website", config={"url": website.url})
    config = {"url": website.url, "redirects": "3", "method": "GET"}
    await talk.tell("create_monitor", name="shop", provider="website", config=config)


async def test_the_same_create_again_gives_the_same_monitor_and_another_one_is_refused(
    talk: Talk, website: Website
) -> None:
    first = await talk.watch(website.url)
    assert (await talk.watch(website.url))["id"] == first["id"]
    refused = await talk.refusal(
        "create_monitor",
        name="shop",
        provider="website",
        config={"url": website.url},
        interval=30,
    )
    assert "update_monitor" in refused["summary"]
    await talk.tell("pause_monitor", monitor="shop")
    wish = {"provider": "website", "config": {"url": website.url}}
    again = await talk.tell("create_monitor", name="shop", **wish)
    assert "exactly like this. It is paused: no readings and no alerts" in again["summary"]
    assert again["next"][0]["tool"] == "resume_monitor"


async def test_all_faults_come_at_once(talk: Talk) -> None:
    refused = await talk.refusal(
        "create_monitor",
        name="shop",
        provider="website",
        config={"url": "ftp://shop.example", "redirects": 99, "colour": "red"},
        interval=45,
        secrets={"bearer": "missing", "nothing": "x"},
        channels=["nobody"],
    )
    fields = {fault["field"] for fault in refused["error"]["fields"]}
    assert {"config.redirects", "config.colour", "interval", "secrets.bearer"} <= fields
    assert {"secrets", "channels[0]"} <= fields


async def test_an_update_needs_the_present_version_and_a_check_of_what_is_new(
    talk: Talk, app: App, website: Website
) -> None:
    monitor = await talk.watch(website.url)
    renamed = await talk.tell("update_monitor", monitor="shop", version=1, name="store")
    assert renamed["data"]["version"] == 2
    await talk.refusal("update_monitor", monitor="store", version=1, name="kiosk")
    changed = {"monitor": "store", "version": 2, "config": {"method": "HEAD"}}
    await talk.refusal("update_monitor", **changed)
    config = {"url": website.url, "method": "HEAD"}
    await talk.tell("check_monitor", provider="website", config=config)
    await talk.tell("update_monitor", **changed)
    assert (await app.runtime.list())[monitor["id"]].version == 3
    history = app.service.database.monitors.history("local", monitor["id"])
    assert [change.what for change in history] == ["created", "changed: name", "changed: config"]


async def test_a_check_that_was_left_out_can_be_made_up_for(talk: Talk, website: Website) -> None:
    wish = {"provider": "website", "config": {"url": website.url}}
    await talk.tell("create_monitor", name="shop", **wish, untested=True)
    await talk.tell("update_monitor", monitor="shop", version=1, name="store")
    checked = {"monitor": "store", "version": 2, "untested": False}
    refused = await talk.refusal("update_monitor", **checked)
    assert refused["next"][0]["tool"] == "check_monitor"
    assert (await talk.tell("show_monitor", monitor="store"))["data"]["untested"]
    await talk.tell("check_monitor", **wish)
    told = await talk.tell("update_monitor", **checked)
    assert told["data"]["changed"] == ["untested"]
    assert "untested" not in (await talk.tell("show_monitor", monitor="store"))["data"]


async def test_pausing_stops_and_resuming_starts_it(talk: Talk, app: App, website: Website) -> None:
    monitor = await talk.watch(website.url)
    await talk.tell("pause_monitor", monitor="shop")
    await talk.tell("pause_monitor", monitor="shop")
    assert monitor["id"] not in await app.runtime.list()
    assert (await talk.tell("list_monitors", state="paused"))["data"]["monitors"]
    await talk.tell("resume_monitor", monitor="shop")
    assert monitor["id"] in await app.runtime.list()


async def test_deleting_takes_a_second_call_with_the_handle_of_the_first(
    talk: Talk, app: App, website: Website
) -> None:
    monitor = await talk.watch(website.url)
    await talk.watch(website.url, "other")
    preview = await talk.tell("delete_monitor", monitor="shop")
    handle = preview["data"]["confirm"]
    await talk.refusal("delete_monitor", monitor="other", confirm=handle)
    await talk.refusal("delete_monitor", monitor="shop", confirm=handle[:-2] + "AA")
    await talk.tell("delete_monitor", monitor="shop", confirm=handle)
    await talk.refusal("show_monitor", monitor="shop")
    assert monitor["id"] not in await app.runtime.list()
    assert app.service.records.monitor("local", monitor["id"]) is None


async def test_a_rule_is_set_replayed_and_removed(talk: Talk, app: App, website: Website) -> None:
    monitor = await talk.watch(website.url)
    begin = int(time.time()) // 60 * 60 - 6000
    for number in range(60):
        late = 900.0 if 20 <= number < 30 else 100.0
        made = reading(monitor, begin + 60 * number, metrics={"up": 1.0, "latency": late})
        await app.sink.emit(made)
    line = "latency above 800 for 3 readings, warning"
    replayed = await talk.tell("replay_rule", monitor="shop", rule=line, since="3h")
    assert replayed["data"]["fired"] == 1
    assert replayed["data"]["firings"][0]["value"] == 900
    wrong = await talk.refusal("set_rule", monitor="shop", name="slow", rule="latencyy above 800")
    assert "latency" in wrong["summary"]
    rules = await talk.tell("set_rule", monitor="shop", name="slow", rule=line)
    assert set(rules["data"]["rules"]) == {"down", "slow"}
    again = await talk.tell("replay_rule", monitor="shop", rule="slow", since="3h")
    assert again["data"]["fired"] == 1
    mistyped = await talk.refusal("replay_rule", monitor="shop", rule="Slow")
    assert "it has: down, slow" in mistyped["summary"]
    left = await talk.tell("set_rule", monitor="shop", name="slow", remove=True)
    assert set(left["data"]["rules"]) == {"down"}


async def test_changes_made_at_the_same_time_are_all_made(talk: Talk, website: Website) -> None:
    await talk.watch(website.url)
    told = await asyncio.gather(
        *(
            talk.tell("set_rule", monitor="shop", name=f"r{n}", rule=f"latency above {n}")
            for n in range(8)
        ),
        talk.tell("pause_monitor", monitor="shop"),
        talk.tell("update_monitor", monitor="shop", version=1, interval=30),
    )
    assert len(told) == 10
    shown = (await talk.tell("show_monitor", monitor="shop"))["data"]
    assert {rule["name"] for rule in shown["rules"]} == {"down", *(f"r{n}" for n in range(8))}
    assert (shown["state"], shown["interval"], shown["version"]) == ("paused", 30, 2)


async def test_why_there_was_no_alert_is_recomputed_from_the_readings(
    talk: Talk, app: App, website: Website
) -> None:
    monitor = await talk.watch(website.url)
    first = int(time.time()) // 60 * 60 - 300
    for number in range(4):
        await app.sink.emit(reading(monitor, first + 60 * number, up=1 if number < 2 else 0))
    why = await talk.tell("explain_alert", monitor="shop", at="now")
    [down] = why["data"]["rules"]
    assert down["state"] == "pending"
    assert "`up is 0 for 3 readings`: 2 of 3 so far; the last value was 0." in down["why"]
    assert down["evidence"][-1]["reading"] == f"{monitor['id']}/{first + 180}"
    assert any("no channel" in obstacle for obstacle in why["data"]["obstacles"])


async def test_why_not_claims_no_message_for_a_rule_that_fires_by_the_readings_alone(
    talk: Talk, app: App, website: Website
) -> None:
    monitor = await talk.watch(website.url)
    first = int(time.time()) // 60 * 60 - 600
    for number in range(4):
        await app.sink.emit(reading(monitor, first + 60 * number, up=0))
    why = await talk.tell("explain_alert", monitor="shop", at="now")
    assert why["data"]["rules"][0]["state"] == "firing"
    assert "message went out" not in repr(why)
    assert why["next"][0]["tool"] == "list_alerts"


async def test_what_could_not_be_sent_is_confessed_with_the_next_answer(
    talk: Talk, app: App, website: Website, mailbox: Mailbox
) -> None:
    await confirmed(talk, mailbox)
    monitor = await talk.watch(website.url, channels=["me"])
    assert "notice" not in await talk.tell("list_monitors")
    mailbox.reply = "451 later, please"
    first = int(time.time()) // 60 * 60 - 600
    for number in range(3):
        await app.sink.emit(reading(monitor, first + 60 * number, up=0))
    notices = []
    for _ in range(100):
        notices.append((await talk.tell("list_monitors")).get("notice", ""))
        if notices[-1]:
            break
        await asyncio.sleep(0.1)
    assert notices[-1].startswith("1 alert message could not be sent yet")
    shown = await talk.tell("show_monitor", monitor="shop")
    assert shown["data"]["delivery_problems"][0]["channel"] == "me"
    assert (await talk.tell("show_platform"))["data"]["unsent"]["owed"] == 1


async def test_a_page_of_readings_leads_to_the_older_one_and_missed_slots_are_named(
    talk: Talk, app: App, website: Website
) -> None:
    monitor = await talk.watch(website.url)
    first = int(time.time()) // 60 * 60 - 6000
    for number in range(50):
        await app.sink.emit(reading(monitor, first + 60 * number))
    newest = await talk.tell("query_readings", monitor="shop", since="3h", limit=20)
    assert newest["page"]["shown"] == 20
    assert "What is older comes with the cursor." in newest["summary"]
    older = await talk.tell("query_readings", monitor="shop", cursor=newest["page"]["cursor"])
    last, before = newest["data"]["readings"][0], older["data"]["readings"][-1]
    assert before["at"] < last["at"]
    await talk.refusal("query_readings", monitor="shop", cursor="abc.def")
    rolled = await talk.tell("query_readings", monitor="shop", since="3h", step="1h")
    assert {name for one in rolled["data"]["rollups"] for name in one["metrics"]} == {
        "up",
        "latency",
    }
    minutes = {"monitor": "shop", "since": "3h", "step": "1m", "metrics": ["up"], "limit": 60}
    page = await talk.tell("query_readings", **minutes)
    rest = await talk.tell("query_readings", **minutes, cursor=page["page"]["cursor"])
    starts = [one["start"] for said in (rest, page) for one in said["data"]["rollups"]]
    assert len(starts) == len(set(starts)) == 50


class Deaf:
    """A runtime that cannot be reached, in front of one that can (implements Runtime)."""

    def __init__(self, inner: Runtime) -> None:
        self.list = inner.list
        self.check = inner.check

    async def apply(self, spec: MonitorSpec) -> None:
        raise SourceUnavailable("The cluster cannot be reached.")

    async def remove(self, monitor: str) -> None:
        raise SourceUnavailable("The cluster cannot be reached.")


async def test_a_runtime_that_fails_leaves_the_wish_and_says_so(app: App, website: Website) -> None:
    service = dataclasses.replace(app.service, runtime=Deaf(app.runtime))
    async with Talk(service, "local") as talk:
        wish = {"provider": "website", "config": {"url": website.url}}
        await talk.tell("check_monitor", **wish)
        made = await talk.tell("create_monitor", name="shop", **wish)
        assert "tried again" in made["summary"]
        platform = await talk.tell("show_platform")
        assert platform["data"]["monitors"]["ready"] == 0
    await Reconciler(lambda: list(desired(service.database)), app.runtime).step()
    assert made["data"]["id"] in await app.runtime.list()
