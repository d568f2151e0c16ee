"""One request that only the service can answer, passed on by a thread of its own."""

import json
import os
from collections.abc import Callable
from http.client import HTTPException
from threading import Lock

from functions.core.errors import MonitorError, SourceUnavailable
from mcp_service import background
from mcp_service.bridge.answers import Message, error, result
from mcp_service.bridge.forward import Exchange, Refused
from mcp_service.settings import load

BROKE_OFF = (
    "The service broke off during this call, so it may or may not have taken effect. Look at the "
    "present state before you repeat it; if this comes again, run: claude-monitor doctor"
)


class Reach:
    """Knows the service's address, and starts the service when there is none."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: tuple[str, str] | None = None

    def address(self, *, but: tuple[str, str] | None = None) -> tuple[str, str]:
        """Address and token; `but` is one that no longer answers. Raises MonitorError saying what
        to do when there is no service and none can be started."""
        with self._lock:
            if self._known is None or self._known == but:
                self._known = None
                settings = load()
                url = settings.url or background.ensure(settings, os.environ)
                self._known = (url, settings.token)
            return self._known


class Call:
    """`write` takes one message of the answer as a line of JSON."""

    def __init__(self, request: Message, version: str, *, write: Callable[[str], None]) -> None:
        self._request, self._version, self._write = request, version, write
        self._exchange: Exchange | None = None
        self._cancelled = False
        self.ends = request["method"] != "subscriptions/listen"

    def cancel(self) -> None:
        """From another thread; no reply is written any more."""
        self._cancelled = True
        if self._exchange is not None:
            self._exchange.cancel()

    def run(self, reach: Reach) -> None:
        """Writes the whole answer, or says why there is none."""
        try:
            self._relay(reach)
        except MonitorError as reason:
            self._fail(reason.message)

    def _relay(self, reach: Reach) -> None:
        address = None
        for _ in range(2):
            address = reach.address(but=address)
            self._exchange = Exchange(*address)
            if self._cancelled:
                return
            try:
                answered = self._copy(self._exchange)
            except Refused:
                continue
            except (OSError, HTTPException, ValueError) as reason:
                raise SourceUnavailable(BROKE_OFF) from reason
            if not answered:
                raise SourceUnavailable(BROKE_OFF)
            return
        raise SourceUnavailable("The service does not answer; run: claude-monitor doctor")

    def _copy(self, exchange: Exchange) -> bool:
        answered = False
        for text in exchange.run(self._request, self._version):
            if not self._cancelled:
                self._write(text)
            answered = answered or json.loads(text).get("id") == self._request["id"]
        return answered

    def _fail(self, reason: str) -> None:
        if self._cancelled:
            return
        key = self._request["id"]
        if self._request["method"] != "tools/call":
            reply = error(key, -32603, message=reason)
        else:
            content = [{"type": "text", "text": reason}]
            reply = result(key, {"content": content, "isError": True, "resultType": "complete"})
        self._write(json.dumps(reply, separators=(",", ":")))
