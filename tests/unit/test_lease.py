"""The lease: one holder at a time whatever fails, and never nobody for long."""

import contextlib
import random

import pytest
from lightkube.resources.coordination_v1 import Lease as KubeObject

from functions.core.errors import SourceUnavailable
from mcp_service.lease import GIVE_UP, LASTS, Lease
from mcp_service.runtime.kube_lease import record_of
from tests.unit.clocks import HandClock
from tests.unit.leases import Line, MemoryLease

pytestmark = pytest.mark.anyio


class Replica:
    """One contender with a clock of its own; its wall clock may be wrong."""

    def __init__(self, name: str, store: MemoryLease, *, skew: float = 0.0) -> None:
        self.clock = HandClock()
        self.clock.jump(skew)
        self.line = Line(store)
        self.lease = Lease(self.line, name=name, clock=self.clock)

    async def look(self) -> bool:
        with contextlib.suppress(SourceUnavailable):
            await self.lease.step()
        return self.lease.held()


async def pass_time(replicas: list[Replica], seconds: float) -> None:
    for replica in replicas:
        replica.clock.advance(seconds)


@pytest.fixture
def store() -> MemoryLease:
    return MemoryLease()


async def test_the_first_has_it_and_the_others_see_who(store: MemoryLease) -> None:
    a, b = Replica("a", store), Replica("b", store)
    assert await a.look()
    assert not await b.look()
    assert (a.lease.holder, b.lease.holder) == ("a", "a")


async def test_of_two_that_read_a_free_lease_one_writes(store: MemoryLease) -> None:
    a, b = Replica("a", store), Replica("b", store)
    seen = await store.read()
    assert await a.look()
    assert not await store.write(b.lease._ours(seen))
    assert store.record is not None
    assert store.record.holder == "a"


@pytest.mark.parametrize("skew", [0.0, 3600.0, -3600.0])
async def test_a_silent_holder_is_followed_after_its_time_whatever_the_clocks_say(
    store: MemoryLease, skew: float
) -> None:
    a, b = Replica("a", store), Replica("b", store, skew=skew)
    await a.look()
    assert not await b.look()
    await pass_time([a, b], LASTS - 1)
    assert not await b.look()
    assert not a.lease.held()
    await pass_time([a, b], 1)
    assert await b.look()


async def test_a_holder_that_names_no_duration_is_given_as_long_as_any_other(
    store: MemoryLease,
) -> None:
    found = {"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "somebody"}}
    store.record = record_of(KubeObject.from_dict(found))
    a = Replica("a", store)
    assert not await a.look()
    await pass_time([a], LASTS - 1)
    assert not await a.look()
    await pass_time([a], 1)
    assert await a.look()


async def test_a_holder_that_renews_keeps_it(store: MemoryLease) -> None:
    a, b = Replica("a", store), Replica("b", store, skew=7200)
    for _ in range(100):
        assert await a.look()
        assert not await b.look()
        await pass_time([a, b], 2)
    assert store.record is not None
    assert store.record.transitions == 0


async def test_a_holder_that_cannot_renew_stops_before_anybody_else_begins(
    store: MemoryLease,
) -> None:
    a, b = Replica("a", store), Replica("b", store)
    await a.look()
    await b.look()
    a.line.is_cut = True
    await pass_time([a, b], GIVE_UP - 0.1)
    assert await a.look()
    await pass_time([a, b], 0.1)
    assert not await a.look()
    assert not await b.look()


async def test_one_that_wakes_up_late_does_not_believe_that_it_still_holds(
    store: MemoryLease,
) -> None:
    a, b = Replica("a", store), Replica("b", store)
    await a.look()
    await b.look()
    await pass_time([a, b], LASTS)
    assert await b.look()
    assert not a.lease.held()
    assert not await a.look()
    assert a.lease.holder == "b"


async def test_a_released_lease_is_free_at_once_and_hands_its_mark_over(
    store: MemoryLease,
) -> None:
    a, b = Replica("a", store), Replica("b", store)
    await a.look()
    await b.look()
    a.lease.mark = 1234.0
    await a.lease.release()
    assert not a.lease.held()
    assert await b.look()
    assert b.lease.mark == 1234.0


async def test_the_mark_of_a_dead_holder_is_as_old_as_its_last_renewal(store: MemoryLease) -> None:
    a, b = Replica("a", store), Replica("b", store)
    await a.look()
    a.lease.mark = 1000.0
    await a.look()
    a.lease.mark = 1002.0
    await b.look()
    await pass_time([a, b], LASTS)
    await b.look()
    assert b.lease.mark == 1000.0


async def test_what_was_deleted_by_hand_is_made_again(store: MemoryLease) -> None:
    a = Replica("a", store)
    await a.look()
    store.record = None
    assert await a.look()
    assert store.record is not None


@pytest.mark.parametrize("seed", range(10))
async def test_never_two_hold_it_whatever_fails(store: MemoryLease, seed: int) -> None:
    chance = random.Random(seed)
    replicas = [Replica(name, store, skew=chance.uniform(-9e4, 9e4)) for name in "abc"]
    led = vacant = longest = 0
    for _ in range(1000):
        replica = chance.choice(replicas)
        if chance.random() < 0.02:
            replica.line.is_cut = not replica.line.is_cut
        await replica.look()
        if chance.random() < 0.005:
            with contextlib.suppress(SourceUnavailable):
                await replica.lease.release()
        await pass_time(replicas, chance.uniform(0, 2))
        holders = [one.lease.name for one in replicas if one.lease.held()]
        assert len(holders) <= 1, holders
        led += bool(holders)
        reachable = any(not one.line.is_cut for one in replicas)
        vacant = 0 if holders or not reachable else vacant + 1
        longest = max(longest, vacant)
    assert led > 300
    assert longest < 100
