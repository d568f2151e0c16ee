"""Every overlay as the cluster's own API takes it, and what skaffold makes of it."""

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mcp_service.keys import KEY_SECRETS
from mcp_service.serve import GOODBYE
from tests.cluster.conftest import HOW_TO_RUN
from tests.cluster.copied import copied, operators_secrets
from tests.cluster.kube import Kube, run

Objects = dict[tuple[str, str], dict[str, Any]]
OVERLAYS = ("minikube", "lab", "production")
OURS = "claude-monitor-"
ENFORCED = "pod-security.kubernetes.io/enforce"


@pytest.fixture(scope="module")
def kube() -> Iterator[Kube]:
    """A namespace in which nothing is ever made: a dry run wants it to be there."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip(HOW_TO_RUN)
    kube = Kube(f"overlay-test-{os.getpid()}-{int(time.time()) % 10_000}")
    run("kubectl", "create", "namespace", kube.namespace)
    yield kube
    run("kubectl", "delete", "namespace", kube.namespace, "--wait=false")


@pytest.fixture(scope="module")
def tree(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("tree"), kube.namespace)


@pytest.fixture(scope="module")
def overlays(tree: Path) -> dict[str, Objects]:
    """What the cluster would hold of each."""
    with lent(tree):
        return {name: taken("-k", str(tree / "knative" / "overlays" / name)) for name in OVERLAYS}


@contextmanager
def lent(tree: Path) -> Iterator[None]:
    """The operator's files, for as long as it lasts."""
    operators_secrets(tree)
    yield
    for file in tree.glob("knative/overlays/production/secrets/*.env"):
        file.unlink()


def taken(*manifests: str, stdin: str | None = None) -> Objects:
    """What the cluster would hold, by kind and name, after its admission webhooks."""
    command = ("kubectl", "apply", "--dry-run=server", "-o", "json", *manifests)
    items = json.loads(run(*command, stdin=stdin))["items"]
    return {(item["kind"], item["metadata"]["name"]): item for item in items}


def pods(objects: Objects) -> Iterable[dict[str, Any]]:
    for item in objects.values():
        if template := item.get("spec", {}).get("template"):
            yield template["spec"]


def volumes_of(pod: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Each by itself, those too that are joined in one."""
    for one in pod.get("volumes", []):
        yield from one.get("projected", {}).get("sources", [one])


def needed(pod: dict[str, Any], kind: str) -> set[str]:
    """The Secrets, or ConfigMaps, without which the pod does not start."""
    referred = [one.get(f"{kind}Ref") for one in pod["containers"][0].get("envFrom", [])]
    referred += [one.get(kind) for one in volumes_of(pod)]
    named = [one for one in referred if one and not one.get("optional")]
    return {one.get("name") or one["secretName"] for one in named}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_cluster_takes_the_overlay_and_no_pod_waits_for_what_nobody_makes(
    overlays: dict[str, Objects], overlay: str
) -> None:
    objects = overlays[overlay]
    for kind, made in (("secret", set(KEY_SECRETS)), ("configMap", set())):
        there = {name for of, name in objects if of.lower() == kind.lower()} | made
        for pod in pods(objects):
            assert needed(pod, kind) <= there
    images = [pod["containers"][0]["image"] for pod in pods(objects)]
    assert all(re.search(r":(?!latest$)[^/]+$", image) for image in images), images
    assert {name for of, name in objects if of == "EventType"} == {
        "io.claudemonitor.reading",
        "io.claudemonitor.alert",
    }
    # All goes with the namespace.
    assert {of for (of, _), it in objects.items() if "namespace" not in it["metadata"]} == {
        "Namespace"
    }


@pytest.mark.parametrize(
    ("overlay", "broker_class", "ingress"),
    [
        ("minikube", "MTChannelBasedBroker", "broker-ingress"),
        ("production", "Kafka", "kafka-broker-ingress"),
    ],
)
def test_functions_post_to_the_broker_that_the_overlay_names(
    overlays: dict[str, Objects], kube: Kube, overlay: str, broker_class: str, ingress: str
) -> None:
    objects = overlays[overlay]
    broker = objects["Broker", "default"]
    assert broker["metadata"]["annotations"]["eventing.knative.dev/broker.class"] == broker_class
    [functions] = [item for (_, name), item in objects.items() if name.startswith("functions-")]
    address = f"http://{ingress}.knative-eventing.svc.cluster.local/{kube.namespace}/default"
    assert functions["data"]["BROKER_URL"] == address


def test_nothing_that_asks_for_more_than_it_needs_runs_beside_us(
    overlays: dict[str, Objects], kube: Kube
) -> None:
    """minikube's databases begin as root. That the functions start under it, each test shows."""
    levels = {
        name: overlays[name]["Namespace", kube.namespace]["metadata"]["labels"][ENFORCED]
        for name in OVERLAYS
    }
    assert levels == {"minikube": "baseline", "lab": "restricted", "production": "restricted"}


def test_functions_are_told_in_production_which_private_networks_they_may_reach(
    overlays: dict[str, Objects],
) -> None:
    objects = overlays["production"]
    [functions] = [item for (_, name), item in objects.items() if name.startswith("functions-")]
    assert functions["data"]["CLAUDE_MONITOR_OF_FUNCTIONS"] == "the operator's"


def test_production_runs_three_replicas_of_the_service_and_loses_one_at_a_time(
    overlays: dict[str, Objects],
) -> None:
    objects = overlays["production"]
    service = objects["Deployment", "claude-monitor"]["spec"]
    assert service["replicas"] == 3
    spared = objects["PodDisruptionBudget", "claude-monitor"]["spec"]
    assert spared["maxUnavailable"] == 1
    assert (
        spared["selector"]["matchLabels"].items()
        <= service["template"]["metadata"]["labels"].items()
    )


def test_a_replica_in_production_answers_on_until_no_call_comes_to_it(
    overlays: dict[str, Objects],
) -> None:
    pod = overlays["production"]["Deployment", "claude-monitor"]["spec"]["template"]["spec"]
    program, seconds = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert 0 < int(seconds) < pod["terminationGracePeriodSeconds"] - GOODBYE


def test_a_set_up_job_that_still_tries_gives_way_to_the_next_one(tree: Path, kube: Kube) -> None:
    rendered = run("kubectl", "kustomize", str(tree / "knative/overlays/lab"))
    [job] = [text for text in rendered.split("---\n") if "\nkind: Job\n" in text]
    for tag in ("wrong", "right"):
        (tree / "job.yaml").write_text(job.replace(":dev", f":{tag}"))
        there = (f"--filename={tree / 'skaffold.yaml'}", str(tree / "job.yaml"))
        run("skaffold", "apply", "--profile=lab", "--status-check=false", *there)
        path = "jsonpath={.spec.template.spec.containers[0].image}"
        assert kube.kubectl("get", "job/setup", "-o", path).endswith(f":{tag}")
    kube.kubectl("delete", "job/setup")


def test_production_without_its_operators_files_names_the_one_that_is_missing(tree: Path) -> None:
    with pytest.raises(AssertionError, match=r"secrets/functions\.env: no such file"):
        run("kubectl", "kustomize", str(tree / "knative/overlays/production"))


@pytest.mark.parametrize(
    ("options", "registry", "images"),
    [
        (["--default-repo="], "dev.local/", 10),
        (["-p", "lab", "--default-repo=localhost:5000"], "localhost:5000/", 6),
        (["-p", "production", "--default-repo=hub.example/team"], "hub.example/team/", 6),
    ],
)
def test_skaffold_puts_its_images_in_and_keeps_its_labels_off_the_revisions(
    tree: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], registry: str, images: int
) -> None:
    monkeypatch.delenv("SKAFFOLD_DEFAULT_REPO", raising=False)
    monkeypatch.chdir(tree)
    # Tags are of the sources' content: nothing is built.
    with lent(tree):
        text = run("skaffold", "render", "--digest-source=tag", "--label=a.run=once", *options)
    assert "serving.knative.dev/" not in re.sub(r"apiVersion: serving.*", "", text)
    objects = taken("-f", "-", stdin=text)
    named = [pod["containers"][0]["image"] for pod in pods(objects)]
    assert len(named) == images
    for image in (name for name in named if OURS in name):
        assert re.fullmatch(rf"{registry}.*{OURS}[a-z]+:[0-9a-f]{{64}}", image)
    for (_, name), item in objects.items():
        if item["apiVersion"].startswith("serving."):
            assert item["metadata"]["labels"]["a.run"] == "once", name
            assert "a.run" not in item["spec"]["template"]["metadata"]["labels"], name
