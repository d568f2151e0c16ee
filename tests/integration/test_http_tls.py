"""TLS: a good certificate's days and phases, and a word for each broken one."""

import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from functions.clients.authorities import Authorities, system_authorities
from functions.clients.http import CurlHttp
from functions.core.errors import SourceUnavailable
from functions.core.outbound import Door, OwnNetworkDown
from functions.core.ports import HttpRequest, HttpResponse
from tests.servers.certificates import Authority
from tests.servers.maze import Maze

pytestmark = pytest.mark.anyio


class EveryName:
    async def resolve(self, host: str, *, seconds: float) -> Sequence[str]:
        return ["127.0.0.1"]


async def check(context: ssl.SSLContext, trusted: Authority) -> HttpResponse:
    http = CurlHttp(Door(EveryName(), ["127.0.0.1"]), Authorities(bundle=str(trusted.bundle)))
    async with Maze(tls=context) as site:
        return await http.fetch(HttpRequest(url=site.url(host="shop.example")))


async def test_a_good_certificate_tells_its_days_and_its_handshake_time(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    response = await check(authority.context("shop.example", days=20), authority)
    assert (response.status, response.body) == (200, b"ok")
    assert response.certificate_days == pytest.approx(20, abs=0.01)
    assert 0 < response.connect < response.tls < response.total


async def test_a_text_of_the_certificate_may_be_in_any_character_set(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    comment = "Société".encode("latin-1")
    context = authority.context("shop.example", days=20, comment=comment)
    response = await check(context, authority)
    assert response.certificate_days == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize(
    ("host", "begins", "days", "words"),
    [
        ("shop.example", -3, -1, "TLS: the certificate has expired"),
        ("shop.example", 1, 3, "TLS: the certificate is not valid yet"),
        ("else.example", -1, 20, "TLS: the certificate is for another name"),
    ],
)
async def test_a_broken_certificate_is_named(
    tmp_path: Path, host: str, begins: int, days: int, words: str
) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(SourceUnavailable) as refused:
        await check(authority.context(host, days=days, begins=begins), authority)
    assert refused.value.message == words, refused.value.cause


async def test_an_unknown_issuer_is_named(tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger").context("shop.example", days=20)
    with pytest.raises(SourceUnavailable, match="issuer is not trusted"):
        await check(stranger, Authority(tmp_path))


async def test_a_server_that_speaks_only_old_tls_fails_its_handshake(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.context("shop.example", days=20)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.raises(SourceUnavailable, match="TLS: the handshake failed"):
        await check(context, authority)


async def test_the_authorities_of_this_machine_can_be_read_and_do_not_know_ours(
    tmp_path: Path,
) -> None:
    http = CurlHttp(Door(EveryName(), ["127.0.0.1"]), system_authorities())
    async with Maze(tls=Authority(tmp_path).context("shop.example", days=20)) as site:
        with pytest.raises(SourceUnavailable, match="issuer is not trusted"):
            await http.fetch(HttpRequest(url=site.url(host="shop.example")))


async def test_the_file_of_authorities_may_have_any_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "Prüfstelle")
    response = await check(authority.context("shop.example", days=20), authority)
    assert response.status == 200


async def test_authorities_that_cannot_be_read_say_nothing_about_the_target(tmp_path: Path) -> None:
    missing = Authorities(bundle=str(tmp_path / "missing.pem"))
    http = CurlHttp(Door(EveryName(), ["127.0.0.1"]), missing)
    async with Maze(tls=Authority(tmp_path).context("shop.example", days=20)) as site:
        with pytest.raises(OwnNetworkDown, match="authorities cannot be read"):
            await http.fetch(HttpRequest(url=site.url(host="shop.example")))


def test_this_machine_has_authorities_and_a_file_may_be_named_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = system_authorities()
    assert bool(found.folder) != bool(found.bundle)
    monkeypatch.setenv("SSL_CERT_FILE", "corporate.pem")
    assert system_authorities() == Authorities(bundle="corporate.pem")
