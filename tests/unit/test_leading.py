"""Work that needs the lease: it begins with it, ends with it, and is handed on."""

import asyncio
from collections.abc import Callable

import pytest

from mcp_service.leading import Leading
from mcp_service.lease import Lease
from tests.unit.clocks import HandClock
from tests.unit.leases import Line, MemoryLease

pytestmark = pytest.mark.anyio

QUICK = 0.005


class Replica:
    """Counts how often its work began and ended."""

    def __init__(self, name: str, store: MemoryLease) -> None:
        self.clock = HandClock()
        self.line = Line(store)
        self.lease = Lease(self.line, name=name, clock=self.clock)
        self.leading = Leading(self.lease, self.work, every=QUICK, patience=0.05)
        self.begun = self.ended = 0

    async def work(self) -> None:
        self.begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not seen():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(QUICK)


async def cancelled(running: "asyncio.Task[None]") -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_one_works_and_the_other_follows_when_it_ends() -> None:
    store = MemoryLease()
    a, b = Replica("a", store), Replica("b", store)
    first = asyncio.create_task(a.leading.run())
    await until(lambda: a.begun == 1)
    second = asyncio.create_task(b.leading.run())
    await until(lambda: b.lease.holder == "a")
    assert b.begun == 0
    await cancelled(first)
    assert a.ended == 1
    await until(lambda: b.begun == 1)
    await cancelled(second)
    assert store.record is not None
    assert store.record.holder == ""


async def test_work_ends_when_the_lease_cannot_be_renewed_and_begins_again_later() -> None:
    a = Replica("a", MemoryLease())
    running = asyncio.create_task(a.leading.run())
    await until(lambda: a.begun == 1)
    a.line.is_cut = True
    await until(lambda: a.leading.fault == "the line is cut")
    assert a.ended == 0
    a.clock.advance(60)
    await until(lambda: a.ended == 1)
    a.line.is_cut = False
    await until(lambda: a.begun == 2)
    assert a.leading.fault == ""
    await cancelled(running)


async def test_a_cluster_that_hangs_does_not_keep_the_work_alive() -> None:
    a = Replica("a", MemoryLease())
    running = asyncio.create_task(a.leading.run())
    await until(lambda: a.begun == 1)
    a.line.hangs = True
    await until(lambda: "does not answer" in a.leading.fault)
    a.clock.advance(60)
    await until(lambda: a.ended == 1)
    await cancelled(running)


async def test_a_defect_of_the_work_ends_the_service_and_frees_the_lease() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    store = MemoryLease()
    with pytest.raises(ZeroDivisionError):
        await Leading(Lease(store, name="a", clock=HandClock()), broken, every=QUICK).run()
    assert store.record is not None
    assert store.record.holder == ""
