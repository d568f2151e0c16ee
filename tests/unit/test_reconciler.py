"""The reconciler beside another replica, which changes monitors at the same time."""

from collections.abc import Iterable

import msgspec
import pytest

from functions.core.errors import SourceUnavailable
from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading
from mcp_service.reconciler import AT_ONCE, Reconciler
from mcp_service.runtime.port import RuntimeStatus

pytestmark = pytest.mark.anyio


def spec(monitor: str, version: int = 1) -> MonitorSpec:
    return MonitorSpec(
        id=monitor, tenant="t", version=version, provider="website", config={}, interval=10, phase=0
    )


class Shared:
    """Rows and a runtime; `then` is what the other replica does once it was looked at either."""

    def __init__(self, *specs: MonitorSpec) -> None:
        self.rows = {one.id: one for one in specs}
        self.running = {one.id: one.version for one in specs}
        self.then: tuple[MonitorSpec, ...] | None = None

    def desired(self) -> Iterable[MonitorSpec]:
        seen = list(self.rows.values())
        self._change()
        return seen

    async def list(self) -> dict[str, RuntimeStatus]:
        seen = {
            monitor: RuntimeStatus(monitor=monitor, version=version, ready=True)
            for monitor, version in self.running.items()
        }
        self._change()
        return seen

    async def apply(self, spec: MonitorSpec) -> None:
        self.running[spec.id] = spec.version

    async def remove(self, monitor: str) -> None:
        self.running.pop(monitor, None)

    async def find(self, monitor: str) -> RuntimeStatus | None:
        raise NotImplementedError

    async def check(self, spec: MonitorSpec) -> Reading:
        raise NotImplementedError

    def _change(self) -> None:
        if self.then is not None:
            self.rows = {one.id: one for one in self.then}
            self.running = {one.id: one.version for one in self.then}
            self.then = None


class Stubborn(Shared):
    """One of its monitors cannot be removed."""

    async def remove(self, monitor: str) -> None:
        raise SourceUnavailable("the webhook is away")


async def test_a_monitor_that_cannot_be_removed_does_not_hold_up_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stubborn = Stubborn(spec("m"))
    stubborn.rows = {"n": spec("n")}
    reconciler = Reconciler(stubborn.desired, stubborn)
    for _ in range(3):
        await reconciler.step()
    assert stubborn.running == {"m": 1, "n": 1}
    assert [line for line in caplog.messages if "cannot be removed" in line] == caplog.messages[:1]


class Slow(Shared):
    """While it applies the first monitor, the other replica changes one and deletes another."""

    async def apply(self, spec: MonitorSpec) -> None:
        await super().apply(spec)
        if spec.id == "m0":
            self.rows["changed"] = changed = msgspec.structs.replace(spec, id="changed", version=2)
            self.running["changed"] = changed.version
            del self.rows["gone"]


async def test_a_long_round_does_not_take_back_what_another_replica_does_meanwhile() -> None:
    many = [spec(f"m{number}") for number in range(AT_ONCE)]
    slow = Slow(*many, spec("changed"), spec("gone"))
    slow.running.clear()
    await Reconciler(slow.desired, slow).step()
    assert slow.running == {one.id: 1 for one in many} | {"changed": 2}


class Away(Shared):
    """Its runtime cannot be asked."""

    async def list(self) -> dict[str, RuntimeStatus]:
        raise SourceUnavailable("the cluster does not answer")


async def test_what_should_run_is_known_while_the_runtime_cannot_be_asked() -> None:
    away = Away(spec("m"))
    reconciler = Reconciler(away.desired, away)
    with pytest.raises(SourceUnavailable):
        await reconciler.step()
    assert reconciler.wanted == {"m": spec("m")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((), (spec("m"),), id="created"),
        pytest.param((spec("m"),), (spec("m", 2),), id="changed"),
        pytest.param((spec("m"),), (), id="paused or deleted"),
    ],
)
async def test_what_another_replica_does_between_its_two_looks_is_not_taken_back(
    before: tuple[MonitorSpec, ...], after: tuple[MonitorSpec, ...]
) -> None:
    shared = Shared(*before)
    shared.then = after
    await Reconciler(shared.desired, shared).step()
    assert shared.running == {one.id: one.version for one in after}
