"""The main job as one conversation: from a sentence to the mails of one outage."""

import asyncio
import re
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from mcp import Client

from functions.core.monitor import utc_text
from tests.servers.mail import Mailbox
from tests.servers.website import Website

INTERVAL = 5
PATIENCE = 40.0
"""Seconds that any one thing may take to happen: the slowest is a mail, after a few readings."""

Tell = Callable[[str], None]


class Conversation:
    """What Claude does through its tools; `tell` hears each call and what Claude reads first."""

    def __init__(self, client: Client, tell: Tell) -> None:
        self._client = client
        self.tell = tell

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer's data. A refusal is a failure of the test, with its text."""
        answer = await self._client.call_tool(tool, arguments)
        said = answer.structured_content
        assert said is not None, answer
        assert not answer.is_error, said
        listed = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        self.tell(f"  → {tool}({listed})\n  ← {said['summary']}")
        data: dict[str, Any] = said.get("data", {})
        return data

    async def next_reading(self, monitor: str) -> dict[str, Any]:
        """The first observation of a slot after now, as Claude would be shown it: what is stored
        from now on may have been taken before, and a slot may be missed."""
        now, until = utc_text(int(time.time())), time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = await self._readings(monitor)
            fresh = [one for one in found if one["at"] > now and one.get("metrics")]
            if fresh:
                cause = fresh[-1].get("from_outside", {}).get("cause", "")
                self.tell(f"    {fresh[-1]['at']} up={fresh[-1]['metrics']['up']} {cause}")
                return fresh[-1]
            await asyncio.sleep(0.2)
        raise TimeoutError(f"no reading of {monitor} within {PATIENCE} s")

    async def _readings(self, monitor: str) -> list[dict[str, Any]]:
        answer = await self._client.call_tool("query_readings", {"monitor": monitor})
        assert answer.structured_content is not None
        readings: list[dict[str, Any]] = answer.structured_content["data"].get("readings", [])
        return readings


async def arm(talk: Conversation, url: str, mailbox: Mailbox) -> str:
    """From the sentence to a monitor that has been seen to work. Returns its id."""
    talk.tell('You: "Tell me by mail when my shop is down."')
    found = await talk.call("find_provider", sentence="tell me when my shop is down")
    await talk.call("describe_provider", provider=found["provider"])
    await talk.call("set_channel", name="ops", kind="email", address="ops@shop.example")
    [mail] = await asyncio.to_thread(mailbox.wait_for, 1)
    code = re.search(r"\d{8}", text(mail))
    assert code, text(mail)
    await talk.call("set_channel", name="ops", code=code[0])
    config = {"url": url, "timeout": 1.5}
    await talk.call("check_monitor", provider="website", config=config)
    made = await talk.call(
        "create_monitor",
        name="shop",
        provider="website",
        config=config,
        interval=INTERVAL,
        channels=["ops"],
    )
    return str(made["id"])


async def break_it(talk: Conversation, monitor: str, site: Website) -> None:
    """One outage with three faces: refused, then 500, then no answer at all."""
    talk.tell("The site is killed: its port refuses connections.")
    site.kill()
    assert (await talk.next_reading(monitor))["metrics"]["up"] == 0
    talk.tell("It comes back, and answers 500.")
    site.behave("500")
    site.start()
    assert (await talk.next_reading(monitor))["metrics"]["up"] == 0
    talk.tell("Now it takes connections and never answers.")
    site.behave("hang")
    assert (await talk.next_reading(monitor))["metrics"]["up"] == 0


async def play(client: Client, site: Website, mailbox: Mailbox, *, tell: Tell) -> str:
    """All of it. Returns the monitor's id; the mailbox then holds the code and the outage's mails,
    and the site is well again."""
    talk = Conversation(client, tell)
    monitor = await arm(talk, site.url, mailbox)
    tell("Readings arrive.")
    assert (await talk.next_reading(monitor))["metrics"]["up"] == 1
    await break_it(talk, monitor, site)
    await asyncio.to_thread(mailbox.wait_for, 2, timeout=PATIENCE)
    [alert] = (await talk.call("list_alerts"))["alerts"]
    await talk.call("explain_alert", alert=alert["id"])
    tell("The site is repaired.")
    site.behave("ok")
    await asyncio.to_thread(mailbox.wait_for, 3, timeout=PATIENCE)
    await talk.call("list_alerts")
    return monitor


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
