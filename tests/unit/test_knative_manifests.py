"""What the Knative runtime makes of a spec, and what it reads out of a live object."""

import copy
import re
from typing import Any

import pytest

from functions.core.monitor import INTERVALS, MonitorSpec, phase_of
from functions.core.seal import SpecVerifier, new_signing_key, public_of, sign_spec
from mcp_service.runtime.manifests import Anchor, object_name, ping_source, same, status

ANCHOR = Anchor("claude-monitor", "monitors", "uid-of-the-anchor")
SPEC = MonitorSpec(
    id="Shop_4f",
    tenant="local",
    version=3,
    provider="website",
    config={"url": "https://shop.example/?q=ü"},
    interval=300,
    phase=67,
)


SNAPSHOT = {
    "apiVersion": "sources.knative.dev/v1",
    "kind": "PingSource",
    "metadata": {
        "name": "shop-4f-5a124b10",
        "namespace": "claude-monitor",
        "labels": {
            "app.kubernetes.io/part-of": "claude-monitor",
            "app.kubernetes.io/managed-by": "claude-monitor",
            "app.kubernetes.io/component": "monitor",
            "app.kubernetes.io/name": "website",
            "app.kubernetes.io/instance": "Shop_4f",
            "app.kubernetes.io/version": "3",
            "claudemonitor.io/tenant": "local",
        },
        "annotations": {
            "claudemonitor.io/monitor": "Shop_4f",
            "claudemonitor.io/version": "3",
            "claudemonitor.io/fingerprint": "d430859977105172",
        },
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "monitors",
                "uid": "uid-of-the-anchor",
            }
        ],
    },
    "spec": {
        "schedule": "7 1,6,11,16,21,26,31,36,41,46,51,56 * * * *",
        "timezone": "UTC",
        "contentType": "application/json",
        "data": '{"spec":"..."}',
        "ceOverrides": {"extensions": {"monitor": "Shop_4f"}},
        "sink": {
            "ref": {
                "apiVersion": "serving.knative.dev/v1",
                "kind": "Service",
                "name": "poll",
                "namespace": "claude-monitor",
            }
        },
    },
}


def live(**state: Any) -> dict[str, Any]:
    """The PingSource of SPEC as the cluster returns it."""
    source = ping_source(SPEC, b'{"spec":"..."}', anchor=ANCHOR)
    source["metadata"]["generation"] = 2
    return {**source, "status": {"observedGeneration": 2, **state}}


def condition(value: str, reason: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": value, "reason": reason}]}


def test_a_monitor_becomes_exactly_this_ping_source() -> None:
    assert ping_source(SPEC, b'{"spec":"..."}', anchor=ANCHOR) == SNAPSHOT


def test_the_signed_document_travels_byte_for_byte() -> None:
    key = new_signing_key()
    manifest = ping_source(SPEC, sign_spec(SPEC, key), anchor=ANCHOR)
    assert SpecVerifier(public_of(key)).open(manifest["spec"]["data"].encode()) == SPEC


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_and_phase_has_a_schedule_of_six_fields(interval: int) -> None:
    spec = MonitorSpec(
        id="m",
        tenant="local",
        version=1,
        provider="website",
        config={},
        interval=interval,
        phase=phase_of("m", interval),
    )
    schedule = ping_source(spec, b"{}", anchor=ANCHOR)["spec"]["schedule"]
    assert re.fullmatch(r"(\d+(,\d+)*|\*)( (\d+(,\d+)*|\*)){5}", schedule)


@pytest.mark.parametrize("monitor", ["m", "A/B c", "ünï", "-", "x" * 300, "a" * 39 + "-b"])
def test_any_id_gives_a_name_and_labels_that_kubernetes_takes(monitor: str) -> None:
    spec = MonitorSpec(
        id=monitor, tenant=monitor, version=1, provider="website", config={}, interval=60, phase=0
    )
    metadata = ping_source(spec, b"{}", anchor=ANCHOR)["metadata"]
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", metadata["name"])
    for value in metadata["labels"].values():
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value)
    assert metadata["annotations"]["claudemonitor.io/monitor"] == monitor


def test_ids_that_read_alike_get_different_names() -> None:
    assert len({object_name(monitor) for monitor in ("a b", "a-b", "A b", "a_b")}) == 4


def test_ready_is_believed_for_the_observed_generation_only() -> None:
    assert status(live(**condition("True"))).ready
    stale = live(**condition("True"), observedGeneration=1)
    assert (status(stale).ready, status(stale).reason) == (False, "NotYetObserved")
    assert not status(live()).ready


def test_the_reason_is_the_one_that_kn_prints() -> None:
    known = status(live(**condition("False", "NotFound")))
    assert (known.monitor, known.version, known.ready, known.reason, known.schedule) == (
        "Shop_4f",
        3,
        False,
        "NotFound",
        "7 1,6,11,16,21,26,31,36,41,46,51,56 * * * *",
    )


def test_sink_conditions_and_age_are_told_as_kn_does() -> None:
    source = live(**condition("False", "NotFound"))
    source["metadata"]["creationTimestamp"] = "2026-11-23T10:00:00Z"
    known = status(source)
    assert (known.sink, known.conditions) == ("ksvc:poll", "0 OK / 1")
    assert known.made_at == 1795428000
    source["spec"]["sink"] = {"uri": "http://elsewhere.example"}
    assert status(source).sink == "http://elsewhere.example"
    source["spec"]["sink"] = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "poll"}}
    assert status(source).sink == "service:poll"


def test_an_object_that_somebody_changed_is_not_ours_any_more() -> None:
    wanted = live(**condition("True"))
    changed = copy.deepcopy(wanted)
    changed["spec"]["schedule"] = "* * * * * *"
    assert same(wanted, wanted)
    assert not same(changed, wanted)
    known = status(changed)
    assert (known.ready, known.version, known.reason) == (False, 0, "Changed")


@pytest.mark.parametrize("lost", ["labels", "ownerReferences"])
def test_an_object_that_lost_its_labels_or_its_owner_is_applied_again(lost: str) -> None:
    bare = live(**condition("True"))
    del bare["metadata"][lost]
    assert not same(bare, live())


def test_a_label_of_somebody_elses_is_left_alone() -> None:
    marked = live(**condition("True"))
    marked["metadata"]["labels"]["team"] = "shop"
    assert same(marked, live())


def test_a_version_that_is_no_number_counts_as_changed() -> None:
    garbled = live(**condition("True"))
    garbled["metadata"]["annotations"]["claudemonitor.io/version"] = "three"
    assert (status(garbled).version, status(garbled).reason) == (0, "Changed")


def test_an_object_without_our_annotations_counts_as_changed() -> None:
    foreign = live(**condition("True"))
    del foreign["metadata"]["annotations"]
    assert status(foreign).version == 0
