"""What the cluster answers, in our own words: its refusals, and answers of others in its place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from functions.core.errors import AccessDenied, LimitReached, MonitorError, SourceUnavailable
from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading
from functions.core.seal import new_signing_key, sign_spec
from mcp_service.runtime.knative import Knative, connect
from mcp_service.runtime.kube_lease import KubeLease
from mcp_service.runtime.manifests import Anchor, ping_source
from tests.servers.kube_api import JSON, KubeApi, Said, object_, refusal

pytestmark = pytest.mark.anyio

KEY = new_signing_key()
SPEC = MonitorSpec(
    id="m", tenant="t", version=1, provider="website", config={}, interval=10, phase=0
)
CHANGED = msgspec.structs.replace(SPEC, version=2)
ANCHOR = Anchor("ns", "monitors", "uid")
OWNER = object_({"metadata": {"name": "monitors", "namespace": "ns", "uid": "uid"}})
SEEN = Reading(
    tenant="t", monitor="m", version=1, provider="website", slot=0, interval=10, at=0.0
)  # fmt: skip
NOT_SET_UP, TRY_AGAIN, STRANGE = "lacks Knative Eventing", "trying again helps", "cannot be read"
FULL = refusal(403, 'pingsources "m" is forbidden: exceeded quota: few, used: 2, limited: 2')


def live(spec: MonitorSpec) -> Said:
    """The monitor's PingSource, Ready at this version."""
    source = ping_source(spec, sign_spec(spec, KEY), anchor=ANCHOR)
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    source["metadata"]["generation"] = 1
    return object_({**source, "status": ready})


@asynccontextmanager
async def runtime(
    says: dict[str, Said], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Knative]:
    async def look(_spec: MonitorSpec, _document: bytes) -> Reading:
        return SEEN

    with KubeApi(says) as api:
        monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(folder)))
        found = Knative(connect("ns"), signing_key=KEY, ask=look)
        yield found
        await found.close()


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (refusal(401, "Unauthorized"), AccessDenied, "deploy again"),
        (refusal(403, 'User "x" cannot list resource "pingsources"'), AccessDenied, "deploy again"),
        (refusal(403, "ValidatingAdmissionPolicy 'p' denied request"), AccessDenied, "policy"),
        (FULL, LimitReached, "quota"),
        (refusal(404, 'configmaps "monitors" not found'), SourceUnavailable, NOT_SET_UP),
        (Said(404, b"404 page not found\n", "text/plain"), SourceUnavailable, NOT_SET_UP),
        (refusal(410, "too old resource version"), SourceUnavailable, TRY_AGAIN),
        (Said(429, b"Too many requests\n", "text/plain"), SourceUnavailable, "answered 429"),
        (refusal(500, "etcdserver: leader changed"), SourceUnavailable, TRY_AGAIN),
        (Said(502, b'{"error": "x"}', JSON), SourceUnavailable, "answered 502"),
        (Said(503), SourceUnavailable, STRANGE),
        (Said(502, b"oops", JSON), SourceUnavailable, STRANGE),
        (Said(200, b"<html>Log in", "text/html"), SourceUnavailable, STRANGE),
    ],
)
async def test_each_answer_is_a_refusal_in_our_words_and_never_a_defect(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: Said,
    kind: type[MonitorError],
    words: str,
) -> None:
    async with runtime({"any": said}, tmp_path, monkeypatch) as found:
        with pytest.raises(MonitorError, match=words) as error:
            await found.list()
        assert type(error.value) is kind


async def test_the_lease_is_unknown_while_a_proxy_answers_for_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with KubeApi({"any": Said(503)}) as api:
        monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
        client = connect("ns")
        with pytest.raises(SourceUnavailable, match=STRANGE):
            await KubeLease(client).read()
        await client.close()


async def test_a_cluster_that_is_away_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with KubeApi({}) as api:
        monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
    client = connect("ns")
    with pytest.raises(SourceUnavailable, match="does not answer"):
        await Knative(client, signing_key=KEY, ask=lambda *_: pytest.fail("asked")).list()
    await client.close()


async def test_a_change_that_is_refused_makes_the_monitor_unready_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = {
        "/configmaps/": OWNER,
        "GET": live(SPEC),
        "PATCH": refusal(500, "failed calling webhook"),
    }
    async with runtime(says, tmp_path, monkeypatch) as found:
        await found.apply(SPEC)
        with pytest.raises(SourceUnavailable):
            await found.apply(CHANGED)
        status = await found.find("m")
        assert status is not None
        assert (status.version, status.ready, TRY_AGAIN in status.reason) == (1, False, True)
        says["GET"] = live(CHANGED)  # another replica brought it there
        status = await found.find("m")
        assert status is not None
        assert (status.version, status.ready) == (2, True)


async def test_a_full_quota_keeps_no_definition_from_being_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with runtime({"GET": OWNER, "any": FULL}, tmp_path, monkeypatch) as found:
        assert await found.check(SPEC) == SEEN
