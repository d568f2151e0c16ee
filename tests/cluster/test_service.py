"""The standing service in the cluster: what it may do there, and what it keeps for the operator."""

import re

import msgspec
import pytest

from functions.clients.http import outbound_http
from functions.core.alert_event import alert_event
from functions.core.events import encode
from functions.core.ports import HttpRequest
from mcp_service.keys import KEY_SECRETS
from mcp_service.runtime.manifests import object_name
from mcp_service.runtime.redis_users import SECRETS
from tests.cluster.conftest import SELF, Deployment, claude, deleted
from tests.cluster.kube import Kube, forwarded, until
from tests.conversation.play import Conversation
from tests.unit.test_events import ALERT

OF_THE_SERVICE = {
    "pingsources.sources.knative.dev": {("", "get list create patch delete")},
    "configmaps": {("monitors", "get")},
    "leases.coordination.k8s.io": {("", "create"), ("claude-monitor", "get update")},
}


def claude_monitor(kube: Kube, *arguments: str, stdin: str = "") -> str:
    """What an operator runs in the service's pod."""
    command = ("python", "-m", "mcp_service", *arguments)
    return kube.kubectl("exec", "-i", SELF, "--", *command, stdin=stdin)


def rights(kube: Kube, account: str) -> dict[str, set[tuple[str, str]]]:
    """Names and verbs by resource, without what everybody may ask about oneself."""
    who = f"system:serviceaccount:{kube.namespace}:{account}"
    found: dict[str, set[tuple[str, str]]] = {}
    for line in kube.kubectl("auth", "can-i", "--list", "--no-headers", "--as", who).splitlines():
        row = re.fullmatch(r"(\S+)\s+\[\]\s+\[(.*?)\]\s+\[(.*?)\]\s*", line)
        if row and not row[1].startswith("selfsubject"):
            found.setdefault(row[1], set()).add((row[2], row[3]))
    return found


def test_the_service_may_only_make_monitors_and_the_functions_nothing(
    deployment: Deployment,
) -> None:
    kube = deployment.kube
    assert rights(kube, "service") == OF_THE_SERVICE
    own = {(name, "get patch") for name in (*KEY_SECRETS, *SECRETS.values())}
    assert rights(kube, "setup") == {"secrets": {("", "create"), *own}}
    assert rights(kube, "default") == {}


@pytest.mark.anyio
@pytest.mark.usefixtures("service")
async def test_what_notify_refuses_is_listed_as_a_dead_letter_and_can_be_replayed(
    deployment: Deployment,
) -> None:
    kube = deployment.kube
    forged = alert_event(msgspec.structs.replace(ALERT, id="forged/down/1", monitor="forged"))
    headers, body = encode(forged)
    with forwarded("knative-eventing", "broker-ingress") as broker:
        url = f"{broker}/{kube.namespace}/default"
        request = HttpRequest(url=url, method="POST", headers=headers, body=body, deadline=60.0)
        assert (await outbound_http(["127.0.0.0/8"]).fetch(request)).status == 202
    listed = until("the dead letter", lambda: of(kube, forged.id))
    assert f"http://notify.{kube.namespace}." in listed
    assert "status '400'" in listed
    assert "given to the Broker again" in claude_monitor(kube, "dead-letters", "replay")
    until("it comes back", lambda: of(kube, forged.id))


@pytest.mark.anyio
async def test_a_monitor_without_room_in_the_quota_says_so_and_runs_once_there_is_room(
    deployment: Deployment, service: str
) -> None:
    kube = deployment.kube
    kube.kubectl("create", "quota", "full", "--hard=count/pingsources.sources.knative.dev=1")
    kube.kubectl("wait", "quota/full", "--for=jsonpath={.status.hard}", "--timeout=30s")
    try:
        async with claude(service, deployment.keys.token) as client:
            talk = Conversation(client, print)
            wish = {"provider": "website", "config": {"url": deployment.website.url}}
            await talk.call("check_monitor", **wish)  # which takes no room
            made = await talk.call("create_monitor", name="one too many", **wish)
            [unready] = (await talk.call("show_platform"))["not_ready"]
            assert "quota leaves no room" in unready["REASON"]
            shown = await talk.call("show_monitor", monitor=made["id"])
            assert shown["runtime"] == {"ready": False, "reason": unready["REASON"]}
            log = ("logs", SELF)
            until("the log says which", lambda: "exceeded quota: full" in kube.kubectl(*log))
            kube.kubectl("delete", "quota/full")
            until("it runs", lambda: kube.has(f"pingsource/{object_name(made['id'])}"))
            await deleted(client, made["id"])
    finally:
        kube.kubectl("delete", "quota/full", "--ignore-not-found")
    assert "HTTP Request" not in kube.kubectl(*log)


@pytest.mark.usefixtures("service")
def test_a_secret_is_set_and_forgotten_in_the_pod_of_the_service(deployment: Deployment) -> None:
    kube = deployment.kube
    claude_monitor(kube, "secret", "set", "shop", "--host", "shop.example", stdin="t0ken")
    assert claude_monitor(kube, "secret", "list") == "shop: for shop.example\n"
    claude_monitor(kube, "secret", "delete", "shop")
    assert "No secret is stored" in claude_monitor(kube, "secret", "list")


@pytest.mark.usefixtures("service")
def test_doctor_finds_keys_databases_and_cluster_well_in_the_pod(deployment: Deployment) -> None:
    # It ends with 1 where the cluster has no way out and so cannot resolve a name outside.
    command = "python -m mcp_service doctor || true"
    told = deployment.kube.kubectl("exec", SELF, "--", "sh", "-c", command)
    marks = {line.split()[1]: line.split()[0] for line in told.splitlines()[:-1]}
    named = ("home", "keys", "database", "readings", "redis", "cluster", "port", "service", "mail")
    assert {name: marks[name] for name in named} == dict.fromkeys(named, "ok"), told


def of(kube: Kube, event: str) -> str:
    """The list of dead letters, once this event is among them."""
    listed = claude_monitor(kube, "dead-letters", "list")
    return listed if repr(event) in listed else ""
