"""The resolver against a real name server, and the door behind it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from functions.clients.http import CurlHttp
from functions.clients.resolver import AresResolver
from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.outbound import Door, OwnNetworkDown
from functions.core.ports import HttpRequest
from tests.servers.names import FAILS, SILENT, NameServer
from tests.servers.port import free_port

pytestmark = pytest.mark.anyio

KNOWN = {
    "shop.example": ["93.184.216.34", "2606:4700::1111"],
    "four.example": ["93.184.216.34"],
    "empty.example": [],
    "mixed.example": ["93.184.216.34", "fd00:ec2::254"],
    "silent.example": SILENT,
    "broken.example": FAILS,
}


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with NameServer(KNOWN) as server:
        yield server


async def test_both_families_are_asked_in_one_resolution(names: NameServer) -> None:
    resolver = AresResolver([names.address])
    assert set(await resolver.resolve("shop.example")) == {"93.184.216.34", "2606:4700::1111"}
    assert await resolver.resolve("four.example") == ("93.184.216.34",)
    assert names.questions.count("shop.example") == 2
    await resolver.close()


@pytest.mark.parametrize("name", ["unknown.example", "empty.example"])
async def test_a_name_without_an_address_does_not_exist(names: NameServer, name: str) -> None:
    with pytest.raises(SourceUnavailable, match="the name does not exist") as failed:
        await AresResolver([names.address]).resolve(name)
    assert not isinstance(failed.value, OwnNetworkDown)


async def test_a_name_is_not_looked_for_below_domains_of_our_own(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a cluster are in every pod's resolv.conf, and a company's has often a wildcard."""
    monkeypatch.setenv("LOCALDOMAIN", "corp.example")
    names.answers |= {f"{name}.corp.example": ["93.184.216.34"] for name in ("gone.test", "wiki")}
    for name, told in {"gone.test": "exist$", "wiki": "exist; write it whole, with"}.items():
        with pytest.raises(SourceUnavailable, match=f"the name does not {told}"):
            await AresResolver([names.address]).resolve(name)
    assert set(names.questions) == {"gone.test", "wiki"}


async def test_a_domain_whose_name_servers_are_silent_is_not_our_own_network(
    names: NameServer,
) -> None:
    with pytest.raises(SourceUnavailable, match="its name servers do not answer") as failed:
        await AresResolver([names.address], longest=1.0).resolve("silent.example")
    assert not isinstance(failed.value, OwnNetworkDown)


async def test_name_servers_that_answer_nobody_are_our_own_network(names: NameServer) -> None:
    names.answers[""] = SILENT
    for server in (names.address, f"127.0.0.1:{free_port()}"):
        with pytest.raises(OwnNetworkDown, match="no name server answers us"):
            await AresResolver([server], longest=1.0).resolve("silent.example")


@pytest.mark.parametrize("seconds", [0, 0.6])
async def test_a_name_server_of_ours_that_fails_is_not_the_target(
    names: NameServer, seconds: float
) -> None:
    """As one does that cannot reach any other; one that can has answers about the root."""
    names.seconds = seconds
    with pytest.raises(SourceUnavailable, match="the name server could not answer") as failed:
        await AresResolver([names.address]).resolve("broken.example")
    assert not isinstance(failed.value, OwnNetworkDown)
    names.answers[""] = FAILS
    with pytest.raises(OwnNetworkDown, match="no name server answers us"):
        await AresResolver([names.address]).resolve("broken.example")


async def test_all_who_doubt_at_a_time_ask_one_control_question(names: NameServer) -> None:
    resolver = AresResolver([names.address], longest=0.4)
    asked = (resolver.resolve("silent.example") for _ in range(20))
    failed = await asyncio.gather(*asked, return_exceptions=True)
    assert {str(error) for error in failed} == {"its name servers do not answer"}
    assert names.questions.count("") == 1


async def test_a_name_that_takes_its_time_is_waited_for_though_others_are_quick(
    names: NameServer,
) -> None:
    resolver = AresResolver([names.address])
    names.answers |= {f"{number}.example": ["93.184.216.34"] for number in range(5)}
    for number in range(5):
        await resolver.resolve(f"{number}.example")
    names.seconds = 0.9
    assert await resolver.resolve("four.example") == ("93.184.216.34",)


@pytest.mark.parametrize(("root", "ours"), [([], False), (SILENT, True)])
async def test_whose_fault_a_silence_is_shows_within_the_deadline_of_a_request(
    names: NameServer, root: str, ours: bool
) -> None:
    names.answers[""] = root
    http = CurlHttp(Door(AresResolver([names.address])))
    with pytest.raises(SourceUnavailable) as failed:
        await http.fetch(HttpRequest(url="http://silent.example/", deadline=2.0))
    assert isinstance(failed.value, OwnNetworkDown) is ours
    assert "name server" in failed.value.message


async def test_a_request_that_reaches_a_name_with_no_time_left_blames_no_network_of_ours(
    names: NameServer,
) -> None:
    names.answers[""] = SILENT
    with pytest.raises(SourceUnavailable, match="no time left") as failed:
        await AresResolver([names.address]).resolve("silent.example", seconds=0.1)
    assert not isinstance(failed.value, OwnNetworkDown)


async def test_one_private_answer_of_either_family_is_refused(names: NameServer) -> None:
    door = Door(AresResolver([names.address]))
    assert (await door.open("https://shop.example/")).addresses
    with pytest.raises(InvalidConfiguration, match="a private network"):
        await door.open("https://mixed.example/")


async def test_the_file_of_hosts_is_read_first(names: NameServer) -> None:
    assert "127.0.0.1" in await AresResolver([names.address]).resolve("localhost")
    assert not names.questions
