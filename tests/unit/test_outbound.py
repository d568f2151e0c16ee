"""The door: what it refuses, what it lets through, and that it hands out only what it checked."""

from collections.abc import Sequence

import pytest

from functions.core.addresses import ALLOW_SETTING, SPECIAL, is_own, networks, not_public
from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.outbound import MOST_ADDRESSES, Door
from tests.unit.outbound_table import ADDRESSES, PUBLIC, URLS

pytestmark = pytest.mark.anyio

ROUNDS = 1000


class Answers:
    """A name server that gives the next of its answers to each question, over and over."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.questions: list[str] = []

    async def resolve(self, host: str, *, seconds: float) -> Sequence[str]:
        self.questions.append(host)
        return self._answers[(len(self.questions) - 1) % len(self._answers)]


def url_of(address: str) -> str:
    return f"http://[{address}]/" if ":" in address else f"http://{address}/"


def test_the_table_of_refusals_has_at_least_300_different_cases() -> None:
    assert len(set(ADDRESSES)) == len(ADDRESSES)
    assert len(set(URLS)) == len(URLS)
    assert len(ADDRESSES) + len(URLS) >= 300


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_that_is_not_public_is_refused_written_out_and_answered(
    address: str,
) -> None:
    names = Answers([address])
    for url in (url_of(address), "http://shop.example/"):
        with pytest.raises(InvalidConfiguration) as refused:
            await Door(names).open(url)
        assert ALLOW_SETTING in refused.value.message
        assert address not in refused.value.message


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_is_let_through(address: str) -> None:
    target = await Door(Answers()).open(url_of(address))
    assert target.addresses == (address,)


@pytest.mark.parametrize("url", URLS, ids=ascii)
async def test_a_url_that_programs_read_differently_is_refused_unasked(url: str) -> None:
    names = Answers(["8.8.8.8"])
    with pytest.raises(InvalidConfiguration) as refused:
        await Door(names).open(url)
    [fault] = refused.value.faults
    assert fault.field == "url"
    assert not names.questions


@pytest.mark.parametrize("network", SPECIAL)
def test_each_row_of_the_table_holds_from_its_first_to_its_last_address(network: str) -> None:
    [row] = networks([network])
    assert not_public(str(row[0]))
    assert not_public(str(row[-1]))


@pytest.mark.parametrize(
    "text", ["", "example.com", "127.0.0.1/8", "1.2.3", "fe80::1%eth0", "300.1.1.1"]
)
def test_what_is_no_address_is_never_public(text: str) -> None:
    assert not_public(text)


async def test_one_private_answer_spoils_a_public_one() -> None:
    for mixed in (
        ["8.8.8.8", "10.0.0.1"],
        ["::1", "2606:4700::1111"],
        ["8.8.8.8", "not an address"],
    ):
        with pytest.raises(InvalidConfiguration):
            await Door(Answers(mixed)).open("http://shop.example/")


async def test_rebinding_gets_nothing_but_the_address_that_was_checked() -> None:
    names = Answers(["93.184.216.34"], ["127.0.0.1"])
    door = Door(names)
    refused = 0
    for _ in range(ROUNDS):
        try:
            target = await door.open("http://rebind.example/")
        except InvalidConfiguration:
            refused += 1
        else:
            assert target.addresses == ("93.184.216.34",)
    assert refused == ROUNDS // 2
    assert len(names.questions) == ROUNDS, "each opening asks exactly once"


async def test_a_name_without_an_address_is_unavailable() -> None:
    with pytest.raises(SourceUnavailable, match="no address"):
        await Door(Answers([])).open("http://shop.example/")


async def test_of_thousands_of_addresses_only_the_first_are_checked_and_handed_out() -> None:
    many = [f"93.{n // 250}.{n % 250}.1" for n in range(4000)]
    target = await Door(Answers([*many, "10.0.0.1"])).open("http://shop.example/")
    assert target.addresses == tuple(many[:MOST_ADDRESSES])


async def test_the_operator_lets_a_network_through_and_nothing_beside_it() -> None:
    door = Door(Answers(["10.1.0.7"], ["10.2.0.7"]), ["10.1.0.0/16", "127.0.0.1"])
    assert (await door.open("http://shop.example/")).addresses == ("10.1.0.7",)
    assert (await door.open("http://127.0.0.1:8080/")).url.port == 8080
    for refused in ("http://shop.example/", "http://127.0.0.2/", "http://[::ffff:10.1.0.7]/"):
        with pytest.raises(InvalidConfiguration):
            await door.open(refused)


async def test_a_public_address_of_this_machine_is_refused_unless_allowed() -> None:
    own = "93.184.216.34"
    with pytest.raises(InvalidConfiguration, match="this machine"):
        await Door(Answers(), own=own.__eq__).open(url_of(own))
    assert await Door(Answers(), [own], own=own.__eq__).open(url_of(own))


def test_this_machine_knows_its_own_addresses() -> None:
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.77")


def test_every_wrong_network_of_the_allow_list_is_named() -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        Door(Answers(), ["10.0.0.1/8", "fd00::/8", "loopback"])
    assert len(refused.value.faults) == 2
    assert {fault.field for fault in refused.value.faults} == {ALLOW_SETTING}


async def test_the_name_is_kept_beside_its_checked_addresses() -> None:
    names = Answers(["8.8.8.8", "2606:4700::1111"])
    target = await Door(names).open("HTTPS://B\u00dccher.Example.:8443/a\u00df?q=\u00fc#part")
    assert names.questions == ["xn--bcher-kva.example"]
    assert target.url.text == "https://xn--bcher-kva.example:8443/a%C3%9F?q=%C3%BC"
    assert target.addresses == ("8.8.8.8", "2606:4700::1111")
