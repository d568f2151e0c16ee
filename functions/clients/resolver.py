"""Names to addresses without blocking, through c-ares: /etc/hosts first, then the name servers."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from functions.core.errors import SourceUnavailable
from functions.core.outbound import OwnNetworkDown

if TYPE_CHECKING:
    from pycares import Channel

_NOT_FOUND = frozenset({1, 4, 8, 19})
"""c-ares: no data, no such name, bad name, no name."""
_FAILS = 3
"""c-ares: name server failure, which may be one of ours that reaches no others."""
_DOUBTFUL = frozenset({None, _FAILS, 11, 12})
"""Nothing yet; c-ares: name server failure, refused the connection, no one answered in time."""
_WORKS = frozenset({0, 1, 4, 5, 6})
"""c-ares: success, no data, no such name, not implemented, refused."""
_STREAM = 1
"""SOCK_STREAM, so that each address comes once."""
_TRIES = 4
"""c-ares begins with a quarter of a second once it knows that its servers are quick, and takes no
answer to an earlier try: the later ones are for names that take their time."""
_TELLING = 0.5
"""Seconds; a shorter silence says nothing about our own network."""
_MOMENT = 0.5
"""Seconds for which a control question stands for all who doubt."""
_MARGIN = 0.9
"""Of the caller's time, so that it hears whose fault it is before its own time-out."""

_Answer = asyncio.Future[tuple[Any, int]]
"""What c-ares found, and its code."""


class AresResolver:
    """Asks this machine's name servers unless others are given (`address:port`), on a thread of
    c-ares's own, for names as they were written: below a search domain of ours a name that is gone
    could be something else. c-ares keeps answers as long as their TTL."""

    def __init__(self, servers: Sequence[str] = (), *, longest: float = 4.0) -> None:
        self._servers, self._longest = servers, longest
        self._ares: Channel | None = None
        self._control: _Answer | None = None
        self._asked_at = 0.0

    async def resolve(self, host: str, *, seconds: float = 10.0) -> tuple[str, ...]:
        """All addresses, IPv4 and IPv6, in the order of RFC 6724, within so many seconds. Raises
        SourceUnavailable when there is no such name or the servers of its domain are silent or
        fail, and OwnNetworkDown when our name servers answer nothing else either."""
        loop = asyncio.get_running_loop()
        within = min(self._longest, seconds * _MARGIN)
        until = loop.time() + within
        answer = _asked(partial(self._channel().getaddrinfo, host, None, type=_STREAM))
        await asyncio.wait([answer], timeout=within / _TRIES)
        if _is_doubtful(answer):
            control = self._control_answer()
            await asyncio.wait([answer], timeout=until - loop.time())
            if _is_doubtful(answer):
                await asyncio.wait([control], timeout=until - loop.time())
                raise _silence(answer, control, within=within)
        found, code = answer.result()
        if found is None:
            raise _failure(host, code)
        addresses = (node.addr[0] for node in found.nodes)
        return tuple(dict.fromkeys(a.decode() if isinstance(a, bytes) else a for a in addresses))

    async def close(self) -> None:
        """Drop what is still being asked."""
        if self._ares is not None:
            self._ares.close()
            self._ares = None

    def _channel(self) -> "Channel":
        if self._ares is None:
            self._ares = self._opened()
        return self._ares

    def _opened(self) -> "Channel":
        # Here because it keeps the cold start short.
        from pycares import ARES_FLAG_NOSEARCH, AresError, Channel  # noqa: PLC0415 - see above

        try:
            return Channel(
                servers=self._servers or None,
                timeout=self._longest / _TRIES,
                tries=_TRIES,
                flags=ARES_FLAG_NOSEARCH,
            )
        except AresError as wrong:  # it watches resolv.conf, and inotify watches can run out
            raise OwnNetworkDown("this machine cannot look up names", cause=str(wrong)) from None

    def _control_answer(self) -> _Answer:
        """The answer to a question that everybody can answer, one for all who doubt at a time; with
        a channel of its own, for a cache answers without any network."""
        now = asyncio.get_running_loop().time()
        is_old = now - self._asked_at > _MOMENT
        if self._control is None or (is_old and self._control.done()):
            from pycares import QUERY_TYPE_NS  # noqa: PLC0415 - as above

            channel = self._opened()
            self._control, self._asked_at = _asked(partial(channel.query, ".", QUERY_TYPE_NS)), now
            self._control.add_done_callback(lambda _: channel.close())
        return self._control


def _asked(ask: Callable[..., None]) -> _Answer:
    """What c-ares answers, with its code."""
    loop = asyncio.get_running_loop()
    answer: _Answer = loop.create_future()

    def told(found: Any, code: int | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(answer.set_result, (found, code or 0))

    ask(callback=told)
    return answer


def _code(answer: _Answer) -> int | None:
    return answer.result()[1] if answer.done() else None


def _is_doubtful(answer: _Answer) -> bool:
    return _code(answer) in _DOUBTFUL


def _silence(answer: _Answer, control: _Answer, *, within: float) -> SourceUnavailable:
    """Whose fault it is that no name server knew, after what became of the control question."""
    code = _code(control)
    if code in _WORKS:
        failed = _code(answer) == _FAILS
        words = "the name server could not answer" if failed else "its name servers do not answer"
        return SourceUnavailable(words, cause=f"control: c-ares {code}")
    if code is None and within < _TELLING:
        return SourceUnavailable("there was no time left to look up the name")
    return OwnNetworkDown("no name server answers us", cause=f"control: c-ares {code}")


def _failure(host: str, code: int) -> SourceUnavailable:
    if code in _NOT_FOUND:
        whole = "" if "." in host else "; write it whole, with its domain"
        return SourceUnavailable(f"the name does not exist{whole}", cause=f"c-ares {code}")
    return SourceUnavailable("the name server could not answer", cause=f"c-ares {code}")
