"""A bench without what it needs does not run, and does not pass for one that ran."""

from argparse import Namespace

import pytest

from tests.bench.__main__ import holds


@pytest.mark.parametrize(("names", "held"), [([], True), (["swarm"], False)])
def test_a_bench_without_a_cluster_says_so_and_fails_only_when_asked_for(
    names: list[str],
    held: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert holds("swarm", Namespace(names=names, rounds=None)) is held
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("THE BENCH SWARM DID NOT RUN: KUBECONFIG is not set")
