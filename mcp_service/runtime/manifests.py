"""What exists on the cluster per monitor: pure functions from a spec to a manifest, and back from
an object to its status."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from functions.core.monitor import MonitorSpec
from mcp_service.runtime.port import RuntimeStatus

PART_OF = "claude-monitor"
DOMAIN = "claudemonitor.io"
MONITOR, VERSION, FINGERPRINT = f"{DOMAIN}/monitor", f"{DOMAIN}/version", f"{DOMAIN}/fingerprint"
SELECTOR = {
    "app.kubernetes.io/part-of": PART_OF,
    "app.kubernetes.io/managed-by": PART_OF,
    "app.kubernetes.io/component": "monitor",
}
_LABEL_LENGTH, _NAME_LENGTH = 63, 40
Manifest = dict[str, Any]


class Anchor(msgspec.Struct, frozen=True):
    """The ConfigMap that owns all monitors' objects: they go when it goes."""

    namespace: str
    name: str
    uid: str


def object_name(monitor: str) -> str:
    """A DNS-1123 name that begins like the monitor's id and is unique by a hash of it."""
    readable = re.sub(r"[^a-z0-9]+", "-", monitor.lower()).strip("-")[:_NAME_LENGTH].rstrip("-")
    return f"{readable}-{_digest(monitor)}".lstrip("-")


def ping_source(spec: MonitorSpec, document: bytes, *, anchor: Anchor) -> Manifest:
    """The PingSource that ticks one polling monitor: `document` is the signed spec, and travels
    byte for byte."""
    wanted = {
        "schedule": spec.schedule.cron(),
        "timezone": "UTC",
        "contentType": "application/json",
        "data": document.decode(),
        "ceOverrides": {"extensions": {"monitor": spec.id}},
        "sink": {"ref": _sink("poll", anchor.namespace)},
    }
    return {
        "apiVersion": "sources.knative.dev/v1",
        "kind": "PingSource",
        "metadata": _metadata(spec, wanted, anchor=anchor),
        "spec": wanted,
    }


def status(source: Mapping[str, Any]) -> RuntimeStatus:
    """One live PingSource in the words that `kn source ping list` prints. A version of 0 says that
    somebody else changed it, so that the reconciler applies it again."""
    metadata = source["metadata"]
    annotations = metadata.get("annotations", {})
    ready, reason = _readiness(metadata, source.get("status", {}))
    version = annotations.get(VERSION, "")
    ours = version.isdecimal() and annotations.get(FINGERPRINT) == fingerprint(source["spec"])
    return RuntimeStatus(
        monitor=annotations.get(MONITOR, ""),
        version=int(version) if ours else 0,
        ready=ready and ours,
        reason=reason if ours else "Changed",
        schedule=source["spec"].get("schedule", ""),
        sink=_sink_shown(source["spec"]),
        conditions=_conditions(source.get("status", {})),
        made_at=_seconds(metadata.get("creationTimestamp", "")),
    )


def same(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether applying `wanted` would change nothing."""
    seen, noted = live["metadata"], wanted["metadata"]
    return bool(
        all(seen.get(part, {}).items() >= noted[part].items() for part in ("annotations", "labels"))
        and noted["ownerReferences"][0]["uid"]
        in {o["uid"] for o in seen.get("ownerReferences", ())}
        and fingerprint(live["spec"]) == noted["annotations"][FINGERPRINT]
    )


def fingerprint(wanted: Mapping[str, Any]) -> str:
    """Equal for equal specs, whatever the order of their keys."""
    return _digest(json.dumps(wanted, sort_keys=True), 16)


def _readiness(metadata: Mapping[str, Any], state: Mapping[str, Any]) -> tuple[bool, str]:
    """Ready counts only for the generation that it was said about."""
    if metadata.get("deletionTimestamp"):
        return False, "Terminating"
    if state.get("observedGeneration") != metadata.get("generation"):
        return False, "NotYetObserved"
    for condition in state.get("conditions", ()):
        if condition["type"] == "Ready":
            return condition["status"] == "True", condition.get("reason", "")
    return False, "NotYetObserved"


def _conditions(state: Mapping[str, Any]) -> str:
    known = [condition["status"] for condition in state.get("conditions", ())]
    return f"{known.count('True')} OK / {len(known)}" if known else ""


def _sink_shown(wanted: Mapping[str, Any]) -> str:
    sink = wanted.get("sink", {})
    if "ref" not in sink:
        return str(sink.get("uri", ""))
    ref = sink["ref"]
    serving = ref.get("apiVersion", "").startswith("serving.knative.dev/")
    return f"{'ksvc' if serving else ref['kind'].lower()}:{ref['name']}"


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp() if written else 0.0


def _metadata(spec: MonitorSpec, wanted: Manifest, *, anchor: Anchor) -> Manifest:
    return {
        "name": object_name(spec.id),
        "namespace": anchor.namespace,
        "labels": {
            **SELECTOR,
            "app.kubernetes.io/name": _label(spec.provider),
            "app.kubernetes.io/instance": _label(spec.id),
            "app.kubernetes.io/version": str(spec.version),
            f"{DOMAIN}/tenant": _label(spec.tenant),
        },
        "annotations": {
            MONITOR: spec.id,
            VERSION: str(spec.version),
            FINGERPRINT: fingerprint(wanted),
        },
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": anchor.name, "uid": anchor.uid}
        ],
    }


def _sink(name: str, namespace: str) -> Manifest:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "name": name,
        "namespace": namespace,
    }


def _label(value: str) -> str:
    """The value itself where Kubernetes takes it, else its hash."""
    allowed = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?", value)
    return value if allowed and len(value) <= _LABEL_LENGTH else _digest(value, _LABEL_LENGTH)


def _digest(text: str, length: int = 8) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
