"""The resolver against a real name server, and the door behind it."""

from collections.abc import AsyncIterator

import pytest

from functions.clients.resolver import AresResolver
from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.outbound import Door, OwnNetworkDown
from tests.servers.names import SILENT, NameServer
from tests.servers.port import free_port

pytestmark = pytest.mark.anyio

KNOWN = {
    "shop.example": ["93.184.216.34", "2606:4700::1111"],
    "four.example": ["93.184.216.34"],
    "empty.example": [],
    "mixed.example": ["93.184.216.34", "fd00:ec2::254"],
    "silent.example": SILENT,
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


async def test_a_silent_or_absent_name_server_is_our_own_network(names: NameServer) -> None:
    for server in (names.address, f"127.0.0.1:{free_port()}"):
        with pytest.raises(OwnNetworkDown, match="no name server answers us"):
            await AresResolver([server], seconds=0.2).resolve("silent.example")


async def test_one_private_answer_of_either_family_is_refused(names: NameServer) -> None:
    door = Door(AresResolver([names.address]))
    assert (await door.open("https://shop.example/")).addresses
    with pytest.raises(InvalidConfiguration, match="a private network"):
        await door.open("https://mixed.example/")


async def test_the_file_of_hosts_is_read_first(names: NameServer) -> None:
    assert "127.0.0.1" in await AresResolver([names.address]).resolve("localhost")
    assert not names.questions
