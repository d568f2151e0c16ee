"""The locks pin what pyproject.toml asks for, by hash, and bring no licence that binds us."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT, text, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {path.stem: text(path) for path in tracked(".txt") if path.parts[0] == "requirements"}
PINNED = re.compile(r"([\w.-]+)==([\w.+!]+)(?: ; ([^\\]+))? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
BINDS_US = re.compile(r"(?<!L)GPL|EPL|Eclipse|SSPL|BUSL")


def pins(lock: str) -> dict[str, str]:
    """Version by name, of the packages that this machine's Python would get."""
    found = [Requirement(line.rstrip("\\")) for line in lock.splitlines() if line[0] != " "]
    here = [pin for pin in found if pin.marker is None or pin.marker.evaluate()]
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in here}


def asked_for(extra: str) -> list[Requirement]:
    """What an extra of ours names, and what every function needs."""
    lines = PROJECT["dependencies"] + PROJECT["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def closure(wanted: Iterable[Requirement]) -> set[str]:
    """Names of everything that installing these brings, as the installed packages say."""
    seen: set[tuple[str, str]] = set()
    waiting = [(need, extra) for need in wanted for extra in (need.extras or {""})]
    while waiting:
        need, extra = waiting.pop()
        name = canonicalize_name(need.name)
        if (name, extra) in seen:
            continue
        seen |= {(name, extra), (name, "")}
        waiting += [(more, deep) for more in brought(name, extra) for deep in {"", *more.extras}]
    return {name for name, _ in seen} - {PROJECT["name"]}


def brought(name: str, extra: str) -> list[Requirement]:
    if name == PROJECT["name"]:
        return asked_for(extra) if extra else []
    needs = [Requirement(line) for line in distribution(name).requires or []]
    return [
        need
        for need in needs
        if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in {"", extra})
    ]


@pytest.mark.parametrize("extra", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_nothing_else(extra: str) -> None:
    lines = LOCKS[extra].splitlines()
    strange = [line for line in lines if not (PINNED.fullmatch(line) or HASH.fullmatch(line))]
    assert not strange


@pytest.mark.parametrize("extra", LOCKS)
def test_a_lock_pins_exactly_what_pyproject_asks_for(extra: str) -> None:
    locked = pins(LOCKS[extra])
    assert set(locked) == closure(asked_for(extra)), "run `make lock`"
    for need in asked_for(extra):
        if need.name != PROJECT["name"]:
            assert need.specifier.contains(locked[need.name]), f"{need}: run `make lock`"


def test_the_tests_run_with_what_is_locked() -> None:
    locked = pins(LOCKS["dev"])
    assert {name: distribution(name).version for name in locked} == locked


def test_every_lock_agrees_with_the_one_that_is_tested() -> None:
    tested = pins(LOCKS["dev"]).items()
    assert all(pins(lock).items() <= tested for lock in LOCKS.values())


def test_no_dependency_has_a_licence_that_binds_us() -> None:
    bound = []
    for name in pins(LOCKS["service"]):
        stated = distribution(name).metadata.json
        own = stated.get("license_expression") or str(stated.get("license", ""))[:80]
        bound += [
            f"{name}: {line}"
            for line in [own, *stated.get("classifier", [])]
            if BINDS_US.search(str(line))
        ]
    assert not bound
