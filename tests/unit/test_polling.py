"""One tick: what is looked at, how often, and what becomes of each failure."""

import asyncio
import logging
from collections.abc import Sequence
from math import inf
from typing import Annotated

import pytest
from msgspec import Meta

from functions.core.errors import AccessDenied, InvalidConfiguration, SourceUnavailable
from functions.core.memory import Memory
from functions.core.monitor import MonitorSpec
from functions.core.outbound import OwnNetworkDown
from functions.core.ports import HttpRequest, HttpResponse
from functions.core.provider import Context, Loan, Provider
from functions.core.reading import LARGEST, FailureKind, Reading
from functions.core.rollup import DAY, rollup_days
from functions.core.seal import (
    Opener,
    SpecVerifier,
    new_sealing_key,
    new_signing_key,
    public_of,
    sign_spec,
)
from functions.poll.polling import Polling
from functions.providers import load
from tests.unit.clocks import HandClock

pytestmark = pytest.mark.anyio

SIGNING = new_signing_key()
SLOT = 1_800_000_000
Outcome = int | float | Exception


class Http:
    """Answers as scripted: a status, an error, or seconds of silence; the last one for ever."""

    def __init__(self, script: Sequence[Outcome], clock: HandClock, *, each: float = 0.0) -> None:
        self._script = list(script)
        self._clock = clock
        self._each = each
        self.asked: list[HttpRequest] = []

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        self._clock.advance(self._each)
        outcome = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, float):
            await asyncio.sleep(outcome)
        return HttpResponse(
            status=int(outcome),
            headers={},
            body=b"",
            url=request.url,
            redirects=0,
            address="192.0.2.1",
            dns=1,
            connect=1,
            tls=0,
            first_byte=1,
            total=3,
        )


class Sink:
    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.refuses = False

    async def emit(self, reading: Reading) -> None:
        if self.refuses:
            raise SourceUnavailable("the broker is away")
        self.readings.append(reading)


class Cursors:
    """Implements ports.CursorStore in memory; it can be away."""

    def __init__(self) -> None:
        self.saved: dict[int, bytes] = {}
        self.is_away = False

    async def load(self, tenant: str, monitor: str) -> bytes | None:
        return self.saved[max(self.saved)] if self.saved else None

    async def save(self, tenant: str, monitor: str, *, slot: int, cursor: bytes) -> bool:
        if self.is_away:
            raise SourceUnavailable("Redis is away")
        self.saved[slot] = cursor
        return True


class Counter(Provider):
    """Counts its polls; its target may be down."""

    url: Annotated[str, Meta(title="Address", description="what is counted")]

    async def poll(self, context: Context) -> Reading:
        before = await context.memory.cursor()
        context.memory.keep(str(int(before or b"0") + 1).encode())
        started = context.clock.now()
        await context.http.fetch(HttpRequest(url=self.url))
        return context.reading({"before": float(before or b"0")}, started=started)


class Rig:
    """A Polling over scripted parts."""

    def __init__(self, *script: Outcome, each: float = 0.0, deadline: float = 10.0) -> None:
        self.clock = HandClock(SLOT + 0.4)
        self.http = Http(script, self.clock, each=each)
        self.sink = Sink()
        self.cursors = Cursors()
        self.polling = Polling(
            SpecVerifier(public_of(SIGNING)),
            Loan(
                clock=self.clock,
                http=self.http,
                opener=Opener("poll", new_sealing_key()),
                cursors=self.cursors,
            ),
            sink=self.sink,
            deadline=deadline,
            providers=lambda name: Counter if name == "counter" else load(name),
        )

    async def tick(self, *, interval: int = 60, provider: str = "website") -> Reading:
        document = sign_spec(spec(interval=interval, provider=provider), SIGNING)
        return await self.polling.tick(document, self.clock.now())


def spec(*, interval: int = 60, provider: str = "website") -> MonitorSpec:
    return MonitorSpec(
        id="shop",
        tenant="t",
        version=4,
        provider=provider,
        config={"url": "https://shop.example/"},
        interval=interval,
        phase=0,
    )


async def test_a_good_first_look_is_the_one_reading_of_the_nearest_slot() -> None:
    rig = Rig(200)
    reading = await rig.tick()
    assert rig.sink.readings == [reading]
    assert (reading.slot, reading.version, reading.metrics["up"]) == (SLOT, 4, 1)
    assert len(rig.http.asked) == 1


@pytest.mark.parametrize("first", [500, SourceUnavailable("refused"), OwnNetworkDown("no route")])
async def test_a_failed_first_look_is_repeated_once_and_the_second_counts(first: Outcome) -> None:
    rig = Rig(first, 200)
    reading = await rig.tick()
    assert (reading.failure, reading.metrics["up"]) == (None, 1)
    assert len(rig.http.asked) == 2
    assert rig.sink.readings == [reading]


async def test_a_target_that_stays_down_is_a_good_reading_with_up_0() -> None:
    rig = Rig(SourceUnavailable("connection refused"))
    reading = await rig.tick()
    assert (reading.quality, reading.metrics["up"]) == ("good", 0)
    assert len(rig.http.asked) == 2


async def test_a_tick_that_comes_after_its_slot_still_gets_one_short_look() -> None:
    rig = Rig(500)
    document = sign_spec(spec(interval=5), SIGNING)
    reading = await rig.polling.tick(document, SLOT - 60)
    assert (reading.slot, reading.metrics["up"]) == (SLOT - 60, 0)
    assert [request.deadline for request in rig.http.asked] == [2.0]


async def test_there_is_no_second_look_when_the_slot_is_nearly_over() -> None:
    rig = Rig(500, 200, each=4.2)
    reading = await rig.tick(interval=5)
    assert reading.metrics["up"] == 0
    assert len(rig.http.asked) == 1


@pytest.mark.parametrize(
    ("outcome", "kind", "cause"),
    [
        (OwnNetworkDown("no name server answers us"), FailureKind.UNAVAILABLE, "no name server"),
        (AccessDenied("the secret was sealed for another"), FailureKind.ACCESS, "the secret"),
        (InvalidConfiguration(message="not public"), FailureKind.UNEXPECTED, "not public"),
        (RuntimeError("pass=hunter2"), FailureKind.UNEXPECTED, "the provider has a fault"),
    ],
)
async def test_our_own_inability_is_a_failed_reading_with_its_kind_and_a_safe_cause(
    outcome: Exception, kind: FailureKind, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(outcome)
    reading = await rig.tick()
    assert reading.failure is not None
    assert reading.failure.kind is kind
    assert reading.failure.cause.startswith(cause)
    assert rig.sink.readings == [reading]
    assert "hunter2" not in caplog.text + reading.failure.cause


async def test_a_provider_that_overlooks_its_deadline_is_stopped() -> None:
    reading = await Rig(30.0, deadline=0.1).polling.check(spec())
    assert reading.failure is not None
    assert reading.failure.cause == "no answer within the deadline"


async def test_a_value_that_a_year_of_cannot_be_added_up_is_a_failed_reading() -> None:
    rig = Rig(200)
    for value in (LARGEST, LARGEST * 10):
        rig.cursors.saved = {SLOT - 60: str(int(value)).encode()}
        reading = await rig.polling.check(spec(provider="counter"))
        assert (reading.failure is None) == (value == LARGEST)
    assert reading.failure is not None
    assert reading.failure.cause == "a value was too large or no number"
    assert LARGEST * rollup_days(0) * DAY < inf


async def test_a_provider_that_is_not_in_this_image_is_a_failed_reading() -> None:
    reading = await Rig(200).tick(provider="tachyons")
    assert reading.failure is not None
    assert reading.failure.kind is FailureKind.UNEXPECTED


async def test_a_refusing_sink_is_said_to_the_caller() -> None:
    rig = Rig(200)
    rig.sink.refuses = True
    with pytest.raises(SourceUnavailable, match="the broker is away"):
        await rig.tick()


async def test_an_unsigned_document_makes_us_look_at_nothing() -> None:
    rig = Rig(200)
    document = sign_spec(spec(), new_signing_key())
    with pytest.raises(AccessDenied):
        await rig.polling.tick(document, SLOT)
    assert rig.http.asked == []
    assert rig.sink.readings == []


async def test_a_check_looks_once_and_emits_nothing() -> None:
    rig = Rig(500)
    assert (await rig.polling.check(spec())).metrics["up"] == 0
    assert len(rig.http.asked) == 1
    assert rig.sink.readings == []


async def test_the_first_failure_and_the_recovery_are_logged_and_not_each_repetition(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = OwnNetworkDown("no route")
    rig = Rig(down, down, down, down, 200)
    with caplog.at_level(logging.WARNING, "claude_monitor.poll"):
        for _ in range(4):
            await rig.tick()
    assert [record.getMessage() for record in caplog.records] == [
        "monitor shop is blind: no route",
        "monitor shop sees again",
    ]


async def test_a_cursor_goes_from_one_poll_to_the_next() -> None:
    rig = Rig(200)
    for _ in range(3):
        await rig.tick(provider="counter")
        rig.clock.advance(60)
    assert [reading.metrics["before"] for reading in rig.sink.readings] == [0, 1, 2]
    assert rig.cursors.saved == {SLOT: b"1", SLOT + 60: b"2", SLOT + 120: b"3"}


async def test_no_cursor_is_saved_of_a_reading_that_nobody_accepted_or_that_failed() -> None:
    rig = Rig(SourceUnavailable("refused"))
    await rig.tick(provider="counter", interval=5)
    rig = Rig(200)
    rig.sink.refuses = True
    with pytest.raises(SourceUnavailable):
        await rig.tick(provider="counter")
    assert rig.cursors.saved == {}


async def test_a_check_saves_no_cursor() -> None:
    rig = Rig(200)
    reading = await rig.polling.check(spec(provider="counter"))
    assert reading.metrics == {"before": 0.0}
    assert rig.cursors.saved == {}


async def test_a_cursor_that_cannot_be_saved_costs_no_reading(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig(200)
    rig.cursors.is_away = True
    await rig.tick(provider="counter")
    assert len(rig.sink.readings) == 1
    assert "forgets what it has seen: Redis is away" in caplog.text


async def test_a_provider_that_must_remember_says_what_is_missing_for_that() -> None:
    with pytest.raises(SourceUnavailable, match="CLAUDE_MONITOR_REDIS_URL"):
        await Memory().cursor()
