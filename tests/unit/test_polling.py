"""One tick: what is looked at, how often, and what becomes of each failure."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from functions.core.errors import AccessDenied, InvalidConfiguration, SourceUnavailable
from functions.core.monitor import MonitorSpec
from functions.core.outbound import OwnNetworkDown
from functions.core.ports import HttpRequest, HttpResponse
from functions.core.reading import FailureKind, Reading
from functions.core.seal import (
    Opener,
    SpecVerifier,
    new_sealing_key,
    new_signing_key,
    public_of,
    sign_spec,
)
from functions.poll.polling import Polling
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


class Rig:
    """A Polling over scripted parts."""

    def __init__(self, *script: Outcome, each: float = 0.0, deadline: float = 10.0) -> None:
        self.clock = HandClock(SLOT + 0.4)
        self.http = Http(script, self.clock, each=each)
        self.sink = Sink()
        self.polling = Polling(
            SpecVerifier(public_of(SIGNING)),
            self.http,
            opener=Opener("poll", new_sealing_key()),
            sink=self.sink,
            clock=self.clock,
            deadline=deadline,
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
