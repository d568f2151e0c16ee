"""knative/ in a namespace of this run: images, the overlay, and what the set-up Job made of it."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec

from tests.cluster.databases import Databases, from_pods
from tests.cluster.kube import Kube, run, until
from tests.cluster.receiver import Receiver
from tests.servers.stoppable import MailProcess

ROOT = Path(__file__).parents[2]
IMAGES = ("poll", "record", "alert", "notify", "service")
FOLDERS = ("functions", "mcp_service", "images", "requirements")
ALERTS, DEAD_LETTERS = "/alerts", "/dead-letters"


class Keys(msgspec.Struct, frozen=True):
    """What the set-up Job made: the service keeps `signing`, the functions share `events`."""

    signing: str
    events: str
    token: str


class Outside(msgspec.Struct, frozen=True):
    """The servers on this machine that the pods work with."""

    databases: Databases
    mailbox: MailProcess
    receiver: Receiver

    def secrets(self) -> dict[str, dict[str, str]]:
        mail = {
            "CLAUDE_MONITOR_SMTP_URL": from_pods(self.mailbox.url),
            "CLAUDE_MONITOR_MAIL_FROM": "claude-monitor@lab.internal",
        }
        return {**self.databases.settings(), "mail": mail}


def build_images() -> str:
    """Builds all images. The tag is the same for the same content."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    tag = digest.hexdigest()[:12]
    run(str(ROOT / "images" / "build"), tag, *IMAGES, seconds=600)
    return tag


def deploy(kube: Kube, tag: str, *, outside: Outside, folder: Path) -> Keys:
    """Applies the overlay with the names of this run, and waits until all of it is Ready. The
    standing service is there with no pod yet."""
    overlay = _overlay(kube, tag, outside=outside, folder=folder)
    (folder / "kustomization.yaml").write_text(json.dumps(overlay))
    kube.kubectl("apply", "-k", str(folder))
    kube.ready("ksvc,broker,trigger", "--all")
    until("the set-up Job makes the last Secret", lambda: kube.has("secret/notify-keys"))
    return Keys(
        signing=_secret(kube, "service-keys", "spec.key"),
        events=_secret(kube, "service-keys", "events.key"),
        token=_secret(kube, "service-token", "CLAUDE_MONITOR_TOKEN"),
    )


def _secret(kube: Kube, name: str, key: str) -> str:
    found = json.loads(kube.kubectl("get", "secret", name, "-o", "json"))["data"]
    return base64.b64decode(found[key]).decode()


def _overlay(kube: Kube, tag: str, *, outside: Outside, folder: Path) -> dict[str, Any]:
    broker = f"http://broker-ingress.knative-eventing.svc.cluster.local/{kube.namespace}/default"
    poll = f"http://poll.{kube.namespace}.svc.cluster.local/"
    receiver = outside.receiver
    return {
        "namespace": kube.namespace,
        "resources": [os.path.relpath(Path(__file__).parent / "overlay", folder.resolve())],
        "images": [{"name": f"dev.local/claude-monitor-{name}", "newTag": tag} for name in IMAGES],
        "configMapGenerator": [
            merged("functions", {"BROKER_URL": broker}),
            merged("service", {"CLAUDE_MONITOR_POLL_URL": poll}),
        ],
        "secretGenerator": [merged(name, own) for name, own in outside.secrets().items()],
        "patches": [
            _replaced(
                "record|alert",
                "/spec/delivery/deadLetterSink",
                {"uri": receiver.address(DEAD_LETTERS)},
            ),
            _replaced("alerts-seen", "/spec/subscriber/uri", receiver.address(ALERTS)),
        ],
    }


def merged(name: str, values: dict[str, str]) -> dict[str, Any]:
    literals = [f"{key}={value}" for key, value in values.items()]
    return {"name": name, "behavior": "merge", "literals": literals}


def _replaced(trigger: str, path: str, value: object) -> dict[str, Any]:
    operation = {"op": "replace", "path": path, "value": value}
    return {"target": {"kind": "Trigger", "name": trigger}, "patch": json.dumps([operation])}
