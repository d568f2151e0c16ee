"""Work that is repeated: failures are told once, defects end it, and a wake is heard."""

import asyncio
import logging

import pytest

from functions.core.errors import SourceUnavailable
from functions.core.ports import HttpRequest, HttpResponse
from mcp_service import loops
from mcp_service.heartbeat import Heartbeat
from mcp_service.loops import Loop
from tests.unit.test_embedded import Target

pytestmark = pytest.mark.anyio


async def test_a_failure_is_logged_once_and_so_is_the_recovery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    left, done = [3], asyncio.Event()

    async def step() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise SourceUnavailable("the store is away")
        done.set()

    loop = Loop("watchdog", step, every=0.001)
    running = asyncio.create_task(loop.run())
    await done.wait()
    await asyncio.sleep(0.01)
    running.cancel()
    assert [line.partition(":")[0] for line in caplog.messages] == ["watchdog", "watchdog"]
    assert loop.fault == ""


async def test_what_is_seldom_due_is_tried_again_soon_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "AGAIN", 0.001)
    left, done = [3], asyncio.Event()

    async def step() -> None:
        left[0] -= 1
        if left[0]:
            raise SourceUnavailable("the store is away")
        done.set()

    running = asyncio.create_task(Loop("retention", step, every=3600).run())
    async with asyncio.timeout(60):
        await done.wait()
    running.cancel()


async def test_a_defect_ends_the_loop_visibly() -> None:
    async def step() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Loop("broken", step, every=1).run()


async def test_a_wake_is_heard_even_while_the_step_runs() -> None:
    rounds = [0]

    async def step() -> None:
        rounds[0] += 1
        if rounds[0] == 1:
            loop.wake()

    loop = Loop("delivery", step, every=3600)
    running = asyncio.create_task(loop.run())
    await asyncio.sleep(0.05)
    assert rounds[0] == 2
    running.cancel()


async def test_the_heart_does_not_beat_while_something_is_wrong() -> None:
    target, problems = Target(), ["the scheduler does not tick"]
    target.answers.set()
    heartbeat = Heartbeat(target, "https://beat.example/x", problems=lambda: problems)
    with pytest.raises(SourceUnavailable, match="scheduler"):
        await heartbeat.step()
    assert target.most_at_once == 0
    problems.clear()
    await heartbeat.step()
    assert target.most_at_once == 1


async def test_a_heartbeat_that_is_not_taken_is_a_failure() -> None:
    class Closed:
        async def fetch(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(
                status=503, headers={}, body=b"", url=request.url, redirects=0,
                address="192.0.2.1", dns=0, connect=0, tls=0, first_byte=0, total=0,
            )  # fmt: skip

    with pytest.raises(SourceUnavailable, match="503"):
        await Heartbeat(Closed(), "https://beat.example/secret", problems=list).step()
