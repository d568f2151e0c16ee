"""Service and notify as processes whose operator chose SendGrid, without any mail server."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from mcp import Client
from sqlalchemy import update

from functions.core.events import PING, Event, encode
from functions.notify.wording import message_id
from functions.stores.sql.tables import deliveries
from mcp_service.keys import make_keys
from tests.integration.owed import Owed
from tests.servers.function import Function, serve_command
from tests.servers.sendgrid import KEY, StandIn
from tests.servers.service import COMMAND, StandingService

pytestmark = pytest.mark.anyio
HEADERS, BODY = encode(
    Event(id="1", source="test", type=PING, time="2026-01-01T00:00:00Z", data=b"{}")
)


@pytest.fixture
def sendgrid() -> Iterator[StandIn]:
    with StandIn() as standing:
        yield standing


@pytest.fixture
def owed(tmp_path: Path) -> Owed:
    owed = Owed(tmp_path, t="")
    owed.owe()
    return owed


@pytest.fixture
def notify(tmp_path: Path, owed: Owed, sendgrid: StandIn) -> Function:
    make_keys(tmp_path / "keys")
    settings = {
        "CLAUDE_MONITOR_KEYS": str(tmp_path / "keys"),
        "CLAUDE_MONITOR_DATABASE_URL": owed.url,
        "CLAUDE_MONITOR_SENDGRID_API_KEY": KEY,
        "CLAUDE_MONITOR_SENDGRID_URL": sendgrid.url,
        "CLAUDE_MONITOR_MAIL_FROM": "monitor@example.org",
    }
    return Function(serve_command("notify"), settings)


def doctored(home: Path, sendgrid: StandIn, *, key: str = KEY) -> "tuple[str, str]":
    """What is said about mail, and all that is said."""
    chosen = {"SENDGRID_API_KEY": key, "SENDGRID_URL": sendgrid.url}
    environment = StandingService(home, **chosen).environment()
    ended = subprocess.run(
        [*COMMAND, "test-connections"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    [line] = [line for line in ended.stdout.splitlines() if line.split()[1:2] == ["mail"]]
    return line, ended.stdout + ended.stderr


async def test_a_code_and_its_confirmation_go_over_sendgrid(
    tmp_path: Path, sendgrid: StandIn
) -> None:
    chosen = {"SENDGRID_API_KEY": KEY, "SENDGRID_URL": sendgrid.url}
    with StandingService(tmp_path / "home", **chosen) as service:
        async with Client(service.url) as client:
            await client.call_tool("set_channel", {"name": "me", "address": "ann@example.org"})
            [mail] = sendgrid.kept()
            assert mail["personalizations"] == [{"to": [{"email": "ann@example.org"}]}]
            code = re.search(r"The code is (\d{8})", mail["content"][0]["value"])
            assert code
            told = await client.call_tool("set_channel", {"name": "me", "code": code[1]})
    assert not told.is_error
    assert KEY not in service.output()


def test_doctor_asks_sendgrid_what_our_key_may_do(tmp_path: Path, sendgrid: StandIn) -> None:
    well, _ = doctored(tmp_path / "home", sendgrid)
    assert well.startswith("ok")
    wrong, whole = doctored(tmp_path / "home", sendgrid, key="SG.revoked")
    assert wrong.startswith("FAILED")
    assert "401" in wrong
    assert "SG.revoked" not in whole
    sendgrid.may("alerts.read")
    assert "mail.send" in doctored(tmp_path / "home", sendgrid)[0]
    assert sendgrid.kept() == []


def test_notify_sends_what_is_owed_over_sendgrid(
    notify: Function, owed: Owed, sendgrid: StandIn
) -> None:
    with notify:
        assert notify.post(HEADERS, BODY) == (204, b"")
        assert notify.post(HEADERS, BODY) == (204, b"")
    [mail] = sendgrid.kept()
    [delivery] = owed.records.deliveries("t")
    assert mail["headers"]["Message-ID"] == f"<{message_id(delivery)}>"
    assert delivery.state == "sent"


def test_a_kill_after_the_acceptance_repeats_the_same_mail(
    notify: Function, owed: Owed, sendgrid: StandIn
) -> None:
    sendgrid.behave("hang after")
    with notify:
        sweep = threading.Thread(target=_lost_sweep, args=(notify,))
        sweep.start()
        sendgrid.wait_for(1)
        notify.process.kill()
        sweep.join()
    sendgrid.behave()
    with owed.engine.begin() as connection:
        connection.execute(update(deliveries).values(leased_until=0))
    with notify:
        assert notify.post(HEADERS, BODY) == (204, b"")
    first, again = sendgrid.kept()
    assert first == again
    assert owed.states() == {1: "sent"}


def _lost_sweep(function: Function) -> None:
    with suppress(OSError):
        function.post(HEADERS, BODY)
