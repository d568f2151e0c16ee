"""Following redirects by hand: the next request, and what must not travel with it."""

import time
from urllib.parse import urljoin

import msgspec

from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.ports import HttpRequest
from functions.core.web import Url, parse_url

LOOKUP = "looking up the name"

_HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers that go along to another origin. All others may be credentials, whatever their name."""


class Journey:
    """One fetch from its first request to its last hop; `stage` is what it is doing now."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.redirects = 0
        self.stage = LOOKUP
        self._first = request
        self._begun = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Milliseconds since the first request."""
        return (time.monotonic() - self._begun) * 1000

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self._first.deadline - self.elapsed / 1000

    def redirected(self, here: Url, status: int, *, location: str) -> None:
        """Turn to where an answer sends us. Raises SourceUnavailable when that is too often,
        nowhere, or not safe."""
        if self.redirects >= self._first.redirects:
            raise SourceUnavailable(f"redirects more than {self._first.redirects} times")
        self.request = onward(self.request, here, status=status, location=location)
        self.redirects += 1

    def late(self) -> SourceUnavailable:
        """The error for a deadline that passed at this stage."""
        return SourceUnavailable(
            f"no complete answer within {self._first.deadline:g} s ({self.stage})"
        )


def onward(request: HttpRequest, here: Url, *, status: int, location: str) -> HttpRequest:
    """The request that follows a redirect (RFC 9110 section 15.4). Raises SourceUnavailable when it
    leads nowhere or would carry a body from https to http."""
    try:
        # Blanks are sent by some, and browsers encode them.
        there = parse_url(urljoin(here.text, location.replace(" ", "%20")))
    except (InvalidConfiguration, ValueError):
        raise SourceUnavailable("redirects to something that is not a web address") from None
    method, body = _rewritten(request, status)
    if body and here.scheme == "https" and there.scheme == "http":
        raise SourceUnavailable("redirects a body from https to http")
    headers = dict(request.headers)
    if there.origin != here.origin:
        headers = {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
    if not body:
        headers = {k: v for k, v in headers.items() if k.lower() != "content-type"}
    return msgspec.structs.replace(
        request, url=there.text, method=method, headers=headers, body=body
    )


def _rewritten(request: HttpRequest, status: int) -> tuple[str, bytes]:
    see_other = status == 303 and request.method != "HEAD"
    posted = status in (301, 302) and request.method == "POST"
    return ("GET", b"") if see_other or posted else (request.method, request.body)
