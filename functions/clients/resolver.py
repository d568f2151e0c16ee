"""Names to addresses without blocking, through c-ares: /etc/hosts first, then the name servers."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from functions.core.errors import SourceUnavailable
from functions.core.outbound import OwnNetworkDown

if TYPE_CHECKING:
    from pycares import AddrInfoResult, Channel

_NOT_FOUND = frozenset({1, 4, 8, 19})
"""c-ares: no data, no such name, bad name, no name."""
_NOBODY_ANSWERS = frozenset({11, 12})
"""c-ares: name server refused the connection, no name server answered in time."""
_STREAM = 1
"""SOCK_STREAM, so that each address comes once."""


class AresResolver:
    """Asks this machine's name servers unless others are given (`address:port`), on a thread of
    c-ares's own, for names as they were written: below a search domain of ours a name that is gone
    could be something else. c-ares keeps answers as long as their TTL."""

    def __init__(self, servers: Sequence[str] = (), *, seconds: float = 2.0) -> None:
        self._servers, self._seconds = servers, seconds
        self._ares: Channel | None = None

    async def resolve(self, host: str) -> tuple[str, ...]:
        """All addresses, IPv4 and IPv6, in the order of RFC 6724. Raises SourceUnavailable when
        there is no such name, OwnNetworkDown when no name server answers."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[AddrInfoResult] = loop.create_future()

        def settle(found: "AddrInfoResult | None", code: int | None) -> None:
            if answer.done():  # the asker gave up
                return
            if found is None:
                answer.set_exception(_failure(host, code or 0))
            else:
                answer.set_result(found)

        def told(found: "AddrInfoResult | None", code: int | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, found, code)

        self._channel().getaddrinfo(host, None, type=_STREAM, callback=told)
        addresses = (node.addr[0] for node in (await answer).nodes)
        return tuple(dict.fromkeys(a.decode() if isinstance(a, bytes) else a for a in addresses))

    async def close(self) -> None:
        """Drop what is still being asked."""
        if self._ares is not None:
            self._ares.close()
            self._ares = None

    def _channel(self) -> "Channel":
        if self._ares is None:
            # Here because it keeps the cold start short.
            from pycares import ARES_FLAG_NOSEARCH, AresError, Channel  # noqa: PLC0415 - see above

            servers = self._servers or None
            try:
                self._ares = Channel(
                    servers=servers, timeout=self._seconds, tries=2, flags=ARES_FLAG_NOSEARCH
                )
            except AresError as wrong:  # it watches resolv.conf, and inotify watches can run out
                raise OwnNetworkDown(
                    "this machine cannot look up names", cause=str(wrong)
                ) from None
        return self._ares


def _failure(host: str, code: int) -> SourceUnavailable:
    if code in _NOT_FOUND:
        whole = "" if "." in host else "; write it whole, with its domain"
        return SourceUnavailable(f"the name does not exist{whole}", cause=f"c-ares {code}")
    if code in _NOBODY_ANSWERS:
        return OwnNetworkDown("no name server answers us", cause=f"c-ares {code}")
    return SourceUnavailable("the name server could not answer", cause=f"c-ares {code}")
