"""Mail over SendGrid's API on loopback: what is posted, and what each misbehaviour is called."""

import asyncio
import logging
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from functions.channels import load, opened
from functions.channels.sendgrid import AT_ONCE, LONGEST_WAIT, greet
from functions.core.alert_ports import Channel, ChannelRow, Message
from functions.core.channel import Lent
from functions.core.errors import (
    AccessDenied,
    MonitorError,
    SourceUnavailable,
    UnexpectedAnswer,
)
from functions.core.form import questions
from functions.notify.delivering import Delivering
from functions.notify.wording import message_id
from tests.integration.owed import Owed
from tests.servers.certificates import Authority
from tests.servers.port import free_port
from tests.servers.proxy import SlowProxy
from tests.servers.sendgrid import KEY, SAID, StandIn

pytestmark = pytest.mark.anyio
DEADLINE = 1.0
"""Seconds given to what hangs; PATIENCE to what answers, however busy the machine is."""
PATIENCE = 10.0
MAIL = ChannelRow(
    tenant="t", name="me", kind="email", config={"address": "you@example.org"}, confirmed=True
)
MESSAGE = Message(
    id="0123abcd@claude-monitor",
    subject="[critical] Bäckerei: up is 0",
    text="Since: now\n.\n..dots and ümlauts\n",
    at=1_800_000_000.0,
)


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as standing:
        yield standing


@pytest.fixture
def sendgrid(server: StandIn) -> StandIn:
    """It behaves, and has seen nothing yet."""
    server.behave()
    server.may("mail.send")
    server.forget()
    return server


def lent(url: str, *, key: str = KEY, deadline: float = PATIENCE) -> Lent:
    return Lent(
        sendgrid_api_key=key,
        sendgrid_url=url,
        mail_from="Monitor <monitor@example.org>",
        deadline=deadline,
    )


def channel(url: str, deadline: float = PATIENCE) -> Channel:
    return opened(MAIL, lent(url, deadline=deadline))


async def refused(url: str, deadline: float = PATIENCE) -> MonitorError:
    with pytest.raises(MonitorError) as error:
        await channel(url, deadline).send(MESSAGE)
    return error.value


async def test_a_mail_is_posted_whole_with_its_own_id(sendgrid: StandIn) -> None:
    assert await channel(sendgrid.url).send(MESSAGE) == "202: SendGrid accepted it"
    [mail] = sendgrid.kept()
    assert mail["personalizations"] == [{"to": [{"email": "you@example.org"}]}]
    assert mail["from"] == {"email": "monitor@example.org", "name": "Monitor"}
    assert mail["subject"] == MESSAGE.subject
    assert mail["content"] == [{"type": "text/plain", "value": MESSAGE.text}]
    assert mail["headers"]["Message-ID"] == "<0123abcd@claude-monitor>"
    assert mail["headers"]["Auto-Submitted"] == "auto-generated"
    assert mail["custom_args"] == {"delivery": "0123abcd@claude-monitor"}
    assert not any(setting["enable"] for setting in mail["tracking_settings"].values())


async def test_a_key_decides_for_sendgrid_though_there_is_a_mail_server(sendgrid: StandIn) -> None:
    both = msgspec.structs.replace(lent(sendgrid.url), smtp_url=f"smtp://127.0.0.1:{free_port()}")
    assert (await opened(MAIL, both).send(MESSAGE)).startswith("202")


async def test_an_address_for_one_way_is_one_for_the_other() -> None:
    assert questions(load("sendgrid")) == questions(load("email"))


async def test_a_subject_stays_one_line(sendgrid: StandIn) -> None:
    hostile = "Shop\r\nBcc: all@example.org\n\nfree pills"
    await channel(sendgrid.url).send(Message(id="1@x", subject=hostile, text="body\n", at=0))
    assert sendgrid.kept()[0]["subject"] == "Shop Bcc: all@example.org free pills"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UnexpectedAnswer),
        (401, AccessDenied),
        (403, AccessDenied),
        (404, AccessDenied),
        (408, SourceUnavailable),
        (413, UnexpectedAnswer),
        (429, SourceUnavailable),
        (451, AccessDenied),
        (500, SourceUnavailable),
        (502, SourceUnavailable),
        (503, SourceUnavailable),
        (307, AccessDenied),
        (200, AccessDenied),
    ],
)
async def test_each_refusal_has_its_kind_and_its_code(
    sendgrid: StandIn, status: int, kind: type[MonitorError]
) -> None:
    sendgrid.behave(status)
    error = await refused(sendgrid.url)
    assert type(error) is kind
    assert error.message.startswith(f"{status}: ")
    assert SAID not in error.message + error.cause
    assert (sendgrid.kept(), sendgrid.asked()) == ([], 1)


async def test_a_fault_of_our_own_address_does_not_cost_the_mail(sendgrid: StandIn) -> None:
    sendgrid.behave(400, X_Field="from")
    error = await refused(sendgrid.url)
    assert isinstance(error, AccessDenied)
    assert "CLAUDE_MONITOR_MAIL_FROM" in error.message


async def test_a_reset_in_the_future_is_waited_for(sendgrid: StandIn) -> None:
    sendgrid.behave(429, X_RateLimit_Reset=str(int(time.time()) + 30))
    error = await refused(sendgrid.url)
    assert isinstance(error, SourceUnavailable)
    assert 27 < error.retry_after <= 30


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, 0.0),
        ({"X_RateLimit_Reset": "1"}, 0.0),
        ({"X_RateLimit_Reset": "soon"}, 0.0),
        ({"X_RateLimit_Reset": "-5"}, 0.0),
        ({"X_RateLimit_Reset": "9" * 5000}, 0.0),
        ({"X_RateLimit_Reset": "9" * 12}, LONGEST_WAIT),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
async def test_only_a_believable_wait_is_kept(
    sendgrid: StandIn, headers: dict[str, str], wait: float
) -> None:
    sendgrid.behave(503, **headers)
    error = await refused(sendgrid.url)
    assert isinstance(error, SourceUnavailable)
    assert error.retry_after == wait


@pytest.mark.parametrize("misbehaviour", ["drop", "drop after", "hang", "hang after", "drip"])
async def test_silence_says_that_the_mail_may_have_been_taken(
    sendgrid: StandIn, misbehaviour: str
) -> None:
    sendgrid.behave(misbehaviour)
    began = time.monotonic()
    error = await refused(sendgrid.url, DEADLINE)
    assert isinstance(error, SourceUnavailable)
    assert "may have taken the mail" in error.message
    assert time.monotonic() - began < 5 * DEADLINE


async def test_what_was_taken_without_an_answer_comes_twice_and_is_recognisable(
    sendgrid: StandIn,
) -> None:
    sendgrid.behave("drop after")
    await refused(sendgrid.url)
    sendgrid.behave()
    await channel(sendgrid.url).send(MESSAGE)
    first, again = sendgrid.kept()
    assert first == again


async def test_what_is_owed_waits_as_long_as_sendgrid_asks(
    sendgrid: StandIn, tmp_path: Path
) -> None:
    owed = Owed(tmp_path, t="")
    owed.owe()
    notify = Delivering(owed.store, partial(opened, lent=lent(sendgrid.url)), clock=owed.clock)
    sendgrid.behave(429, X_RateLimit_Reset=str(int(time.time()) + 600))
    assert await notify.sweep() == 0
    owed.clock.advance(500)
    assert (await notify.sweep(), sendgrid.asked()) == (0, 1)
    sendgrid.behave()
    owed.clock.advance(100)
    assert await notify.sweep() == 1
    [delivery] = owed.records.deliveries("t")
    assert (delivery.state, delivery.answer) == ("sent", "202: SendGrid accepted it")
    assert sendgrid.kept()[0]["custom_args"] == {"delivery": message_id(delivery)}


async def test_a_slow_answer_within_the_deadline_counts(sendgrid: StandIn) -> None:
    sendgrid.behave("slow")
    assert (await channel(sendgrid.url).send(MESSAGE)).startswith("202")


async def test_nobody_waits_for_a_mail_that_hangs(sendgrid: StandIn) -> None:
    sendgrid.behave("hang")
    hanging = asyncio.create_task(channel(sendgrid.url, 60).send(MESSAGE))
    while not sendgrid.asked():  # noqa: ASYNC110 - what is waited for is another program
        await asyncio.sleep(0.01)
    sendgrid.behave()
    await channel(sendgrid.url).send(MESSAGE)
    assert not hanging.done()
    hanging.cancel()


async def test_what_waited_for_a_thread_beyond_its_deadline_is_never_sent(
    sendgrid: StandIn,
) -> None:
    sendgrid.behave("hang after")
    crowd = [asyncio.create_task(refused(sendgrid.url, 3 * DEADLINE)) for _ in range(2 * AT_ONCE)]
    await asyncio.to_thread(sendgrid.wait_for, AT_ONCE // 2)
    late = msgspec.structs.replace(MESSAGE, id="late@x")
    with pytest.raises(SourceUnavailable):
        await channel(sendgrid.url, DEADLINE / 2).send(late)
    await asyncio.gather(*crowd)
    sendgrid.behave()
    await channel(sendgrid.url).send(MESSAGE)
    assert {mail["custom_args"]["delivery"] for mail in sendgrid.kept()} == {MESSAGE.id}


async def test_what_gets_its_connection_beyond_its_deadline_is_never_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    pem = authority.file("localhost", days=1)
    with StandIn(pem=pem) as encrypted, SlowProxy(1.5 * DEADLINE) as proxy:
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("https_proxy", proxy.url)
        await channel(encrypted.url).send(MESSAGE)
        encrypted.forget()
        assert isinstance(await refused(encrypted.url, DEADLINE), SourceUnavailable)
        await asyncio.to_thread(proxy.wait_for_ends, 2)
        assert encrypted.kept() == []


async def test_a_redirection_is_no_acceptance(sendgrid: StandIn) -> None:
    sendgrid.behave(302, Location=f"{sendgrid.url}/elsewhere")
    assert isinstance(await refused(sendgrid.url), AccessDenied)
    assert sendgrid.kept() == []


async def test_an_account_that_is_away_is_unavailable() -> None:
    error = await refused(f"http://127.0.0.1:{free_port()}")
    assert isinstance(error, SourceUnavailable)
    assert error.message == "SendGrid could not be reached"


async def test_the_key_goes_neither_into_errors_nor_into_logs(
    sendgrid: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sendgrid.behave(401)
    error = await refused(sendgrid.url)
    assert KEY not in error.message + error.cause + caplog.text


async def test_a_key_is_not_sent_where_anybody_can_read_it() -> None:
    with pytest.raises(AccessDenied, match="https://"):
        channel("http://sendgrid.example.org")


async def test_a_certificate_that_is_verified_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    with StandIn(pem=authority.file("localhost", days=1)) as encrypted:
        await channel(encrypted.url).send(MESSAGE)
        assert len(encrypted.kept()) == 1


async def test_a_certificate_of_an_unknown_authority_gets_nothing(tmp_path: Path) -> None:
    with StandIn(pem=Authority(tmp_path).file("localhost", days=1)) as stranger:
        error = await refused(stranger.url)
        assert error.message == "the certificate of SendGrid cannot be verified"
        assert stranger.asked() == 0


async def test_a_key_that_may_send_is_greeted(sendgrid: StandIn) -> None:
    sendgrid.may("alerts.read", "mail.send")
    assert await greet(lent(sendgrid.url)) == "SendGrid lets us send"


async def test_a_key_that_may_not_send_is_told_so(sendgrid: StandIn) -> None:
    sendgrid.may("alerts.read")
    with pytest.raises(AccessDenied, match=r"mail\.send"):
        await greet(lent(sendgrid.url))
    with pytest.raises(AccessDenied, match="401"):
        await greet(lent(sendgrid.url, key="SG.wrong"))
