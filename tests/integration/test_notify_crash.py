"""notify killed with -9, aimed at each window: one mail, or one more with the same Message-ID."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import update

from functions.core.events import PING, Event, encode
from functions.stores.sql.tables import deliveries
from mcp_service.keys import make_keys
from tests.integration.owed import Owed
from tests.servers.function import Function, serve_command
from tests.servers.rude import RudeMailbox

HEADERS, BODY = encode(
    Event(id="1", source="test", type=PING, time="2026-01-01T00:00:00Z", data=b"{}")
)


class Notify:
    """The function on a database that owes one message."""

    def __init__(self, folder: Path, mail: RudeMailbox) -> None:
        self.mail = mail
        self.owed = Owed(folder, t=mail.url)
        self.owed.owe()
        make_keys(folder / "keys")
        self._settings = {
            "CLAUDE_MONITOR_KEYS": str(folder / "keys"),
            "CLAUDE_MONITOR_DATABASE_URL": self.owed.url,
            "CLAUDE_MONITOR_SMTP_URL": mail.url,
            "CLAUDE_MONITOR_MAIL_FROM": "monitor@example.org",
        }

    def start(self) -> Function:
        return Function(serve_command("notify"), self._settings)

    def killed_while_mail_hangs_at(self, stage: str) -> None:
        self.mail.behave({stage: "hang"})
        with self.start() as function:
            sweep = threading.Thread(target=self._lost_sweep, args=(function,))
            sweep.start()
            self.mail.wait_for("hangs")
            function.process.kill()
            sweep.join()
        self.mail.behave({})

    def lease_runs_out(self) -> None:
        with self.owed.engine.begin() as connection:
            connection.execute(update(deliveries).values(leased_until=0))

    def swept(self) -> None:
        with self.start() as function:
            assert function.post(HEADERS, BODY) == (204, b"")

    def _lost_sweep(self, function: Function) -> None:
        with suppress(OSError):
            function.post(HEADERS, BODY)


@pytest.fixture
def notify(tmp_path: Path) -> Iterator[Notify]:
    with RudeMailbox() as mail:
        yield Notify(tmp_path, mail)


@pytest.mark.parametrize(
    ("stage", "mails"),
    [
        pytest.param("MAIL", 1, id="before the server has the message"),
        pytest.param("DATA", 2, id="before the server says that it accepts it"),
        pytest.param("QUIT", 2, id="between its acceptance and our commit"),
    ],
)
def test_a_kill_repeats_the_message_only_when_the_server_had_it(
    notify: Notify, stage: str, mails: int
) -> None:
    notify.killed_while_mail_hangs_at(stage)
    assert notify.owed.states() == {1: "owed"}
    assert len(notify.mail.messages()) == mails - 1
    notify.lease_runs_out()
    notify.swept()
    messages = notify.mail.messages()
    assert len(messages) == mails
    assert len({message["Message-ID"] for message in messages}) == 1
    assert len({message.as_bytes() for message in messages}) == 1
    assert notify.owed.states() == {1: "sent"}
    [delivery] = notify.owed.records.deliveries("t")
    tries = notify.owed.records.attempts("t", delivery.id)
    assert (delivery.attempts, [attempt.number for attempt in tries]) == (2, [2])


def test_nobody_sends_it_while_the_lease_of_the_dead_runs(notify: Notify) -> None:
    notify.killed_while_mail_hangs_at("MAIL")
    notify.swept()
    assert notify.mail.messages() == []


def test_a_kill_after_the_commit_sends_nothing_again(notify: Notify) -> None:
    with notify.start() as function:
        assert function.post(HEADERS, BODY) == (204, b"")
        function.process.kill()
    notify.lease_runs_out()
    notify.swept()
    assert len(notify.mail.messages()) == 1
