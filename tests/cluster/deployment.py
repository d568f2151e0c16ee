"""knative/ in a namespace of this run: images, keys, the rows that alert needs, and the overlay."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec

from functions.core.keyring import new_shared_key
from functions.core.ports import MonitorRow
from functions.core.seal import new_sealing_key, new_signing_key, public_of
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sql.tables import metadata
from tests.cluster.kube import Kube, run
from tests.cluster.receiver import Receiver

ROOT = Path(__file__).parents[2]
FUNCTIONS = ("poll", "alert")
BROKER = "http://broker-ingress.knative-eventing.svc.cluster.local"
ALERTS, DEAD_LETTERS = "/alerts", "/dead-letters"


class Keys(msgspec.Struct, frozen=True):
    """What a set-up makes once: the service keeps `signing`, the functions share `events`."""

    signing: str
    events: str
    poll: str


def new_keys() -> Keys:
    return Keys(new_signing_key(), new_shared_key(), new_sealing_key())


def build_images() -> str:
    """Builds the functions' images. The tag is the same for the same content."""
    digest = hashlib.sha256()
    for folder in ("functions", "images", "requirements"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    tag = digest.hexdigest()[:12]
    run(str(ROOT / "images" / "build"), tag, *FUNCTIONS, seconds=300)
    return tag


def secrets(keys: Keys, database: Path) -> list[dict[str, Any]]:
    """What the set-up Job will make: each role's keys, and where alert finds its database."""
    public = public_of(keys.signing).encode()
    events = keys.events.encode()
    return [
        _secret(
            "poll-keys", {"spec.pub": public, "events.key": events, "poll.key": keys.poll.encode()}
        ),
        _secret("alert-keys", {"events.key": events}),
        _secret("database", {"url": b"sqlite:////state/alerts.db"}),
        _secret("seed", {"alerts.db": database.read_bytes()}),
    ]


def _secret(name: str, files: dict[str, bytes]) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value).decode() for key, value in files.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


def prepared_database(path: Path, *rows: MonitorRow) -> Path:
    """A database file in which these monitors have their rules."""
    engine = open_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    for row in rows:
        SqlAlertRecords(engine).put_monitor(row)
    engine.dispose()
    return path


def deploy(kube: Kube, tag: str, *, receiver: Receiver, folder: Path) -> None:
    """Applies the overlay with the names of this run, and waits until all of it is Ready."""
    (folder / "kustomization.yaml").write_text(json.dumps(_overlay(kube, tag, receiver, folder)))
    kube.kubectl("apply", "-k", str(folder))
    kube.ready("ksvc,broker,trigger", "--all")


def _overlay(kube: Kube, tag: str, receiver: Receiver, folder: Path) -> dict[str, Any]:
    broker = f"BROKER_URL={BROKER}/{kube.namespace}/default"
    return {
        "namespace": kube.namespace,
        "resources": [os.path.relpath(Path(__file__).parent / "overlay", folder.resolve())],
        "images": [
            {"name": f"dev.local/claude-monitor-{name}", "newTag": tag} for name in FUNCTIONS
        ],
        "configMapGenerator": [{"name": "functions", "behavior": "merge", "literals": [broker]}],
        "patches": [
            _address("alert", "/spec/delivery/deadLetterSink/uri", receiver.address(DEAD_LETTERS)),
            _address("alerts-seen", "/spec/subscriber/uri", receiver.address(ALERTS)),
        ],
    }


def _address(trigger: str, path: str, address: str) -> dict[str, Any]:
    operation = {"op": "replace", "path": path, "value": address}
    return {"target": {"kind": "Trigger", "name": trigger}, "patch": json.dumps([operation])}
