"""What is owed is sent: once, in order, again when it helps, and to nobody's cost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text

from functions.core.alert_ports import Channel, ChannelRow, Message
from functions.core.channel import Lent
from functions.core.errors import SourceUnavailable
from functions.notify.delivering import (
    BRIEFLY,
    FAULTY,
    GIVE_UP,
    LEASE,
    ROOM,
    SHORTEST_WAIT,
    Delivering,
)
from functions.notify.wording import message_id
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.claims import PER_CHANNEL
from tests.architecture.tree import text as text_of
from tests.integration.owed import Owed
from tests.servers.port import free_port
from tests.servers.rude import RudeMailbox

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[RudeMailbox]:
    with RudeMailbox() as mailbox:
        yield mailbox


@pytest.fixture
def mail(server: RudeMailbox) -> RudeMailbox:
    """It behaves, and has seen nothing yet."""
    server.behave({})
    server.forget()
    return server


@pytest.fixture
def owed(tmp_path: Path, mail: RudeMailbox) -> Owed:
    return Owed(tmp_path, t=mail.url)


async def test_a_sent_delivery_is_recorded_with_its_answer_and_message_id(
    owed: Owed, mail: RudeMailbox
) -> None:
    owed.owe()
    assert await owed.delivering().sweep() == 1
    assert await owed.delivering().sweep() == 0
    [message] = mail.messages()
    [delivery] = owed.records.deliveries("t")
    [attempt] = owed.records.attempts("t", delivery.id)
    assert (delivery.state, delivery.answer) == ("sent", "250: the mail server accepted it")
    assert message["Message-ID"] == f"<{message_id(delivery)}>" == f"<{attempt.message_id}>"
    assert (attempt.number, attempt.at) == (1, owed.clock.now())


async def test_a_failed_delivery_is_sent_again_later_as_the_same_message(
    owed: Owed, mail: RudeMailbox
) -> None:
    mail.behave({"DATA": "451 Later"})
    owed.owe()
    assert await owed.delivering().sweep() == 0
    assert await owed.delivering().sweep() == 0
    [waiting] = owed.records.deliveries("t")
    assert SHORTEST_WAIT / 2 <= waiting.next_try - owed.clock.now() <= SHORTEST_WAIT
    mail.behave({})
    owed.clock.advance(SHORTEST_WAIT)
    assert await owed.delivering().sweep() == 1
    assert len({message["Message-ID"] for message in mail.messages()}) == 1
    answers = [attempt.answer[:3] for attempt in owed.records.attempts("t", waiting.id)]
    assert answers == ["451", "250"]


async def test_after_a_day_it_is_given_up(tmp_path: Path) -> None:
    owed = Owed(tmp_path, t=f"smtp://127.0.0.1:{free_port()}")
    owed.owe()
    notify, tries = owed.delivering(), 0
    while owed.states() == {1: "owed"}:
        await notify.sweep()
        tries += 1
        owed.clock.advance(900)
    [delivery] = owed.records.deliveries("t")
    assert (delivery.state, delivery.attempts) == ("given_up", tries)
    assert 0 <= GIVE_UP - (owed.clock.now() - delivery.owed_at) + 2 * 900 <= 4 * 900


async def test_a_refused_address_is_given_up_and_the_next_message_goes(
    owed: Owed, mail: RudeMailbox
) -> None:
    mail.behave({"RCPT": "550 No such user"})
    owed.owe()
    await owed.delivering().sweep()
    mail.behave({})
    owed.owe(2)
    assert await owed.delivering().sweep() == 1
    assert owed.states() == {1: "given_up", 2: "sent"}


async def test_a_login_that_can_be_repaired_is_not_given_up(owed: Owed, mail: RudeMailbox) -> None:
    mail.behave({"MAIL": "530 Who are you"})
    owed.owe()
    await owed.delivering().sweep()
    assert owed.states() == {1: "owed"}


async def test_a_channel_without_confirmation_gets_nothing(owed: Owed, mail: RudeMailbox) -> None:
    owed.owe()
    owed.confirm(confirmed=False)
    assert await owed.delivering().sweep() == 0
    owed.records.drop_channel("t", "mail")
    owed.owe(2)
    assert await owed.delivering().sweep() == 0
    answers = [row.answer for row in owed.records.deliveries("t")]
    assert answers == ["the channel was removed", "the channel is not confirmed by its owner"]
    assert (owed.states(), mail.messages()) == ({1: "given_up", 2: "given_up"}, [])


async def test_firing_goes_before_resolved_even_when_both_had_to_wait(
    owed: Owed, mail: RudeMailbox
) -> None:
    mail.behave({"MAIL": "451 Later"})
    owed.owe(1)
    owed.owe(2)
    await owed.delivering().sweep()
    mail.behave({})
    owed.clock.advance(SHORTEST_WAIT)
    assert await owed.delivering().sweep() == 2
    labels = [message["Subject"].split()[0] for message in mail.messages()]
    assert labels == ["[critical]", "[resolved]"]


@pytest.mark.parametrize("notifies", [1, 3])
async def test_sweeps_at_once_send_each_message_once(
    owed: Owed, mail: RudeMailbox, notifies: int
) -> None:
    mail.behave({"DATA": "slow"})
    for number in range(6):
        owed.owe(alert=f"m/down/{number}")
    several = [owed.delivering() for _ in range(notifies)]
    sent = await asyncio.gather(*(notify.sweep() for notify in several * (4 - notifies)))
    assert sum(sent) == 6
    ids = [message["Message-ID"] for message in mail.messages()]
    assert len(ids) == len(set(ids)) == 6


async def test_a_server_that_hangs_for_one_tenant_holds_up_nobody_else(
    tmp_path: Path, mail: RudeMailbox
) -> None:
    with RudeMailbox({"MAIL": "hang"}) as stuck:
        owed = Owed(tmp_path, deadline=60, slow=stuck.url, quick=mail.url)
        for number in range(20):
            owed.owe(tenant="slow", alert=f"m/down/{number}")
        sweep = asyncio.create_task(owed.delivering().sweep())
        await asyncio.to_thread(stuck.wait_for, "hangs")
        for number in range(5):
            owed.owe(tenant="quick", alert=f"m/down/{number}")
        await asyncio.to_thread(mail.wait_for, "kept", 5)
        assert not sweep.done()
        stuck.__exit__()
        await sweep
    assert {row.state for row in owed.records.deliveries("slow")} == {"owed"}


class Hanging(SqlAlertStore):
    """A database that hangs for so long whenever it is asked for a channel."""

    def __init__(self, owed: Owed, seconds: float) -> None:
        super().__init__(owed.engine)
        self._clock, self._seconds = owed.clock, seconds

    def channel(self, tenant: str, name: str) -> ChannelRow | None:
        self._clock.advance(self._seconds)
        return super().channel(tenant, name)


async def test_what_its_lease_has_no_room_for_is_left_to_whoever_has_it_next(
    owed: Owed, mail: RudeMailbox
) -> None:
    def after(seconds: float) -> Delivering:
        return Delivering(Hanging(owed, seconds), owed.channel, clock=owed.clock)

    owed.owe()
    assert await after(LEASE - Lent().deadline).sweep() == 0
    assert (owed.states(), mail.messages()) == ({1: "owed"}, [])
    owed.clock.advance(Lent().deadline)
    assert await after(LEASE / 2).sweep() == 1
    assert len(mail.messages()) == 1


def test_the_room_for_a_send_is_longer_than_any_channel_takes() -> None:
    assert Lent().deadline < LEASE * ROOM


class Held:
    """A channel that takes nothing until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.reached = asyncio.Semaphore(0)

    async def send(self, message: Message) -> str:
        self.reached.release()
        await self.go.wait()
        return "250"


async def test_a_database_that_is_away_after_the_acceptance_sends_nothing_twice(
    owed: Owed, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    notify = Delivering(owed.store, lambda _: held, clock=owed.clock)
    owed.owe()
    sweep = asyncio.create_task(notify.sweep())
    await held.reached.acquire()
    rename(owed, "deliveries", "away")
    held.go.set()
    while "answer of delivery" not in caplog.text:  # noqa: ASYNC110 - what it waits for is a line
        await asyncio.sleep(0.01)
    rename(owed, "away", "deliveries")
    owed.clock.advance(LEASE + 1)
    assert await notify.sweep() == 0
    assert await sweep == 1
    assert owed.states() == {1: "sent"}
    assert held.reached.locked()  # it was sent once


def rename(owed: Owed, old: str, new: str) -> None:
    with owed.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


async def test_a_sweep_that_took_its_time_leaves_the_rest_to_the_next_one(owed: Owed) -> None:
    held = Held()
    notify = Delivering(owed.store, lambda _: held, clock=owed.clock)
    for number in range(PER_CHANNEL + 1):
        owed.owe(alert=f"m/down/{number}")
    sweep = asyncio.create_task(notify.sweep())
    for _ in range(PER_CHANNEL):
        await held.reached.acquire()
    owed.clock.advance(BRIEFLY)
    held.go.set()
    assert await sweep == PER_CHANNEL
    assert await notify.sweep() == 1


def test_a_wake_up_is_answered_before_the_broker_gives_it_up() -> None:
    [patch] = yaml.safe_load(text_of(Path("knative/base/every_trigger.yaml")))
    given_up = float(patch["value"]["timeout"].removeprefix("PT").removesuffix("S"))
    cold_start = 5
    assert cold_start + BRIEFLY + Lent().deadline < given_up


class Busy:
    """A channel whose other side says how long it wants to be left alone."""

    async def send(self, message: Message) -> str:
        raise SourceUnavailable("429: too many messages", retry_after=3600)


async def test_what_the_other_side_asks_for_is_honoured(owed: Owed) -> None:
    def busy(row: ChannelRow) -> Busy:
        return Busy()

    owed.owe()
    await Delivering(owed.store, busy, clock=owed.clock).sweep()
    [delivery] = owed.records.deliveries("t")
    assert delivery.next_try == owed.clock.now() + 3600


class Broken:
    """A channel with a fault of ours in it."""

    async def send(self, message: Message) -> str:
        return str(message.nothing)  # type: ignore[attr-defined] # breaks on purpose


async def test_a_fault_in_one_channel_waits_like_any_failure_and_stops_no_other(
    tmp_path: Path, mail: RudeMailbox
) -> None:
    owed = Owed(tmp_path, a=mail.url, b=mail.url)
    for number in range(PER_CHANNEL + 1):
        owed.owe(tenant="a", alert=f"m/down/{number}")
    owed.owe(tenant="b")

    def channel(row: ChannelRow) -> Channel:
        return Broken() if row.tenant == "a" else owed.channel(row)

    assert await Delivering(owed.store, channel, clock=owed.clock).sweep() == 1
    assert owed.states("b") == {1: "sent"}
    waiting = owed.records.deliveries("a")
    assert {(row.state, row.attempts, row.answer) for row in waiting} == {("owed", 1, FAULTY)}
    assert all(row.next_try > owed.clock.now() for row in waiting)
    assert len(owed.records.attempts("a", waiting[0].id)) == 1


async def test_a_fault_that_lasts_is_given_up_after_a_day(owed: Owed) -> None:
    owed.owe()
    notify = Delivering(owed.store, lambda _: Broken(), clock=owed.clock)
    while owed.states() == {1: "owed"}:
        await notify.sweep()
        owed.clock.advance(3600)
    assert owed.states() == {1: "given_up"}
