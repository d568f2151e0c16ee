"""Mail on a real SMTP server: what arrives, and what each misbehaviour is called."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from functions.channels.email import Email
from functions.core.alert_ports import Channel, Message
from functions.core.channel import Lent, configured_channel
from functions.core.errors import (
    AccessDenied,
    InvalidConfiguration,
    MonitorError,
    SourceUnavailable,
    UnexpectedAnswer,
)
from tests.servers.certificates import Authority
from tests.servers.port import free_port
from tests.servers.rude import PASSWORD, USER, RudeMailbox

pytestmark = pytest.mark.anyio
DEADLINE = 1.0
"""Seconds given to what hangs; PATIENCE to what answers, however busy the machine is."""
PATIENCE = 10.0
MESSAGE = Message(
    id="0123abcd@claude-monitor",
    subject="[critical] Bäckerei: up is 0",
    text="Since: now\n.\n..dots and ümlauts\n" + "long " * 300 + "\n",
    at=1_800_000_000.0,
)


@pytest.fixture(scope="module")
def server() -> Iterator[RudeMailbox]:
    with RudeMailbox() as mailbox:
        yield mailbox


@pytest.fixture
def rude(server: RudeMailbox) -> RudeMailbox:
    """It behaves, and has seen nothing yet."""
    server.behave({})
    server.forget()
    return server


def channel(url: str, *, address: str = "you@example.org", deadline: float = PATIENCE) -> Channel:
    lent = Lent(smtp_url=url, mail_from="Monitor <monitor@example.org>", deadline=deadline)
    return configured_channel(Email, {"address": address}).sender(lent)


async def refused(url: str, deadline: float = PATIENCE) -> MonitorError:
    with pytest.raises(MonitorError) as error:
        await channel(url, deadline=deadline).send(MESSAGE)
    return error.value


async def test_a_mail_arrives_whole_and_marked_as_automatic(rude: RudeMailbox) -> None:
    assert await channel(rude.url).send(MESSAGE) == "250: the mail server accepted it"
    [mail] = rude.messages()
    assert (mail["From"], mail["To"]) == ("Monitor <monitor@example.org>", "you@example.org")
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Message-ID"] == "<0123abcd@claude-monitor>"
    assert mail["Date"].datetime.timestamp() == MESSAGE.at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content() == MESSAGE.text


async def test_a_subject_cannot_add_a_header_or_a_body(rude: RudeMailbox) -> None:
    hostile = "Shop\r\nBcc: all@example.org\n\nfree pills"
    await channel(rude.url).send(Message(id="1@x", subject=hostile, text="body\n", at=0))
    [mail] = rude.messages()
    assert mail["Subject"] == "Shop Bcc: all@example.org free pills"
    assert (mail["Bcc"], mail.get_content()) == (None, "body\n")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "you",
        "you@",
        "@example.org",
        "you@example.org\n",
        "you@example.org\r\nRCPT TO:<me@example.org>",
        "a@example.org,b@example.org",
        "you@example.org>",
        "You <you@example.org>",
        '"quoted"@example.org',
        "you@[127.0.0.1]",
        "you@-example.org",
        "you@example..org",
        ".you@example.org",
        "yo..u@example.org",
        "y o u@example.org",
        "you@exämple.org",
        "x" * 65 + "@example.org",
        "you@" + "x" * 300 + ".org",
    ],
)
async def test_only_a_plain_address_is_taken(address: str) -> None:
    with pytest.raises(InvalidConfiguration, match="address"):
        channel("smtp://127.0.0.1:1", address=address)


@pytest.mark.parametrize("url", ["smtp://", "http://mail", "smtp://mail:x", "smtp://mail:99999"])
async def test_a_broken_server_address_is_named(url: str) -> None:
    with pytest.raises(InvalidConfiguration, match="smtps://HOST:PORT"):
        channel(url)


@pytest.mark.parametrize(
    ("answers", "kind", "code"),
    [
        ({"MAIL": "421 Busy"}, SourceUnavailable, "421"),
        ({"MAIL": "451 Later"}, SourceUnavailable, "451"),
        ({"MAIL": "550 Who are you"}, AccessDenied, "550"),
        ({"RCPT": "451 Greylisted"}, SourceUnavailable, "451"),
        ({"RCPT": "421 Busy"}, SourceUnavailable, "421"),
        ({"RCPT": "550 No such user here"}, UnexpectedAnswer, "550"),
        ({"DATA": "451 Disk full"}, SourceUnavailable, "451"),
        ({"DATA": "554 Spam"}, UnexpectedAnswer, "554"),
        ({"MAIL": "drop"}, SourceUnavailable, ""),
        ({"DATA": "drop"}, SourceUnavailable, ""),
    ],
)
async def test_each_refusal_has_its_kind_and_its_code(
    rude: RudeMailbox, answers: dict[str, str], kind: type[MonitorError], code: str
) -> None:
    rude.behave(answers)
    error = await refused(rude.url)
    assert type(error) is kind
    assert error.message.startswith(code)
    said = next(iter(answers.values())).partition(" ")[2]
    assert not said or said not in error.message


@pytest.mark.parametrize("stage", ["MAIL", "DATA"])
async def test_a_server_that_hangs_is_left_at_the_deadline(rude: RudeMailbox, stage: str) -> None:
    rude.behave({stage: "hang"})
    began = time.monotonic()
    assert isinstance(await refused(rude.url, DEADLINE), SourceUnavailable)
    assert time.monotonic() - began < 5 * DEADLINE


async def test_a_server_that_drips_is_left_at_the_deadline() -> None:
    ended = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for letter in b"220 " + b"x" * 100:
                writer.write(bytes([letter]))
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.close()
        ended.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        began = time.monotonic()
        assert isinstance(await refused(f"smtp://127.0.0.1:{port}", DEADLINE), SourceUnavailable)
        assert time.monotonic() - began < 5 * DEADLINE
        await asyncio.wait_for(ended.wait(), 5)


@pytest.mark.parametrize("goodbye", ["421 No", "drop", "hang"])
async def test_what_comes_after_the_acceptance_does_not_matter(
    rude: RudeMailbox, goodbye: str
) -> None:
    rude.behave({"QUIT": goodbye})
    assert (await channel(rude.url, deadline=5).send(MESSAGE)).startswith("250")
    assert len(rude.messages()) == 1


async def test_a_server_that_is_away_is_unavailable() -> None:
    error = await refused(f"smtp://127.0.0.1:{free_port()}")
    assert isinstance(error, SourceUnavailable)
    assert error.message == "the mail server could not be reached"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    return authority


async def test_a_wrong_password_is_ours_to_repair(authority: Authority) -> None:
    with RudeMailbox(password=True, pem=authority.file("localhost", days=1)) as guarded:
        error = await refused(f"smtp://{USER}:wrong@{guarded.address}")
        assert (type(error), error.message[:3]) == (AccessDenied, "535")
        assert "wrong" not in error.message + error.cause
        await channel(f"smtp://{USER}:{quote(PASSWORD, safe='')}@{guarded.address}").send(MESSAGE)
        assert len(guarded.messages()) == 1


async def test_a_server_that_asks_nobody_for_a_password_is_ours_to_repair(
    authority: Authority,
) -> None:
    with RudeMailbox(pem=authority.file("localhost", days=1)) as mailbox:
        error = await refused(f"smtp://{USER}:secret@{mailbox.address}")
        assert isinstance(error, AccessDenied)
        assert "lets nobody log in" in error.message
        assert "secret" not in error.message + error.cause


async def test_a_password_is_not_sent_where_anybody_can_read_it() -> None:
    with RudeMailbox(password=True) as guarded:
        error = await refused(f"smtp://{USER}:{quote(PASSWORD, safe='')}@{guarded.address}")
        assert (type(error), "smtps://" in error.message) == (AccessDenied, True)


async def test_starttls_is_used_when_offered_and_verified(authority: Authority) -> None:
    with RudeMailbox(pem=authority.file("localhost", days=1)) as mailbox:
        await channel(mailbox.url).send(MESSAGE)
        assert mailbox.seen("tls") == [True]


async def test_smtps_is_encrypted_from_the_first_byte(authority: Authority) -> None:
    with RudeMailbox(pem=authority.file("localhost", days=1), smtps=True) as mailbox:
        await channel(f"smtps://{mailbox.address}").send(MESSAGE)
        assert len(mailbox.messages()) == 1


async def test_a_certificate_of_another_host_gets_no_mail(authority: Authority) -> None:
    await _sees_nothing(authority.file("mail.example.org", days=1))


async def test_a_certificate_of_an_unknown_authority_gets_no_mail(tmp_path: Path) -> None:
    await _sees_nothing(Authority(tmp_path).file("localhost", days=1))


async def _sees_nothing(pem: Path) -> None:
    with RudeMailbox(pem=pem) as mailbox:
        error = await refused(mailbox.url)
        assert error.message == "the certificate of the mail server cannot be verified"
        assert mailbox.messages() == []
