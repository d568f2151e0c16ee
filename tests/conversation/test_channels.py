"""A channel is one only after its owner has sent back the code."""

import pytest

from mcp_service.app import App
from tests.conversation.talk import Talk
from tests.conversation.test_conversation import mailed_code
from tests.servers.mail import Mailbox
from tests.servers.website import Website

pytestmark = pytest.mark.anyio


async def test_five_wrong_tries_kill_the_code(app: App, mailbox: Mailbox) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.tell("set_channel", name="me", address="ann@example.com")
        code = await mailed_code(mailbox)
        wrong = f"{(int(code) + 1) % 10**8:08d}"
        for left in ("4 tries", "3 tries", "2 tries", "1 try", "0 tries"):
            refused = await talk.refusal("set_channel", name="me", code=wrong)
            assert f"; {left} left" in refused["summary"]
        await talk.refusal("set_channel", name="me", code=code)
    assert app.service.records.channels("local") == []


async def test_a_new_code_kills_the_old_one(app: App, mailbox: Mailbox) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.tell("set_channel", name="me", address="ann@example.com")
        old = await mailed_code(mailbox)
        await talk.tell("set_channel", name="me", address="bob@example.com")
        new = await mailed_code(mailbox, 2)
        await talk.refusal("set_channel", name="me", code=old)
        await talk.tell("set_channel", name="me", code=new)
    [row] = app.service.records.channels("local")
    assert row.config == {"address": "bob@example.com"}


async def test_a_code_of_one_tenant_confirms_nothing_for_another(
    app: App, mailbox: Mailbox
) -> None:
    async with Talk(app.service, "local") as talk, Talk(app.service, "eve") as eve:
        await talk.tell("set_channel", name="me", address="ann@example.com")
        await eve.refusal("set_channel", name="me", code=await mailed_code(mailbox))


async def test_an_old_channel_stays_confirmed_until_its_new_address_is(
    app: App, mailbox: Mailbox
) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.tell("set_channel", name="me", address="ann@example.com")
        await talk.tell("set_channel", name="me", code=await mailed_code(mailbox))
        await talk.tell("set_channel", name="me", address="bob@example.com")
    [row] = app.service.records.channels("local")
    assert row.config == {"address": "ann@example.com"}


async def test_a_channel_is_removed_once_no_monitor_names_it(
    app: App, mailbox: Mailbox, website: Website
) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.tell("set_channel", name="bob", address="bob@example.com")
        await talk.tell("set_channel", name="bob", code=await mailed_code(mailbox))
        await talk.watch(website.url, channels=["bob"])
        refused = await talk.refusal("set_channel", name="bob", remove=True)
        assert "alerts of shop;" in refused["error"]["fields"][0]["problem"]
        await talk.tell("update_monitor", monitor="shop", version=1, channels=[])
        told = await talk.tell("set_channel", name="bob", remove=True)
        assert told["data"] == {"channel": "bob", "state": "removed"}
        again = await talk.refusal("set_channel", name="bob", remove=True)
        assert "there are: none" in again["error"]["fields"][0]["problem"]
        await talk.refusal("set_channel", name="bob", address="bob@example.com", remove=True)
    assert app.service.records.channels("local") == []


async def test_a_channel_is_named_once(app: App, mailbox: Mailbox, website: Website) -> None:
    async with Talk(app.service, "local") as talk:
        await talk.tell("set_channel", name="me", address="ann@example.com")
        await talk.tell("set_channel", name="me", code=await mailed_code(mailbox))
        await talk.watch(website.url)
        twice = {"monitor": "shop", "version": 1, "channels": ["me", "me"]}
        refused = await talk.refusal("update_monitor", **twice)
    [fault] = refused["error"]["fields"]
    assert fault["field"] == "channels[1]"
    assert "name each channel once" in fault["problem"]


async def test_a_channel_of_another_tenant_is_not_removed(app: App, mailbox: Mailbox) -> None:
    async with Talk(app.service, "local") as talk, Talk(app.service, "eve") as eve:
        await talk.tell("set_channel", name="me", address="ann@example.com")
        await talk.tell("set_channel", name="me", code=await mailed_code(mailbox))
        await eve.refusal("set_channel", name="me", remove=True)
    assert [row.name for row in app.service.records.channels("local")] == ["me"]


async def test_more_than_ten_mails_an_hour_are_refused_with_the_time_it_frees(
    app: App, mailbox: Mailbox
) -> None:
    async with Talk(app.service, "local") as talk:
        for number in range(10):
            await talk.tell("set_channel", name=f"c{number}", address="ann@example.com")
        refused = await talk.refusal("set_channel", name="c10", address="ann@example.com")
    assert refused["error"]["code"] == "limit"
    assert refused["error"]["retry"] is True
    assert len(mailbox.messages()) == 10


async def test_a_mail_that_was_not_accepted_is_not_claimed(app: App, mailbox: Mailbox) -> None:
    mailbox.reply = "451 later, please"
    async with Talk(app.service, "local") as talk:
        refused = await talk.refusal("set_channel", name="me", address="ann@example.com")
    assert refused["error"]["retry"] is True


async def test_a_wrong_address_is_refused(app: App) -> None:
    async with Talk(app.service, "local") as talk:
        refused = await talk.refusal("set_channel", name="me", address="ann at example.com")
    assert refused["error"]["fields"][0]["field"] == "address"
