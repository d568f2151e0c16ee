"""The embedded runtime: one poll per monitor at a time, and what cannot run in time is missed."""

import asyncio
import logging
from typing import Any

import pytest

from functions.core.errors import SourceUnavailable
from functions.core.monitor import MonitorSpec
from functions.core.ports import HttpRequest, HttpResponse
from functions.core.provider import Loan
from functions.core.reading import Reading
from functions.core.seal import Opener, SpecVerifier, new_sealing_key, new_signing_key, public_of
from functions.poll.polling import Polling
from mcp_service.reconciler import Reconciler
from mcp_service.runtime.embedded import CROWDED, OVERRUN, Embedded
from tests.unit.clocks import HandClock

pytestmark = pytest.mark.anyio

START = 1_800_000_000


class Target:
    """What is polled: it answers when the test says so."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.answers.wait()
        finally:
            self.at_once -= 1
        return HttpResponse(
            status=200, headers={}, body=b"", url=request.url, redirects=0, address="192.0.2.1",
            dns=1.0, connect=1.0, tls=0.0, first_byte=1.0, total=3.0,
        )  # fmt: skip


class Kept:
    """A sink that keeps what it was given, or refuses."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.refusal = ""

    async def emit(self, reading: Reading) -> None:
        if self.refusal:
            raise SourceUnavailable(self.refusal)
        self.readings.append(reading)

    def told(self) -> list[tuple[int, str]]:
        """Slots since the start, with the cause of each that failed."""
        return [
            (reading.slot - START, reading.failure.cause if reading.failure else "")
            for reading in self.readings
        ]


class Scene:
    def __init__(self, concurrency: int = 100) -> None:
        self.clock, self.target, self.kept = HandClock(START), Target(), Kept()
        key = new_signing_key()
        polling = Polling(
            SpecVerifier(public_of(key)),
            Loan(
                clock=self.clock,
                http=self.target,
                opener=Opener("poll", new_sealing_key()),
            ),
            sink=self.kept,
        )
        self.runtime = Embedded(polling, signing_key=key, clock=self.clock, concurrency=concurrency)

    async def reach(self, second: int) -> None:
        """Let time pass until this second after the start, tick by tick."""
        while self.clock.now() < START + second:
            self.clock.advance(1)
            await self.turn()

    async def turn(self) -> None:
        """One round of the scheduler, and everything that follows from it."""
        loop = asyncio.create_task(self.runtime.run())
        await settle()
        loop.cancel()


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


def spec(name: str = "m", **changed: Any) -> MonitorSpec:
    parts: dict[str, Any] = {
        "id": name, "tenant": "t", "version": 1, "provider": "website",
        "config": {"url": "https://shop.example/"}, "interval": 10, "phase": 0,
    }  # fmt: skip
    return MonitorSpec(**(parts | changed))


async def test_each_slot_becomes_one_reading_of_that_slot() -> None:
    scene = Scene()
    scene.target.answers.set()
    await scene.runtime.apply(spec())
    await scene.reach(35)
    assert scene.kept.told() == [(10, ""), (20, ""), (30, "")]
    assert {reading.metrics["up"] for reading in scene.kept.readings} == {1.0}


async def test_a_poll_that_outlasts_its_interval_costs_the_next_slot_and_says_so() -> None:
    scene = Scene()
    await scene.runtime.apply(spec())
    await scene.reach(11)
    scene.clock.advance(13.95)
    await scene.turn()
    await asyncio.sleep(0.1)
    assert scene.runtime.why("m", START + 20) == OVERRUN
    scene.target.answers.set()
    await settle()
    assert scene.kept.told() == [(10, "")]
    assert scene.target.most_at_once == 1


async def test_too_many_polls_at_once_are_skipped_and_said() -> None:
    scene = Scene(concurrency=1)
    await scene.runtime.apply(spec("a"))
    await scene.runtime.apply(spec("b"))
    await scene.reach(9)
    scene.clock.advance(5.95)
    await scene.turn()
    await asyncio.sleep(0.1)
    scene.target.answers.set()
    await settle()
    assert scene.kept.told() == [(10, "")]
    # Within the second, b's moment comes before a's.
    assert (scene.runtime.why("a", START + 10), scene.runtime.why("b", START + 10)) == (CROWDED, "")
    assert scene.target.most_at_once == 1


async def test_a_poll_that_ends_in_time_lets_the_next_slot_run() -> None:
    scene = Scene()
    await scene.runtime.apply(spec())
    await scene.reach(21)
    scene.target.answers.set()
    await settle()
    assert sorted(scene.kept.told()) == [(10, ""), (20, "")]
    assert scene.target.most_at_once == 1


async def test_a_refused_reading_shows_in_the_status_until_one_is_accepted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    scene.target.answers.set()
    scene.kept.refusal = "the disk is full"
    caplog.set_level(logging.INFO)
    await scene.runtime.apply(spec())
    await scene.reach(35)
    status = (await scene.runtime.list())["m"]
    assert (status.ready, status.reason) == (False, "the disk is full")
    scene.kept.refusal = ""
    await scene.reach(45)
    assert (await scene.runtime.list())["m"].ready
    assert len([line for line in caplog.messages if "monitor m" in line]) == 2


async def test_a_removed_monitor_is_polled_no_more() -> None:
    scene = Scene()
    scene.target.answers.set()
    await scene.runtime.apply(spec())
    await scene.reach(15)
    await scene.runtime.remove("m")
    await scene.runtime.remove("m")
    await scene.reach(45)
    assert len(scene.kept.readings) == 1
    assert await scene.runtime.list() == {}


async def test_a_new_version_is_polled_from_its_next_slot() -> None:
    scene = Scene()
    scene.target.answers.set()
    await scene.runtime.apply(spec())
    await scene.reach(15)
    await scene.runtime.apply(spec(version=2, interval=20))
    await scene.reach(45)
    assert [(one.version, one.slot - START) for one in scene.kept.readings] == [
        (1, 10), (2, 20), (2, 40),
    ]  # fmt: skip


async def test_the_reconciler_makes_the_runtime_agree_with_the_rows() -> None:
    scene = Scene()
    rows = [spec("a"), spec("b")]
    reconciler = Reconciler(lambda: list(rows), scene.runtime)
    await reconciler.step()
    assert (await scene.runtime.list()).keys() == {"a", "b"}
    rows[:] = [spec("b", version=2), spec("c")]
    await reconciler.step()
    versions = {key: one.version for key, one in (await scene.runtime.list()).items()}
    assert versions == {"b": 2, "c": 1}


async def test_a_monitor_that_cannot_run_does_not_hold_up_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    rows = [spec("a", config={"url": "x" * 70_000}), spec("b")]
    reconciler = Reconciler(lambda: rows, scene.runtime)
    for _ in range(3):
        await reconciler.step()
    assert (await scene.runtime.list()).keys() == {"b"}
    assert len([line for line in caplog.messages if "cannot run" in line]) == 1
