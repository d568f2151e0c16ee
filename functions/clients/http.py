"""HTTP through the outbound door, on curl's multi interface inside the running loop. The only file
that knows curl."""

import asyncio
import os
import socket
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any

import pycurl

from functions.clients.answer import Answer
from functions.clients.authorities import Authorities, system_authorities
from functions.clients.curl_loop import CurlLoop
from functions.clients.http_causes import STOPPED, failure
from functions.clients.redirects import LOOKUP, Journey
from functions.clients.resolver import AresResolver
from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.outbound import Door, OwnNetworkDown, Target
from functions.core.ports import HttpRequest, HttpResponse
from functions.core.web import header_faults

_AGENT = "claude-monitor"
_FIXED: tuple[tuple[int, Any], ...] = (
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.PROXY, ""),  # also keeps curl from reading the proxies of the environment
    (pycurl.NOSIGNAL, 1),
    (pycurl.FRESH_CONNECT, 1),
    (pycurl.FORBID_REUSE, 1),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.ACCEPT_ENCODING, "gzip, deflate"),
    (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
    (pycurl.SSL_SESSIONID_CACHE, 0),  # each check sees the whole handshake and the certificate
)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Servers want to know that there is none (411 otherwise; RFC 9110 section 8.6)."""
_IDLE_HANDLES = 64


def outbound_http(allow_private: Iterable[str] = ()) -> "CurlHttp":
    """The client every function uses; `allow_private` are the operator's networks as CIDR texts."""
    return CurlHttp(Door(AresResolver(), allow_private))


class CurlHttp:
    """Implements ports.HttpClient. Every check is a connection of its own to an address that the
    door has checked; the name stays for SNI and Host."""

    def __init__(self, door: Door, authorities: Authorities | None = None) -> None:
        self._door = door
        self._authorities = authorities
        self._idle: list[Any] = []
        multi = pycurl.CurlMulti()
        self._transfers = CurlLoop(multi)
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._transfers.watch)
        multi.setopt(pycurl.M_TIMERFUNCTION, self._transfers.schedule)

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        """One request with its redirects, all within `request.deadline` seconds."""
        if found := header_faults(request.headers):
            raise InvalidConfiguration(*found)
        journey = Journey(request)
        try:
            async with asyncio.timeout(request.deadline):
                return await self._travel(journey)
        except TimeoutError:
            raise journey.late() from None

    def close(self) -> None:
        """Give up what is under way and release curl's memory."""
        self._transfers.close()
        while self._idle:
            self._idle.pop().close()

    async def _travel(self, journey: Journey) -> HttpResponse:
        while True:
            journey.stage = LOOKUP
            begun = time.monotonic()
            target = await self._enter(journey)
            dns = (time.monotonic() - begun) * 1000
            hop = _Hop(journey, target, door=self._door, dns=dns)
            easy = self._idle.pop() if self._idle else pycurl.Curl()
            try:
                hop.prepare(easy, self._trusted(target))
                response = hop.finish(easy, await self._perform(easy, hop))
            finally:
                hop.release()
                self._give_back(easy)
            if response is not None:
                return response

    async def _enter(self, journey: Journey) -> Target:
        """A first address that is refused is the person's to mend; one that the target sends us to
        makes the target broken."""
        try:
            return await self._door.open(journey.request.url, seconds=journey.left)
        except InvalidConfiguration as refused:
            if not journey.redirects:
                raise
            problem = "redirects to an address that is not public"
            raise SourceUnavailable(problem, cause=refused.cause) from None

    async def _perform(self, easy: Any, hop: "_Hop") -> int:
        try:
            return await self._transfers.perform(easy)
        except asyncio.CancelledError:
            hop.mark_stage(easy)
            raise

    def _give_back(self, easy: Any) -> None:
        easy.reset()
        if len(self._idle) < _IDLE_HANDLES:
            self._idle.append(easy)
        else:
            easy.close()

    def _trusted(self, target: Target) -> Authorities | None:
        if target.url.scheme != "https":
            return None
        self._authorities = self._authorities or system_authorities()
        return self._authorities


class _Hop:
    """One request on one connection."""

    def __init__(self, journey: Journey, target: Target, *, door: Door, dns: float) -> None:
        self._journey = journey
        self._request = request = journey.request
        self._target = target
        self._door = door
        self._dns = dns
        self._sockets: list[socket.socket] = []
        self._refused = self._lacking = ""
        self._answer = Answer(body_limit=request.body_limit, follow=request.redirects > 0)

    def prepare(self, easy: Any, trusted: Authorities | None) -> None:
        """Set every option; the handle comes back empty from its last use."""
        url = self._target.url
        for option, value in _FIXED:
            easy.setopt(option, value)
        easy.setopt(pycurl.URL, url.text)
        if not url.is_address:
            pinned = ",".join(self._target.addresses)
            easy.setopt(pycurl.RESOLVE, [f"+{url.host}:{url.port}:{pinned}"])
        easy.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        easy.setopt(pycurl.HEADERFUNCTION, self._answer.header)
        easy.setopt(pycurl.WRITEFUNCTION, self._answer.chunk)
        self._prepare_request(easy)
        if trusted is not None:
            easy.setopt(pycurl.OPT_CERTINFO, 1)
            # The one that is not used keeps a default from where curl was built.
            easy.setopt(pycurl.CAPATH, os.fsencode(trusted.folder) or None)
            easy.setopt(pycurl.CAINFO, os.fsencode(trusted.bundle) or None)

    def finish(self, easy: Any, code: int) -> HttpResponse | None:
        """The response, or None when the journey goes on. Raises what the transfer failed with."""
        if self._refused:
            raise InvalidConfiguration(message="the door refuses this address", cause=self._refused)
        if self._lacking and not self._sockets:
            raise OwnNetworkDown("this machine has no socket left", cause=self._lacking)
        answer = self._answer
        if answer.fault:
            raise SourceUnavailable(answer.fault)
        if code and not (code == STOPPED and answer.complete):
            raise failure(
                code,
                os_error=easy.getinfo(pycurl.OS_ERRNO),
                verify=easy.getinfo(pycurl.SSL_VERIFYRESULT),
                addresses=self._target.addresses,
            )
        if answer.location:
            self._journey.redirected(self._target.url, answer.status, location=answer.location)
            return None
        return self._response(easy)

    def release(self) -> None:
        """curl works on copies of our sockets; a connection ends when ours are closed as well."""
        for ours in self._sockets:
            ours.close()

    def mark_stage(self, easy: Any) -> None:
        """Say what the transfer was doing when it was cut off."""
        if not easy.getinfo(pycurl.CONNECT_TIME):  # which curl sets after the handshake
            connected = any(map(_is_connected, self._sockets))
            self._journey.stage = "TLS handshake" if connected else "connecting"
        else:
            began = bool(self._answer.status)
            self._journey.stage = "reading the answer" if began else "waiting for the answer"

    def _prepare_request(self, easy: Any) -> None:
        request = self._request
        given = {name.lower() for name in request.headers}
        lines = [
            f"{name}: {value}" if value else f"{name};" for name, value in request.headers.items()
        ]
        lines += [f"User-Agent: {_AGENT}"] * ("user-agent" not in given)
        if request.method == "HEAD":
            easy.setopt(pycurl.NOBODY, 1)
        elif request.body or request.method in _WITH_BODY:
            easy.setopt(pycurl.POSTFIELDS, request.body)
            # curl would wait a second for a 100 and call every body a form.
            lines += ["Expect:"] + ["Content-Type:"] * ("content-type" not in given)
        if request.method != "HEAD":
            easy.setopt(pycurl.CUSTOMREQUEST, request.method)
        easy.setopt(pycurl.HTTPHEADER, [line.encode() for line in lines])

    def _open_socket(self, _purpose: int, address: Any) -> Any:
        """The second fence. Another request for this name may have pinned its own answers, which
        passed the door as well, so what is not ours is asked about, not refused outright."""
        numeric = address.addr[0]
        if numeric not in self._target.addresses and self._door.refusal(numeric):
            self._refused = f"refused address {numeric} at the socket"
            return pycurl.SOCKET_BAD
        try:
            ours = socket.socket(address.family, address.socktype, address.protocol)
        except OSError as wrong:
            self._lacking = f"socket: {wrong}"
            return pycurl.SOCKET_BAD
        self._sockets.append(ours)
        return ours

    def _response(self, easy: Any) -> HttpResponse:
        answer = self._answer
        connected = easy.getinfo(pycurl.CONNECT_TIME) * 1000
        ready = max(easy.getinfo(pycurl.APPCONNECT_TIME) * 1000, connected)
        begun = easy.getinfo(pycurl.STARTTRANSFER_TIME) * 1000
        return HttpResponse(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            url=self._target.url.text,
            redirects=self._journey.redirects,
            address=easy.getinfo(pycurl.PRIMARY_IP),
            dns=self._dns,
            connect=connected,
            tls=ready - connected,
            first_byte=max(begun - ready, 0.0),
            total=self._journey.elapsed,
            certificate_days=self._certificate_days(easy),
            truncated=answer.truncated,
        )

    def _certificate_days(self, easy: Any) -> float | None:
        if self._target.url.scheme != "https":
            return None
        # As bytes: the texts of a certificate may be in any character set.
        leaf = dict(next(iter(easy.getinfo_raw(pycurl.INFO_CERTINFO)), ()))
        try:
            # ssl.cert_time_to_seconds would load _strptime, 4 ms of each cold start.
            expires = parsedate_to_datetime(leaf.get(b"Expire date", b"").decode("ascii"))
        except ValueError:  # a date that no calendar has
            return None
        return (expires.timestamp() - time.time()) / 86_400


def _is_connected(ours: socket.socket) -> bool:
    try:
        ours.getpeername()
    except OSError:
        return False
    return True
