"""The one door to addresses that users name: parse strictly, resolve once, refuse what is not
public, and hand out exactly the addresses that were checked."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol

import msgspec

from functions.core.addresses import ALLOW_SETTING, Network, is_own, networks, not_public
from functions.core.errors import Fault, InvalidConfiguration, SourceUnavailable
from functions.core.web import Url, parse_url

MOST_ADDRESSES = 32
"""Of one name; an answer may have thousands, and checking them would hold up all other polls."""


class OwnNetworkDown(SourceUnavailable):
    """We could not look: no name server, no route. Makes a monitor blind, never its target down."""


class Resolver(Protocol):
    """Names to addresses, IPv4 and IPv6 together, within so many seconds. Raises SourceUnavailable
    for a name that does not exist or that nobody answers for, and OwnNetworkDown when no name
    server answers us at all."""

    async def resolve(self, host: str, *, seconds: float) -> Sequence[str]: ...


class Target(msgspec.Struct, frozen=True):
    """Where a connection may go: the URL for the request line, SNI and Host, and the checked
    addresses, the only ones to connect to."""

    url: Url
    addresses: tuple[str, ...]


class Door:
    """`allowed` are the networks (CIDR texts) that the operator lets through although they are not
    public. Raises InvalidConfiguration when one is not a network."""

    def __init__(
        self,
        resolver: Resolver,
        allowed: Iterable[str] = (),
        *,
        own: Callable[[str], bool] = is_own,
    ) -> None:
        self._resolver = resolver
        self._lets_through = _within(networks(allowed))
        self._own = own

    async def open(self, text: str, *, field: str = "url", seconds: float = 10.0) -> Target:
        """Check one URL, whose name may take so many seconds. One address that is not public spoils
        them all: an attacker who mixes answers must not choose by the order. Raises
        InvalidConfiguration for `field`, and what the resolver raises."""
        url = parse_url(text, field=field)
        named: Sequence[str] = (url.host,)
        if not url.is_address:
            named = await self._resolver.resolve(url.host, seconds=seconds)
        if not named:
            raise SourceUnavailable("the name has no address")
        found = tuple(named[:MOST_ADDRESSES])
        for address in found:
            if what := self.refusal(address):
                raise _refused(field, what, address=address)
        return Target(url, found)

    def refusal(self, address: str) -> str:
        """What is wrong with connecting to `address`, in our words; nothing when it may be. Also
        the second fence, asked again when the socket is made."""
        what = not_public(address) or ("this machine" if self._own(address) else "")
        return what if what and not self._lets_through(address) else ""


def _within(allowed: tuple[Network, ...]) -> Callable[[str], bool]:
    @lru_cache(maxsize=8192)
    def lets_through(address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in allowed)

    return lets_through


def _refused(field: str, what: str, *, address: str) -> InvalidConfiguration:
    """The address itself goes to the log only: names inside our network are not for tenants."""
    problem = (
        f"leads to an address that is not public ({what}); use a public one, "
        f"or have the operator allow its network in {ALLOW_SETTING}"
    )
    return InvalidConfiguration(Fault(field, problem), cause=f"refused address {address}")
