"""Names to addresses without blocking, through c-ares: /etc/hosts first, then the name servers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from functions.core.errors import SourceUnavailable
from functions.core.outbound import OwnNetworkDown

if TYPE_CHECKING:
    from aiodns import DNSResolver

_NOT_FOUND = frozenset({1, 4, 8, 19})
"""c-ares: no data, no such name, bad name, no name."""
_NOBODY_ANSWERS = frozenset({11, 12})
"""c-ares: name server refused the connection, no name server answered in time."""


class AresResolver:
    """A resolver for the loop it is first used in, asking this machine's name servers unless others
    are given (`address:port`). c-ares keeps answers as long as their TTL."""

    def __init__(self, servers: Sequence[str] = (), *, seconds: float = 2.0) -> None:
        self._servers, self._seconds = servers, seconds
        self._ares: DNSResolver | None = None

    async def resolve(self, host: str) -> tuple[str, ...]:
        """All addresses, IPv4 and IPv6, in the order of RFC 6724. Raises SourceUnavailable when
        there is no such name, OwnNetworkDown when no name server answers."""
        from aiodns.error import DNSError  # noqa: PLC0415 - keeps the cold start short

        try:
            found = await self._channel().getaddrinfo(host, type=1)
        except DNSError as wrong:
            raise _failure(wrong.args[0]) from None
        addresses = (node.addr[0] for node in found.nodes)
        return tuple(dict.fromkeys(a.decode() if isinstance(a, bytes) else a for a in addresses))

    async def close(self) -> None:
        """Drop what is still being asked."""
        if self._ares is not None:
            await self._ares.close()
            self._ares = None

    def _channel(self) -> "DNSResolver":
        if self._ares is None:
            from aiodns import DNSResolver  # noqa: PLC0415 - keeps the cold start short

            servers = self._servers or None
            self._ares = DNSResolver(servers, timeout=self._seconds, tries=2, ndots=1)
        return self._ares


def _failure(code: int) -> SourceUnavailable:
    if code in _NOT_FOUND:
        return SourceUnavailable("the name does not exist", cause=f"c-ares {code}")
    if code in _NOBODY_ANSWERS:
        return OwnNetworkDown("no name server answers us", cause=f"c-ares {code}")
    return SourceUnavailable("the name server could not answer", cause=f"c-ares {code}")
